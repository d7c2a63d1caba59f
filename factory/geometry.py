"""Boxes and the words that geometry allows: place, distance and size, computed and never guessed.

Places go by the centre of the box (left third, middle, right third of the width), sizes by the share of the
image that the box covers, distances by nearness in [0, 1]. Pixels have their origin at the left top; boxes
are xyxy, right and bottom exclusive.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factory.records import BoxXyxy

LEFT, MIDDLE, RIGHT = "on the left", "in the middle", "on the right"
CLOSE, HALFWAY, FAR = "close to the viewer", "halfway back", "far away"
LARGE, SMALL = "large", "small"

THIRD = 1 / 3
CLOSE_ABOVE, FAR_BELOW = 0.65, 0.35
LARGE_FROM, SMALL_TO = 0.12, 0.07
SAME_NEARNESS = 0.05
"""Two things are at the same distance if they are nearer to each other in nearness than this."""
NEARNESS_DOUBT = 0.08
"""How far beyond the tolerance a distance is still in doubt: estimates of depth err by so much."""
_SHARES = (
    (0.70, "most of the image"),
    (0.42, "about half of the image"),
    (0.29, "about a third of the image"),
    (0.20, "about a quarter of the image"),
)
PLACE_TOLERANCE, NEARNESS_TOLERANCE, AREA_TOLERANCE = 0.04, 0.06, 0.02
"""How far beyond a border a word is still held to be right when a text is checked."""

Boxes = NDArray[np.float32]


def area_px(box: BoxXyxy) -> float:
    """Return the area of a box; 0 for one turned inside out."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def area_fraction(box: BoxXyxy, size_wh: tuple[int, int]) -> float:
    """Return the share of the image that the box covers."""
    return area_px(clipped(box, size_wh)) / (size_wh[0] * size_wh[1])


def clipped(box: BoxXyxy, size_wh: tuple[int, int]) -> BoxXyxy:
    """Return the part of the box inside the image."""
    width, height = size_wh
    left, right = (min(max(x, 0.0), float(width)) for x in (box[0], box[2]))
    top, bottom = (min(max(y, 0.0), float(height)) for y in (box[1], box[3]))
    return left, top, right, bottom


def center_x(box: BoxXyxy, width: int) -> float:
    """Return the centre as a fraction of the image's width."""
    return (box[0] + box[2]) / 2 / width


