"""The recipe of the whole loop: which recipe each program runs, and on which images."""

from pathlib import Path

from pydantic import Field

from recipes.base import Config


class WorldConfig(Config):
    """Scenes of the picture book, painted where real images would be fetched."""

    images: int = Field(ge=1)
    """Images that the dataset is built from."""
    eval_images: int = Field(ge=1)
    """Unseen images that the base and the tuned model describe."""


class FastConfig(Config):
    """The smaller numbers of a smoke run."""

    images: int = Field(ge=1)
    eval_images: int = Field(ge=1)
    train_steps: int = Field(ge=1)


class ChainRecipe(Config):
    """Images to dataset to adapter to report."""

    factory: Path
    """Recipe of `python -m factory build`."""
    train: Path
    """Recipe of `train/finetune.py`."""
    eval: Path
    """Recipe of `python -m eval run`, for the base model and, with the adapter, for the tuned one."""
    world: WorldConfig
    fast: FastConfig
    processes: int = Field(default=2, ge=1)
    """Training processes on CPU; with GPUs the launcher takes one per GPU."""
    scale_model: bool = True
    """Say beside every figure that this is a small world."""
