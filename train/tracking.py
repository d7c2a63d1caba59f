"""Where the figures of a run go beside its own log: Weights & Biases, TensorBoard."""

import os
import sys

from train.outputs import Outputs
from train.recipe import TrainRecipe
from train.running import LoggingConfig

_TENSORBOARD_DIR = "TENSORBOARD_LOGGING_DIR"


def trackers(logging: LoggingConfig) -> list[str]:
    """Return the trackers by the names that the Trainer knows."""
    wandb = [] if logging.wandb == "disabled" else ["wandb"]
    return wandb + (["tensorboard"] if logging.tensorboard else [])


def begin_tracking(recipe: TrainRecipe) -> None:
    """Tell the trackers where and how to write; what the user has set in the environment stands."""
    if recipe.logging.wandb != "disabled":
        os.environ.setdefault("WANDB_MODE", recipe.logging.wandb)
        os.environ.setdefault("WANDB_PROJECT", recipe.logging.project)
        os.environ.setdefault("WANDB_DIR", str(recipe.out_dir))
        os.environ.setdefault("WANDB_SILENT", "true")
    if recipe.logging.tensorboard:
        os.environ.setdefault(_TENSORBOARD_DIR, str(Outputs(recipe.out_dir).tensorboard))


def end_tracking(recipe: TrainRecipe) -> None:
    """Close the run, so that a following phase opens one of its own, in its own folder."""
    _forget("WANDB_DIR", str(recipe.out_dir))
    _forget(_TENSORBOARD_DIR, str(Outputs(recipe.out_dir).tensorboard))
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        wandb.finish()


def _forget(name: str, value: str) -> None:
    if os.environ.get(name) == value:
        del os.environ[name]