def iou_matrix(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """Return intersection over union (n, m) of boxes (n, 4) and (m, 4); 0 where both are empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)  # (n, m)
    union = _areas(a)[:, None] + _areas(b)[None, :] - shared
    shares: NDArray[np.float32] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=-1)
    return areas


def iou(a: BoxXyxy, b: BoxXyxy) -> float:
    """Return intersection over union of two boxes; 0 where both are empty."""
    shared = _shared_px(a, b)
    union = area_px(a) + area_px(b) - shared
    return shared / union if union > 0 else 0.0


def _shared_px(a: BoxXyxy, b: BoxXyxy) -> float:
    return area_px((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def inside(a: BoxXyxy, b: BoxXyxy) -> float:
    """Return how much of the smaller of two boxes lies in the other, in [0, 1]; 0 if it is empty."""
    shared = _shared_px(a, b)
    smaller = min(area_px(a), area_px(b))
    return shared / smaller if smaller > 0 else 0.0


def suppress(boxes: Boxes, scores: NDArray[np.float32], max_iou: float) -> NDArray[np.int64]:
    """Return indices of the boxes kept, best first; none overlaps a better one by more than `max_iou`."""
    order = np.argsort(-scores, kind="stable")
    overlap = iou_matrix(boxes[order], boxes[order])
    kept: list[int] = []
    for i in range(len(order)):
        if not kept or overlap[i, kept].max() <= max_iou:
            kept.append(i)
    return order[kept].astype(np.int64)


def square_window(box: BoxXyxy, size_wh: tuple[int, int], context: float) -> tuple[int, int, int, int]:
    """Return a square around the box, `context` times its longest side.

    It is moved, and if need be cut, to lie inside the image.
    """
    side = max(box[2] - box[0], box[3] - box[1]) * context
    spans = []
    for low, high, limit in ((box[0], box[2], size_wh[0]), (box[1], box[3], size_wh[1])):
        length = min(side, float(limit))
        start = min(max(0.0, (low + high) / 2 - length / 2), limit - length)
        first = min(int(start), limit - 1)
        spans.append((first, max(first + 1, min(limit, round(start + length)))))
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def place_word(box: BoxXyxy, size_wh: tuple[int, int]) -> str:
    """Return where the centre of the box lies across the image."""
    x = center_x(box, size_wh[0])
    return LEFT if x < THIRD else RIGHT if x > 2 * THIRD else MIDDLE


def distance_word(nearness: float) -> str:
    """Return how far something is from the viewer."""
    return CLOSE if nearness > CLOSE_ABOVE else FAR if nearness < FAR_BELOW else HALFWAY


def size_word(fraction: float) -> str:
    """Return large or small, or nothing for what is neither."""
    return LARGE if fraction >= LARGE_FROM else SMALL if fraction <= SMALL_TO else ""


def place_holds(word: str, box: BoxXyxy, size_wh: tuple[int, int]) -> bool:
    """Tell whether the place is right, both neighbours within the tolerance of a border."""
    x = center_x(box, size_wh[0])
    if word == LEFT:
        return x <= THIRD + PLACE_TOLERANCE
    if word == RIGHT:
        return x >= 2 * THIRD - PLACE_TOLERANCE
    return THIRD - PLACE_TOLERANCE <= x <= 2 * THIRD + PLACE_TOLERANCE


def distance_holds(word: str, nearness: float) -> bool:
    """Tell whether the distance is right, both neighbours within the tolerance of a border."""
    if word == CLOSE:
        return nearness >= CLOSE_ABOVE - NEARNESS_TOLERANCE
    if word == FAR:
        return nearness <= FAR_BELOW + NEARNESS_TOLERANCE
    return FAR_BELOW - NEARNESS_TOLERANCE <= nearness <= CLOSE_ABOVE + NEARNESS_TOLERANCE


def distance_fails(word: str, nearness: float) -> bool:
    """Tell whether the distance is surely wrong: further from right than an estimate of depth may be off."""
    off = max(CLOSE_ABOVE - nearness, 0.0) if word == CLOSE else max(nearness - FAR_BELOW, 0.0)
    if word == HALFWAY:
        off = max(FAR_BELOW - nearness, nearness - CLOSE_ABOVE, 0.0)
    return off > NEARNESS_TOLERANCE + NEARNESS_DOUBT


def size_holds(word: str, fraction: float) -> bool:
    """Tell whether large or small is right within the tolerance."""
    return fraction >= LARGE_FROM - AREA_TOLERANCE if word == LARGE else fraction <= SMALL_TO + AREA_TOLERANCE


def same_distance(a: float, b: float) -> bool:
    """Tell whether two things are at the same distance from the viewer, by their nearness."""
    return abs(a - b) <= SAME_NEARNESS


def covered_by_box(box: BoxXyxy, other: BoxXyxy) -> float:
    """Return the share of a box over which another lies, in [0, 1]; 0 if it is empty."""
    return _shared_px(box, other) / area_px(box) if area_px(box) > 0 else 0.0


def covered_by_mask(box: BoxXyxy, mask: NDArray[np.bool_]) -> float:
    """Return the share of a box over which a mask (H, W) lies, by whole pixels; 0 if it has none."""
    left, top, right, bottom = (round(x) for x in clipped(box, (mask.shape[1], mask.shape[0])))
    inside = mask[top:bottom, left:right]
    return float(inside.mean()) if inside.size else 0.0


def share_words(fraction: float) -> str:
    """Return a share of the image in words, or nothing for a small one."""
    return next((words for least, words in _SHARES if fraction >= least), "")


def typical_nearness(nearness: NDArray[np.float32], mask: NDArray[np.bool_] | None, box: BoxXyxy) -> float:
    """Return the median of a nearness map (H, W) over the mask; over the box if that is empty or absent."""
    height, width = nearness.shape
    if mask is not None and mask.any():
        return float(np.median(nearness[mask]))
    left, top, right, bottom = clipped(box, (width, height))
    first_x, first_y = min(int(left), width - 1), min(int(top), height - 1)
    inside = nearness[first_y : max(first_y + 1, round(bottom)), first_x : max(first_x + 1, round(right))]
    return float(np.median(inside))


def boxes_array(boxes: Sequence[BoxXyxy]) -> Boxes:
    """Return boxes as an array (n, 4), also for none."""
    return np.array(boxes, np.float32).reshape(-1, 4)
