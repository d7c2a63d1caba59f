"""Florence-2: what it writes becomes regions in pixels of each image, and objects of the stage."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from factory.models import Florence2Config, Owlv2Config, TransformersChatConfig
from factory.models.protocols import Regions
from factory.models.region_captions import CaptionedRegions
from factory.prompts import Prompt
from factory.records import Item
from factory.stages.regions import FindRegions, RegionsConfig
from tests.factory.stages.fakes import FakeDetector, Openable, item

Checkpoint = Callable[[str], str]
WRITTEN = "</s><s>a red car<loc_500><loc_250><loc_999><loc_750>dog<loc_0><loc_0><loc_0><loc_500></s>"


@pytest.fixture
def florence2(checkpoint: Checkpoint) -> Any:
    captioner = Florence2Config(checkpoint=checkpoint("florence2"), max_new_tokens=24, num_beams=1).build()
    captioner.open()
    return captioner


@pytest.mark.parametrize("size_wh", [(1000, 400), (120, 80)])
def test_places_count_in_thousandths_of_each_side(florence2: Any, size_wh: tuple[int, int]) -> None:
    found = florence2.read(WRITTEN, size_wh)
    width, height = size_wh
    assert found.captions == ("a red car",)  # the dog's box has no width
    expected = [0.5 * width, 0.25 * height, width, 0.75 * height]
    assert np.allclose(found.regions.boxes_xyxy, [expected], atol=1.0)
    assert found.regions.scores.tolist() == [1.0]


def test_text_without_places_is_no_region(florence2: Any) -> None:
    assert florence2.read("</s><s>nothing to see</s>", (120, 80)).captions == ()


def test_a_batch_is_written_as_each_image_alone(florence2: Any, images: list[Image.Image]) -> None:
    together = florence2._write(images)
    alone = [florence2._write([image])[0] for image in images]
    assert [text.replace("<pad>", "") for text in together] == [text.replace("<pad>", "") for text in alone]
    assert [len(one.captions) for one in florence2.caption_regions(images)] == [
        len(florence2.read(text, image.size).captions) for text, image in zip(alone, images, strict=True)
    ]


class Scripted(Openable):
    """Finds a car on the left of every image."""

    def caption_regions(self, images: Sequence[Image.Image]) -> list[CaptionedRegions]:
        boxes = np.array([[2, 20, 32, 50]], np.float32)
        return [CaptionedRegions(Regions(boxes, np.ones(1, np.float32)), ("a red car",)) for _ in images]


def test_the_detector_confirms_what_was_captioned() -> None:
    config = RegionsConfig(captioner=Florence2Config(), detector=Owlv2Config())
    detector = FakeDetector({"red car": [((4.0, 20.0, 34.0, 50.0), 0.75)]})
    stage = FindRegions(None, Scripted(), detector, Prompt("", "test"), config)
    done = stage.run([item(entities=[])])[0]
    assert isinstance(done, Item)
    assert [(o.phrase, o.caption, o.score) for o in done.objects or ()] == [("red car", "a red car", 0.75)]


def test_captions_of_crops_need_regions() -> None:
    with pytest.raises(ValueError, match="name a proposer of regions"):
        RegionsConfig(captioner=TransformersChatConfig(checkpoint="m"), detector=Owlv2Config())


def test_no_prompt_and_no_proposer_decide_what_florence_says() -> None:
    config = RegionsConfig(captioner=Florence2Config(), detector=Owlv2Config(), proposer=Owlv2Config())
    assert {key.partition(".")[0] for key in config.identity()} == {"version", "captioner", "detector"}
