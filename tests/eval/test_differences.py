"""Every place where a figure deliberately differs from what the published programs give, one test each.

What they give is stated in each test: by their source, or by running them on the same text.
"""

from pathlib import Path

import pytest

from eval.amber import Benchmark, score_amber
from eval.captions import Captions
from eval.d2i import score_drawn
from eval.errors import InputError, MismatchError
from eval.figure import Figure
from eval.judge import read_verdict
from eval.metrics import pope
from eval.metrics.answers import read_reference, read_robust
from eval.metrics.chair import Chair
from eval.metrics.linguistic import count_it, count_textbook
from eval.metrics.mentions import MentionFinder
from eval.references import score_linguistic, score_overlap
from eval.scoring import PopeSplit, score_chair, score_pope
from eval.statistics import Resampling
from eval.truth import Truth, TruthImage, TruthObject
from eval.vocabulary import coco_vocabulary, load_vocabulary

HOW = Resampling(20)


def _pope(pairs: list[tuple[str, str]], parser: str = "robust") -> dict[str, Figure]:
    answered = [
        (pope.Question(str(n), str(n), f"{n}.jpg", "Is there a dog?", label), answer)
        for n, (label, answer) in enumerate(pairs)
    ]
    return score_pope([PopeSplit("random", answered)], parser).figures(HOW)


# POPE: evaluate.py of AoiDragon/POPE; pope/utils.py of lmms-eval where it is named


@pytest.mark.parametrize("answer", ["", "None", "unsure", "###"])
def test_differs_from_the_reference_where_an_answer_says_neither_yes_nor_no(answer: str) -> None:
    assert read_reference(answer).answer == "yes"  # everything that is not no
    assert read_robust(answer).answer is None
    assert _pope([("yes", answer), ("no", answer)])["random.unparsed"].value == 1.0


@pytest.mark.parametrize(
    "answer", ["NO", "No!", "No;", "no\nYes", "There isn't a dog.", "I cannot see a dog"]
)
def test_differs_from_the_reference_where_no_is_written_otherwise(answer: str) -> None:
    assert (read_reference(answer).answer, read_robust(answer).answer) == ("yes", "no")


def test_differs_from_the_reference_where_yes_is_followed_by_not() -> None:
    answer = "Yes, but not clearly visible."
    assert (read_reference(answer).answer, read_robust(answer).answer) == ("no", "yes")


def test_differs_from_the_reference_where_every_answer_is_no() -> None:
    # the published scorer divides by zero
    figure = _pope([("yes", "No"), ("no", "No")], "reference")["random.precision"]
    assert (figure.value, figure.reason) == (None, "no answer is yes")


def test_differs_from_the_reference_where_answers_stand_in_another_order() -> None:
    # the published scorers pair answers and labels by line
    questions = [pope.Question(str(n), "1", "1.jpg", "?", label) for n, label in ((1, "yes"), (2, "no"))]
    joined = pope.join(questions, {"2": "No", "1": "Yes"}, partial=False)
    assert [(question.label, answer) for question, answer in joined] == [("yes", "Yes"), ("no", "No")]
    with pytest.raises(MismatchError):
        pope.join(questions, {"2": "No", "3": "Yes"}, partial=False)


def test_differs_from_lmms_eval_where_an_answer_has_more_than_one_word() -> None:
    # there only the exact string counts as right
    assert _pope([("no", "No, there is no dog."), ("yes", "Yes.")])["random.accuracy"].value == 1.0


def test_differs_from_lmms_eval_where_the_yes_ratio_is_the_models_own() -> None:
    # there it is counted over the labels: 0.5 for a model that always says no
    assert _pope([("yes", "No"), ("no", "No")])["random.yes_ratio"].value == 0.0


def test_differs_from_lmms_eval_where_an_unread_answer_is_a_miss() -> None:
    # there it vanishes from the denominator of recall
    assert _pope([("yes", "Yes"), ("yes", "unsure")])["random.recall"].value == 0.5


# CHAIR: chair.py of LisaAnne/Hallucination


def _chair(captions: dict[str, str], *objects: str) -> dict[str, Figure]:
    images = {
        key: TruthImage(
            key, f"{key}.jpg", tuple(TruthObject(f"{key}/{n}", name) for n, name in enumerate(objects))
        )
        for key in captions
    }
    metric = Chair(MentionFinder(coco_vocabulary()))
    return score_chair(metric, Captions(captions), Truth(images, ("dog", "cat"))).figures(HOW)


def test_differs_from_the_reference_where_no_caption_mentions_an_object() -> None:
    # the published scorer divides by zero
    figure = _chair({"1": "A sunny day."}, "dog")["chair_i"]
    assert (figure.value, figure.reason) == (None, "no caption mentions an object")


def test_differs_from_the_reference_where_coverage_counts_every_object() -> None:
    # recall is by class, as published; coverage, which is ours, by object: nothing says how many dogs
    figures = _chair({"1": "A dog."}, "dog", "dog", "cat")
    assert (figures["recall"].value, figures["coverage"].value) == (
        pytest.approx(1 / 2),
        pytest.approx(2 / 3),
    )


