"""The adapter: where it sits, what trains, and what is written."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from train import lora, model
from train.error import CheckpointError, TrainError
from train.flops import flops_per_token
from train.recipe import LoraRecipe, TrainRecipe


def test_only_linear_layers_of_the_language_model_are_adapted(recipe: TrainRecipe) -> None:
    adapted = lora.attach(model.load(recipe.model), recipe)
    names = [name for name, module in adapted.named_modules() if hasattr(module, "lora_A")]
    assert len(names) == 2 * 7  # layers x (q, k, v, o, gate, up, down)
    assert all(".language_model.layers." in name for name in names)


def test_training_reaches_lora_and_projector_and_nothing_else(recipe: TrainRecipe) -> None:
    adapted = lora.attach(model.load(recipe.model), recipe)
    groups = lora.parameter_groups(adapted, recipe)
    assert [group["lr"] for group in groups] == [1e-2, 1e-3]
    assert [len(group["params"]) for group in groups] == [28, 4]
    trained = sum(weight.requires_grad for weight in adapted.parameters())
    assert trained == sum(len(group["params"]) for group in groups)


def test_a_frozen_weight_counts_four_operations_a_token_and_a_trained_one_six(recipe: TrainRecipe) -> None:
    adapted = lora.attach(model.load(recipe.model), recipe)
    hidden, wide, kv, rank, layers = 32, 64, 16, 4, 2
    frozen = layers * (2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * wide)
    trained = layers * rank * (2 * 2 * hidden + 2 * (hidden + kv) + 3 * (hidden + wide))
    assert flops_per_token(adapted) == 4 * frozen + 6 * trained


def test_a_frozen_projector_has_no_group(recipe: TrainRecipe) -> None:
    frozen = recipe.model_copy(update={"projector": recipe.projector.model_copy(update={"train": False})})
    adapted = lora.attach(model.load(recipe.model), frozen)
    assert len(lora.parameter_groups(adapted, frozen)) == 1


@pytest.mark.parametrize("target", [r".*q_proj", r".*linear_1"])
def test_a_target_that_reaches_the_tower_or_the_projector_is_refused(
    recipe: TrainRecipe, target: str
) -> None:
    wide = recipe.model_copy(update={"lora": LoraRecipe(target=target)})
    with pytest.raises(TrainError, match=r"lora\.target"):
        lora.attach(model.load(recipe.model), wide)


def test_a_target_that_matches_nothing_is_refused(recipe: TrainRecipe) -> None:
    with pytest.raises(TrainError, match=r"lora\.target"):
        lora.attach(
            model.load(recipe.model), recipe.model_copy(update={"lora": LoraRecipe(target="nothing")})
        )


def test_the_same_seed_draws_the_same_adapter(recipe: TrainRecipe) -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(recipe.seed)
        drawn.append(dict(lora.attach(model.load(recipe.model), recipe).named_parameters()))
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])


def test_an_adapter_that_learnt_nothing_is_not_accepted(tmp_path: Path, recipe: TrainRecipe) -> None:
    adapted = lora.attach(model.load(recipe.model), recipe)
    with pytest.raises(TrainError, match="every lora_B weight is zero"):
        lora.save(adapted, tmp_path, is_main=True)


def test_what_is_written_is_compared_with_what_was_trained(tmp_path: Path, recipe: TrainRecipe) -> None:
    adapted = lora.attach(model.load(recipe.model), recipe)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    lora.save(adapted, tmp_path, is_main=True)
    stored = load_file(tmp_path / lora.WEIGHTS)
    lora.verify(tmp_path, stored)
    assert any("multi_modal_projector" in name for name in stored)
    name = next(iter(stored))
    save_file(
        {**stored, name: torch.zeros(0)}, tmp_path / lora.WEIGHTS
    )  # as a partitioned save would leave it
    with pytest.raises(TrainError, match="does not hold the trained"):
        lora.verify(tmp_path, stored)


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no PEFT adapter"):
        lora.read_base(tmp_path)
