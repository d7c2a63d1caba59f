"""From a file's bytes to a picture that every stage can read (upright, RGB, within limits) or a refusal."""

import hashlib
import io
import math
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from factory.recipe import SourceConfig

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "MPO")
"""Formats that are decoded; others (EPS starts a program) are refused."""
_SUFFIXES = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",)}
_LOSSLESS = {"PNG", "GIF", "BMP", "TIFF", "PPM"}
_SMALL_PIXELS = 512 * 512


@dataclass(frozen=True)
class Picture:
    """An image as the stages get it; `changes` is empty if its bytes are the source's."""

    image: bytes
    name: str
    size_wh: tuple[int, int]
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why an image cannot be used: a short phrase that can be counted, and the particulars."""

    reason: str
    detail: str = ""


def take_in(data: bytes, name: str, limits: SourceConfig) -> Picture | Refusal:
    """Check one image and make it plain.

    The bytes are kept when they are upright RGB JPEG or PNG already; else they are encoded anew: PNG if the
    source is lossless and has at most 512 x 512 pixels, JPEG of quality 95 otherwise.
    """
    if refusal := _refusal_of_bytes(data, limits):
        return refusal
    try:
        with Image.open(io.BytesIO(data), formats=_known()) as image:
            return _refusal_of_size(image, limits) or _plain(image, data, name)
    except UnidentifiedImageError:
        return Refusal("not an image", f"starts with {data[:8]!r}")
    except Image.DecompressionBombError as error:
        return Refusal("too many pixels", str(error))
    except Exception as error:  # Pillow's decoders raise whatever broke them; the item's reason keeps it
        truncated = "truncated" in str(error).lower()
        return Refusal("truncated image" if truncated else "broken image", f"{type(error).__name__}: {error}")


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of a file, by which exact duplicates are found."""
    return hashlib.sha256(data).hexdigest()


def _refusal_of_bytes(data: bytes, limits: SourceConfig) -> Refusal | None:
    if not data:
        return Refusal("empty file")
    if len(data) > limits.max_bytes:
        return Refusal("too many bytes", f"more than the {limits.max_bytes} allowed by source.max_bytes")
    return None


def _refusal_of_size(image: Image.Image, limits: SourceConfig) -> Refusal | None:
    width, height = image.size
    if width * height > limits.max_pixels:
        return Refusal("too many pixels", f"{width} x {height}, source.max_pixels is {limits.max_pixels}")
    if min(width, height) < limits.min_side:
        return Refusal("too small", f"{width} x {height}, source.min_side is {limits.min_side}")
    return None


def _known() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _plain(image: Image.Image, data: bytes, name: str) -> Picture:
    source = image.format or ""
    changes = _first_frame(image)
    image.load()
    upright = _upright(image, changes)
    rgb = _rgb(upright, changes)
    kept = not changes and source in _SUFFIXES
    if kept:
        return Picture(data, _renamed(name, source), image.size, ())
    target = "PNG" if source in _LOSSLESS and math.prod(rgb.size) <= _SMALL_PIXELS else "JPEG"
    changes.append(f"encoded as {target}")
    return Picture(_encoded(rgb, target), _renamed(name, target), rgb.size, tuple(changes))


def _first_frame(image: Image.Image) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    if frames == 1 or image.format == "MPO":
        return []
    image.seek(0)
    return [f"first of {frames} frames"]


def _upright(image: Image.Image, changes: list[str]) -> Image.Image:
    orientation = image.getexif().get(0x0112, 1)
    if orientation in (None, 1) or orientation not in range(2, 9):
        return image
    changes.append(f"turned upright (EXIF orientation {orientation})")
    return ImageOps.exif_transpose(image)


def _rgb(image: Image.Image, changes: list[str]) -> Image.Image:
    if image.mode == "RGB":
        return image
    changes.append(f"{image.mode} to RGB")
    if image.mode.startswith(("I", "F")):
        return _eight_bit(image)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _on_white(image)
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey by 65535, wider numbers by their own range; Pillow would cut them off at 255."""
    grey = np.nan_to_num(np.asarray(image).astype(np.float64))  # (H, W)
    low, high = (
        (0.0, 65535.0)
        if grey.min() >= 0 and grey.max() <= 65535 and image.mode != "F"
        else (grey.min(), grey.max())
    )
    scaled = (grey - low) / max(high - low, 1e-12) * 255.0
    return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")


def _encoded(rgb: Image.Image, target: str) -> bytes:
    buffer = io.BytesIO()
    rgb.info.clear()
    rgb.save(buffer, target, **({"quality": 95, "subsampling": 0} if target == "JPEG" else {}))
    return buffer.getvalue()


def _renamed(name: str, target: str) -> str:
    path = PurePosixPath(name)
    suffixes = _SUFFIXES[target]
    return path.name if path.suffix.lower() in suffixes else f"{path.stem}{suffixes[0]}"
