"""One contract for each promise of `protocols`, kept by every adapter: fake, scale model or tiny and random."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from factory.models.protocols import ChatRequest, Regions
from factory.records import Item
from factory.stages.regions import FindRegions, RegionsConfig
from tests.factory.models import subjects
from tests.factory.stages.fakes import item

Checkpoint = Callable[[str], str]
Open = Callable[..., Any]
PHRASES = [["dog", "red car"], [], ["boat"]]
BOXES = [
    np.array([[2, 4, 60, 30], [50, 10, 96, 48]], np.float32),
    np.zeros((0, 4), np.float32),
    np.array([[5, 5, 20, 20]], np.float32),
]


@pytest.fixture
def opened(checkpoint: Checkpoint) -> Iterator[Open]:
    """Return what opens an adapter of a table by name; all are closed in the end."""
    models: list[Any] = []

    def get(table: dict[str, subjects.Make], name: str, batch_size: int = 3) -> Any:
        models.append(table[name](checkpoint, batch_size))
        models[-1].open()
        models[-1].open()  # opening twice does nothing more
        return models[-1]

    yield get
    for model in models:
        model.close()


def each(table: dict[str, subjects.Make]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", list(table))


def lies_in(regions: Regions, image: Image.Image) -> bool:
    left, top, right, bottom = regions.boxes_xyxy.T
    inside = (left >= 0) & (top >= 0) & (right <= image.width) & (bottom <= image.height)
    return bool((inside & (right > left) & (bottom > top)).all())


def is_ranked(regions: Regions) -> bool:
    scores = regions.scores
    return bool((scores >= 0).all() and (scores <= 1).all() and (np.diff(scores) <= 0).all())


def alike(a: Regions, b: Regions) -> bool:
    """Tell whether the best regions agree; padding may move a box by less than a pixel."""
    if not len(a.scores) or not len(b.scores):
        return len(a.scores) == len(b.scores)
    near = abs(a.scores[0] - b.scores[0]) < 2e-3
    return bool(near and np.allclose(a.boxes_xyxy[0], b.boxes_xyxy[0], atol=0.5))


@each(subjects.DETECTORS)
def test_a_detector_answers_each_phrase_of_each_image(
    name: str, opened: Open, images: list[Image.Image]
) -> None:
    detector = opened(subjects.DETECTORS, name)
    found = detector.detect(images, PHRASES, 0.0)
    assert [len(of_one) for of_one in found] == [2, 0, 1]
    for image, of_one in zip(images, found, strict=True):
        assert all(lies_in(regions, image) and is_ranked(regions) for regions in of_one)
    assert detector.detect([], [], 0.0) == []
    assert detector.detect(images[:1], [[]], 0.0) == [[]]


@each(subjects.DETECTORS)
def test_a_detector_sees_a_batch_as_each_image_alone_and_always_the_same(
    name: str, opened: Open, images: list[Image.Image]
) -> None:
    detector, single = opened(subjects.DETECTORS, name), opened(subjects.DETECTORS, name, 1)
    together, again = detector.detect(images, PHRASES, 0.0), detector.detect(images, PHRASES, 0.0)
    for one, other in zip(flat(together), flat(again), strict=True):
        assert np.array_equal(one.boxes_xyxy, other.boxes_xyxy) and np.array_equal(one.scores, other.scores)
    backwards = detector.detect(images[::-1], PHRASES[::-1], 0.0)[::-1]
    alone = single.detect(images, PHRASES, 0.0)
    for one, turned, other in zip(flat(together), flat(backwards), flat(alone), strict=True):
        assert alike(one, turned) and alike(one, other)


@each(subjects.DETECTORS)
def test_a_detector_returns_nothing_below_the_minimum(
    name: str, opened: Open, images: list[Image.Image]
) -> None:
    detector = opened(subjects.DETECTORS, name)
    everything = flat(detector.detect(images, [["dog"]] * 3, 0.0))
    middle = float(np.median(np.concatenate([regions.scores for regions in everything])))
    few = flat(detector.detect(images, [["dog"]] * 3, middle))
    assert all((regions.scores >= middle).all() for regions in few)
    assert 0 < sum(len(r.scores) for r in few) < sum(len(r.scores) for r in everything)


@each(subjects.PROPOSERS)
def test_a_proposer_says_where_things_are(name: str, opened: Open, images: list[Image.Image]) -> None:
    proposer, single = opened(subjects.PROPOSERS, name), opened(subjects.PROPOSERS, name, 1)
    together = proposer.propose(images, 0.0)
    assert len(together) == len(images)
    assert all(lies_in(r, image) and is_ranked(r) for r, image in zip(together, images, strict=True))
    assert all(alike(a, b) for a, b in zip(together, single.propose(images, 0.0), strict=True))
    assert proposer.propose([], 0.0) == []


@each(subjects.SEGMENTERS)
def test_a_segmenter_cuts_out_every_box(name: str, opened: Open, images: list[Image.Image]) -> None:
    segmenter, single = opened(subjects.SEGMENTERS, name), opened(subjects.SEGMENTERS, name, 1)
    masks = segmenter.segment(images, BOXES)
    assert [mask.shape for mask in masks] == [(2, 48, 96), (0, 80, 40), (1, 48, 96)]
    assert all(mask.dtype == np.bool_ for mask in masks)
    again = segmenter.segment(images, BOXES)
    backwards = segmenter.segment(images[::-1], BOXES[::-1])[::-1]
    alone = single.segment(images, BOXES)
    for one, same, turned, other in zip(masks, again, backwards, alone, strict=True):
        assert np.array_equal(one, same)
        assert not one.size or min((one == turned).mean(), (one == other).mean()) > 0.995
    assert segmenter.segment([], []) == []


@each(subjects.DEPTHS)
def test_a_depth_model_maps_every_image_at_its_size(
    name: str, opened: Open, images: list[Image.Image]
) -> None:
    model, single = opened(subjects.DEPTHS, name), opened(subjects.DEPTHS, name, 1)
    maps = model.nearness(images)
    assert [m.shape for m in maps] == [(48, 96), (80, 40), (48, 96)]
    assert all(m.dtype == np.float32 and m.min() >= 0 and m.max() <= 1 for m in maps)
    backwards, alone = model.nearness(images[::-1])[::-1], single.nearness(images)
    for one, same, turned, other in zip(maps, model.nearness(images), backwards, alone, strict=True):
        assert np.array_equal(one, same)
        assert np.allclose(one, turned, atol=2e-3) and np.allclose(one, other, atol=2e-3)
    assert model.nearness([]) == []


@each(subjects.CAPTIONERS)
def test_a_region_captioner_says_what_is_where(name: str, opened: Open, images: list[Image.Image]) -> None:
    captioner, single = opened(subjects.CAPTIONERS, name), opened(subjects.CAPTIONERS, name, 1)
    found = captioner.caption_regions(images)
    assert len(found) == len(images)
    for one, image in zip(found, images, strict=True):
        assert len(one.captions) == len(one.regions.scores)
        assert all(one.captions) and lies_in(one.regions, image)
    for some in (captioner.caption_regions(images), single.caption_regions(images)):
        assert [one.captions for one in some] == [one.captions for one in found]
    assert captioner.caption_regions([]) == []


@each(subjects.READERS)
def test_a_chat_model_answers_texts_in_order(name: str, opened: Open) -> None:
    chat, single = opened(subjects.READERS, name), opened(subjects.READERS, name, 1)
    requests = [ChatRequest(text) for text in ("what is this ?", "dog", "describe a red car and a blue bus")]
    replies = chat.reply(requests)
    assert replies == chat.reply(requests) == chat.reply(requests[::-1])[::-1] == single.reply(requests)
    assert len(replies) == len(requests) and not any(reply.error for reply in replies)
    assert chat.reply([]) == []


@each(subjects.SEERS)
def test_a_chat_model_answers_images_in_order(name: str, opened: Open, images: list[Image.Image]) -> None:
    chat, single = opened(subjects.SEERS, name), opened(subjects.SEERS, name, 1)
    requests = [
        ChatRequest(text, image) for text, image in zip(("what is", "describe", "dog"), images, strict=True)
    ]
    replies = chat.reply(requests)
    assert replies == chat.reply(requests) == chat.reply(requests[::-1])[::-1] == single.reply(requests)
    assert len(replies) == len(requests) and not any(reply.error for reply in replies)


@pytest.mark.parametrize("which", ["picture book", "tiny"])
def test_crops_captioned_by_a_chat_model_become_objects_in_the_image(
    which: str, checkpoint: Checkpoint
) -> None:
    folder = (lambda name: str(subjects.BOOK / name)) if which == "picture book" else checkpoint
    owlv2 = {"kind": "owlv2", "checkpoint": folder("owlv2")}
    captioner = {"kind": "transformers", "checkpoint": folder("llava"), "max_new_tokens": 8}
    settings = {"min_objectness": 0.0, "min_score": 0.0, "max_regions": 4}
    config = RegionsConfig.model_validate(
        {"proposer": owlv2, "captioner": captioner, "detector": owlv2, **settings}
    )
    stage: FindRegions = config.build()
    stage.open()
    found = stage.run([item("a", entities=[]), item("b", entities=[])])
    stage.close()
    for name, one in zip("ab", found, strict=True):
        assert isinstance(one, Item) and one.id == name
        width, height = one.size_wh
        for thing in one.objects or ():
            left, top, right, bottom = thing.box_xyxy
            assert 0 <= left < right <= width and 0 <= top < bottom <= height
            assert 0 <= thing.score <= 1 and thing.caption
    first, second = (one.objects for one in found if isinstance(one, Item))
    assert first == second  # the same image


def flat(found: list[list[Regions]]) -> list[Regions]:
    return [regions for of_one in found for regions in of_one]
