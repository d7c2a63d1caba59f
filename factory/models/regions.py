"""From a detector's raw boxes and scores to regions in pixels."""

import numpy as np
from numpy.typing import NDArray

from factory.geometry import suppress
from factory.models.protocols import Regions

Array = NDArray[np.float32]


def corners(boxes_cxcywh: Array, scale_wh: tuple[int, int], size_wh: tuple[int, int]) -> Array:
    """Return xyxy boxes (n, 4) in pixels, cut at the image's edge, from centre boxes in fractions."""
    center, half = boxes_cxcywh[:, :2], boxes_cxcywh[:, 2:] / 2
    boxes = np.concatenate([center - half, center + half], axis=1) * np.array(
        [*scale_wh, *scale_wh], np.float32
    )
    limit = np.array([*size_wh, *size_wh], np.float32)
    inside: Array = np.clip(boxes, 0, limit)
    return inside


def best_regions(boxes: Array, scores: Array, min_score: float, max_iou: float, max_regions: int) -> Regions:
    """Return at most `max_regions` regions scored at least `min_score`, best first, overlaps removed."""
    wide = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    chosen = np.flatnonzero((scores >= min_score) & wide)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:max_regions]
    kept = chosen[suppress(boxes[chosen], scores[chosen], max_iou)]
    return Regions(boxes[kept], scores[kept].astype(np.float32))
