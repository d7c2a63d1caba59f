"""What the two GroundingDINOs have in common: each image is seen once, each prompt of phrases is put to what was seen.

A phrase is scored by its own tokens: the largest sigmoid over the span of the phrase in the prompt.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from factory.models.batching import batches
from factory.models.checkpoint import Adapter, CheckpointConfig, Probability
from factory.models.phrase_prompts import PhrasePrompts
from factory.models.protocols import Regions
from factory.models.regions import Array, best_regions, corners

MAX_TOKENS = 256
"""The longest prompt of the published checkpoints."""


class PhraseDetectorConfig(CheckpointConfig):
    """How phrases are put to a detector that reads prompts."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Precision; half precision moves boxes and maps by pixels, and these models are small."""
    batch_size: int = Field(default=8, ge=1)
    """Images seen together, and pairs of image and prompt compared together."""
    packing: Literal["exact", "packed"] = "exact"
    """`exact` asks for one phrase at a time; `packed` puts many into one prompt: faster, with other scores."""
    max_prompt_tokens: int = Field(default=200, ge=8, le=MAX_TOKENS)
    """Where a packed prompt is cut in two; the model's own limit is 256."""
    nms_iou: Probability = 0.5
    """Of two regions for one phrase that overlap by more, the better one stays."""
    max_regions: int = Field(default=64, ge=1)
    """Regions kept for one phrase before overlaps are removed."""

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and how phrases are put to it."""
        packing = "exact" if self.packing == "exact" else f"packed,{self.max_prompt_tokens}"
        return {**super().identity(), "regions": f"{packing},nms={self.nms_iou},max={self.max_regions}"}


class PhraseDetector(Adapter):
    """A detector with a score per phrase."""

    def __init__(self, config: PhraseDetectorConfig) -> None:
        super().__init__(config)
        self._config = config
        self._prompts: PhrasePrompts

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        """Return for each phrase of each image the regions scored at least `min_score`, best first."""
        found = [[Regions() for _ in of_one] for of_one in phrases]
        asked = [i for i, of_one in enumerate(phrases) if of_one]
        # images of like shape share a batch, so that little of it is padding
        asked.sort(key=lambda i: images[i].width / images[i].height)
        for shots in batches(asked, self._config.batch_size):
            seen = self._see([images[i] for i in shots])
            asks = [(row, pack) for row, i in enumerate(shots) for pack in self._prompts.packs(phrases[i])]
            for chosen in batches(asks, self._config.batch_size):
                tokens, spans = self._prompts.prompts(
                    [[phrases[shots[row]][j] for j in pack] for row, pack in chosen]
                )
                boxes, scores = self._compare(seen, [row for row, _ in chosen], tokens)
                for n, (row, pack) in enumerate(chosen):
                    size = images[shots[row]].size
                    in_pixels = corners(boxes[n], size, size)
                    for j, span in zip(pack, spans[n], strict=True):
                        found[shots[row]][j] = self._regions(in_pixels, scores[n][:, span], min_score)
        return found

    @abstractmethod
    def _see(self, images: list[Image.Image]) -> Any:
        """Return what the image backbone makes of the images."""

    @abstractmethod
    def _compare(self, seen: Any, rows: list[int], tokens: Any) -> tuple[Array, Array]:
        """Return boxes (n, queries, 4), centre boxes in fractions, and token scores (n, queries, tokens).

        `tokens` holds n prompts, the first for the image of number `rows[0]` among those seen.
        """

    def _phrase_prompts(self, tokenizer: Any) -> PhrasePrompts:
        room = self._config.max_prompt_tokens if self._config.packing == "packed" else 0
        return PhrasePrompts(tokenizer, room, MAX_TOKENS)

    def _regions(self, boxes: Array, token_scores: Array, min_score: float) -> Regions:
        if not token_scores.shape[1]:
            return Regions()
        scores = np.asarray(token_scores.max(axis=1), np.float32)
        return best_regions(boxes, scores, min_score, self._config.nms_iou, self._config.max_regions)


@contextmanager
def answering(module: Any, answer: Any) -> Iterator[None]:
    """Let a module answer with what it answered before, whatever it is given."""
    module.forward = lambda *_, **__: answer
    try:
        yield
    finally:
        del module.forward
