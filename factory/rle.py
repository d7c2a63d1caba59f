"""Masks as COCO compressed run-length code and back."""

import warnings

import numpy as np
from numpy.typing import NDArray

from factory.records import Rle


def encode(mask: NDArray[np.bool_]) -> Rle:
    """Encode a mask (H, W)."""
    from pycocotools import mask as coco

    code = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return Rle((int(mask.shape[0]), int(mask.shape[1])), code["counts"].decode("ascii"))


def decode(rle: Rle) -> NDArray[np.bool_]:
    """Return the mask (H, W)."""
    from pycocotools import mask as coco

    code = {"size": list(rle.size_hw), "counts": rle.counts.encode("ascii")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its arrays know only NumPy 1
        return np.asarray(coco.decode(code), dtype=np.bool_)
