"""What is trained of the model, and what is left of it: an adapter, or a whole checkpoint."""

from typing import Any, TypeVar

import torch

from train import full, lora, model
from train.recipe import TrainRecipe

M = TypeVar("M", bound=model.TrainableLlava)


def load(recipe: TrainRecipe, kind: type[M], launched: bool) -> M:
    """Load the frozen model of a recipe; `launched` by DeepSpeed, which keeps float32 masters of trained weights."""
    masters = recipe.tuning == "full" and not launched
    llava = model.load(
        recipe.model,
        kind,
        dtype=torch.float32 if masters else None,
        four_bits=recipe.tuning == "qlora",
    )
    if recipe.activation_checkpointing:
        llava.model.language_model.activation_checkpointing_enable({"use_reentrant": False})
    return llava  # type: ignore[return-value]


def tune(llava: model.TrainableLlava, recipe: TrainRecipe, launched: bool) -> Any:
    """Return the model with what the recipe trains made trainable."""
    if recipe.tuning == "full":
        return full.unfreeze(llava, recipe)
    return lora.attach(llava, recipe, same_dtype=launched)


def save(tuned: Any, recipe: TrainRecipe, is_main: bool) -> None:
    """Write what was trained into the folder of the run; every process must call it."""
    if recipe.tuning == "full":
        full.save_whole(tuned, recipe.out_dir, is_main)
    else:
        lora.save(tuned, recipe.out_dir, is_main)
