"""The truth of painted scenes as COCO instances and captions, with colour, nearness and setting added."""

from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from recipes.picturebook.caption import human_caption
from recipes.picturebook.draw import Picture, mask_box
from recipes.picturebook.scene import Scene
from recipes.picturebook.world import CLASS_NAMES, IMAGE_SIZE, SETTINGS

CAPTIONS_PER_IMAGE = 5


def file_name(image_id: int) -> str:
    """Return the file name of a scene, in COCO's style."""
    return f"{image_id:012d}.png"


def categories() -> list[dict[str, Any]]:
    """Return the COCO categories; the super-category is the setting where a class is usual."""
    home = {name: setting for setting, usual in SETTINGS.items() for name in usual}
    return [{"id": i, "name": n, "supercategory": home[n]} for i, n in enumerate(CLASS_NAMES, start=1)]


def image_entry(scene: Scene) -> dict[str, Any]:
    """Return the COCO image entry of a scene."""
    return {
        "id": scene.seed,
        "file_name": file_name(scene.seed),
        "width": IMAGE_SIZE,
        "height": IMAGE_SIZE,
        "setting": scene.setting,
    }


def annotations(scene: Scene, picture: Picture) -> list[dict[str, Any]]:
    """Return one COCO annotation per thing; box, area and mask are of its visible part."""
    return [_annotation(scene, picture, i) for i in range(len(scene.things))]


def _annotation(scene: Scene, picture: Picture, index: int) -> dict[str, Any]:
    thing, mask = scene.things[index], picture.masks[index]
    left, top, right, bottom = mask_box(mask)
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {
        "id": scene.seed * 10 + index,
        "image_id": scene.seed,
        "category_id": CLASS_NAMES.index(thing.name) + 1,
        "bbox": [left, top, right - left, bottom - top],
        "area": int(mask.sum()),
        "segmentation": {"size": [IMAGE_SIZE, IMAGE_SIZE], "counts": code["counts"].decode("ascii")},
        "iscrowd": 0,
        "color": thing.color,
        "nearness": thing.nearness,
        "depth_m": round(thing.depth_m, 3),
        "visible_fraction": round(float(picture.visible[index]), 3),
    }


def caption_entries(scene: Scene) -> list[dict[str, Any]]:
    """Return five short true captions, as people write them."""
    rng = np.random.default_rng([scene.seed, 3])
    return [
        {"id": scene.seed * 10 + k, "image_id": scene.seed, "caption": human_caption(scene, rng)}
        for k in range(CAPTIONS_PER_IMAGE)
    ]
