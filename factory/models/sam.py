"""SAM (Kirillov et al. 2023, arXiv:2304.02643): masks for boxes, all boxes of an image in one call."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from factory.models.batching import batches
from factory.models.checkpoint import Adapter, CheckpointConfig, load, require_family


class SegmenterBase(CheckpointConfig):
    """A checkpoint that cuts out what boxes hold."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Precision; half precision moves boxes and maps by pixels, and these models are small."""
    batch_size: int = Field(default=4, ge=1)
    """Images encoded together."""
    max_boxes: int = Field(default=64, ge=1)
    """Boxes of an image decoded together; more are decoded in turns to bound memory."""


class SamConfig(SegmenterBase):
    """SAM as segmenter."""

    kind: Literal["sam"] = "sam"
    checkpoint: str = "facebook/sam-vit-huge"
    """Hub id or local folder (relative to the working directory)."""

    def build(self) -> "Sam":
        """Return the adapter; `open` loads the weights."""
        return Sam(self)


class BoxSegmenter(Adapter):
    """A segmenter: each image is encoded once, the one mask per box is taken at threshold 0."""

    def __init__(self, config: SegmenterBase) -> None:
        super().__init__(config)
        self._config = config

    def segment(
        self, images: Sequence[Image.Image], boxes_xyxy: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.bool_]]:
        """Return masks (n, H, W) for the n boxes of each image, n may be 0."""
        masks = [np.zeros((0, image.height, image.width), np.bool_) for image in images]
        # images with as many boxes share a batch, so that few boxes are decoded for nothing
        asked = sorted(
            (i for i in range(len(images)) if len(boxes_xyxy[i])), key=lambda i: len(boxes_xyxy[i])
        )
        for chosen in batches(asked, self._config.batch_size):
            found = self._segment([images[i] for i in chosen], [boxes_xyxy[i] for i in chosen])
            for i, of_one in zip(chosen, found, strict=True):
                masks[i] = of_one
        return masks

    @abstractmethod
    def _segment(
        self, images: list[Image.Image], boxes: list[NDArray[np.float32]]
    ) -> list[NDArray[np.bool_]]:
        """Return the masks (n, H, W) of images that all have boxes."""

    def _decode(self, seen: Any, boxes: Any) -> Any:
        """Return mask logits (b, boxes, 1, h, w) of images that have been encoded."""
        import torch

        turns = boxes.split(self._config.max_boxes, dim=1)
        answers = [
            self._model(image_embeddings=seen, input_boxes=some, multimask_output=False) for some in turns
        ]
        return torch.cat([answer.pred_masks for answer in answers], dim=1)


class Sam(BoxSegmenter):
    """SAM as it was published first."""

    def _load(self) -> None:
        from transformers import SamModel, SamProcessor

        require_family(self._checkpoint, "sam")
        self._processor: Any = load(SamProcessor.from_pretrained, self._checkpoint)
        self._model = self._runtime.place(load(SamModel.from_pretrained, self._checkpoint))

    def _segment(
        self, images: list[Image.Image], boxes: list[NDArray[np.float32]]
    ) -> list[NDArray[np.bool_]]:
        import torch

        inputs = self._processor(
            images=images, input_boxes=[padded(b, boxes).tolist() for b in boxes], return_tensors="pt"
        )
        sizes, fed = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
        placed = self._runtime.feed(inputs)
        with torch.inference_mode():
            seen = self._model.get_image_embeddings(placed["pixel_values"])
            logits = self._decode(seen, placed["input_boxes"])
            masks = self._processor.image_processor.post_process_masks(
                logits.float().cpu(), sizes, fed, mask_threshold=0.0
            )
        return [mask[: len(b), 0].numpy() for mask, b in zip(masks, boxes, strict=True)]


def padded(boxes: NDArray[np.float32], group: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Repeat the last box until all images of the group have as many."""
    missing = max(len(b) for b in group) - len(boxes)
    return np.concatenate([boxes, np.repeat(boxes[-1:], missing, axis=0)]).astype(np.float32)
