"""Scenes follow from their seeds, and what is true of them is true of the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.picturebook.draw import mask_box, paint
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE, MIN_VISIBLE, SETTINGS

SEEDS = st.integers(0, 2**40)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_same_seed_is_the_same_picture(seed: int) -> None:
    first, second = paint(sample_scene(seed)), paint(sample_scene(seed))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.masks, second.masks)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_masks_do_not_overlap_and_nothing_is_hidden_too_far(seed: int) -> None:
    scene = sample_scene(seed)
    picture = paint(scene)
    assert 1 <= len(scene.things) <= 6
    assert picture.masks.sum(0).max() <= 1
    assert (picture.visible > MIN_VISIBLE - 0.2).all()


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_depth_order_is_painting_order_and_matches_the_nearness_map(seed: int) -> None:
    scene = sample_scene(seed)
    picture = paint(scene)
    nearness = [t.nearness for t in scene.things]
    assert nearness == sorted(nearness)
    for thing, mask in zip(scene.things, picture.masks, strict=True):
        assert picture.nearness[mask] == pytest.approx(thing.nearness)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_boxes_are_tight_and_inside_the_image(seed: int) -> None:
    for mask in paint(sample_scene(seed)).masks:
        left, top, right, bottom = mask_box(mask)
        assert 0 <= left < right <= IMAGE_SIZE
        assert 0 <= top < bottom <= IMAGE_SIZE
        assert mask[top:bottom, left:right].sum() == mask.sum()


def test_an_empty_mask_has_an_empty_box() -> None:
    assert mask_box(np.zeros((4, 4), bool)) == (0, 0, 0, 0)


def test_settings_make_their_classes_likely_and_some_scenes_break_the_habit() -> None:
    scenes = [sample_scene(seed) for seed in range(600)]
    at_home = [t.name in SETTINGS[s.setting] for s in scenes for t in s.things]
    assert 0.55 < np.mean(at_home) < 0.85
    strangers = [all(t.name not in SETTINGS[s.setting] for t in s.things) for s in scenes]
    assert any(strangers)


def test_every_class_and_colour_appears_and_counting_matters() -> None:
    scenes = [sample_scene(seed) for seed in range(600)]
    things = [t for s in scenes for t in s.things]
    assert {t.name for t in things} == set(CLASS_NAMES)
    assert {t.color for t in things} == set(COLOR_NAMES)
    repeated = [len({t.name for t in s.things}) < len(s.things) for s in scenes]
    assert np.mean(repeated) > 0.2
