"""SAM 2 (Ravi et al. 2024, arXiv:2408.00714) on single images: masks for boxes, all boxes of an image in one call.

Its processor is written for torchvision, which the base does without.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from factory.models.checkpoint import load, require_family
from factory.models.extras import Extra
from factory.models.sam import BoxSegmenter, SegmenterBase, padded

EXTRA = Extra("torchvision", "kind: sam2", "pip install -c constraints.txt torchvision")


class Sam2Config(SegmenterBase):
    """SAM 2 as segmenter."""

    kind: Literal["sam2"] = "sam2"
    checkpoint: str = "facebook/sam2.1-hiera-large"
    """Hub id or local folder (relative to the working directory)."""

    @property
    def extra(self) -> Extra:
        """The package that its processor is written for."""
        return EXTRA

    def build(self) -> "Sam2":
        """Return the adapter; `open` loads the weights."""
        return Sam2(self)


class Sam2(BoxSegmenter):
    """SAM 2 without its memory of other frames."""

    def _load(self) -> None:
        EXTRA.load()
        from transformers import Sam2Model, Sam2Processor

        require_family(self._checkpoint, "sam2", "sam2_video")
        self._processor: Any = load(Sam2Processor.from_pretrained, self._checkpoint)
        self._model = self._runtime.place(load(Sam2Model.from_pretrained, self._checkpoint))

    def _segment(
        self, images: list[Image.Image], boxes: list[NDArray[np.float32]]
    ) -> list[NDArray[np.bool_]]:
        import torch

        inputs = self._processor(
            images=images, input_boxes=[padded(b, boxes).tolist() for b in boxes], return_tensors="pt"
        )
        sizes = inputs.pop("original_sizes")
        placed = self._runtime.feed(inputs)
        with torch.inference_mode():
            seen = self._model.get_image_embeddings(placed["pixel_values"])
            logits = self._decode(list(seen), placed["input_boxes"])
            masks = self._processor.post_process_masks(logits.float().cpu(), sizes, mask_threshold=0.0)
        return [mask[: len(b), 0].numpy() for mask, b in zip(masks, boxes, strict=True)]
