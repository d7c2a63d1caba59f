"""Paints a scene, and what is true of each pixel of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from recipes.picturebook.backdrop import VARIANTS, backdrop
from recipes.picturebook.scene import Scene, Thing, ground_row
from recipes.picturebook.sprite import sprite
from recipes.picturebook.world import IMAGE_SIZE


@dataclass(frozen=True)
class Picture:
    """A painted scene: RGB image, visible mask per thing, share of each thing that is visible, nearness per pixel."""

    image: NDArray[np.uint8]  # (H, W, 3)
    masks: NDArray[np.bool_]  # (n, H, W)
    visible: NDArray[np.float32]  # (n,), in [0, 1]
    nearness: NDArray[np.float32]  # (H, W), in [0, 1], 1 = nearest


def paint(scene: Scene) -> Picture:
    """Paint a scene far to near; light, noise and backdrop follow from its seed."""
    rng = np.random.default_rng([scene.seed, 1])
    canvas = backdrop(scene.setting, int(rng.integers(VARIANTS))).copy()
    alphas = [_paint_thing(canvas, thing, rng) for thing in scene.things]
    masks, visible = _visible(alphas)
    return Picture(_light_and_noise(canvas, rng), masks, visible, _nearness(scene, masks))


def _paint_thing(canvas: Image.Image, thing: Thing, rng: np.random.Generator) -> NDArray[np.bool_]:
    left, top, right, bottom = thing.box_xyxy
    drawing = sprite(thing.name, thing.color, thing.mirrored)
    small = drawing.resize((right - left, bottom - top), Image.Resampling.BOX)
    _cast_shadow(canvas, thing)
    shade = float(rng.uniform(0.9, 1.06))
    canvas.paste(small.convert("RGB").point(lambda v: v * shade), (left, top), small.getchannel("A"))
    mask = np.zeros((IMAGE_SIZE, IMAGE_SIZE), bool)
    alpha = np.asarray(small.getchannel("A")) > 127
    y0, x0 = max(0, top), max(0, left)
    mask[y0:bottom, x0:right] = alpha[y0 - top :, x0 - left :][: IMAGE_SIZE - y0, : IMAGE_SIZE - x0]
    return mask


def _cast_shadow(canvas: Image.Image, thing: Thing) -> None:
    left, _, right, bottom = thing.box_xyxy
    thickness = max(2, (right - left) // 10)
    layer = Image.new("L", (right - left + 8, 4 * thickness), 0)
    ImageDraw.Draw(layer).ellipse([4, thickness, right - left + 4, 3 * thickness], fill=90)
    layer = layer.filter(ImageFilter.BoxBlur(1.5))
    canvas.paste((30, 28, 40), (left - 4, bottom - 2 * thickness), layer)


def _visible(alphas: list[NDArray[np.bool_]]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    masks = np.zeros((len(alphas), IMAGE_SIZE, IMAGE_SIZE), bool)
    visible = np.zeros(len(alphas), np.float32)
    hidden = np.zeros((IMAGE_SIZE, IMAGE_SIZE), bool)
    for i in reversed(range(len(alphas))):
        masks[i] = alphas[i] & ~hidden
        visible[i] = masks[i].sum() / max(1, alphas[i].sum())
        hidden |= alphas[i]
    return masks, visible


def _light_and_noise(canvas: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    pixels = np.asarray(canvas, np.float32)
    pixels = pixels * rng.uniform(0.92, 1.06) + rng.standard_normal(pixels.shape, np.float32) * 5
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _nearness(scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows = np.arange(IMAGE_SIZE)
    ground = (rows - ground_row(0.0)) / (ground_row(1.0) - ground_row(0.0))
    nearness = np.repeat(np.clip(ground, 0, 1)[:, None], IMAGE_SIZE, axis=1).astype(np.float32)
    for thing, mask in zip(scene.things, masks, strict=True):
        nearness[mask] = thing.nearness
    return nearness


def mask_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return the tight xyxy box of a mask in pixels; (0, 0, 0, 0) for an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
