"""Merge an adapter into its checkpoint: W + (alpha / rank) B A in float32, stored in the type W had."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoProcessor, LlavaForConditionalGeneration

from train.error import CheckpointError, TrainError
from train.lora import read_base
from train.published import rename_weights

_TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.2, torch.bfloat16: 1.0}
"""Largest difference of a logit that rounding to the stored type can explain."""


@dataclass(frozen=True)
class MergeReport:
    """What the check of a merged checkpoint found."""

    max_difference: float
    """Largest difference of a logit to the unmerged model, on one image."""


def merge(adapter: Path, to: Path, base: str | None = None) -> MergeReport:
    """Write the merged checkpoint with its processor, read it back and compare it with the unmerged model.

    Raises:
        CheckpointError: base or adapter are missing, or `to` exists.
        TrainError: the merged checkpoint answers differently, or its vision tower has changed.
    """
    if to.exists() and any(to.iterdir()):
        raise CheckpointError(f"{to} is not empty: give a new folder")
    name = base or read_base(adapter)
    original = _load(name, "auto")
    stored_dtype = next(original.model.vision_tower.parameters()).dtype
    tower = {key: value.clone() for key, value in original.model.vision_tower.state_dict().items()}
    tuned = PeftModel.from_pretrained(original.float(), str(adapter))
    expected = _probe(tuned)
    temporary = to.with_name(to.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    tuned.merge_and_unload().to(stored_dtype).save_pretrained(str(temporary))
    rename_weights(temporary)
    _processor(adapter, name).save_pretrained(str(temporary))
    report = _check(temporary, expected, tower, stored_dtype)
    if to.exists():
        to.rmdir()
    temporary.replace(to)
    return report


def _load(name: str, dtype: Any) -> Any:
    try:
        return LlavaForConditionalGeneration.from_pretrained(name, dtype=dtype).eval()
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"cannot load the checkpoint {name}: {error}; --base names another place"
        ) from error


def _processor(adapter: Path, base: str) -> Any:
    """Return the processor that lies beside the adapter, as training used it, or the checkpoint's own."""
    return AutoProcessor.from_pretrained(
        str(adapter) if (adapter / "processor_config.json").is_file() else base
    )


def _probe(model: Any) -> torch.Tensor:
    """Return the float32 logits of a fixed image and text, (1, length, vocabulary)."""
    config = model.config
    generator = torch.Generator().manual_seed(0)
    side = config.vision_config.image_size
    patches = (side // config.vision_config.patch_size) ** 2
    tokens = patches + (config.vision_feature_select_strategy != "default")
    text = torch.randint(0, min(1000, config.image_token_id), (1, 16), generator=generator)
    ids = torch.cat([torch.full((1, tokens), config.image_token_id), text], dim=1)
    pixels = torch.randn(1, 3, side, side, generator=generator)
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=ids, pixel_values=pixels).logits
    return logits


def _check(
    folder: Path, expected: torch.Tensor, tower: dict[str, torch.Tensor], dtype: torch.dtype
) -> MergeReport:
    merged = _load(str(folder), dtype)
    stored = merged.model.vision_tower.state_dict()
    if any(not torch.equal(stored[name], weight) for name, weight in tower.items()):
        raise TrainError(
            f"the vision tower in {folder} differs from the checkpoint's, which merging must not touch"
        )
    difference = float((_probe(merged.float()) - expected).abs().max())
    if difference > _TOLERANCE[dtype]:
        raise TrainError(f"{folder} differs from the unmerged model by {difference:.3g} in a logit")
    return MergeReport(difference)
