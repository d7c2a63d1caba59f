"""One fine-tuning run, from recipe to adapter."""

import importlib.util
import logging
import re
from pathlib import Path

from train.error import CheckpointError, TrainError
from train.identity import fingerprint
from train.outputs import Outputs
from train.place import Place
from train.plan import Sizes
from train.recipe import TrainRecipe

_LOG = logging.getLogger("train")


def run(recipe: TrainRecipe) -> int:
    """Fine-tune, or find that it is done already; return the exit code.

    Raises:
        TrainError: the user must act.
        Interrupted: a signal stopped the run, and a checkpoint holds its progress.
    """
    place = Place.from_environment()
    outputs = Outputs(recipe.out_dir)
    sizes = Sizes(recipe.global_batch_size, recipe.micro_batch_size, place.processes)
    _check_checkpoint(recipe.model.checkpoint)
    mark = fingerprint(recipe)
    if recipe.resume == "auto" and (summary := outputs.finished(mark)) is not None:
        _LOG.info("already trained: %s holds this run, %d steps", recipe.out_dir, summary["steps"])
        return _exit_code(summary["dropped_fraction"], recipe)
    checkpoint = outputs.latest(mark, place.processes) if recipe.resume == "auto" else None
    _check_packages(recipe)
    from train.session import Session

    summary = Session(recipe, place, sizes, outputs, mark, checkpoint).run()
    return _exit_code(summary["dropped_fraction"], recipe)


def _exit_code(dropped_fraction: float, recipe: TrainRecipe) -> int:
    return 1 if dropped_fraction > recipe.max_rejected_fraction else 0


def _check_checkpoint(name: str) -> None:
    """Tell a missing folder at once, before the hub is asked for it."""
    path = Path(name).expanduser()
    on_hub = re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", name) and not Path(path.parts[0]).is_dir()
    if not path.is_dir() and not on_hub:
        raise CheckpointError(f"model.checkpoint: no folder at {name}")


def _check_packages(recipe: TrainRecipe) -> None:
    if recipe.logging.wandb != "disabled" and importlib.util.find_spec("wandb") is None:
        raise TrainError("logging.wandb needs wandb: pip install wandb, or --set logging.wandb=disabled")
