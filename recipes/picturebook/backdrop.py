"""The places behind the things: sky or wall above the horizon, ground or floor below."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from recipes.picturebook.world import HORIZON, IMAGE_SIZE

VARIANTS = 12
"""Different backdrops of each setting; a scene picks one by its seed."""

UP = 2  # drawn twice as large, then shrunk: cheap smooth edges
SIZE = IMAGE_SIZE * UP
LINE = round(HORIZON * SIZE)


@cache
def backdrop(setting: str, variant: int) -> Image.Image:
    """Return the RGB picture of an empty place."""
    rng = np.random.default_rng([len(setting), ord(setting[0]), ord(setting[1]), variant])
    image = Image.new("RGB", (SIZE, SIZE))
    PAINTERS[setting](image, ImageDraw.Draw(image), rng)
    return image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX)


def _gradient(image: Image.Image, top: int, bottom: int, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    share = np.linspace(0, 1, bottom - top)[:, None]
    rows = np.array(a) * (1 - share) + np.array(b) * share  # (rows, 3)
    band = np.repeat(rows[:, None, :], SIZE, axis=1).astype(np.uint8)
    image.paste(Image.fromarray(band), (0, top))


def _clouds(image: Image.Image, rng: np.random.Generator, color: tuple[int, int, int]) -> None:
    layer = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(layer)
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(0, SIZE)), int(rng.integers(6, LINE // 2))
        for _ in range(4):
            dx, dy = int(rng.integers(-22, 22)), int(rng.integers(-5, 5))
            r = int(rng.integers(7, 14))
            draw.ellipse([x + dx - r * 1.6, y + dy - r / 2, x + dx + r * 1.6, y + dy + r / 2], fill=210)
    image.paste(Image.new("RGB", image.size, color), mask=layer.filter(ImageFilter.GaussianBlur(3)))


def _specks(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, colors: list[tuple[int, int, int]], count: int
) -> None:
    for _ in range(count):
        x, y = int(rng.integers(0, SIZE)), int(rng.integers(LINE + 4, SIZE))
        grow = 1 + 3 * (y - LINE) / (SIZE - LINE)
        draw.ellipse([x, y, x + grow, y + grow / 2], fill=colors[int(rng.integers(len(colors)))])


def _beach(image: Image.Image, draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    _gradient(image, 0, LINE, (150, 205, 238), (222, 240, 248))
    _clouds(image, rng, (252, 252, 255))
    sea = LINE - int(rng.integers(16, 26))
    _gradient(image, sea, LINE + 6, (112, 176, 192), (160, 208, 212))
    for y in range(sea + 4, LINE + 4, 6):
        x = int(rng.integers(0, SIZE))
        draw.line([x, y, x + 30, y], fill=(214, 234, 234), width=1)
    _gradient(image, LINE + 6, SIZE, (240, 226, 188), (226, 204, 158))
    _specks(draw, rng, [(214, 190, 142), (246, 236, 208)], 120)


def _park(image: Image.Image, draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    _gradient(image, 0, LINE, (158, 212, 240), (228, 242, 246))
    _clouds(image, rng, (255, 255, 255))
    for _ in range(4):
        x, w, h = (int(v) for v in (rng.integers(-40, SIZE), rng.integers(90, 170), rng.integers(16, 34)))
        draw.ellipse([x, LINE - h, x + w, LINE + h], fill=(168, 200, 166))
    _gradient(image, LINE, SIZE, (176, 212, 146), (150, 192, 116))
    _specks(draw, rng, [(136, 180, 104), (188, 220, 156), (238, 232, 190)], 150)


def _street(image: Image.Image, draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    _gradient(image, 0, LINE, (186, 196, 210), (222, 226, 232))
    x = -10
    while x < SIZE:
        width, height = int(rng.integers(22, 48)), int(rng.integers(18, 62))
        shade = int(rng.integers(158, 188))
        draw.rectangle([x, LINE - height, x + width, LINE], fill=(shade, shade, shade + 6))
        x += width + int(rng.integers(0, 8))
    draw.rectangle([0, LINE, SIZE, LINE + 9], fill=(196, 192, 186))
    _gradient(image, LINE + 9, SIZE, (138, 138, 144), (112, 112, 120))
    middle = LINE + round(0.45 * (SIZE - LINE))
    start = int(rng.integers(-30, 0))
    for x in range(start, SIZE, 46):
        draw.polygon([x, middle, x + 24, middle, x + 22, middle + 5, x - 2, middle + 5], fill=(224, 222, 210))


def _kitchen(image: Image.Image, draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    _gradient(image, 0, LINE, (246, 238, 222), (236, 226, 206))
    step = int(rng.integers(22, 30))
    for x in range(int(rng.integers(0, step)), SIZE, step):
        draw.line([x, 0, x, LINE], fill=(224, 212, 192), width=2)
    for y in range(int(rng.integers(0, step)), LINE, step):
        draw.line([0, y, SIZE, y], fill=(224, 212, 192), width=2)
    draw.rectangle([0, LINE - 4, SIZE, LINE + 3], fill=(206, 190, 166))
    _gradient(image, LINE + 3, SIZE, (206, 170, 134), (186, 146, 108))
    row, gap = float(LINE + 3), 7.0
    while row < SIZE:
        draw.line([0, row, SIZE, row], fill=(168, 130, 96), width=1)
        row, gap = row + gap, gap * 1.28


PAINTERS = {"beach": _beach, "park": _park, "street": _street, "kitchen": _kitchen}
