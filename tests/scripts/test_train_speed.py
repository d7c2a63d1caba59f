"""The speed scripts: they run on a tiny shape, and the work is what they say."""

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.gpu_check import judged
from scripts.train_speed import SMALL, Work

ROOT = Path(__file__).resolve().parents[2]


def test_the_gpu_check_runs_both_sides_on_a_tiny_shape() -> None:
    command = [sys.executable, str(ROOT / "scripts/gpu_check.py"), "--tiny"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["ours"]["tokens_per_s"] > 0 and found["plain"]["tokens_per_s"] > 0
    assert found["ours"]["padding"] < 0.03 < found["plain"]["padding"]
    assert math.isclose(found["ours"]["loss"], found["plain"]["loss"], abs_tol=0.1)  # the same work
    assert found["reached"] is False  # no GPU's peak is known here


def test_answers_are_as_long_as_descriptions_and_the_same_for_both_sides() -> None:
    answers = Work(SMALL, steps=200).answers()
    assert answers == Work(SMALL, steps=200).answers()
    assert statistics.mean(answers) == pytest.approx(260, rel=0.05)
    assert min(answers) < 130 and max(answers) > 520


def test_goals_are_judged_by_our_side_alone() -> None:
    ours = {"tokens_per_s": 3.0, "mfu": 0.41, "data_wait": 0.01}
    assert judged({"ours": ours, "plain": None}, 1.0)["reached"]
    assert judged({"ours": ours, "plain": {"tokens_per_s": 2.0}}, 1.0)["ratio"] == 1.5
    assert not judged({"ours": ours | {"data_wait": 0.03}, "plain": None}, 1.0)["reached"]
    assert not judged({"ours": None, "plain": None}, 1.0)["reached"]
