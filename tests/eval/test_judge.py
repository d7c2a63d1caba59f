"""A judge is heard twice about each pair, and length alone does not win."""

import json
import random
from pathlib import Path

import pytest

from eval.cli import main
from eval.judge import judge, read_verdict
from tests.eval.fakeserver import serve
from tests.eval.test_compare import BASE, TUNED, describe
from tests.eval.tiny import CLASSES

KEYS = [str(n) for n in range(200)]
REFERENCES = {key: ["A dog."] for key in KEYS}
SHORT = dict.fromkeys(KEYS, "short text")
OTHER = dict.fromkeys(KEYS, "other text")


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("A", 1.0),
        ("B.", 0.0),
        ("Tie", 0.5),
        ("Description A", 1.0),
        ("A or B", None),
        ("", None),
        ("neither", None),
    ],
)
def test_verdicts_are_read_or_left_open(reply: str, score: float | None) -> None:
    assert read_verdict(reply) == score


def test_a_judge_that_prefers_a_place_finds_only_ties() -> None:
    found = judge(lambda _: "A", SHORT, OTHER, REFERENCES, 4, 50)
    assert {battle.score for battle in found.battles} == {0.5}
    assert found.win_rate.value == 0.5


def test_a_judge_that_prefers_a_text_is_followed_whichever_place_it_has() -> None:
    found = judge(lambda p: "A" if "Description A: other" in p else "B", SHORT, OTHER, REFERENCES, 4, 50)
    assert (found.win_rate.value, found.win_rate.n) == (1.0, 200)
    assert found.unread == 0


def test_what_cannot_be_read_is_counted_not_scored() -> None:
    found = judge(lambda _: "hm", SHORT, OTHER, REFERENCES, 4, 50)
    assert (found.win_rate.value, found.unread) == (None, 200)
    assert found.win_rate.reason == "no verdict could be read"


def test_at_equal_length_a_judge_of_length_alone_prefers_neither() -> None:
    rng = random.Random(0)
    first = {key: "word " * rng.randint(10, 30) for key in KEYS}
    second = {key: "word " * rng.randint(18, 38) for key in KEYS}

    def longer(prompt: str) -> str:
        a, b = (
            prompt.split(f"Description {side}: ")[1].split("\n", maxsplit=1)[0].count("word") for side in "AB"
        )
        return "A" if a > b else "B" if b > a else "tie"

    found = judge(longer, first, second, REFERENCES, 4, 100)
    assert found.win_rate.value is not None
    assert found.win_rate_at_equal_length.value is not None
    assert found.win_rate.value > 0.75
    assert abs(found.win_rate_at_equal_length.value - 0.5) < 0.12


def test_the_command_records_model_and_prompt(
    world: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [describe(world, tmp_path / name, texts, "Yes") for name, texts in (("a", BASE), ("b", TUNED))]
    references = tmp_path / "gt.json"
    references.write_text(json.dumps({str(n): [f"A red {CLASSES[n]}."] for n in range(5)}))
    capsys.readouterr()
    with serve(lambda *_: (200, "tie")) as seen:
        arguments = ["judge", *map(str, runs), "--references", str(references), "--base-url", seen.url]
        assert (
            main([*arguments, "--model", "judge-7b", "--battles", str(tmp_path / "b.jsonl"), "--json"]) == 0
        )
        assert len(seen.bodies) == 10
    found = json.loads(capsys.readouterr().out)
    assert found["win_rate"]["value"] == 0.5
    assert found["settings"]["judge"] == "judge-7b"
    assert "Answer with one word" in found["settings"]["prompt"]
    assert found["settings"]["without_reference"] == 1
    assert len((tmp_path / "b.jsonl").read_text().splitlines()) == 5
