"""What can be known to be wrong before a model loads. Imports no torch."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from train.error import CheckpointError, DataError, TrainError
from train.identity import checkpoint_digest
from train.quantise import check_quantisation
from train.recipe import Source, TrainRecipe
from train.running import SamplesConfig


def check(recipe: TrainRecipe) -> None:
    """Look at everything that a recipe names.

    Raises:
        TrainError: something is missing or does not fit; the message says what to do.
    """
    _check_checkpoint(recipe.model.checkpoint)
    _check_packages(recipe)
    if recipe.tuning == "qlora":
        check_quantisation()
    for source in recipe.data:
        _check_source(source)
    if recipe.dpo is not None:
        from train.preference.columns import check_columns

        for folder in recipe.dpo.pairs:
            check_columns(Path(folder).expanduser())
    if recipe.samples is not None:
        _check_samples(recipe.samples)
    if recipe.start_from is not None:
        _check_adapter(Path(recipe.start_from).expanduser(), recipe)


def _check_checkpoint(name: str) -> None:
    """Tell a missing folder at once, before the hub is asked for it."""
    path = Path(name).expanduser()
    on_hub = re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", name) and not Path(path.parts[0]).is_dir()
    if not path.is_dir() and not on_hub:
        raise CheckpointError(f"model.checkpoint: no folder at {name}")


def _check_packages(recipe: TrainRecipe) -> None:
    if recipe.logging.wandb != "disabled" and importlib.util.find_spec("wandb") is None:
        raise TrainError("logging.wandb needs wandb: pip install wandb, or --set logging.wandb=disabled")
    if recipe.logging.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise TrainError("logging.tensorboard needs tensorboard: pip install -c constraints.txt tensorboard")


def _check_source(source: Source) -> None:
    if source.kind != "llava":
        from train.parquet import check_columns

        columns = {"factory": "description", "questions": "entities"}
        check_columns(Path(source.path).expanduser(), ("id", "image", columns[source.kind]))
    elif not Path(source.images).expanduser().is_dir():
        raise DataError(
            f"data.images: no folder at {source.images}; image names in {source.path} start there"
        )


def _check_samples(samples: SamplesConfig) -> None:
    folder = Path(samples.images).expanduser()
    if not folder.is_dir() or not any(folder.iterdir()):
        raise DataError(f"samples.images: no images in a folder {samples.images}")
    if samples.truth is not None and not _read(Path(samples.truth).expanduser()):
        raise DataError(f"samples.truth: no JSON object of image names and object lists at {samples.truth}")


def _check_adapter(folder: Path, recipe: TrainRecipe) -> None:
    config = _read(folder / "adapter_config.json")
    if not config:
        raise CheckpointError(f"start_from: {folder} holds no PEFT adapter (adapter_config.json)")
    base = str(config.get("base_model_name_or_path"))
    if not _is_same(base, folder, recipe.model.checkpoint):
        raise CheckpointError(
            f"start_from: {folder} is an adapter of {base}, and model.checkpoint is {recipe.model.checkpoint}: "
            "give the checkpoint that it was trained on, or another adapter"
        )
    if bool(config.get("use_dora")) != (recipe.tuning == "dora"):
        kind = "dora" if config.get("use_dora") else "lora"
        raise CheckpointError(f"start_from: the adapter in {folder} is of another kind: --set tuning={kind}")
    wanted = {"r": recipe.lora.rank, "lora_alpha": recipe.lora.alpha}
    if different := [name for name, value in wanted.items() if config.get(name) != value]:
        name = different[0]
        key = "rank" if name == "r" else "alpha"
        raise CheckpointError(
            f"start_from: the adapter in {folder} has {key} {config.get(name)}, and the recipe says {wanted[name]}: "
            f"--set lora.{key}={config.get(name)}"
        )


def _is_same(base: str, adapter: Path, checkpoint: str) -> bool:
    """Return whether an adapter's base is this checkpoint: by content where both are known, else by name."""
    ours = checkpoint_digest(checkpoint)
    theirs = _read(adapter / "train_summary.json").get("base_digest") or checkpoint_digest(base)
    return base == checkpoint if ours is None or theirs is None else bool(ours == theirs)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
