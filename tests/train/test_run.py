"""Whole runs in one process: outputs, reuse, and stopping for a reason."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoProcessor, LlavaForConditionalGeneration

from recipes import load
from tests.train import tiny
from tests.train.tiny import WEIGHTS, changed
from train.error import DivergenceError
from train.recipe import TrainRecipe
from train.run import run


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


def test_full_fine_tuning_leaves_a_checkpoint_with_the_same_tower(
    finished: TrainRecipe, llava: Path, tmp_path: Path
) -> None:
    tree = finished.model_dump() | {"tuning": "full", "out": str(tmp_path / "out"), "max_steps": 4}
    tree = {name: value for name, value in tree.items() if name != "lora"}
    recipe = TrainRecipe.model_validate(tree)
    assert run(recipe) == 0
    base, tuned = (
        LlavaForConditionalGeneration.from_pretrained(path, dtype=torch.float32).state_dict()
        for path in (llava, recipe.out)
    )
    assert base.keys() == tuned.keys()
    different = {name for name in base if not torch.equal(base[name], tuned[name])}
    assert not [name for name in different if "vision_tower" in name]
    assert {"lm_head.weight"} | {
        name for name in base if "q_proj" in name and "language" in name
    } <= different
    assert json.loads((recipe.out_dir / "config.json").read_text())["architectures"] == [
        "LlavaForConditionalGeneration"
    ]
    assert AutoProcessor.from_pretrained(recipe.out).image_processor.do_pad
    assert run(recipe) == 0  # already there


def test_dora_learns_magnitudes_and_merges(finished: TrainRecipe, tmp_path: Path) -> None:
    from train.merge import merge

    recipe = changed(finished, tuning="dora", out=str(tmp_path / "out"), max_steps=4)
    assert run(recipe) == 0
    assert any("magnitude" in name for name in load_file(recipe.out_dir / WEIGHTS))
    assert merge(recipe.out_dir, tmp_path / "merged").max_difference < 1e-3
