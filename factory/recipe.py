"""The factory's recipe: images, stages, engine, and what the dataset card must say."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from factory.stages import StageConfig
from recipes import Config

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class SourceConfig(Config):
    """Where the images come from and which of them are refused."""

    images: str
    """A folder (searched recursively), a folder of parquet files, WebDataset tars (a folder or one tar), a
    .jsonl/.txt list of paths or URLs, or the name of a dataset on the Hub (`kind: dataset`). Relative paths
    count from the working directory, else from the recipe's folder."""
    kind: Literal["auto", "folder", "parquet", "webdataset", "list", "dataset"] = "auto"
    """`auto` takes a .jsonl or .txt file for a list, a folder with parquet or tars for that, others for
    images; `dataset` asks the library `datasets`, for the Hub or for what `save_to_disk` wrote."""
    image_column: str = "image"
    """The parquet column or JSONL key that holds the image (JSONL also: path, file_name, url)."""
    id_column: str = "id"
    """The parquet column or JSONL key that names each image; where it is absent the file name does."""
    split: str = "train"
    """The split of a `dataset`."""
    max_images: PositiveInt | None = None
    """Take at most so many images, the first by name."""
    min_side: PositiveInt = 8
    """Images with a shorter side, in pixels, are rejected."""
    max_pixels: PositiveInt = 89_478_485
    """Images with more pixels are rejected before they are decoded."""
    max_bytes: PositiveInt = 64 * 1024 * 1024
    """Images with more encoded bytes are rejected."""
    fetch_timeout_s: Annotated[float, Field(gt=0)] = 20.0
    """How long one URL may take altogether."""


class LocalEngineConfig(Config):
    """One machine, stage by stage over shards, one stage's models in memory at a time."""

    kind: Literal["local"] = "local"
    shard_size: PositiveInt = 256
    """Images per shard: what is lost at most when the machine dies."""
    batch_size: PositiveInt = 8
    """Items that a stage gets at a time; halved when memory runs out."""
    batch_sizes: dict[str, PositiveInt] = Field(default_factory=dict)
    """Batch sizes of single stages, by stage name."""
    decode_workers: PositiveInt = 4
    """Threads that read and check the images."""


class CardConfig(Config):
    """What only the owner of the images knows."""

    title: str = "Described images"
    language: str = "en"
    """Language of the descriptions."""
    licence: str = ""
    """Licence of the dataset, as a Hub identifier such as cc-by-4.0."""
    images: str = ""
    """Where the images come from and under which licence."""
    calibration: str = ""
    """How the thresholds were calibrated, and on what; empty if they were set by hand."""
    notes: str = ""
    """Anything else that a reader of the dataset must know."""


class FactoryRecipe(Config):
    """Everything that makes a dataset."""

    seed: int = 0
    """Seeds whatever the stages sample; another seed makes everything anew."""
    source: SourceConfig
    stages: Annotated[list[StageConfig], Field(min_length=1)]
    """What is done to each image, in order."""
    engine: LocalEngineConfig = LocalEngineConfig()
    out: str
    """The dataset folder."""
    max_rejected_fraction: Fraction = 0.05
    """Above this share of rejected images a build ends with exit code 1."""
    card: CardConfig = CardConfig()
