"""The recipe of the whole loop: which recipe each program runs, and on which images."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from recipes.base import Config


class PicturebookWorld(Config):
    """Scenes of the picture book, painted where real images would be fetched."""

    kind: Literal["picturebook"] = "picturebook"
    images: PositiveInt
    """Images that the dataset is built from."""
    eval_images: PositiveInt
    """Unseen images that the base and the tuned model describe."""


class PhotosWorld(Config):
    """Images that are there already; those that an evaluation asks about are never trained on."""

    kind: Literal["photos"] = "photos"
    folder: Path
    """Images that the dataset is built from, searched recursively. The evaluations name their own."""
    images: PositiveInt | None = None
    """Take so many of them, drawn by the seed; all by default."""
    annotations: tuple[Path, ...] = ()
    """COCO truth of these images, by which the dataset itself is judged; without it, it is not judged."""


World = Annotated[PicturebookWorld | PhotosWorld, Field(discriminator="kind")]


class FastConfig(Config):
    """The smaller numbers of a smoke run."""

    images: PositiveInt
    eval_images: PositiveInt
    train_steps: PositiveInt


class Needs(Config):
    """What the machine must have; checked before anything starts."""

    gpus: NonNegativeInt = 0
    gpu_memory_gb: NonNegativeFloat = 0.0
    """Of each GPU."""
    disk_gb: NonNegativeFloat = 2.0
    """For what the loop writes; downloads come on top."""


class ChainRecipe(Config):
    """Images to dataset to adapter to report."""

    factory: Path
    """Recipe of `python -m factory build`."""
    train: Path
    """Recipe of `train/finetune.py`."""
    eval: Path
    """Recipe of `python -m eval run`, for the base model and, with the adapter, for the tuned one."""
    benchmarks: tuple[Path, ...] = ()
    """Further recipes of `python -m eval run`; they are run with the model of `eval`."""
    world: World
    fast: FastConfig | None = None
    overrides: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """`a.b=value` by recipe: `factory`, `train`, `eval`, or the name of a benchmark's file without suffix."""
    processes: int = Field(default=2, ge=1)
    """Training processes on CPU; with GPUs the launcher takes one per GPU."""
    needs: Needs = Needs()
    scale_model: bool = False
    """Say beside every figure that this is a small world."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        stems = [path.stem for path in self.benchmarks]
        if len(set(stems)) < len(stems):
            raise ValueError(f"benchmarks must differ in name, as their output folders do: {stems}")
        known = ["factory", "train", "eval", *stems]
        unknown = sorted(set(self.overrides) - set(known))
        if unknown:
            raise ValueError(f"overrides: {unknown} is none of {known}")
        return self
