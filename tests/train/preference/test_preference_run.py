"""Whole runs of preference training, alone and after fine-tuning."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from recipes import RecipeError, load
from tests.train import tiny
from train.error import CheckpointError, DataError, TrainError
from train.recipe import TrainRecipe
from train.run import run

WEIGHTS = "adapter_model.safetensors"
PAIRS = [
    (f"A {colour} square is on the left.", f"A {colour} square is on the top.") for colour in tiny.COLOURS * 2
]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_pairs(tmp_path_factory.mktemp("pairs") / "pairs", PAIRS)


def dpo(pairs: Path, **changes: Any) -> dict[str, Any]:
    return {
        "pairs": [str(pairs)], "learning_rate": 1e-2, "global_batch_size": 4, "micro_batch_size": 2, "max_steps": 6
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def both(llava: Path, dataset: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainRecipe:
    """Return the recipe of a finished run of both phases."""
    from train.quiet import quiet_libraries

    quiet_libraries()
    out = tmp_path_factory.mktemp("both") / "out"
    tree = tiny.recipe_tree(llava, dataset, out, method="sft+dpo", dpo=dpo(pairs))
    recipe = TrainRecipe.model_validate(tree)
    assert run(recipe) == 0
    return recipe


def alone(both: TrainRecipe, out: Path, **changes: Any) -> TrainRecipe:
    """Return the second phase of the run as a recipe of its own."""
    tree = both.model_dump() | {"method": "dpo", "data": (), "max_steps": None, "out": str(out)}
    return TrainRecipe.model_validate(tree | {"start_from": str(both.out_dir / "sft")} | changes)


def test_one_recipe_leaves_both_adapters_and_itself(both: TrainRecipe) -> None:
    first, second = (load_file(folder / WEIGHTS) for folder in (both.out_dir / "sft", both.out_dir))
    assert first.keys() == second.keys()
    changed = {name for name in first if not first[name].equal(second[name])}
    assert changed and all("lora_" in name for name in changed)  # the projector stays as it was
    assert load(both.out_dir / "recipe.resolved.yaml", TrainRecipe) == both
    assert load(both.out_dir / "sft" / "recipe.resolved.yaml", TrainRecipe).method == "sft"
    assert "Preference-tuned" in (both.out_dir / "README.md").read_text()


def test_training_starts_at_the_reference_and_learns_to_prefer(both: TrainRecipe) -> None:
    rows = tiny.log_of(both.out_dir)
    assert rows[0]["margin"] == pytest.approx(0, abs=1e-4) and rows[-1]["margin"] > 0.02
    assert rows[-1]["preferred"] == 1.0
    assert {"reward_chosen", "reward_rejected", "tokens_per_s"} <= rows[0].keys()
    summary = json.loads((both.out_dir / "train_summary.json").read_text())
    assert (summary["steps"], summary["samples"], summary["dropped"]) == (6, 8, {})


def test_without_an_anchor_the_first_loss_is_that_of_a_coin(
    both: TrainRecipe, pairs: Path, tmp_path: Path
) -> None:
    recipe = alone(both, tmp_path / "out", dpo=dpo(pairs, anchor=0.0, max_steps=1))
    assert run(recipe) == 0
    assert tiny.log_of(recipe.out_dir)[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)


def test_the_second_phase_alone_does_the_same(both: TrainRecipe, tmp_path: Path) -> None:
    recipe = alone(both, tmp_path / "out")
    assert run(recipe) == 0
    expected, found = load_file(both.out_dir / WEIGHTS), load_file(recipe.out_dir / WEIGHTS)
    assert max(float((expected[name] - found[name]).abs().max()) for name in expected) < 1e-6


def test_a_finished_run_of_both_phases_is_not_done_again(both: TrainRecipe) -> None:
    before = (both.out_dir / WEIGHTS).stat().st_mtime_ns
    assert run(both) == 0
    assert (both.out_dir / WEIGHTS).stat().st_mtime_ns == before


def test_an_adapter_of_another_checkpoint_is_refused(both: TrainRecipe, tmp_path: Path) -> None:
    other = tiny.save_llava(tmp_path / "other", seed=1)
    model = {"checkpoint": str(other), "dtype": "float32"}
    with pytest.raises(
        CheckpointError, match=r"is an adapter of .*give the checkpoint that it was trained on"
    ):
        run(alone(both, tmp_path / "out", model=model))


def test_a_checkpoint_that_has_moved_is_known_by_its_content(
    both: TrainRecipe, pairs: Path, tmp_path: Path
) -> None:
    moved = tiny.save_llava(tmp_path / "moved")
    model = {"checkpoint": str(moved), "dtype": "float32"}
    assert run(alone(both, tmp_path / "out", model=model, dpo=dpo(pairs, max_steps=1))) == 0


def test_a_checkpoint_that_was_replaced_under_its_name_is_refused(both: TrainRecipe, tmp_path: Path) -> None:
    place = tiny.save_llava(tmp_path / "llava")
    model = {"checkpoint": str(place), "dtype": "float32"}
    first = both.model_dump() | {"method": "sft", "dpo": None, "model": model, "out": str(tmp_path / "sft")}
    assert run(TrainRecipe.model_validate(first | {"max_steps": 1})) == 0
    tiny.save_llava(place, seed=1)
    with pytest.raises(CheckpointError, match="is an adapter of"):
        run(alone(both, tmp_path / "out", model=model, start_from=str(tmp_path / "sft")))


def test_an_adapter_of_another_rank_is_refused_with_the_right_one(both: TrainRecipe, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"--set lora\.rank=4"):
        run(alone(both, tmp_path / "out", lora={"rank": 8, "alpha": 8}))


@pytest.mark.parametrize("method", ["dpo", "sft+dpo"])
def test_pairs_are_looked_at_before_anything_is_trained(
    both: TrainRecipe, dataset: Path, tmp_path: Path, method: str
) -> None:
    tree = both.model_dump() | {"out": str(tmp_path / "out"), "dpo": dpo(dataset), "method": method}
    if method == "dpo":
        tree |= {"data": (), "max_steps": None, "start_from": str(both.out_dir / "sft")}
    with pytest.raises(DataError, match=r"dpo\.pairs: .*lacks the columns"):
        run(TrainRecipe.model_validate(tree))
    assert not (tmp_path / "out").exists()


def test_a_batch_that_does_not_divide_is_refused_before_fine_tuning(
    both: TrainRecipe, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    tree = both.model_dump() | {"out": str(tmp_path / "out"), "dpo": dpo(pairs, micro_batch_size=4)}
    with pytest.raises(TrainError, match="x 2 processes"):
        run(TrainRecipe.model_validate(tree))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"method": "dpo"}, "remove data, max_steps"),
        ({"method": "dpo", "data": [], "max_steps": None}, "needs start_from"),
        ({"method": "sft+dpo", "dpo": None}, "needs a section dpo"),
        ({"method": "sft"}, "takes no section dpo"),
        ({"method": "sft+dpo", "packing": False}, "dpo needs packing"),
        ({"method": "sft+dpo", "deepspeed": {"stage": 3}}, "stage below 3"),
        ({"method": "sft+dpo", "dpo": {"pairs": ["x"]}}, r"either dpo\.epochs or dpo\.max_steps"),
        ({"method": "sft+dpo", "dpo": {"pairs": ["x"], "epochs": 1, "length_ratio": [2, 1]}}, "must rise"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    tree = tiny.recipe_tree(tmp_path, tmp_path, tmp_path, dpo={"pairs": ["x"], "epochs": 1})
    path = tiny.write_recipe(tmp_path / "r.yaml", tree | changes)
    with pytest.raises(RecipeError, match=complaint):
        load(path, TrainRecipe)
