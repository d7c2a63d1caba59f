"""One key per image, whatever name a file gives it."""

import re
from pathlib import PurePosixPath

from eval.errors import InputError

_COCO_NAME = re.compile(r"(?:COCO_[A-Za-z]+\d{4}_)?0*(\d+)")
_IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


def image_key(image_id: object) -> str:
    """Return the key under which an image is compared.

    COCO names compare as numbers: `COCO_val2014_000000002239.jpg`, `000000002239.jpg`, `"2239"` and `2239`
    are all `"2239"`. Any other name keeps its spelling, without folder and image suffix.

    Raises:
        InputError: the id is empty or is neither text nor an integer.
    """
    if isinstance(image_id, bool) or not isinstance(image_id, (str, int)) or image_id == "":
        raise InputError(f"image id {image_id!r} is neither a name nor a number")
    path = PurePosixPath(str(image_id).strip().replace("\\", "/"))
    stem = path.stem if path.suffix.lower() in _IMAGE_SUFFIXES else path.name
    match = _COCO_NAME.fullmatch(stem)
    return str(int(match.group(1))) if match else stem


def key_order(key: str) -> tuple[int, int, str]:
    """Sort keys so that numbers come in numeric order, before names."""
    return (0, int(key), "") if key.isdigit() else (1, 0, key)
