"""Many painted scenes kept on disk as arrays: every checkpoint trains on the same pictures, painted once."""

from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.picturebook.draw import mask_box, paint
from recipes.picturebook.scene import Scene, sample_scene
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE, SETTING_NAMES

MAX_THINGS = 6
NO_OWNER = 255

SHAPES: dict[str, tuple[tuple[int, ...], type]] = {
    "images": ((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8),
    "owners": ((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    "classes": ((MAX_THINGS,), np.uint8),
    "colors": ((MAX_THINGS,), np.uint8),
    "boxes": ((MAX_THINGS, 4), np.uint8),
    "nearness": ((MAX_THINGS,), np.float32),
    "counts": ((), np.uint8),
    "settings": ((), np.uint8),
}


@dataclass(frozen=True)
class Gallery:
    """Painted scenes as arrays of length n.

    `images` (n, H, W, 3); `owners` (n, H, W): index of the visible thing at each pixel or NO_OWNER; per thing, padded
    to MAX_THINGS: `classes`, `colors` (indices into world), `boxes` (tight visible xyxy), `nearness`.
    """

    first_seed: int
    images: NDArray[np.uint8]
    owners: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    colors: NDArray[np.uint8]
    boxes: NDArray[np.uint8]
    nearness: NDArray[np.float32]
    counts: NDArray[np.uint8]
    settings: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    def scene(self, index: int) -> Scene:
        """Return the scene behind a picture."""
        return sample_scene(self.first_seed + index)


def gallery(folder: Path, first_seed: int, n: int, workers: int = 2) -> Gallery:
    """Open the gallery of n scenes from a seed on, painting it first where it is not there yet."""
    home = folder / f"scenes-{first_seed}-{n}"
    if not (home / "done").exists():
        home.mkdir(parents=True, exist_ok=True)
        for name, (shape, dtype) in SHAPES.items():
            np.lib.format.open_memmap(home / f"{name}.npy", "w+", dtype, (n, *shape))
        with Pool(workers) as pool:
            pool.starmap(_paint_range, [(home, first_seed, a, min(a + 500, n)) for a in range(0, n, 500)])
        (home / "done").touch()
    return Gallery(first_seed, **{name: np.load(home / f"{name}.npy", mmap_mode="r") for name in SHAPES})


def _paint_range(home: Path, first_seed: int, start: int, stop: int) -> None:
    arrays = {name: np.load(home / f"{name}.npy", mmap_mode="r+") for name in SHAPES}
    for index in range(start, stop):
        _paint_into(arrays, index, sample_scene(first_seed + index))


def _paint_into(arrays: dict[str, NDArray[np.generic]], index: int, scene: Scene) -> None:
    picture = paint(scene)
    owners = np.full((IMAGE_SIZE, IMAGE_SIZE), NO_OWNER, np.uint8)
    for i, (thing, mask) in enumerate(zip(scene.things, picture.masks, strict=True)):
        owners[mask] = i
        arrays["classes"][index, i] = CLASS_NAMES.index(thing.name)
        arrays["colors"][index, i] = COLOR_NAMES.index(thing.color)
        arrays["boxes"][index, i] = mask_box(mask)
        arrays["nearness"][index, i] = thing.nearness
    arrays["images"][index], arrays["owners"][index] = picture.image, owners
    arrays["counts"][index] = len(scene.things)
    arrays["settings"][index] = SETTING_NAMES.index(scene.setting)
