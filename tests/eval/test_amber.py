import json
from pathlib import Path

import pytest

from eval.amber import load_benchmark, load_similarity, read_responses, score_amber
from eval.captions import Captions
from eval.errors import InputError, MismatchError
from eval.figure import Figure
from eval.statistics import Resampling

ANNOTATIONS = [
    {"id": 1, "type": "generative", "truth": ["sky", "person"], "hallu": ["dog", "cloud"]},
    {"id": 2, "type": "generative", "truth": ["road"], "hallu": ["car"]},
    {"id": 3, "type": "discriminative-hallucination", "truth": "no"},
    {"id": 4, "type": "discriminative-attribute-state", "truth": "yes"},
    {"id": 5, "type": "relation", "truth": "no"},
]
RELATIONS = {
    "sky": [],
    "person": ["man", "people"],
    "dog": [],
    "cloud": [],
    "road": ["street"],
    "car": [],
    "orange": [],
}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "annotations.json").write_text(json.dumps(ANNOTATIONS))
    (tmp_path / "relation.json").write_text(json.dumps(RELATIONS))
    (tmp_path / "safe_words.txt").write_text("orange\n")
    return [tmp_path / "annotations.json", tmp_path / "relation.json", tmp_path / "safe_words.txt"]


def _figures(
    files: list[Path], responses: dict[str, str], exact: bool = False, table: object = None
) -> dict[str, Figure]:
    similarity = None
    if table is not None:
        path = files[0].parent / "table.json"
        path.write_text(json.dumps(table))
        similarity = load_similarity(str(path))
    return score_amber(load_benchmark(files), Captions(responses), similarity, exact).figures(Resampling(20))


def test_descriptions_by_hand(files: list[Path]) -> None:
    # man covers person; dog is invented and expected; orange is safe; street means road; tree is unknown
    figures = _figures(files, {"1": "A man, a dog and an orange by a tree.", "2": "A street."})
    assert figures["chair"].value == pytest.approx(1 / 4)
    assert figures["cover"].value == pytest.approx(2 / 3)
    assert figures["hal"].value == pytest.approx(1 / 2)
    assert figures["cog"].value == pytest.approx(1 / 3)
    assert figures["accuracy"].value is None


def test_answers_have_no_as_the_positive_class(files: list[Path]) -> None:
    figures = _figures(files, {"3": "No", "4": "No.", "5": "Yes"})
    assert figures["accuracy"].value == pytest.approx(1 / 3)
    assert figures["precision"].value == pytest.approx(1 / 2)
    assert figures["recall"].value == pytest.approx(1 / 2)
    assert figures["f1"].value == pytest.approx(1 / 2)
    assert figures["accuracy_existence"].value == 1.0
    assert figures["chair"].value is None


def test_the_published_rule_reads_the_very_words_alone(files: list[Path]) -> None:
    figures = _figures(files, {"3": "no", "4": "Yes", "5": "No."}, exact=True)
    assert figures["unparsed"].value == pytest.approx(2 / 3)
    assert figures["accuracy"].value == pytest.approx(1 / 3)


def test_the_score_needs_both_halves(files: list[Path]) -> None:
    both = _figures(files, {"1": "A man.", "3": "No"})
    assert both["amber_score"].value == pytest.approx((1 - 0 + 1) / 2)
    assert _figures(files, {"1": "A man."})["amber_score"].value is None


def test_similar_words_cover_and_tempt(files: list[Path]) -> None:
    figures = _figures(
        files, {"1": "A car and a cloud."}, table={"car": {"dog": 0.9}, "sky": {"cloud": 0.85}}
    )
    assert figures["cog"].value == pytest.approx(2 / 2)  # cloud itself; car is taken for a dog
    assert figures["cover"].value == pytest.approx(1 / 2)  # cloud is near enough to sky
    assert figures["chair"].value == pytest.approx(1 / 2)


def test_responses_to_nothing_are_refused(files: list[Path]) -> None:
    with pytest.raises(MismatchError, match="belong to no item"):
        _figures(files, {"99": "Yes"})


@pytest.mark.parametrize("records", [[{"id": 1}], [{"response": "x"}], [{"id": 1, "response": "x"}] * 2])
def test_bad_responses_are_refused(tmp_path: Path, records: list[dict[str, object]]) -> None:
    (tmp_path / "r.json").write_text(json.dumps(records))
    with pytest.raises(InputError):
        read_responses(tmp_path / "r.json")


def test_missing_word_lists_are_refused(files: list[Path]) -> None:
    with pytest.raises(InputError, match=r"relation\.json"):
        load_benchmark(files[:1])


def test_always_no_is_right_on_every_existence_question(reference: Path) -> None:
    folder = reference / "amber"
    benchmark = load_benchmark(sorted([*folder.glob("*.json"), folder / "safe_words.txt"]))
    questions = {key: "No" for key, item in benchmark.items.items() if item["type"] != "generative"}
    assert len(questions) == 14216
    figures = score_amber(benchmark, Captions(questions), None, exact=True).figures(Resampling(20))
    assert (figures["accuracy_existence"].value, figures["yes_ratio"].value) == (1.0, 0.0)
