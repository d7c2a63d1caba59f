"""METEOR, SPICE and WMD through programs and vectors of others, and what is said where these are missing."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from eval.captions import Captions
from eval.errors import InputError
from eval.references import Extras, score_linguistic, score_overlap
from eval.statistics import Resampling

HOW = Resampling(20)
TEXTS = Captions({"1": "a dog runs"})
REFERENCES = {"1": ["the dog is running"]}

needs_meteor = pytest.mark.skipif(
    shutil.which("java") is None or find_spec("pycocoevalcap") is None, reason="no Java, or no pycocoevalcap"
)


@needs_meteor
def test_meteor_equals_the_published_scorer(reference: Path) -> None:
    records = json.loads((reference / "coco-caption/fakecap_tokenized_1000.json").read_text())
    expected = json.loads((reference / "expected.json").read_text())["coco_caption"]["fakecap_tokenized_1000"]
    texts = {str(each["image_id"]): each["test"] for each in records}
    whole = {key: text if isinstance(text, str) else text[0] for key, text in texts.items()}
    references = {str(each["image_id"]): each["refs"] for each in records}
    score = score_overlap(Captions(whole), references, "raw", Extras(meteor_jar="pycocoevalcap"))
    figure = score.figures(HOW)["meteor"]
    assert figure.value == pytest.approx(expected["METEOR"], abs=1e-3)
    assert figure.ci95 is not None
    assert figure.ci95[0] < figure.value < figure.ci95[1]


@needs_meteor
def test_an_empty_text_has_meteor_zero() -> None:
    score = score_overlap(Captions({"1": ""}), REFERENCES, "raw", Extras(meteor_jar="pycocoevalcap"))
    assert score.figures(HOW)["meteor"].value == 0.0


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        (Extras(meteor_jar="nowhere.jar"), "no METEOR jar at nowhere.jar|there is no java"),
        (Extras(spice_jar="nowhere.jar"), "no SPICE jar at nowhere.jar"),
        (Extras(word_vectors="nowhere.bin"), "no word vectors at nowhere.bin"),
    ],
    ids=["meteor", "spice", "wmd"],
)
def test_a_path_that_leads_nowhere_is_named(extras: Extras, message: str) -> None:
    with pytest.raises(InputError, match=message):
        score_overlap(TEXTS, REFERENCES, "raw", extras)


def test_without_java_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "spice.jar").touch()
    with pytest.raises(InputError, match=r"there is no java .Debian: apt install default-jre"):
        score_overlap(TEXTS, REFERENCES, "raw", Extras(spice_jar=str(tmp_path / "spice.jar")))


@pytest.mark.skipif(find_spec("gensim") is None or find_spec("ot") is None, reason="no gensim, or no POT")
def test_wmd_is_one_for_equal_texts_and_zero_for_unknown_words(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("3 2\ndog 1 0\nruns 0 1\nrunning 0.1 1\n")
    references = {"1": ["the dog runs"], "2": ["xyzzy"]}
    extras = Extras(word_vectors=str(tmp_path / "v.txt"))
    score = score_overlap(Captions({"1": "a dog runs", "2": "plugh"}), references, "raw", extras)
    assert score.evidence["1"]["wmd"] == pytest.approx(1.0)
    assert score.evidence["2"]["wmd"] == 0.0


def test_parts_of_speech_without_a_model_say_how_to_get_it() -> None:
    with pytest.raises(InputError, match=r"parts of speech need spaCy and its model 'nowhere'"):
        score_linguistic(TEXTS, "it", "nowhere")


@pytest.mark.skipif(find_spec("spacy") is None, reason="no spaCy")
def test_parts_of_speech_are_counted_per_text(tmp_path: Path) -> None:
    import spacy

    model = spacy.blank("en")
    ruler = model.add_pipe("attribute_ruler")
    ruler.add([[{"LOWER": "dog"}]], {"POS": "NOUN"})  # type: ignore[attr-defined]
    model.to_disk(tmp_path / "model")
    score = score_linguistic(Captions({"1": "A dog, a dog.", "2": "Nothing."}), "it", str(tmp_path / "model"))
    assert score.figures(HOW)["pos_noun"].value == 1.0
