"""Florence-2 (Xiao et al. 2023, arXiv:2311.06242) through transformers: dense region captions in one pass.

The model writes captions and boxes as one text; it gives no scores, so every region scores 1.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from factory.models.batching import batches
from factory.models.checkpoint import Adapter, CheckpointConfig, load, require_family
from factory.models.protocols import Regions
from factory.models.region_captions import CaptionedRegions

Task = Literal["<DENSE_REGION_CAPTION>", "<OD>"]


class Florence2Config(CheckpointConfig):
    """Florence-2 as region captioner."""

    kind: Literal["florence2"] = "florence2"
    checkpoint: str = "florence-community/Florence-2-large"
    """Hub id or local folder (relative to the working directory); one in the format of transformers."""
    batch_size: int = Field(default=8, ge=1)
    """Images that go through the model together."""
    task: Task = "<DENSE_REGION_CAPTION>"
    """Captions of regions, or names of objects."""
    max_new_tokens: int = Field(default=1024, ge=8)
    """Length limit of all captions of an image together."""
    num_beams: int = Field(default=3, ge=1)
    """Beams of the search; 1 is greedy, and faster."""

    def build(self) -> "Florence2":
        """Return the adapter; `open` loads the weights."""
        return Florence2(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and how it is made to write."""
        decoding = f"{self.task},beams={self.num_beams},max_new_tokens={self.max_new_tokens}"
        return {**super().identity(), "decoding": decoding}


class Florence2(Adapter):
    """A region captioner."""

    def __init__(self, config: Florence2Config) -> None:
        super().__init__(config)
        self._config = config

    def _load(self) -> None:
        from transformers import AutoProcessor, Florence2ForConditionalGeneration

        require_family(self._checkpoint, "florence2")
        self._processor: Any = load(AutoProcessor.from_pretrained, self._config)
        self._model = self._runtime.place(
            load(Florence2ForConditionalGeneration.from_pretrained, self._config)
        )

    def caption_regions(self, images: Sequence[Image.Image]) -> list[CaptionedRegions]:
        """Return the regions of each image in the order in which the model names them."""
        found: list[CaptionedRegions] = []
        for shots in batches(images, self._config.batch_size):
            texts = self._write(list(shots))
            found += [self.read(text, image.size) for text, image in zip(texts, shots, strict=True)]
        return found

    def read(self, text: str, size_wh: tuple[int, int]) -> CaptionedRegions:
        """Return the regions in what the model wrote; boxes without width, height or caption are dropped."""
        task = self._config.task
        answer = self._processor.post_process_generation(text, task=task, image_size=size_wh)[task]
        edge = np.array([*size_wh, *size_wh], np.float32)
        boxes = np.clip(np.array(answer["bboxes"], np.float32).reshape(-1, 4), 0, edge)
        captions = [label.strip() for label in answer["labels"]]
        kept = [
            i
            for i, (left, top, right, bottom) in enumerate(boxes)
            if right > left and bottom > top and captions[i]
        ]
        return CaptionedRegions(
            Regions(boxes[kept], np.ones(len(kept), np.float32)), tuple(captions[i] for i in kept)
        )

    def _write(self, images: list[Image.Image]) -> list[str]:
        import torch

        config = self._config
        inputs = self._processor(
            text=[config.task] * len(images), images=images, padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            tokens = self._model.generate(
                **self._runtime.feed(inputs), do_sample=False, num_beams=config.num_beams,
                max_new_tokens=config.max_new_tokens,
            )  # fmt: skip
        texts: list[str] = self._processor.batch_decode(tokens, skip_special_tokens=False)
        return texts
