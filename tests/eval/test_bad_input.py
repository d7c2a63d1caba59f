"""Predictions that do not fit: refused or counted, never misaligned, never a silent zero."""

import json
from pathlib import Path

import pytest

from eval.cli import main
from tests.eval.tiny import write_jsonl

TRUTH = {"1": ["dog"], "2": ["cat"], "3": ["car"]}


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(TRUTH))
    return path


def _score(predictions: Path, truth: Path) -> int:
    return main(["score", "chair", "--predictions", str(predictions), "--annotations", str(truth), "--json"])


def _captions(folder: Path, rows: list[tuple[int, str]]) -> Path:
    return write_jsonl(folder / "p.jsonl", [{"image_id": n, "caption": text} for n, text in rows])


def test_missing_and_empty_predictions_are_counted(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _score(_captions(tmp_path, [(1, "A dog."), (2, "")]), truth) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["settings"]["missing"], found["settings"]["empty_captions"]) == (1, 1)
    assert found["chair_s"]["n"] == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, "A dog."), (9, "A cat.")], "1 images of the predictions are not in the truth"),
        ([(1, "A dog."), (1, "A cat.")], "image 1 has a second text"),
        ([], "holds no predictions"),
    ],
    ids=["extra", "duplicate", "none"],
)
def test_extra_and_duplicate_predictions_are_refused(
    truth: Path, tmp_path: Path, rows: list[tuple[int, str]], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _score(_captions(tmp_path, rows), truth) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named_not_guessed(
    truth: Path, tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes('{"image_id": 1, "caption": "Un caf\u00e9."}\n'.encode(encoding))
    assert _score(path, truth) == 2
    assert "is not UTF-8" in capsys.readouterr().err


def test_a_byte_order_mark_is_no_obstacle(truth: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes('{"image_id": 1, "caption": "A dog."}\n'.encode("utf-8-sig"))
    assert _score(path, truth) == 0


def test_answers_to_the_old_random_split_are_refused_with_the_new_questions(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The 2,910-line file numbers its questions on its own: joined by line it would score noise."""
    lines = (reference / "pope/coco_pope_random_2910_legacy.jsonl").read_text().splitlines()
    old = [json.loads(line) for line in lines]
    answers = [{"question_id": each["question_id"], "answer": each["label"]} for each in old]
    arguments = ["score", "pope", "--predictions", str(write_jsonl(tmp_path / "a.jsonl", answers))]
    assert main([*arguments, "--annotations", str(reference / "pope/coco_pope_random.jsonl")]) == 2
    assert "of 3000 questions have no answer" in capsys.readouterr().err
