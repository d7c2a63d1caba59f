"""Batches of pictures with what is true at every patch, for teaching a vision tower to see."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from recipes.picturebook.pretrain.gallery import MAX_THINGS, NO_OWNER, Gallery
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE

MIN_COVER = 0.15
"""A patch belongs to the thing that covers most of it, if that is at least this fraction."""

PIXEL_MEAN, PIXEL_STD = 0.5, 0.25
"""Normalisation of every small checkpoint, written into its preprocessor config."""


class PatchBatch(NamedTuple):
    """Pictures (b, 3, H, W), normalised, and labels of their p x p patches in raster order."""

    pixels: Tensor
    classes: Tensor  # (b, p*p), int64; len(CLASS_NAMES) = background
    colors: Tensor  # (b, p*p), int64; len(COLOR_NAMES) = background
    boxes: (
        Tensor  # (b, p*p, 4): left, top, right, bottom reach from the patch centre, as fractions of the image
    )
    nearness: Tensor  # (b, p*p)
    owned: Tensor  # (b, p*p), bool
    settings: Tensor  # (b,), int64

    def to(self, device: str) -> "PatchBatch":
        """Return the batch on a device."""
        return PatchBatch(*(t.to(device) for t in self))


def patch_batch(
    gallery: Gallery, indices: NDArray[np.int64], rng: np.random.Generator, patch_px: int, zoom: float
) -> PatchBatch:
    """Assemble a batch; a share `zoom` of the pictures are enlarged cut-outs around one thing."""
    images = np.asarray(gallery.images[indices])
    owners = np.asarray(gallery.owners[indices])
    boxes = gallery.boxes[indices].astype(np.float32)
    for i in np.flatnonzero(rng.random(len(indices)) < zoom):
        count = int(gallery.counts[indices[i]])
        images[i], owners[i], boxes[i] = _zoom(images[i], owners[i], boxes[i], int(rng.integers(count)), rng)
    owner = patch_owners(owners, patch_px)  # (b, p*p)
    return PatchBatch(
        normalise(images),
        _look_up(gallery.classes[indices], owner, len(CLASS_NAMES)),
        _look_up(gallery.colors[indices], owner, len(COLOR_NAMES)),
        _reach(boxes, owner, patch_px),
        torch.from_numpy(np.take_along_axis(gallery.nearness[indices], owner % MAX_THINGS, 1)),
        torch.from_numpy(owner != NO_OWNER),
        torch.from_numpy(gallery.settings[indices].astype(np.int64)),
    )


def normalise(images: NDArray[np.uint8]) -> Tensor:
    """Return (b, 3, H, W) float32 from (b, H, W, 3) bytes."""
    pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
    return (pixels / 255 - PIXEL_MEAN) / PIXEL_STD


def patch_owners(owners: NDArray[np.uint8], patch_px: int) -> NDArray[np.int64]:
    """Return for each patch (b, p*p) the thing that covers most of it, or NO_OWNER."""
    b, side = len(owners), IMAGE_SIZE // patch_px
    tiles = owners.reshape(b, side, patch_px, side, patch_px)
    cover = np.stack([(tiles == i).mean((2, 4)) for i in range(MAX_THINGS)], -1)  # (b, p, p, n)
    best = cover.argmax(-1)
    return np.where(cover.max(-1) >= MIN_COVER, best, NO_OWNER).reshape(b, -1).astype(np.int64)


def _look_up(table: NDArray[np.uint8], owner: NDArray[np.int64], background: int) -> Tensor:
    labels = np.take_along_axis(table.astype(np.int64), owner % MAX_THINGS, 1)
    return torch.from_numpy(np.where(owner == NO_OWNER, background, labels))


def _reach(boxes: NDArray[np.float32], owner: NDArray[np.int64], patch_px: int) -> Tensor:
    side = IMAGE_SIZE // patch_px
    centre = (np.arange(side) + 0.5) * patch_px
    x, y = np.tile(centre, side), np.repeat(centre, side)  # (p*p,)
    box = np.take_along_axis(boxes, (owner % MAX_THINGS)[..., None], 1)  # (b, p*p, 4)
    reach = np.stack([x - box[..., 0], y - box[..., 1], box[..., 2] - x, box[..., 3] - y], -1)
    return torch.from_numpy((reach / IMAGE_SIZE).astype(np.float32))


def _zoom(
    image: NDArray[np.uint8],
    owners: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    thing: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    left, top, side = zoom_window(boxes[thing], rng.uniform(1.15, 1.6))
    window = (left, top, left + side, top + side)
    size = (IMAGE_SIZE, IMAGE_SIZE)
    picture = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC, box=window)
    labels = Image.fromarray(owners).resize(size, Image.Resampling.NEAREST, box=window)
    scaled = (boxes - np.array([left, top, left, top])) * (IMAGE_SIZE / side)
    return np.asarray(picture), np.asarray(labels), np.clip(scaled, 0, IMAGE_SIZE).astype(np.float32)


def zoom_window(box: NDArray[np.float32], context: float) -> tuple[float, float, float]:
    """Return left, top and side of a square around a box, `context` times its longest side, moved inside the image."""
    side = min(float(IMAGE_SIZE), max(box[2] - box[0], box[3] - box[1]) * context)
    left = min(max(0.0, float(box[0] + box[2]) / 2 - side / 2), IMAGE_SIZE - side)
    top = min(max(0.0, float(box[1] + box[3]) / 2 - side / 2), IMAGE_SIZE - side)
    return left, top, side
