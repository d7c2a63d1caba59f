"""Original GroundingDINO weights: what the package itself would find, in phrases of our own."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from factory.errors import ModelError
from factory.models import GroundingDinoPyConfig
from factory.models.groundingdino_py import fitted, normalised
from tests.factory.models.conftest import require_for_test

Checkpoint = Callable[[str], str]
EDGES = (48, 96)


def config(folder: str, **options: Any) -> GroundingDinoPyConfig:
    settings = {
        "weights": "w.pth", "architecture": "architecture.json", "text_encoder": folder,
        "shortest_edge": EDGES[0], "longest_edge": EDGES[1], "nms_iou": 1.0, **options,
    }  # fmt: skip
    return GroundingDinoPyConfig.model_validate({"checkpoint": folder, **settings})


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [
        ((640, 480), (1066, 800)),
        ((480, 640), (800, 1066)),
        ((800, 800), (800, 800)),
        ((2000, 500), (1332, 333)),
        ((100, 1000), (133, 1330)),
    ],
    ids=["wide", "tall", "square", "very wide", "very tall"],
)
def test_images_are_resized_as_the_original_code_does(
    size_wh: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted(size_wh, 800, 1333) == expected


def test_white_and_black_are_what_imagenet_makes_of_them() -> None:
    white, black = (normalised(Image.new("RGB", (40, 20), color), 32, 64) for color in ("white", "black"))
    assert white.shape == (3, 32, 64)
    assert white.dtype == np.float32
    assert np.allclose(white[:, 0, 0], [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert np.allclose(black[:, 5, 5], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])


def test_without_the_package_the_message_ends_with_the_command_that_installs_it() -> None:
    if find_spec("groundingdino") is not None:
        pytest.skip("groundingdino-py is installed")
    with pytest.raises(ModelError) as caught:
        GroundingDinoPyConfig().build().open()
    command = "pip install --no-build-isolation -c constraints.txt groundingdino-py"
    assert str(caught.value).endswith(command)


def test_its_resizing_is_the_packages(images: list[Image.Image]) -> None:
    transforms = require_for_test("groundingdino.datasets.transforms")
    for image in images:
        theirs, _ = transforms.resize(image, None, EDGES[0], EDGES[1])
        assert theirs.size == fitted(image.size, *EDGES)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("which", [0, 1], ids=["wide", "tall"])
def test_boxes_and_scores_are_those_of_the_package(
    which: int, checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    require_for_test("groundingdino.models")
    folder, image = checkpoint("groundingdino_py"), images[which]
    detector = config(folder).build()
    detector.open()
    found = detector.detect([image], [["red car"]], 0.0)[0][0]

    from transformers import AutoTokenizer

    detector._model.tokenizer = AutoTokenizer.from_pretrained(folder)  # as the package reads captions itself
    pixels = torch.from_numpy(normalised(image, *EDGES))
    from groundingdino.util.misc import nested_tensor_from_tensor_list

    with torch.inference_mode():
        seen = detector._model(nested_tensor_from_tensor_list([pixels]), captions=["red car."])
    scores = (
        seen["pred_logits"][0].sigmoid()[:, 1:3].max(-1).values.numpy()
    )  # without [CLS] and the full stop
    x, y, w, h = seen["pred_boxes"][0].T.numpy()
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1) * [*image.size, *image.size]
    best = int(np.argmax(scores))
    assert np.allclose(np.sort(found.scores), np.sort(scores), atol=1e-4)
    assert np.allclose(found.boxes_xyxy[0], np.clip(boxes[best], 0, [*image.size, *image.size]), atol=0.05)


def test_weights_of_another_architecture_are_refused(checkpoint: Checkpoint) -> None:
    require_for_test("groundingdino.models")
    folder = checkpoint("groundingdino_py")
    with pytest.raises(ModelError, match=r"another architecture than 'swin_t': \d+ tensors are missing"):
        config(folder, architecture="swin_t").build().open()
    with pytest.raises(ModelError, match=r"holds no file 'other.pth' but architecture.json"):
        config(folder, weights="other.pth").build().open()
