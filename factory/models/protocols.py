"""What the stages ask of models; every adapter, fake and real, keeps one of these promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class ChatRequest:
    """One question to a chat model; `schema` asks for JSON of that shape where this is supported.

    With `asks_yes_no` only the first token counts: the reply's `yes` says how likely it is.
    """

    text: str
    image: Image.Image | None = None
    system: str = ""
    schema: dict[str, Any] | None = None
    asks_yes_no: bool = False


@dataclass(frozen=True)
class Reply:
    """What a chat model answered; `finished` is False when it ran into its token limit.

    `error` says why there is no answer to this one request; `text` is then what the server said of it, if
    anything. `tokens_cached` of
    `tokens_in` were computed before, None where the server does not tell; `micro_usd` is the price paid. `yes`, for
    questions that ask yes or no, is yes / (yes + no) of the first token's probabilities, None if it is neither.
    """

    text: str
    finished: bool = True
    tokens_in: int = 0
    tokens_out: int = 0
    error: str = ""
    tokens_cached: int | None = None
    micro_usd: int = 0
    yes: float | None = None


class Model(Protocol):
    """Something that is loaded once per worker and freed when its stage is done."""

    def open(self) -> None:
        """Load the weights or connect; opening twice does nothing more."""

    def close(self) -> None:
        """Free what `open` took."""


class Chat(Model, Protocol):
    """A chat model, with or without sight."""

    def reply(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        """Answer each request, in order."""


@dataclass(frozen=True)
class Regions:
    """Boxes in one image: `boxes_xyxy` (n, 4) float32 in pixels, `scores` (n,) in [0, 1], best first."""

    boxes_xyxy: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        if self.boxes_xyxy.shape != (len(self.scores), 4):
            raise ValueError(
                f"boxes_xyxy {self.boxes_xyxy.shape} and scores {self.scores.shape} do not fit together"
            )


class Detector(Model, Protocol):
    """An open-set detector."""

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        """Return for each image and each of its phrases the regions scored at least `min_score`.

        The regions of a phrase overlap little: of those that do, the best is kept.
        """


class Proposer(Model, Protocol):
    """Something that says where things are, whatever they are."""

    def propose(self, images: Sequence[Image.Image], min_score: float) -> list[Regions]:
        """Return the regions of each image that look like things, overlaps removed."""


class Segmenter(Model, Protocol):
    """A promptable segmenter."""

    def segment(
        self, images: Sequence[Image.Image], boxes_xyxy: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.bool_]]:
        """Return masks (n, H, W) for the n boxes of each image."""


class DepthEstimator(Model, Protocol):
    """A monocular depth model."""

    def nearness(self, images: Sequence[Image.Image]) -> list[NDArray[np.float32]]:
        """Return (H, W) maps in [0, 1], 1 = nearest."""
