"""SAM: many boxes at once give the masks of each box alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from factory.models import SamConfig

BOXES = [
    np.array([[2, 4, 60, 30], [50, 10, 96, 48]], np.float32),
    np.zeros((0, 4), np.float32),
    np.array([[5, 5, 20, 20]], np.float32),
]


def segmenter(folder: str, **options: Any) -> Any:
    sam = SamConfig(checkpoint=folder, **options).build()
    sam.open()
    return sam


def test_masks_are_those_of_the_models_own_processor(
    checkpoint: Callable[[str], str], images: list[Image.Image]
) -> None:
    from transformers import SamModel, SamProcessor

    model, processor = (
        SamModel.from_pretrained(checkpoint("sam")),
        SamProcessor.from_pretrained(checkpoint("sam")),
    )
    found = segmenter(checkpoint("sam")).segment(images, BOXES)
    assert [mask.shape for mask in found] == [(2, 48, 96), (0, 80, 40), (1, 48, 96)]
    for image, boxes, masks in zip(images, BOXES, found, strict=True):
        for box, mask in zip(boxes, masks, strict=True):
            inputs = processor(images=image, input_boxes=[[box.tolist()]], return_tensors="pt")
            with torch.inference_mode():
                seen = model(**inputs, multimask_output=False).pred_masks
            sizes = inputs["original_sizes"], inputs["reshaped_input_sizes"]
            expected = processor.image_processor.post_process_masks(seen, *sizes)[0][0, 0].numpy()
            assert (expected == mask).mean() > 0.999  # rounding may turn a pixel at the border


def test_boxes_decoded_in_turns_give_the_same_masks(
    checkpoint: Callable[[str], str], images: list[Image.Image]
) -> None:
    at_once = segmenter(checkpoint("sam")).segment(images, BOXES)
    in_turns = segmenter(checkpoint("sam"), max_boxes=1).segment(images, BOXES)
    assert all(np.array_equal(a, b) for a, b in zip(at_once, in_turns, strict=True))
