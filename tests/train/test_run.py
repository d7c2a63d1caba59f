"""Whole runs in one process: outputs, reuse, exact continuation, and stopping for a reason."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoProcessor, LlavaForConditionalGeneration

from recipes import load
from tests.train import tiny
from train.error import CheckpointError, DivergenceError, Interrupted
from train.outputs import Outputs
from train.recipe import TrainRecipe
from train.run import run

WEIGHTS = "adapter_model.safetensors"


def changed(recipe: TrainRecipe, **changes: Any) -> TrainRecipe:
    return TrainRecipe.model_validate(recipe.model_dump() | changes)


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


@pytest.fixture(scope="module")
def finished(llava: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainRecipe:
    """Return the recipe of a run that has been done."""
    from train.quiet import quiet_libraries

    quiet_libraries()
    out = tmp_path_factory.mktemp("finished") / "out"
    recipe = TrainRecipe.model_validate(tiny.recipe_tree(llava, dataset, out, max_steps=12))
    assert run(recipe) == 0
    return recipe


def test_a_run_leaves_an_adapter_its_recipe_its_log_and_its_summary(finished: TrainRecipe) -> None:
    out = finished.out_dir
    assert load(out / "recipe.resolved.yaml", TrainRecipe) == finished
    summary = json.loads((out / "train_summary.json").read_text())
    assert (summary["steps"], summary["samples"], summary["dropped"]) == (12, 12, {})
    assert summary["wall_s"] > 0 and summary["peak_rss_mb"] > 0
    rows = tiny.log_of(out)
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert {"loss", "learning_rate", "tokens_per_s", "padding", "supervised_tokens"} <= rows[0].keys()
    assert all(row["padding"] == 0.0 and row["supervised_tokens"] > 0 for row in rows)
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert not list(out.rglob("*.bin")) or all("checkpoints" in str(path) for path in out.rglob("*.bin"))


def test_the_adapter_loads_by_peft_alone_and_changes_the_answer(finished: TrainRecipe) -> None:
    base = LlavaForConditionalGeneration.from_pretrained(
        finished.model.checkpoint, dtype=torch.float32
    ).eval()
    ids = torch.tensor([[2, 2, 2, 2, 20, 21, 22]])
    pixels = torch.zeros(1, 3, tiny.SIDE, tiny.SIDE)
    with torch.no_grad():
        before = base(input_ids=ids, pixel_values=pixels).logits
        tuned = PeftModel.from_pretrained(base, finished.out).eval()
        after = tuned(input_ids=ids, pixel_values=pixels).logits
    assert not torch.allclose(before, after, atol=1e-3)


def test_the_processor_beside_the_adapter_pads_and_asks_as_training_did(finished: TrainRecipe) -> None:
    processor = AutoProcessor.from_pretrained(finished.out)
    assert processor.image_processor.do_pad
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}
    assert (
        processor.apply_chat_template([message], add_generation_prompt=True)
        == "USER: <image>\nWhat? ASSISTANT:"
    )


def test_a_finished_run_is_not_done_again(finished: TrainRecipe) -> None:
    before = (finished.out_dir / WEIGHTS).stat().st_mtime_ns
    began = time.perf_counter()
    assert run(finished) == 0
    assert time.perf_counter() - began < 2
    assert (finished.out_dir / WEIGHTS).stat().st_mtime_ns == before


def test_what_changes_the_adapter_changes_the_fingerprint(finished: TrainRecipe, tmp_path: Path) -> None:
    from train.identity import fingerprint

    mark = fingerprint(finished)
    assert fingerprint(changed(finished, out=str(tmp_path), workers=3)) == mark
    assert fingerprint(changed(finished, seed=1)) != mark
    other = tiny.save_dataset(tmp_path / "other", 13)
    assert fingerprint(changed(finished, data=[{"kind": "factory", "path": str(other)}])) != mark


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


@pytest.mark.parametrize(
    "changes",
    [
        {"packing": False},
        {"cache_features": True},
        {"micro_batch_size": 4},
        {"activation_checkpointing": True},
        {"workers": 1},
    ],
    ids=str,
)
def test_how_it_is_computed_does_not_change_what_is_learnt(
    finished: TrainRecipe, tmp_path: Path, changes: dict[str, Any]
) -> None:
    recipe = changed(finished, out=str(tmp_path / "out"), **changes)
    assert run(recipe) == 0
    losses = [[row["loss"] for row in tiny.log_of(out)] for out in (finished.out_dir, recipe.out_dir)]
    assert losses[0] == pytest.approx(losses[1], abs=2e-4)


def test_remains_of_another_run_are_not_continued_from(finished: TrainRecipe, tmp_path: Path) -> None:
    recipe = changed(finished, out=str(tmp_path / "out"), checkpoints={"every_steps": 2}, max_steps=2)
    assert run(recipe) == 0
    assert run(changed(recipe, seed=5)) == 0
    summary = json.loads((recipe.out_dir / "train_summary.json").read_text())
    assert summary["resumed_from"] is None and summary["steps"] == 2
    assert [row["step"] for row in tiny.log_of(recipe.out_dir)] == [1, 2]


@pytest.mark.parametrize("cache", [False, True])
def test_unusable_samples_are_named_counted_and_change_the_exit_code(
    finished: TrainRecipe, tmp_path: Path, cache: bool
) -> None:
    from datasets import load_dataset

    folder = tiny.save_dataset(
        tmp_path / "data", descriptions=[tiny.description(i) for i in range(11)] + [""]
    )
    file = next((folder / "data").iterdir())
    rows = load_dataset("parquet", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    broken = rows.with_format("arrow").to_pandas()
    broken.at[0, "image"] = {"bytes": b"broken", "path": "x"}
    broken.to_parquet(file)
    recipe = changed(
        finished, out=str(tmp_path / "out"), data=[{"kind": "factory", "path": str(folder)}], max_steps=4,
        cache_features=cache,
    )  # fmt: skip
    assert run(recipe) == 1  # two of twelve, above the 5 % allowed
    summary = json.loads((recipe.out_dir / "train_summary.json").read_text())
    assert summary["dropped"] == {"empty_answer": 1, "image_unreadable": 1} and summary["samples"] == 10
    lines = (recipe.out_dir / "rejections.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["000000000011", "000000000000"]


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples(
    finished: TrainRecipe, tmp_path: Path
) -> None:
    recipe = changed(
        finished,
        out=str(tmp_path / "out"),
        optimizer={"learning_rate": 1e30, "warmup": 0.0, "max_grad_norm": 1e30},
    )
    with pytest.raises(DivergenceError, match=r"loss is not finite; samples of the batch: 0000000000\d\d"):
        run(recipe)
    assert not (recipe.out_dir / WEIGHTS).exists()


@pytest.mark.parametrize(
    "name", ["/nowhere/llava", "./llava", "recipes/picturebook/checkpoints/absent", "tests/llava"]
)
def test_a_missing_checkpoint_folder_is_told_without_asking_the_hub(recipe: TrainRecipe, name: str) -> None:
    with pytest.raises(CheckpointError, match="no folder at"):
        run(changed(recipe, model={"checkpoint": name}))
