"""GroundingDINO (Liu et al. 2023, arXiv:2303.05499) through transformers.

A phrase is scored by its own tokens: the largest sigmoid over the span of the phrase in the prompt, never by
the label text that the model decodes, because labels of packed phrases run together.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from factory.models.batching import batches
from factory.models.checkpoint import Adapter, CheckpointConfig, Probability, load
from factory.models.protocols import Regions
from factory.models.regions import best_regions, corners

_SPECIAL_TOKENS = 2  # [CLS] and [SEP]


class GroundingDinoConfig(CheckpointConfig):
    """GroundingDINO as detector."""

    kind: Literal["grounding_dino"] = "grounding_dino"
    checkpoint: str = "IDEA-Research/grounding-dino-base"
    """Hub id or local folder (relative to the working directory)."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Precision; half precision moves boxes and maps by pixels, and these models are small."""
    batch_size: int = Field(default=8, ge=1)
    """Pairs of image and prompt that go through the model together."""
    packing: Literal["exact", "packed"] = "exact"
    """`exact` asks for one phrase at a time; `packed` puts many into one: faster, with other scores."""
    max_prompt_tokens: int = Field(default=200, ge=8)
    """Where a packed prompt is cut in two; the model's own limit is 256."""
    nms_iou: Probability = 0.5
    """Of two regions for one phrase that overlap by more, the better one stays."""
    max_regions: int = Field(default=64, ge=1)
    """Regions kept for one phrase before overlaps are removed."""

    def build(self) -> "GroundingDino":
        """Return the adapter; `open` loads the weights."""
        return GroundingDino(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and how phrases are put to it."""
        packing = "exact" if self.packing == "exact" else f"packed,{self.max_prompt_tokens}"
        return {**super().identity(), "regions": f"{packing},nms={self.nms_iou},max={self.max_regions}"}


class GroundingDino(Adapter):
    """A detector with a score per phrase."""

    def __init__(self, config: GroundingDinoConfig) -> None:
        super().__init__(config)
        self._config = config

    def _load(self) -> None:
        from transformers import AutoProcessor, GroundingDinoForObjectDetection

        self._processor: Any = load(AutoProcessor.from_pretrained, self._config)
        self._model = self._runtime.place(load(GroundingDinoForObjectDetection.from_pretrained, self._config))

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        """Return for each phrase of each image the regions scored at least `min_score`, best first."""
        found = [[Regions() for _ in of_one] for of_one in phrases]
        asks = [(i, pack) for i, of_one in enumerate(phrases) for pack in self._packs(of_one)]
        # images of like shape share a batch, so that little of it is padding
        asks.sort(key=lambda ask: images[ask[0]].width / images[ask[0]].height)
        for chosen in batches(asks, self._config.batch_size):
            tokens, spans = self._prompts([[phrases[i][j] for j in pack] for i, pack in chosen])
            boxes, scores = self._look([images[i] for i, _ in chosen], tokens)
            for row, (i, pack) in enumerate(chosen):
                in_pixels = corners(boxes[row], images[i].size, images[i].size)
                for j, span in zip(pack, spans[row], strict=True):
                    found[i][j] = self._regions(in_pixels, scores[row][:, span], min_score)
        return found

    def _packs(self, phrases: Sequence[str]) -> Iterator[list[int]]:
        """Yield indices of phrases that share a prompt."""
        room = self._config.max_prompt_tokens if self._config.packing == "packed" else 0
        pack: list[int] = []
        used = _SPECIAL_TOKENS
        for index, phrase in enumerate(phrases):
            length = len(self._token_ids(phrase)) + 1
            if pack and used + length > room:
                yield pack
                pack, used = [], _SPECIAL_TOKENS
            pack.append(index)
            used += length
        if pack:
            yield pack

    def _token_ids(self, phrase: str) -> list[int]:
        # a full stop ends a phrase for the model, so none may stand inside
        ids: list[int] = self._processor.tokenizer(
            phrase.lower().replace(".", " ").strip(), add_special_tokens=False
        ).input_ids
        return ids

    def _prompts(self, packs: Sequence[Sequence[str]]) -> tuple[dict[str, Any], list[list[slice]]]:
        """Return padded prompts `[CLS] phrase . phrase . [SEP]` and the span of each phrase in them."""
        tokenizer = self._processor.tokenizer
        stop = self._token_ids_of_stop()
        rows: list[list[int]] = []
        spans: list[list[slice]] = []
        for pack in packs:
            row, of_row = [tokenizer.cls_token_id], []
            for phrase in pack:
                ids = self._token_ids(phrase)
                of_row.append(slice(len(row), len(row) + len(ids)))
                row += [*ids, *stop]
            rows.append([*row, tokenizer.sep_token_id])
            spans.append(of_row)
        return dict(tokenizer.pad({"input_ids": rows}, return_tensors="pt")), spans

    def _token_ids_of_stop(self) -> list[int]:
        ids: list[int] = self._processor.tokenizer(".", add_special_tokens=False).input_ids
        return ids

    def _look(self, images: list[Image.Image], tokens: dict[str, Any]) -> tuple[Any, Any]:
        """Return boxes (b, queries, 4) in fractions of each image and token scores (b, queries, tokens)."""
        import torch

        pixels = self._processor.image_processor(images=images, return_tensors="pt")
        with torch.inference_mode():
            seen = self._model(**self._runtime.feed({**pixels, **tokens}))
        return seen.pred_boxes.float().cpu().numpy(), seen.logits.float().sigmoid().cpu().numpy()

    def _regions(self, boxes: Any, token_scores: Any, min_score: float) -> Regions:
        if not token_scores.shape[1]:
            return Regions()
        scores = np.asarray(token_scores.max(axis=1), np.float32)
        return best_regions(boxes, scores, min_score, self._config.nms_iou, self._config.max_regions)
