"""The front door: what it refuses, and, where time allows, the whole loop."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = ("chair_i", "chair_s", "coverage", "claim_precision", "pope_f1", "words")


def _reproduce(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/reproduce.py", *arguments]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "-1"), "--seed is -1; it must be 0 to 9999"),
        (("--images", "0"), "--images is 0; it must be at least 1"),
        (("--recipe", "nowhere.yaml"), "no recipe at nowhere.yaml"),
        (("--set", "procesess=2"), "unknown key; did you mean 'processes'?"),
        (("--out", "/dev/null/x"), "cannot write to /dev/null/x"),
    ],
    ids=["seed", "images", "recipe", "typo", "folder"],
)
def test_what_cannot_be_done_is_said_in_one_message(arguments: tuple[str, ...], message: str) -> None:
    done = _reproduce(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_whole_loop_and_again_with_everything_done(tmp_path: Path) -> None:
    first = _reproduce("--fast", "--out", str(tmp_path))
    assert first.returncode == 0, first.stderr
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    for side in ("base", "tuned", "difference"):
        assert set(FIGURES) <= set(summary["model"][side])
    assert set(summary["dataset"]) >= {"images", "accepted", "rejected", "holistic", "textualized"}
    assert (tmp_path / "report/index.html").is_file()
    adapter = (tmp_path / "adapter/adapter_model.safetensors").stat().st_mtime_ns
    second = _reproduce("--fast", "--out", str(tmp_path))
    assert second.returncode == 0, second.stderr
    assert (tmp_path / "adapter/adapter_model.safetensors").stat().st_mtime_ns == adapter
