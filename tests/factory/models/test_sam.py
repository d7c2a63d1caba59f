"""SAM and SAM 2: many boxes at once give the masks of each box alone, and the image is encoded once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from factory.errors import ModelError
from factory.models import Sam2Config, SamConfig
from tests.factory.models.conftest import require_for_test

BOXES = [
    np.array([[2, 4, 60, 30], [50, 10, 96, 48]], np.float32),
    np.zeros((0, 4), np.float32),
    np.array([[5, 5, 20, 20]], np.float32),
]


def segmenter(folder: str, **options: Any) -> Any:
    sam = SamConfig(checkpoint=folder, **options).build()
    sam.open()
    return sam


def segmenter_2(checkpoint: Callable[[str], str], **options: Any) -> Any:
    require_for_test("torchvision")
    sam = Sam2Config(checkpoint=checkpoint("sam2"), **options).build()
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


def test_sam_2_cuts_out_what_its_own_processor_does(
    checkpoint: Callable[[str], str], images: list[Image.Image]
) -> None:
    found = segmenter_2(checkpoint).segment(images, BOXES)
    from transformers import Sam2Model, Sam2Processor

    folder = checkpoint("sam2")
    model, processor = Sam2Model.from_pretrained(folder), Sam2Processor.from_pretrained(folder)
    for image, boxes, masks in zip(images, BOXES, found, strict=True):
        for box, mask in zip(boxes, masks, strict=True):
            inputs = processor(images=image, input_boxes=[[box.tolist()]], return_tensors="pt")
            with torch.inference_mode():
                seen = model(**inputs, multimask_output=False).pred_masks
            expected = processor.post_process_masks(seen, inputs["original_sizes"])[0][0, 0].numpy()
            assert (expected == mask).mean() > 0.999  # rounding may turn a pixel at the border


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_an_image_is_encoded_once_and_its_boxes_go_in_one_call(
    name: str, checkpoint: Callable[[str], str], images: list[Image.Image]
) -> None:
    sam = segmenter(checkpoint("sam")) if name == "sam" else segmenter_2(checkpoint)
    encoded: list[int] = []
    decoded: list[tuple[int, ...]] = []
    sam._model.vision_encoder.register_forward_pre_hook(lambda _, given: encoded.append(len(given[0])))
    sam._model.prompt_encoder.register_forward_pre_hook(
        lambda _, __, given: decoded.append(tuple(given["input_boxes"].shape)), with_kwargs=True
    )
    sam.segment(images[:1], BOXES[:1])
    assert encoded == [1]
    assert decoded == [(1, 2, 4)]


def test_sam_2_without_torchvision_ends_with_the_command_that_installs_it() -> None:
    from importlib.util import find_spec

    if find_spec("torchvision") is not None:
        pytest.skip("torchvision is installed")
    with pytest.raises(ModelError) as caught:
        Sam2Config().build().open()
    assert str(caught.value).endswith("pip install -c constraints.txt torchvision")
