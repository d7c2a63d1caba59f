"""The adapter: LoRA on the language model, the projector in full, one safetensors file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from torch import nn

from train.error import CheckpointError, TrainError
from train.recipe import TrainRecipe

PROJECTOR = "multi_modal_projector"
WEIGHTS = "adapter_model.safetensors"


def lora_config(recipe: TrainRecipe) -> LoraConfig:
    """Derive PEFT's configuration from the recipe."""
    return LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,  # type: ignore[arg-type]
        lora_dropout=recipe.lora.dropout,
        use_dora=recipe.tuning == "dora",
        target_modules=recipe.lora.target,
        modules_to_save=[PROJECTOR] if recipe.projector.train else None,
        bias="none",
        task_type="CAUSAL_LM",
    )


def attach(model: Any, recipe: TrainRecipe, same_dtype: bool = False) -> PeftModel:
    """Return the model with the adapter to start from, or a fresh one drawn from torch's generator: seed it first.

    The adapter is float32, or of the model's type where `same_dtype`: DeepSpeed keeps float32 masters itself,
    and ZeRO-3 refuses trained weights of several types.

    Raises:
        TrainError: the target expression matches nothing, or reaches outside the language model.
    """
    if recipe.start_from is not None:
        return _continued(model, recipe, same_dtype)
    try:
        adapted = get_peft_model(model, lora_config(recipe), autocast_adapter_dtype=not same_dtype)
    except ValueError as error:
        raise TrainError(f"lora.target {recipe.lora.target!r}: {error}") from error
    stray = [name for name, module in adapted.named_modules()
             if hasattr(module, "lora_A") and ".language_model." not in name]  # fmt: skip
    if stray:
        raise TrainError(f"lora.target {recipe.lora.target!r} reaches outside the language model: {stray[0]}")
    return adapted  # type: ignore[return-value]


def _continued(model: Any, recipe: TrainRecipe, same_dtype: bool) -> PeftModel:
    folder = str(Path(recipe.start_from or "").expanduser())
    try:
        adapted = PeftModel.from_pretrained(
            model, folder, is_trainable=True, autocast_adapter_dtype=not same_dtype
        )
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: weights of another shape
        raise CheckpointError(
            f"start_from: the adapter in {folder} does not fit {recipe.model.checkpoint}: {error}"
        ) from error
    for name, weight in adapted.named_parameters():
        if PROJECTOR in name:
            weight.requires_grad_(weight.requires_grad and recipe.projector.train)
    return adapted


def parameter_groups(model: nn.Module, recipe: TrainRecipe) -> list[dict[str, Any]]:
    """Return the optimizer's groups: LoRA weights and projector, each with its own rate."""
    trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    lora = [weight for name, weight in trained if PROJECTOR not in name]
    projector = [weight for name, weight in trained if PROJECTOR in name]
    decay = recipe.optimizer.weight_decay
    groups = [{"params": lora, "lr": recipe.optimizer.learning_rate, "weight_decay": decay}]
    if projector:
        groups.append({"params": projector, "lr": recipe.projector.learning_rate, "weight_decay": decay})
    return groups


def save(model: PeftModel, folder: Path, is_main: bool) -> None:
    """Write the adapter as PEFT does; every process must call it, the main one writes.

    Raises:
        TrainError: what was written does not hold the trained weights.
    """
    with gathered(model):
        state = {
            name: weight.detach().cpu().clone() for name, weight in get_peft_model_state_dict(model).items()
        }
        if is_main:
            model.save_pretrained(str(folder), state_dict=model.state_dict())
            verify(folder, state)


def verify(folder: Path, trained: dict[str, torch.Tensor]) -> None:
    """Read an adapter back and compare it with the weights in memory.

    Raises:
        TrainError: a weight is missing, empty or different, or LoRA's B is still zero, as at the start.
    """
    stored = load_file(folder / WEIGHTS)
    for name, weight in trained.items():
        if name not in stored or stored[name].numel() == 0 or not torch.equal(stored[name], weight):
            raise TrainError(
                f"{folder / WEIGHTS} does not hold the trained {name}; the adapter is not usable"
            )
    norm = sum(float(weight.float().norm()) for name, weight in stored.items() if "lora_B" in name)
    if norm == 0.0:
        raise TrainError(
            "every lora_B weight is zero after training: nothing was learnt; check the learning rate"
        )


def gathered(model: nn.Module) -> Any:
    """Return a context in which the trained weights are whole, also where ZeRO-3 has partitioned them."""
    from contextlib import nullcontext

    partitioned = list(_partitioned(model))
    if not partitioned:
        return nullcontext()
    import deepspeed

    return deepspeed.zero.GatheredParameters(partitioned)


def _partitioned(model: nn.Module) -> Iterator[nn.Parameter]:
    yield from (weight for weight in model.parameters() if weight.requires_grad and hasattr(weight, "ds_id"))


def read_base(folder: Path) -> str:
    """Return the name of the checkpoint that an adapter belongs to.

    Raises:
        CheckpointError: the folder holds no adapter.
    """
    import json

    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        return str(config["base_model_name_or_path"])
    except (OSError, ValueError, KeyError):
        raise CheckpointError(f"{folder} holds no PEFT adapter (adapter_config.json)") from None
