"""Runs through the real `deepspeed` launcher, two processes on the CPU."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.torch import load_file

from recipes import load
from tests.train import tiny
from train.recipe import TrainRecipe
from train.run import run

pytestmark = pytest.mark.launcher

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
TIMEOUT_S = 300
"""The first run on a machine compiles DeepSpeed's communication for a minute."""


def launch(recipe: Path) -> subprocess.Popen[str]:
    launcher = [sys.executable, "-m", "deepspeed.launcher.runner", "--num_accelerators", "2"]
    port = ["--master_port", str(29600 + os.getpid() % 300)]
    bin_folder = str(Path(sys.executable).parent)
    return subprocess.Popen(
        [*launcher, *port, "train/finetune.py", "--recipe", str(recipe)],
        cwd=REPOSITORY, env=os.environ | ENVIRONMENT | {"PATH": bin_folder + os.pathsep + os.environ["PATH"]},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, output


def alone(recipe: Path, out: Path) -> None:
    assert run(load(recipe, TrainRecipe, [f"out={out}"])) == 0


def largest_difference(one: Path, other: Path) -> float:
    first, second = (load_file(folder / "adapter_model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def losses(out: Path) -> list[float]:
    return [row["loss"] for row in tiny.log_of(out)]


@pytest.mark.parametrize(
    ("stage", "dtype", "tolerance"), [(0, "float32", 1e-4), (2, "float32", 1e-4), (3, "bfloat16", 3e-2)]
)
def test_two_processes_learn_what_one_does(
    llava: Path, dataset: Path, tmp_path: Path, stage: int, dtype: str, tolerance: float
) -> None:
    tree = tiny.recipe_tree(llava, dataset, tmp_path / "two", deepspeed={"stage": stage})
    tree["model"]["dtype"] = dtype
    tree["activation_checkpointing"] = stage == 3  # crashed with LoRA before DeepSpeed 0.19.3
    tree["checkpoints"] = {"every_steps": 2}
    recipe = tiny.write_recipe(tmp_path / "recipe.yaml", tree)
    code, output = finish(launch(recipe))
    assert code == 0, output[-3000:]
    summary = json.loads((tmp_path / "two" / "train_summary.json").read_text())
    assert (summary["steps"], summary["processes"]) == (4, 2)
    alone(recipe, tmp_path / "one")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=tolerance)
    assert largest_difference(tmp_path / "one", tmp_path / "two") < 10 * tolerance
    without_its_end(tmp_path / "two", tmp_path / "again")
    alone(recipe, tmp_path / "again")
    summary = json.loads((tmp_path / "again" / "train_summary.json").read_text())
    assert (summary["resumed_from"], summary["processes"]) == ("checkpoint-2", 1)
    assert losses(tmp_path / "again") == pytest.approx(losses(tmp_path / "two"), abs=tolerance)
    assert largest_difference(tmp_path / "again", tmp_path / "two") < 10 * tolerance


def without_its_end(out: Path, to: Path) -> None:
    """Copy a finished run as if it had been killed after its first checkpoint."""
    shutil.copytree(out, to)
    shutil.rmtree(to / "checkpoints" / "checkpoint-4")
    (to / "train_summary.json").unlink()
    (to / "adapter_model.safetensors").unlink()


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    family = psutil.Process(process.pid).children(recursive=True)
    return [child for child in family if any("--local_rank=" in part for part in child.cmdline())]


def wait_for_step(out: Path, step: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if (out / "train_log.jsonl").is_file() and len(tiny.log_of(out)) >= step:
            return
        time.sleep(0.05)
    raise TimeoutError(f"no step {step} in {out}")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the launcher and all it has started, as a machine that fails does."""
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in family:
        member.kill()
    psutil.wait_procs(family, timeout=30)
    process.communicate()


@pytest.mark.parametrize(
    "stage", [pytest.param(0, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)]
)
def test_two_killed_processes_continue_to_the_same_losses_and_weights(
    llava: Path, dataset: Path, tmp_path: Path, stage: int
) -> None:
    changes: dict[str, Any] = {
        "deepspeed": {"stage": stage}, "max_steps": 20, "checkpoints": {"every_steps": 10},
        "lora": {"rank": 4, "alpha": 8, "dropout": 0.1},  # draws from each process's generator in every step
    }  # fmt: skip
    recipes = {
        name: tiny.write_recipe(
            tmp_path / f"{name}.yaml", tiny.recipe_tree(llava, dataset, tmp_path / name, **changes)
        )
        for name in ("straight", "killed")
    }
    code, output = finish(launch(recipes["straight"]))
    assert code == 0, output[-3000:]
    process = launch(recipes["killed"])
    wait_for_step(tmp_path / "killed", 12)
    kill(process)
    assert not (tmp_path / "killed" / "train_summary.json").exists()
    code, output = finish(launch(recipes["killed"]))
    assert code == 0, output[-3000:]
    summary = json.loads((tmp_path / "killed" / "train_summary.json").read_text())
    assert (summary["resumed_from"], summary["processes"]) == ("checkpoint-10", 2)
    found, expected = losses(tmp_path / "killed"), losses(tmp_path / "straight")
    assert len(found) == 20 and found == pytest.approx(expected, abs=1e-6)
    assert largest_difference(tmp_path / "straight", tmp_path / "killed") < 1e-6


def test_a_signal_to_one_process_saves_all_and_the_next_launch_continues(
    llava: Path, dataset: Path, tmp_path: Path
) -> None:
    tree: dict[str, Any] = tiny.recipe_tree(llava, dataset, tmp_path / "out", max_steps=80)
    recipe = tiny.write_recipe(tmp_path / "recipe.yaml", tree)
    process = launch(recipe)
    wait_for_step(tmp_path / "out", 1)
    workers_of(process)[1].send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 130, output[-3000:]
    (folder,) = (tmp_path / "out" / "checkpoints").iterdir()
    stopped = int(folder.name.removeprefix("checkpoint-"))
    code, output = finish(launch(recipe))
    assert code == 0, output[-3000:]
    assert [row["step"] for row in tiny.log_of(tmp_path / "out")] == list(range(1, 81))
    alone(recipe, tmp_path / "one")
    assert losses(tmp_path / "out")[stopped - 1 : stopped + 3] == pytest.approx(
        losses(tmp_path / "one")[stopped - 1 : stopped + 3], abs=1e-3
    )


def test_both_phases_run_in_one_launch_as_they_do_alone(llava: Path, dataset: Path, tmp_path: Path) -> None:
    answers = [
        (f"A {colour} square is on the left.", f"A {colour} square is on the top.")
        for colour in tiny.COLOURS * 2
    ]
    pairs = tiny.save_pairs(tmp_path / "pairs", answers)
    sizes = {"global_batch_size": 4, "micro_batch_size": 1, "max_steps": 3, "learning_rate": 1e-2}
    tree = tiny.recipe_tree(
        llava, dataset, tmp_path / "two", method="sft+dpo", dpo={"pairs": [str(pairs)]} | sizes, max_steps=2
    )
    code, output = finish(launch(tiny.write_recipe(tmp_path / "recipe.yaml", tree)))
    assert code == 0, output[-3000:]
    alone(tmp_path / "recipe.yaml", tmp_path / "one")
    for part in ("sft", "."):
        assert losses(tmp_path / "two" / part) == pytest.approx(losses(tmp_path / "one" / part), abs=1e-4)


@pytest.mark.slow
def test_full_fine_tuning_under_zero_three_leaves_whole_weights_and_continues(
    llava: Path, dataset: Path, tmp_path: Path
) -> None:
    tree = tiny.recipe_tree(
        llava, dataset, tmp_path / "two", tuning="full", deepspeed={"stage": 3},
        checkpoints={"kind": "deepspeed", "every_steps": 2},
    )  # fmt: skip
    del tree["lora"]
    recipe = tiny.write_recipe(tmp_path / "recipe.yaml", tree)
    code, output = finish(launch(recipe))
    assert code == 0, output[-3000:]
    tuned = load_file(tmp_path / "two" / "model.safetensors")
    assert len(tuned) == len(load_file(llava / "model.safetensors"))
    assert all(weight.numel() for weight in tuned.values())
    alone(recipe, tmp_path / "one")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-3)
    shutil.rmtree(tmp_path / "two" / "checkpoints" / "checkpoint-4")
    (tmp_path / "two" / "train_summary.json").unlink()
    before = losses(tmp_path / "two")
    code, output = finish(launch(recipe))
    assert code == 0, output[-3000:]
    assert losses(tmp_path / "two") == pytest.approx(before, abs=1e-3)
    summary = json.loads((tmp_path / "two" / "train_summary.json").read_text())
    assert summary["resumed_from"] == "checkpoint-2"
