import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import rle
from factory.geometry import (
    area_fraction,
    boxes_array,
    covered_by_box,
    distance_fails,
    distance_holds,
    distance_word,
    inside,
    iou,
    place_holds,
    place_word,
    same_distance,
    share_words,
    size_holds,
    size_word,
    square_window,
    suppress,
    typical_nearness,
)
from factory.records import BoxXyxy

SIZE = (120, 80)


@st.composite
def boxes(draw: st.DrawFn) -> BoxXyxy:
    left, top = draw(st.floats(-10, 115)), draw(st.floats(-10, 75))
    return left, top, left + draw(st.floats(0.5, 130)), top + draw(st.floats(0.5, 90))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),  # touching is not overlapping
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150),
        ((0, 0, 10, 10), (5, 5, 5, 5), 0.0),  # empty
        ((3, 3, 3, 3), (3, 3, 3, 3), 0.0),  # both empty
    ],
)
def test_iou(a: BoxXyxy, b: BoxXyxy, expected: float) -> None:
    assert iou(a, b) == pytest.approx(expected)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_bounded(a: BoxXyxy, b: BoxXyxy) -> None:
    assert iou(a, b) == pytest.approx(iou(b, a), abs=1e-6)
    assert 0 <= iou(a, b) <= 1 + 1e-6


@given(boxes(), boxes())
def test_how_much_lies_inside_is_symmetric_and_no_less_than_the_overlap(a: BoxXyxy, b: BoxXyxy) -> None:
    assert inside(a, b) == pytest.approx(inside(b, a))
    assert iou(a, b) - 1e-5 <= inside(a, b) <= 1 + 1e-9
    assert inside(a, a) == pytest.approx(1.0)


@given(st.lists(boxes(), max_size=8), st.floats(0, 1))
def test_what_is_kept_overlaps_little_and_what_is_dropped_overlaps_something_better(
    many: list[BoxXyxy], max_iou: float
) -> None:
    scores = np.linspace(0.9, 0.1, len(many), dtype=np.float32)
    kept = list(suppress(boxes_array(many), scores, max_iou))
    assert kept == sorted(kept)  # best first
    assert all(iou(many[i], many[j]) <= max_iou + 1e-5 for i in kept for j in kept if i != j)
    dropped = set(range(len(many))) - set(kept)
    assert all(any(iou(many[i], many[j]) > max_iou - 1e-5 for j in kept if j < i) for i in dropped)


@given(boxes(), st.floats(1, 3))
def test_a_window_lies_inside_the_image_and_is_square_where_it_fits(box: BoxXyxy, context: float) -> None:
    left, top, right, bottom = square_window(box, SIZE, context)
    assert 0 <= left < right <= SIZE[0] and 0 <= top < bottom <= SIZE[1]
    if max(box[2] - box[0], box[3] - box[1]) * context <= min(SIZE):
        assert abs((right - left) - (bottom - top)) <= 2  # rounding


def test_a_window_is_moved_in_from_the_edge_and_not_cut() -> None:
    assert square_window((0, 0, 20, 10), SIZE, 1.5) == (0, 0, 30, 30)
    assert square_window((100, 70, 120, 80), SIZE, 1.5) == (90, 50, 120, 80)


@pytest.mark.parametrize(
    ("box", "word"),
    [
        ((0, 0, 78, 9), "on the left"),
        ((0, 0, 80, 9), "in the middle"),
        ((40, 0, 120, 9), "in the middle"),
        ((42, 0, 120, 9), "on the right"),
    ],
)
def test_a_third_itself_is_the_middle(box: BoxXyxy, word: str) -> None:
    assert place_word(box, SIZE) == word


@given(boxes())
def test_the_word_that_is_said_holds(box: BoxXyxy) -> None:
    assert place_holds(place_word(box, SIZE), box, SIZE)


@given(st.floats(0, 1))
def test_distances_and_sizes_that_are_said_hold(value: float) -> None:
    assert distance_holds(distance_word(value), value)
    assert not size_word(value) or size_holds(size_word(value), value)


@pytest.mark.parametrize(
    ("nearness", "word"),
    [(0.651, "close to the viewer"), (0.65, "halfway back"), (0.35, "halfway back"), (0.349, "far away")],
)
def test_distance_words(nearness: float, word: str) -> None:
    assert distance_word(nearness) == word


@pytest.mark.parametrize(("fraction", "word"), [(0.12, "large"), (0.119, ""), (0.071, ""), (0.07, "small")])
def test_size_words(fraction: float, word: str) -> None:
    assert size_word(fraction) == word


def test_only_the_part_inside_the_image_counts() -> None:
    assert area_fraction((-60, -40, 60, 40), SIZE) == pytest.approx(0.25)


def test_one_far_pixel_does_not_move_an_object() -> None:
    nearness = np.full((80, 120), 0.8, np.float32)
    nearness[0, 0] = 0.0
    mask = np.zeros((80, 120), np.bool_)
    mask[:10, :10] = True
    assert typical_nearness(nearness, mask, (0, 0, 10, 10)) == pytest.approx(0.8)


def test_a_box_outside_the_image_still_has_a_nearness() -> None:
    assert typical_nearness(np.full((80, 120), 0.3, np.float32), None, (130, 90, 140, 99)) == pytest.approx(
        0.3
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30))
def test_a_mask_comes_back_from_its_code(seed: int, height: int, width: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    code = rle.encode(mask)
    assert code.size_hw == (height, width) and isinstance(code.counts, str)
    assert np.array_equal(rle.decode(code), mask)


@given(st.sampled_from(["close to the viewer", "halfway back", "far away"]), st.floats(0, 1))
def test_a_distance_is_never_both_right_and_surely_wrong(word: str, nearness: float) -> None:
    assert not (distance_holds(word, nearness) and distance_fails(word, nearness))
    assert distance_holds(distance_word(nearness), nearness)


@given(st.floats(0, 1), st.floats(0, 1))
def test_being_at_the_same_distance_is_mutual(a: float, b: float) -> None:
    assert same_distance(a, b) == same_distance(b, a)
    assert same_distance(a, a)


@given(boxes(), boxes())
def test_what_lies_over_a_box_is_a_share_of_it(a: BoxXyxy, b: BoxXyxy) -> None:
    assert 0 <= covered_by_box(a, b) <= 1 + 1e-9
    assert covered_by_box(a, a) == pytest.approx(1)


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_of_the_image_is_never_told_as_less(a: float, b: float) -> None:
    words = ["", "about a quarter", "about a third", "about half", "most"]
    low, high = (words.index(share_words(x).removesuffix(" of the image")) for x in sorted((a, b)))
    assert low <= high
