"""The sections of a recipe about how a run goes, not about what is learnt. Imports no torch."""

from typing import Literal, Self

from pydantic import PositiveInt, model_validator

from recipes import Config


class DeepspeedConfig(Config):
    """How DeepSpeed divides states over processes; without its launcher the run is one plain process."""

    stage: Literal[0, 1, 2, 3] = 2
    """ZeRO stage. For LoRA 2 is faster than 3, which gathers the frozen weights in every step."""
    offload: Literal["none", "optimizer", "all"] = "none"
    """What lives in host memory; `all` includes the weights and needs stage 3."""

    @model_validator(mode="after")
    def _offload_fits(self) -> Self:
        if self.offload == "all" and self.stage != 3:
            raise ValueError(f"deepspeed.offload all needs stage 3, not {self.stage}")
        if self.offload == "optimizer" and self.stage < 1:
            raise ValueError("deepspeed.offload optimizer needs stage 1, 2 or 3")
        return self


class LoggingConfig(Config):
    """What is reported while training."""

    every_steps: PositiveInt = 10
    wandb: Literal["disabled", "offline", "online"] = "offline"
    """`offline` writes a run folder under `out` that `wandb sync` uploads later."""
    project: str = "image-textualization"
    """Project name in Weights & Biases."""
    tensorboard: bool = False
    """Also write the figures to `out`/tensorboard; needs the tensorboard package."""


class SamplesConfig(Config):
    """Descriptions of a few fixed images while training, as a table in Weights & Biases and as JSON lines."""

    images: str
    """A folder; its first images by name are described."""
    count: PositiveInt = 4
    every_steps: PositiveInt = 100
    max_new_tokens: PositiveInt = 256
    truth: str | None = None
    """JSON `{"<file name without ending>": ["object", ...]}`: names that are absent are counted, word by word;
    `python -m eval` counts with synonyms."""


class CheckpointsConfig(Config):
    """Saved states that an interrupted run continues from."""

    kind: Literal["portable", "deepspeed"] = "portable"
    """`portable` continues on any number of processes and any ZeRO stage; `deepspeed` is written in parallel
    by every process, for full fine-tuning of large models, and continues on as many processes only."""
    every_steps: PositiveInt = 500
    keep: PositiveInt = 2
    """Older checkpoints are deleted."""
