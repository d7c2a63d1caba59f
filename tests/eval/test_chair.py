import json
from pathlib import Path

import pytest

from eval.captions import Captions, read_captions
from eval.errors import InputError, MismatchError
from eval.figure import Figure
from eval.metrics.chair import Chair
from eval.metrics.mentions import MentionFinder
from eval.scoring import score_chair
from eval.statistics import Resampling
from eval.truth import Truth, TruthImage, TruthObject, load_truth
from eval.vocabulary import coco_vocabulary, load_vocabulary, vocabulary_for


def _truth(**objects: list[str]) -> Truth:
    images = {
        key: TruthImage(
            key, f"{key}.jpg", tuple(TruthObject(f"{key}/{i}", name) for i, name in enumerate(names))
        )
        for key, names in objects.items()
    }
    return Truth(images, ("person", "dog", "car", "bus", "chair", "toilet", "train"))


def _figures(captions: dict[str, str], truth: Truth, normaliser: str = "singularize") -> dict[str, Figure]:
    chair = Chair(MentionFinder(coco_vocabulary(), normaliser))
    return score_chair(chair, Captions(captions), truth).figures(Resampling(50))


def test_every_figure_by_hand() -> None:
    truth = _truth(a=["dog", "dog", "person"], b=["car"])
    figures = _figures({"a": "A dog and a cat. The dog runs.", "b": "A street."}, truth)
    assert figures["chair_i"].value == pytest.approx(1 / 3)  # dog, cat, dog
    assert figures["chair_s"].value == pytest.approx(1 / 2)
    assert figures["recall"].value == pytest.approx(1 / 3)  # dog of dog, person, car
    assert figures["coverage"].value == pytest.approx(2 / 4)  # both dogs of four objects
    assert figures["words"].value == pytest.approx((10 + 3) / 2)  # punctuation counts


def test_nothing_mentioned_is_undefined_not_zero() -> None:
    figures = _figures({"a": "A street.", "b": ""}, _truth(a=["dog"], b=[]))
    assert (figures["chair_i"].value, figures["chair_i"].reason) == (None, "no caption mentions an object")
    assert figures["chair_s"].value == 0.0


@pytest.mark.parametrize(
    ("caption", "classes"),
    [
        ("A baby elephant walks.", ["elephant"]),  # baby is no person before an animal
        ("A passenger train near the train tracks.", ["train"]),  # and tracks are no train
        ("The toilet seat is up; a seat.", ["toilet"]),  # where a toilet is, a seat is no chair
        ("A seat.", ["chair"]),
        ("He wears a bow tie.", ["tie"]),
        ("Two wine glasses.", ["wine glass"]),
        ("A hot dog, no dog food.", ["hot dog", "dog"]),
        ("Standing on the home plate.", []),
        ("A dining table.", ["dining table"]),
    ],
)
@pytest.mark.parametrize("normaliser", ["singularize", "lemma"])
def test_words_of_two_parts_mention_what_they_mean(caption: str, classes: list[str], normaliser: str) -> None:
    mentions, _ = MentionFinder(coco_vocabulary(), normaliser)(caption)
    assert [mention.name for mention in mentions] == classes


def test_a_mention_knows_where_it_stands() -> None:
    caption = "Two Wine Glasses and a bus."
    mentions, _ = MentionFinder(coco_vocabulary(), "lemma")(caption)
    assert [caption[m.start : m.end] for m in mentions] == ["Wine Glasses", "bus"]


def test_the_older_normaliser_loses_the_bus() -> None:
    assert MentionFinder(coco_vocabulary(), "singularize")("A bus.")[0] == []


def test_objects_in_human_captions_are_true_as_well() -> None:
    image = TruthImage("1", "1.jpg", (TruthObject("1", "dog"),), ("A man walks his dog.",))
    truth = Truth({"1": image}, ("dog", "person"))
    assert _figures({"1": "A woman and a dog."}, truth)["chair_i"].value == 0.0


