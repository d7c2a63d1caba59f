"""Depth: larger is nearer whatever the checkpoint puts out, at the size of the image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from factory.models import DepthAnythingConfig, GlpnConfig

Checkpoint = Callable[[str], str]


def estimator(config: Any) -> Any:
    model = config.build()
    model.open()
    return model


@pytest.mark.parametrize("name", ["depth_anything", "depth_anything_metric", "glpn"])
@pytest.mark.parametrize("scale", ["absolute", "per_image"])
def test_maps_have_the_size_of_their_image_and_lie_in_0_to_1(
    name: str, scale: Any, checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    kind = GlpnConfig if name == "glpn" else DepthAnythingConfig
    maps = estimator(kind(checkpoint=checkpoint(name), scale=scale)).nearness(images)
    assert [m.shape for m in maps] == [(48, 96), (80, 40), (48, 96)]
    assert all(m.dtype == np.float32 and m.min() >= 0 and m.max() <= 1 for m in maps)


def test_metres_are_turned_into_nearness(checkpoint: Checkpoint, images: list[Image.Image]) -> None:
    from transformers import GLPNForDepthEstimation, GLPNImageProcessorPil

    folder = checkpoint("glpn")
    model, processor = (
        GLPNForDepthEstimation.from_pretrained(folder),
        GLPNImageProcessorPil.from_pretrained(folder),
    )
    with torch.inference_mode():
        metres = (
            model(**processor(images=images[0], return_tensors="pt")).predicted_depth[0].numpy()
        )  # (32, 96)
    nearness = estimator(GlpnConfig(checkpoint=folder)).nearness(images[:1])[0]
    shrunk = np.asarray(Image.fromarray(nearness).resize(metres.shape[::-1], Image.Resampling.BILINEAR))
    assert np.corrcoef(metres.ravel(), shrunk.ravel())[0, 1] < -0.9


def test_an_image_alone_gets_the_map_that_it_gets_in_a_batch(
    checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    model = estimator(DepthAnythingConfig(checkpoint=checkpoint("depth_anything")))
    together = model.nearness(images)
    assert all(
        np.allclose(model.nearness([image])[0], m, atol=1e-3)
        for image, m in zip(images, together, strict=True)
    )
