from collections import Counter

from eval.metrics.pope import read_questions
from eval.questions import draw_questions, with_article, write_questions
from eval.recipe import PopeTask
from eval.truth import Truth, TruthImage, TruthObject

CLASSES = ("ant", "bee", "cow", "dog", "elk", "fox")


def _truth(*images: str) -> Truth:
    """Each image is a word whose letters are the initials of its objects."""
    names = {name[0]: name for name in CLASSES}
    return Truth(
        {
            str(number): TruthImage(
                str(number),
                f"{number}.jpg",
                tuple(TruthObject(f"{number}/{i}", names[x]) for i, x in enumerate(initials)),
            )
            for number, initials in enumerate(images)
        },
        CLASSES,
    )


def _asked(truth: Truth, seed: int = 0) -> dict[str, list[tuple[str, str, str]]]:
    drawn = draw_questions(truth, truth.images, PopeTask(question="{object}"), seed)
    return {split: [(q.image, q.text, q.label) for q in members] for split, members in drawn.items()}


def test_each_image_gets_as_many_no_as_yes_questions() -> None:
    for members in _asked(_truth("abc", "aab", "d", "")).values():
        counts = Counter((image, label) for image, _, label in members)
        assert counts == {
            ("0", "yes"): 2,
            ("0", "no"): 2,
            ("1", "yes"): 2,
            ("1", "no"): 2,
            ("2", "yes"): 1,
            ("2", "no"): 1,
        }


def test_labels_are_true() -> None:
    truth = _truth("abc", "de", "f")
    for members in _asked(truth).values():
        for image, text, label in members:
            present = {with_article(object_.name) for object_ in truth[image].objects}
            assert (text in present) == (label == "yes")


def test_popular_questions_ask_about_the_most_common_absent_classes() -> None:
    asked = _asked(_truth("ab", "ab", "abc", "f"))["popular"]
    assert {text for image, text, label in asked if image == "3" and label == "no"} <= {"an ant", "a bee"}


def test_adversarial_questions_ask_about_usual_company() -> None:
    # fox is the most popular class, but cow keeps company with dog
    asked = _asked(_truth("dc", "dc", "d", "f", "f", "f", "fe"))["adversarial"]
    assert ("2", "a cow", "no") in asked


def test_the_draw_depends_on_the_seed_alone() -> None:
    truth = _truth("abc", "bcd", "cde")
    assert _asked(truth) == _asked(truth)
    assert any(_asked(truth, 0) != _asked(truth, seed) for seed in range(1, 5))


def test_questions_survive_the_public_format(tmp_path: object) -> None:
    from pathlib import Path

    truth = _truth("abc", "d")
    drawn = draw_questions(truth, truth.images, PopeTask(), 0)
    ids = [question.id for members in drawn.values() for question in members]
    assert len(ids) == len(set(ids))
    path = Path(str(tmp_path)) / "pope.jsonl"
    write_questions(path, drawn["random"])
    assert read_questions(path) == drawn["random"]
