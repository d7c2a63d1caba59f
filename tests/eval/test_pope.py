import json
from pathlib import Path

import pytest

from eval.errors import InputError, MismatchError
from eval.figure import Figure
from eval.metrics import pope
from eval.metrics.answers import PARSERS, read_reference, read_robust
from eval.scoring import PopeSplit, score_pope
from eval.statistics import Resampling
from tests.eval.tiny import write_jsonl


def _question(number: int, label: str, image: str = "1") -> pope.Question:
    return pope.Question(str(number), image, f"{image}.jpg", "Is there a dog in the image?", label)


def _figures(pairs: list[tuple[str, str]], parser: str = "robust") -> dict[str, Figure]:
    answered = [(_question(n, label, str(n)), answer) for n, (label, answer) in enumerate(pairs)]
    return score_pope([PopeSplit("random", answered)], parser).figures(Resampling(50))


@pytest.mark.parametrize(
    ("answer", "reference", "robust"),
    [
        ("", "yes", None),  # the published scorer takes everything that is not no for yes
        ("Yes", "yes", "yes"),
        ("No.", "no", "no"),
        ("NO", "yes", "no"),
        ("No!", "yes", "no"),
        ("no\nYes", "yes", "no"),
        ("There isn't a dog.", "yes", "no"),
        ("There isn\u2019t a dog.", "yes", "no"),
        ("There is a dog.", "yes", "yes"),
        ("I cannot see a dog", "yes", "no"),
        ("I cannot tell", "yes", None),
        ("Not sure.", "yes", None),
        ("unsure", "yes", None),
        ("Yes, but not clearly visible.", "no", "yes"),
        ("Yes. There is no cat.", "yes", "yes"),
        ("Nothing", "yes", None),  # no word within a word
        ("eyes", "yes", None),
    ],
)
def test_answers_are_read_by_named_rules(answer: str, reference: str, robust: str | None) -> None:
    assert read_reference(answer).answer == reference
    assert read_robust(answer).answer == robust


def test_the_reference_parser_marks_what_falls_through_to_yes() -> None:
    assert [read_reference(text).parsed for text in ("Yes", "No.", "unsure", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_every_figure_by_hand() -> None:
    # tp, fn, fp, tn, and one that cannot be read on either label
    pairs = [("yes", "Yes"), ("yes", "No"), ("no", "Yes"), ("no", "no."), ("yes", "unsure"), ("no", "unsure")]
    figures = _figures(pairs)
    assert figures["random.accuracy"].value == pytest.approx(2 / 6)
    assert figures["random.precision"].value == pytest.approx(1 / 2)
    assert figures["random.recall"].value == pytest.approx(1 / 3)  # what cannot be read is a miss
    assert figures["random.f1"].value == pytest.approx(2 / (2 + 1 + 2))
    assert figures["random.yes_ratio"].value == pytest.approx(2 / 6)  # over what was said, not over labels
    assert figures["random.unparsed"].value == pytest.approx(2 / 6)
    assert {figure.n for name, figure in figures.items() if name.endswith(("accuracy", "f1"))} == {6}


def test_all_no_leaves_precision_undefined_and_recall_zero() -> None:
    figures = _figures([("yes", "No"), ("no", "No")])
    assert figures["random.precision"].value is None
    assert figures["random.precision"].reason == "no answer is yes"
    assert (figures["random.recall"].value, figures["random.yes_ratio"].value) == (0.0, 0.0)


def test_pope_f1_is_the_mean_over_splits() -> None:
    first = PopeSplit("random", [(_question(1, "yes"), "yes")])
    second = PopeSplit("popular", [(_question(2, "yes"), "yes"), (_question(3, "no"), "yes")])
    figures = score_pope([first, second], "robust").figures(Resampling(20))
    assert figures["pope_f1"].value == pytest.approx((1 + 2 / 3) / 2)


def test_answers_are_joined_by_id_not_by_line(tmp_path: Path) -> None:
    questions = [_question(1, "yes"), _question(2, "no")]
    answers = write_jsonl(
        tmp_path / "a.jsonl", [{"question_id": 2, "answer": "No"}, {"question_id": "1", "text": "Yes"}]
    )
    joined = pope.join(questions, pope.read_answers(answers), partial=False)
    assert [(question.id, answer) for question, answer in joined] == [("1", "Yes"), ("2", "No")]


def test_missing_answers_are_refused_unless_partial() -> None:
    questions = [_question(1, "yes"), _question(2, "no")]
    with pytest.raises(MismatchError, match="1 of 2 questions have no answer"):
        pope.join(questions, {"1": "yes"}, partial=False)
    assert len(pope.join(questions, {"1": "yes"}, partial=True)) == 1


def test_answers_to_no_question_are_refused_even_if_partial() -> None:
    with pytest.raises(MismatchError, match="another version"):
        pope.join([_question(1, "yes")], {"1": "yes", "7": "no"}, partial=True)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"answer": "yes"}, "never by line order"),
        ({"question_id": 1}, "no answer"),
        ({"question_id": 1, "answer": None}, "no answer"),
    ],
)
def test_answers_without_id_or_text_are_refused(
    tmp_path: Path, record: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pope.read_answers(write_jsonl(tmp_path / "a.jsonl", [record]))


def test_a_second_answer_to_a_question_is_refused(tmp_path: Path) -> None:
    answers = [{"question_id": 1, "answer": "yes"}, {"question_id": "1", "answer": "no"}]
    with pytest.raises(InputError, match="comes twice"):
        pope.read_answers(write_jsonl(tmp_path / "a.jsonl", answers))


def test_a_label_that_is_neither_is_refused(tmp_path: Path) -> None:
    question = {"question_id": 1, "image": "1.jpg", "text": "?", "label": "maybe"}
    with pytest.raises(InputError, match="'maybe'"):
        pope.read_questions(write_jsonl(tmp_path / "q.jsonl", [question]))


def test_answers_are_read_as_the_published_scorer_does(reference: Path) -> None:
    expected = json.loads((reference / "expected.json").read_text())["pope"]["parse_reference"]
    assert {answer: PARSERS["reference"](answer).answer for answer in expected} == expected


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("random", 1500, 1500),
        ("popular", 1500, 1500),
        ("adversarial", 1500, 1500),
        ("random_2910_legacy", 1500, 1410),
    ],
)
def test_public_questions_are_read_whole(reference: Path, name: str, yes: int, no: int) -> None:
    questions = pope.read_questions(reference / "pope" / f"coco_pope_{name}.jsonl")
    labels = [question.label for question in questions]
    assert (labels.count("yes"), labels.count("no")) == (yes, no)
    assert len({question.image for question in questions}) == 500


def test_figures_agree_with_the_published_counts(reference: Path) -> None:
    expected = json.loads((reference / "expected.json").read_text())["pope"]["llava15_issue626"][
        "random_2910"
    ]
    outcomes = {"tp": ("yes", "Yes"), "fp": ("no", "Yes"), "tn": ("no", "No"), "fn": ("yes", "No")}
    figures = _figures([pair for part, pair in outcomes.items() for _ in range(expected[part])], "reference")
    for name in ("accuracy", "precision", "recall", "f1", "yes_ratio"):
        assert figures[f"random.{name}"].value == pytest.approx(expected[name])
