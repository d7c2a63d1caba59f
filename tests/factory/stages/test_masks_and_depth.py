import numpy as np
import pytest

from factory import rle
from factory.records import Item
from factory.stages.depth import Depth
from factory.stages.masks import Masks
from tests.factory.stages.fakes import BoxSegmenter, LeftIsNear, box_mask, item, thing

LEFT, RIGHT = (0.0, 10.0, 20.0, 30.0), (100.0, 40.0, 120.0, 80.0)


def test_each_object_gets_its_own_mask() -> None:
    done = Masks(BoxSegmenter()).run(
        [item(objects=(thing(1, "car", LEFT), thing(2, "bus", RIGHT))), item(objects=())]
    )
    assert all(isinstance(one, Item) for one in done)
    masks = [rle.decode(o.mask) for o in done[0].objects or () if o.mask]  # type: ignore[union-attr]
    assert np.array_equal(masks[0], box_mask((120, 80), LEFT)) and np.array_equal(
        masks[1], box_mask((120, 80), RIGHT)
    )


def test_nearness_is_the_median_over_the_mask() -> None:
    done = Depth(LeftIsNear()).run(Masks(BoxSegmenter()).run([item(objects=(thing(1, "car", LEFT),))]))[0]  # type: ignore[arg-type]
    assert isinstance(done, Item)
    assert (done.objects or ())[0].nearness == pytest.approx(1 - 9.5 / 119, abs=1e-3)


def test_an_empty_mask_falls_back_to_the_box() -> None:
    from dataclasses import replace

    empty = rle.encode(np.zeros((80, 120), np.bool_))
    objects = (replace(thing(1, "car", RIGHT), mask=empty), thing(2, "bus", RIGHT))
    done = Depth(LeftIsNear()).run([item(objects=objects)])[0]
    assert isinstance(done, Item)
    assert [o.nearness for o in done.objects or ()] == [pytest.approx(9.5 / 119, abs=1e-3)] * 2
