"""The DeepSpeed configuration."""

import pytest

from train.plan import Sizes
from train.recipe import TrainRecipe
from train.running import DeepspeedConfig
from train.zero import deepspeed_config


def config(recipe: TrainRecipe, **deepspeed: object) -> dict[str, object]:
    changed = recipe.model_copy(update={"deepspeed": DeepspeedConfig.model_validate(deepspeed)})
    return deepspeed_config(changed, Sizes(4, 1, 2))


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_keys_of_stage_three_stand_in_stage_three_alone(recipe: TrainRecipe, stage: int) -> None:
    assert "stage3" not in str(config(recipe, stage=stage))
    assert "stage3_max_live_parameters" in str(config(recipe, stage=3))


def test_nothing_is_left_to_be_guessed(recipe: TrainRecipe) -> None:
    for stage in range(4):
        assert "auto" not in str(config(recipe, stage=stage))


def test_batch_sizes_follow_from_the_recipe(recipe: TrainRecipe) -> None:
    derived = config(recipe, stage=2)
    assert derived["train_micro_batch_size_per_gpu"] == 1
    assert derived["gradient_accumulation_steps"] == 2


def test_offload_moves_the_optimizer_and_only_stage_three_the_weights(recipe: TrainRecipe) -> None:
    assert "offload_param" not in str(config(recipe, stage=2, offload="optimizer"))
    assert "offload_param" in str(config(recipe, stage=3, offload="all"))