def test_differs_from_the_reference_where_our_words_stand_in_the_place_of_its_file(tmp_path: Path) -> None:
    # its file has doubled spaces, so that ` cheesecake` never matches, and says `bow` for a tie
    (tmp_path / "synonyms.txt").write_text("cake,  cheesecake\ntie, bow\n")
    published = MentionFinder(load_vocabulary(tmp_path / "synonyms.txt"))
    assert [mention.name for mention in published("A cheesecake and a bow.")[0]] == ["tie"]


# AMBER: inference.py of junyangwang0410/AMBER


def _amber(text: str, exact: bool = True, **item: object) -> dict[str, float]:
    items = {"1": {"id": 1, "type": "generative", "truth": ["dog"], "hallu": []} | item}
    words: dict[str, list[str]] = {"dog": [], "sunglasses": [], "orange": [], "run": []}
    score = score_amber(Benchmark(items, words), Captions({"1": text}), None, exact)
    return score.tally.counts("1")


def test_differs_from_the_reference_where_a_word_begins_with_a_capital() -> None:
    # the published script compares as written: Dog is no noun that it knows
    assert (_amber("Dogs run.")["covered"], _amber("a dog.")["covered"]) == (1, 1)


def test_differs_from_the_reference_where_a_known_word_is_no_noun_in_the_sentence() -> None:
    # the published script asks NLTK's tagger, which leaves out the verb; without a tagger every known word counts
    assert _amber("A dog can run.")["nouns"] == 2


def test_differs_from_the_reference_where_the_dictionary_changes_a_known_word() -> None:
    # WordNet makes `sunglass` of it, which is in no list: the published script never counts it
    assert _amber("a pair of sunglasses")["hallucinated"] == 1


def test_differs_from_the_reference_where_ratios_are_exact() -> None:
    # its denominators start at 0.001, so that 1 of 1 is 99.9 %
    item = {"1": {"id": 1, "type": "discriminative-hallucination", "truth": "no"}}
    score = score_amber(Benchmark(item, {"dog": []}), Captions({"1": "No"}), None, exact=True)
    figures = score.figures(HOW)
    assert [figures[name].value for name in ("accuracy", "precision", "recall", "f1")] == [1.0] * 4


@pytest.mark.parametrize(("answer", "right"), [("No", 1), ("no", 0), ("No.", 0), ("No, it is not.", 0)])
def test_differs_from_the_reference_where_yes_and_no_are_read_as_everywhere(answer: str, right: int) -> None:
    # the published script takes the very words alone: --parser reference
    item = {"type": "discriminative-hallucination", "truth": "no"}
    assert (
        _amber(answer, exact=True, **item)["correct"],
        _amber(answer, exact=False, **item)["correct"],
    ) == (right, 1)


# DID-Bench: pycocoevalcap, and the copy of it in sterzhang/image-textualization


def test_differs_from_pycocoevalcap_where_there_is_one_image() -> None:
    # there every weight is log(1) = 0, and a perfect text scores 0 [run]; the benchmark's own copy takes 1, as here
    captions, references = Captions({"1": "a red ball on the beach"}), {"1": ["a red ball on the beach"]}
    assert score_overlap(captions, references, "raw").figures(HOW)["cider"].value == pytest.approx(10.0)


def test_differs_from_did_bench_where_ptb_tokens_are_asked_for() -> None:
    captions, references = Captions({"1": "A red ball!"}), {"1": ["a red ball"]}
    raw, ptb = (
        score_overlap(captions, references, mode).figures(HOW)["bleu_1"].value for mode in ("raw", "ptb")
    )
    assert (raw, ptb) == (pytest.approx(1 / 3), pytest.approx(1.0))


# LIN-Bench: readability.py of sterzhang/image-textualization


@pytest.mark.parametrize(
    ("text", "script", "textbook"),
    [
        (
            "A table. 3.5 metres... Really?!",
            (27, 6, 7),
            (20, 6, 3),
        ),  # marks are characters, ... are three sentences
        ("A man's well-known dog.", (20, 6, 1), (17, 4, 1)),  # clitics and hyphens split words
        ("No final stop", (11, 3, 0), (11, 3, 1)),  # no sentence without its mark
    ],
)
def test_differs_from_lin_bench_where_the_textbook_is_asked_for(
    text: str, script: tuple[int, ...], textbook: tuple[int, ...]
) -> None:
    for count, expected in ((count_it, script), (count_textbook, textbook)):
        counted = count(text)
        assert (counted.chars, counted.words, counted.sentences) == expected


def test_differs_from_lin_bench_where_a_text_without_a_grade_is_told_of() -> None:
    # the script leaves it out in silence
    figure = score_linguistic(Captions({"1": "No stop", "2": "A dog runs."}), "it").figures(HOW)["ari"]
    assert figure.n == 1


# CLAIR and other judges


@pytest.mark.parametrize("reply", ["", "I would say both.", "A or B"])
def test_differs_from_clair_where_a_verdict_that_cannot_be_read_is_no_verdict(reply: str) -> None:
    # a failure is scored 0 there
    assert read_verdict(reply) is None


# D2I-Bench: eval_t2igen.py of sterzhang/image-textualization


def test_differs_from_d2i_bench_where_an_image_cannot_be_had(tmp_path: Path) -> None:
    # there the pair is left out of one arm, and the arms are over different images
    (tmp_path / "1.png").touch()
    with pytest.raises(InputError, match=r"1 images .* are not under .*7"):
        score_drawn({"7": tmp_path / "1.png"}, tmp_path, "unused")
