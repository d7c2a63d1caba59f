"""Detectors against the post-processing of their own processors, on images that are not square."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from factory.models import GroundingDinoConfig, Owlv2Config

Checkpoint = Callable[[str], str]


def owlv2(folder: str, **options: Any) -> Any:
    detector = Owlv2Config(checkpoint=folder, **options).build()
    detector.open()
    return detector


def grounding_dino(folder: str, **options: Any) -> Any:
    detector = GroundingDinoConfig(checkpoint=folder, **options).build()
    detector.open()
    return detector


MAKERS = {"owlv2": owlv2, "grounding_dino": grounding_dino}


def inside(boxes: NDArray[np.float32], image: Image.Image) -> NDArray[np.float32]:
    return np.clip(boxes, 0, [*image.size, *image.size]).astype(np.float32)


def reference_owlv2(folder: str, image: Image.Image, phrase: str) -> tuple[Any, Any]:
    from transformers import Owlv2ForObjectDetection, Owlv2Processor

    model, processor = Owlv2ForObjectDetection.from_pretrained(folder), Owlv2Processor.from_pretrained(folder)
    inputs = processor(text=[[phrase]], images=image, return_tensors="pt")
    with torch.inference_mode():
        seen = model(**inputs)
    found = processor.post_process_grounded_object_detection(
        seen, threshold=0.0, target_sizes=[image.size[::-1]]
    )[0]
    return found["boxes"].numpy(), found["scores"].numpy()


def reference_grounding_dino(folder: str, image: Image.Image, phrase: str) -> tuple[Any, Any]:
    from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor

    model = GroundingDinoForObjectDetection.from_pretrained(folder)
    processor = GroundingDinoProcessor.from_pretrained(folder)
    inputs = processor(text=f"{phrase}.", images=image, return_tensors="pt")
    with torch.inference_mode():
        seen = model(**inputs)
    found = processor.post_process_grounded_object_detection(
        seen, threshold=0.0, target_sizes=[image.size[::-1]]
    )[0]
    spans = (
        seen.logits[0].sigmoid()[:, 1 : 1 + len(phrase.split())].max(-1).values
    )  # without [CLS] and the full stop
    return found["boxes"].numpy(), spans.numpy()


REFERENCES = {"owlv2": reference_owlv2, "grounding_dino": reference_grounding_dino}


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("which", [0, 1], ids=["wide", "tall"])
def test_boxes_and_scores_are_those_of_the_models_own_processor(
    name: str, which: int, checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    image = images[which]
    boxes, scores = REFERENCES[name](checkpoint(name), image, "red car")
    boxes = inside(boxes, image)
    wide = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    order = np.argsort(-scores[wide], kind="stable")
    found = MAKERS[name](checkpoint(name), nms_iou=1.0).detect([image], [["red car"]], 0.0)[0][0]
    assert np.allclose(found.scores, scores[wide][order], atol=1e-4)
    assert np.allclose(found.boxes_xyxy[0], boxes[wide][order][0], atol=0.05)


def test_packed_phrases_are_found_in_the_order_asked(
    checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    phrases = [["red car", "dog", "a blue bus . "], ["boat"], []]
    packed = grounding_dino(checkpoint("grounding_dino"), packing="packed", max_prompt_tokens=8)
    found = packed.detect(images, phrases, 0.0)
    assert [len(of_one) for of_one in found] == [3, 1, 0]
    exact = grounding_dino(checkpoint("grounding_dino")).detect(images, phrases, 0.0)
    assert np.allclose(found[1][0].scores, exact[1][0].scores, atol=1e-3)  # alone in its prompt either way


def test_proposals_do_not_overlap(checkpoint: Checkpoint, images: list[Image.Image]) -> None:
    from factory.geometry import iou_matrix

    for regions in owlv2(checkpoint("owlv2"), proposal_nms_iou=0.2).propose(images, 0.0):
        overlap = iou_matrix(regions.boxes_xyxy, regions.boxes_xyxy) - np.eye(len(regions.scores))
        assert len(regions.scores) > 0
        assert overlap.max() <= 0.2 + 1e-6


def test_an_image_is_seen_once_however_many_phrases_are_asked(
    checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    detector = grounding_dino(checkpoint("grounding_dino"), batch_size=2)
    seen: list[int] = []
    detector._model.model.backbone.conv_encoder.register_forward_pre_hook(
        lambda _, given: seen.append(len(given[0]))
    )
    found = detector.detect(images, [["dog", "car", "boat"], [], ["bus", "dog"]], 0.0)
    assert [len(of_one) for of_one in found] == [3, 0, 2]
    assert seen == [2]


def test_phrases_keep_their_span_whatever_stands_in_them(checkpoint: Checkpoint) -> None:
    detector = grounding_dino(checkpoint("grounding_dino"), packing="packed")
    tokens, spans = detector._prompts.prompts([["Red car?", "", "dog. boat"], ["bus"]])
    words = [detector._processor.tokenizer.convert_ids_to_tokens(row) for row in tokens["input_ids"].tolist()]
    assert words[0] == ["[CLS]", "red", "car", ".", ".", "dog", "boat", ".", "[SEP]"]
    assert [words[0][span] for span in spans[0]] == [["red", "car"], [], ["dog", "boat"]]
    assert words[1] == ["[CLS]", "bus", ".", "[SEP]", *["[PAD]"] * 5]


def test_a_phrase_longer_than_the_models_prompt_is_cut(checkpoint: Checkpoint) -> None:
    detector = grounding_dino(checkpoint("grounding_dino"))
    assert len(detector._prompts.token_ids("car " * 400)) == 253
