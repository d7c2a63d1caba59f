"""Full fine-tuning: every weight of the language model, and a whole checkpoint as the result."""

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from transformers import LlavaForConditionalGeneration

from train.error import TrainError
from train.lora import PROJECTOR
from train.published import rename_weights
from train.recipe import TrainRecipe


def unfreeze(model: Any, recipe: TrainRecipe) -> Any:
    """Return the model with its language model, output layer and, as the recipe says, projector trained."""
    for name, weight in model.named_parameters():
        is_projector = PROJECTOR in name
        weight.requires_grad_("vision_tower" not in name and (recipe.projector.train or not is_projector))
    return model


def save_whole(model: Any, folder: Path, is_main: bool) -> None:
    """Write the checkpoint; every process must call it, the main one writes.

    Raises:
        TrainError: what was written lacks weights.
    """
    state = _whole_state(model, keep=is_main)
    if is_main:
        kind, model.__class__ = model.__class__, LlavaForConditionalGeneration  # its name is written down
        model.save_pretrained(str(folder), state_dict=state)
        model.__class__ = kind
        rename_weights(folder)
        _verify(folder, len(state))


def _whole_state(model: nn.Module, keep: bool) -> dict[str, torch.Tensor]:
    """Return every weight in host memory, one at a time, also where ZeRO-3 has divided them."""
    state: dict[str, torch.Tensor] = {}
    for name, weight in model.named_parameters():
        if hasattr(weight, "ds_id"):
            import deepspeed

            with deepspeed.zero.GatheredParameters([weight]):
                if keep:
                    state[name] = weight.detach().cpu().clone()
        elif keep:
            state[name] = weight.detach().cpu()
    return state


def _verify(folder: Path, weights: int) -> None:
    sizes = []
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as stored:
            names: list[str] = list(stored.keys())
            sizes += [stored.get_slice(name).get_shape() for name in names]
    if len(sizes) != weights or any(0 in size for size in sizes):
        raise TrainError(f"{folder} holds {len(sizes)} weights of {weights}, or empty ones; it is not usable")