def test_the_evidence_says_which_word_and_why() -> None:
    chair = Chair(MentionFinder(coco_vocabulary()))
    score = score_chair(chair, Captions({"a": "A kitten on a car."}), _truth(a=["car"]))
    wrong, right = score.evidence["a"]["mentions"]
    assert wrong == {
        "word": "kitten", "class": "cat", "span": [2, 8], "hallucinated": True,
        "reason": "no cat in the image",
    }  # fmt: skip
    assert right["hallucinated"] is False


def test_a_vocabulary_follows_from_the_categories_of_the_truth() -> None:
    vocabulary = vocabulary_for(["boat", "crab", "ball"])
    assert vocabulary.class_of["ship"] == "boat"
    assert vocabulary.class_of["ball"] == "ball"  # not COCO's sports ball
    assert "man" not in vocabulary.class_of
    assert vocabulary_for(["boat", "dog"]).name == "coco"


def test_synonyms_are_read_from_yaml_and_from_text(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("boat: [ship]\ncrab: []\n")
    (tmp_path / "words.txt").write_text("boat, ship\ncrab,  lobster\n")
    for name in ("words.yaml", "words.txt"):
        vocabulary = load_vocabulary(tmp_path / name)
        assert (vocabulary.classes, vocabulary.class_of["ship"]) == (("boat", "crab"), "boat")
    assert "lobster" not in load_vocabulary(tmp_path / "words.txt").class_of  # a doubled space never matches


def test_a_truth_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("boat: [ship]\n")
    with pytest.raises(InputError, match="crab"):
        load_vocabulary(tmp_path / "words.yaml").require(["boat", "crab"])


def test_captions_of_unknown_images_are_refused() -> None:
    with pytest.raises(MismatchError, match="1 images of the predictions are not in the truth"):
        _figures({"a": "A dog.", "z": "A cat."}, _truth(a=["dog"]))


def test_our_words_for_coco_stand_under_one_class_each() -> None:
    vocabulary = coco_vocabulary()
    assert len(vocabulary.classes) == 80
    assert all(vocabulary.class_of[name] == name for name in vocabulary.classes)


@pytest.mark.parametrize("source", ["ours", "original"])
@pytest.mark.parametrize("captions", ["opera_llava15_greedy", "opera_llava15_ours"])
@pytest.mark.parametrize(
    ("normaliser", "variant"), [("singularize", "variant_A_singularize"), ("lemma", "variant_B_noun_lemma")]
)
def test_figures_agree_with_the_published_scorer(
    reference: Path, captions: str, normaliser: str, variant: str, source: str
) -> None:
    expected = json.loads((reference / "expected.json").read_text())["chair"][variant][captions]
    truth = load_truth([reference / "chair" / "coco2014_chair_gt_subset.json"])
    vocabulary = (
        coco_vocabulary() if source == "ours" else load_vocabulary(reference / "chair" / "synonyms.txt")
    )
    texts = read_captions(reference / "chair" / f"{captions}.jsonl")
    figures = score_chair(Chair(MentionFinder(vocabulary, normaliser)), texts, truth).figures(Resampling(20))
    for name, published in (("chair_i", "CHAIRi"), ("chair_s", "CHAIRs"), ("recall", "Recall")):
        assert 100 * (figures[name].value or 0) == pytest.approx(expected[published], abs=0.1)
    assert figures["words"].value == pytest.approx(expected["Len"], abs=0.05)


def test_mentions_agree_with_the_published_scorer(reference: Path) -> None:
    expected = json.loads((reference / "expected.json").read_text())["chair"]
    for normaliser, unit in (("singularize", "unit_A"), ("lemma", "unit_B")):
        find = MentionFinder(coco_vocabulary(), normaliser)
        for caption, classes in expected[unit].items():
            assert [mention.name for mention in find(caption)[0]] == classes, caption
