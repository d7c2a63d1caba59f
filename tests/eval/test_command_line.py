import json
import subprocess
import sys
from pathlib import Path

import pytest

from eval.cli import main
from tests.eval.tiny import write_jsonl

ROOT = Path(__file__).parents[2]
FIGURE = {"value", "n", "ci95", "reason"}


@pytest.fixture
def chair_files(tmp_path: Path) -> list[str]:
    captions = write_jsonl(tmp_path / "c.jsonl", [{"image_id": 1, "caption": "A dog and a cat."}])
    (tmp_path / "t.json").write_text('{"COCO_val2014_000000000001.jpg": ["dog"], "2": []}')
    return ["score", "chair", "--predictions", str(captions), "--annotations", str(tmp_path / "t.json")]


def test_score_prints_one_json_object(chair_files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*chair_files, "--json", "--normaliser", "lemma"]) == 0
    printed = json.loads(capsys.readouterr().out)
    settings = printed.pop("settings")
    assert all(set(figure) == FIGURE for figure in printed.values())
    assert printed["chair_i"]["value"] == 0.5
    assert settings["normaliser"] == "lemma"
    assert [len(digest) for digest in settings["inputs"].values()] == [64, 64]


def test_score_prints_a_table(chair_files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(chair_files) == 0
    assert "chair_i      0.5000" in capsys.readouterr().out


def test_score_writes_evidence(
    chair_files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*chair_files, "--evidence", str(tmp_path / "e.json")]) == 0
    evidence = json.loads((tmp_path / "e.json").read_text())
    assert [mention["hallucinated"] for mention in evidence["1"]["mentions"]] == [False, True]
    assert capsys.readouterr().out


def _pope_files(folder: Path, name: str, answer: str) -> tuple[str, str]:
    question = {"question_id": 1, "image": "1.jpg", "text": "Is there a dog?", "label": "yes"}
    questions = write_jsonl(folder / f"coco_pope_{name}.jsonl", [question])
    answers = write_jsonl(folder / f"{name}.jsonl", [{"question_id": 1, "answer": answer}])
    return str(questions), str(answers)


def test_one_pope_split_has_plain_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions, answers = _pope_files(tmp_path, "random", "unsure")
    assert main(["score", "pope", "--predictions", answers, "--annotations", questions, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"accuracy", "precision", "recall", "f1", "yes_ratio", "unparsed", "settings"}
    assert (printed["unparsed"]["value"], printed["accuracy"]["value"]) == (1.0, 0.0)
    assert main(["score", "pope", "--predictions", answers, "--annotations", questions, "--json", "--parser",
                 "reference"]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["accuracy"]["value"] == 1.0


def test_several_pope_splits_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [_pope_files(tmp_path, name, answer) for name, answer in (("random", "Yes"), ("popular", "No"))]
    questions, answers = zip(*pairs, strict=True)
    assert main(["score", "pope", "--predictions", *answers, "--annotations", *questions, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["random.accuracy"]["value"], printed["popular.accuracy"]["value"]) == (1.0, 0.0)
    assert printed["settings"]["splits"] == {"random": 1, "popular": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "chair", "--predictions", "nowhere", "--annotations", "nowhere"], "no file at nowhere"),
        (["run", "nowhere.yaml"], "no recipe at nowhere.yaml"),
        (["compare", "nowhere", "nowhere"], "holds no measured run"),
    ],
)
def test_what_the_user_must_mend_is_one_message_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("arguments", [["--help"], ["run", "recipes/picturebook/eval.yaml", "--check"]])
def test_no_deep_learning_library_is_imported_for_help_and_check(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom eval.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'peft', 'pyarrow', 'scipy', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
