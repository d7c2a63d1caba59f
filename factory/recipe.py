"""The factory's recipe: images, stages, engine, and what the dataset card must say."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

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


class EngineConfig(Config):
    """What all engines have in common."""

    shard_size: PositiveInt = 256
    """Images per shard: what is lost at most when the machine dies."""
    batch_size: PositiveInt = 8
    """Items that a stage gets at a time; halved when memory runs out."""
    batch_sizes: dict[str, PositiveInt] = Field(default_factory=dict)
    """Batch sizes of single stages, by stage name."""
    decode_workers: PositiveInt = 4
    """Threads that read and check the images."""
    usd_per_worker_hour: Annotated[float, Field(ge=0.0)] = 0.0
    """What a worker costs while it runs a stage, for the cost in card and report and for `max_usd`."""


class LocalEngineConfig(EngineConfig):
    """One machine; by default stage by stage over shards, one stage's models in memory at a time."""

    kind: Literal["local"] = "local"
    order: Literal["stages", "shards"] = "stages"
    """`stages` finishes a stage before the next is loaded; `shards` keeps the models of all stages in memory and
    takes each shard through all of them, which decodes an image once: for models on servers, or small ones."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that run a stage (with `order: shards`, all of them) side by side, each with its models; 0 runs
    it in the build's own. A process that dies is started again, and the image that kills it is found and rejected."""
    workers_of: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Numbers of processes of single stages, by stage name."""
    gpus: list[str] = Field(default_factory=list)
    """GPUs dealt to the processes in turn, as CUDA_VISIBLE_DEVICES names them; empty: all see all."""

    @model_validator(mode="after")
    def _one_number_of_workers(self) -> "LocalEngineConfig":
        if self.order == "shards" and self.workers_of:
            raise ValueError(
                "order: shards runs all stages in each process: set workers instead of workers_of"
            )
        return self


class RayEngineConfig(EngineConfig):
    """A Ray cluster: the same stages over the same shards, each stage run by actors wherever there is room.

    The build's own process holds the ledger and sends the images, so that the machines need share no disk.
    """

    kind: Literal["ray"] = "ray"
    address: str | None = None
    """Address of a running cluster, such as `auto` or `ray://HOST:10001`; null starts one on this machine."""
    workers: PositiveInt = 1
    """Actors that run a stage side by side, each with the stage's models."""
    workers_of: dict[str, PositiveInt] = Field(default_factory=dict)
    """Numbers of actors of single stages, by stage name."""
    cpus: Annotated[float, Field(ge=0.0)] = 1.0
    """CPUs that Ray keeps free for one actor."""
    cpus_of: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)
    """The same for single stages, by stage name."""
    gpus: Annotated[float, Field(ge=0.0)] = 0.0
    """GPUs that Ray gives to one actor; a fraction shares one, which bounds the number and not the memory."""
    gpus_of: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)
    """The same for single stages, by stage name."""
    runtime_env: dict[str, Any] = Field(default_factory=dict)
    """Ray's environment for the actors, such as `{py_modules: [...]}` where they lack this package."""


def _engine_kind(value: Any) -> str:
    kind = value.get("kind", "local") if isinstance(value, dict) else getattr(value, "kind", "local")
    return str(kind)


Engine = Annotated[
    Annotated[LocalEngineConfig, Tag("local")] | Annotated[RayEngineConfig, Tag("ray")],
    Discriminator(_engine_kind),
]


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
    engine: Engine = LocalEngineConfig()
    """Where and how the stages run; another engine makes the same rows."""
    max_usd: Annotated[float, Field(gt=0.0)] | None = None
    """The build stops before the next shard once tokens and workers have come to so many dollars."""
    out: str
    """The dataset folder."""
    max_rejected_fraction: Fraction = 0.05
    """Above this share of rejected images a build ends with exit code 1."""
    card: CardConfig = CardConfig()

    @model_validator(mode="before")
    @classmethod
    def _captions_of_the_source(cls, tree: Any) -> Any:
        """Let captions that name no file of their own come from the source."""
        if not isinstance(tree, dict) or not isinstance(tree.get("source"), dict):
            return tree
        images = tree["source"].get("images")
        stages = [_with_captions(stage, images) for stage in tree.get("stages") or ()]
        return {**tree, "stages": stages} if stages else tree


def _with_captions(stage: Any, source: Any) -> Any:
    model = stage.get("model") if isinstance(stage, dict) else None
    if not isinstance(model, dict) or model.get("kind") != "existing" or model.get("captions"):
        return stage
    return {**stage, "model": {**model, "captions": source}}
