"""Going on after a signal, a kill or another run: as if nothing had happened, or not at all."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.train import tiny
from tests.train.tiny import WEIGHTS, changed
from train.error import Interrupted
from train.outputs import Outputs
from train.recipe import TrainRecipe
from train.run import run

REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def signal_at_step(out: Path, step: int, number: int) -> Iterator[None]:
    """Send a signal to this process when its log reaches a step."""

    def watch() -> None:
        while not done.is_set():
            if (out / "train_log.jsonl").is_file() and len(
                (out / "train_log.jsonl").read_text().splitlines()
            ) >= step:
                os.kill(os.getpid(), number)
                return
            time.sleep(0.005)

    done = threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_stopped_by_a_signal_continues_to_the_same_weights(
    finished: TrainRecipe, tmp_path: Path, number: int
) -> None:
    recipe = changed(finished, out=str(tmp_path / "out"))
    with pytest.raises(Interrupted), signal_at_step(recipe.out_dir, 4, number):
        run(recipe)
    (folder,) = Outputs(recipe.out_dir).checkpoints.iterdir()
    assert 4 <= int(folder.name.removeprefix("checkpoint-")) < 12
    assert not (recipe.out_dir / WEIGHTS).exists()
    assert run(recipe) == 0
    assert json.loads((recipe.out_dir / "train_summary.json").read_text())["resumed_from"] == folder.name
    expected, found = load_file(finished.out_dir / WEIGHTS), load_file(recipe.out_dir / WEIGHTS)
    assert expected.keys() == found.keys()
    assert max(float((expected[name] - found[name]).abs().max()) for name in expected) < 1e-6
    assert [row["step"] for row in tiny.log_of(recipe.out_dir)] == list(range(1, 13))
    losses = [[row["loss"] for row in tiny.log_of(out)] for out in (finished.out_dir, recipe.out_dir)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_killed_run_continues_to_the_same_losses_and_weights(finished: TrainRecipe, tmp_path: Path) -> None:
    tree = finished.model_dump(mode="json") | {"max_steps": 20, "checkpoints": {"every_steps": 10}}
    tree["lora"] |= {"dropout": 0.1}  # draws from the random generator in every step
    straight = TrainRecipe.model_validate(tree | {"out": str(tmp_path / "straight")})
    assert run(straight) == 0
    killed = tree | {"out": str(tmp_path / "killed")}
    recipe = tiny.write_recipe(tmp_path / "recipe.yaml", killed)
    process = subprocess.Popen(
        [sys.executable, "train/finetune.py", "--recipe", str(recipe)],
        cwd=REPOSITORY, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = tmp_path / "killed" / "train_log.jsonl"
    while not log.is_file() or len(log.read_text().splitlines()) < 12:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert run(TrainRecipe.model_validate(killed)) == 0
    summary = json.loads((tmp_path / "killed" / "train_summary.json").read_text())
    assert summary["resumed_from"] == "checkpoint-10"
    losses = [[row["loss"] for row in tiny.log_of(tmp_path / name)] for name in ("straight", "killed")]
    assert len(losses[1]) == 20 and losses[1] == pytest.approx(losses[0], abs=1e-6)
    expected, found = (load_file(tmp_path / name / WEIGHTS) for name in ("straight", "killed"))
    assert max(float((expected[name] - found[name]).abs().max()) for name in expected) < 1e-6


def test_a_checkpoint_holds_no_pickle(finished: TrainRecipe, tmp_path: Path) -> None:
    recipe = changed(finished, out=str(tmp_path / "out"), checkpoints={"every_steps": 2}, max_steps=2)
    assert run(recipe) == 0
    files = {path.suffix for path in (tmp_path / "out" / "checkpoints").rglob("*") if path.is_file()}
    assert files == {".safetensors", ".json"}


def test_the_checkpoints_of_the_library_continue_too(finished: TrainRecipe, tmp_path: Path) -> None:
    kind = {"kind": "deepspeed", "every_steps": 100}
    recipe = changed(finished, out=str(tmp_path / "out"), checkpoints=kind)
    with pytest.raises(Interrupted), signal_at_step(recipe.out_dir, 4, signal.SIGTERM):
        run(recipe)
    assert run(recipe) == 0
    losses = [[row["loss"] for row in tiny.log_of(out)] for out in (finished.out_dir, recipe.out_dir)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_remains_of_another_run_are_not_continued_from(finished: TrainRecipe, tmp_path: Path) -> None:
    recipe = changed(finished, out=str(tmp_path / "out"), checkpoints={"every_steps": 2}, max_steps=2)
    assert run(recipe) == 0
    assert run(changed(recipe, seed=5)) == 0
    summary = json.loads((recipe.out_dir / "train_summary.json").read_text())
    assert summary["resumed_from"] is None and summary["steps"] == 2
    assert [row["step"] for row in tiny.log_of(recipe.out_dir)] == [1, 2]
