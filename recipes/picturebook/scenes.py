"""Paints a folder of scenes and writes their truth beside it: `python -m recipes.picturebook.scenes --help`.

DIR/images/000010000000.png ...   what the factory and the models see
DIR/instances.json                COCO instances with colour, nearness, mask
DIR/captions.json                 COCO captions
"""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image
from rich.progress import track

from recipes.picturebook.draw import paint
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.truth import annotations, caption_entries, categories, file_name, image_entry

SEEDS_PER_RUN = 100_000
FIRST_SEED = {"dataset": 10_000_000_000, "eval": 20_000_000_000}
"""Where the scenes of a split begin; the small checkpoints were trained on scenes below 10,000,000."""


def first_seed(split: str, run_seed: int) -> int:
    """Return the seed of the first scene of a split; runs and splits never share a scene."""
    return FIRST_SEED[split] + run_seed * SEEDS_PER_RUN


def write_scenes(out: Path, first: int, n: int) -> None:
    """Paint n scenes and write images and truth; a folder that already holds exactly these is left as it is."""
    if _is_there(out, first, n):
        return
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    for stray in images.glob("*.png"):
        stray.unlink()
    instances: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": categories()}
    captions: dict[str, list[Any]] = {"images": [], "annotations": []}
    for seed in track(range(first, first + n), description=f"paint {out.name}"):
        _write_scene(seed, images, instances, captions)
    (out / "captions.json").write_text(json.dumps(captions), encoding="utf-8")
    (out / "instances.json").write_text(json.dumps(instances), encoding="utf-8")


def _write_scene(
    seed: int, images: Path, instances: dict[str, list[Any]], captions: dict[str, list[Any]]
) -> None:
    scene = sample_scene(seed)
    picture = paint(scene)
    Image.fromarray(picture.image).save(images / file_name(seed), compress_level=4)
    instances["images"].append(image_entry(scene))
    instances["annotations"] += annotations(scene, picture)
    captions["images"].append(image_entry(scene))
    captions["annotations"] += caption_entries(scene)


def _is_there(out: Path, first: int, n: int) -> bool:
    truth = out / "instances.json"
    if not truth.exists():
        return False
    ids = [image["id"] for image in json.loads(truth.read_text(encoding="utf-8"))["images"]]
    names = {path.name for path in (out / "images").glob("*.png")}
    return ids == list(range(first, first + n)) and {file_name(i) for i in ids} <= names


def main() -> None:
    """Paint the scenes of one split of one run."""
    parser = argparse.ArgumentParser(description="Paint picture-book scenes with their truth.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", choices=sorted(FIRST_SEED), required=True)
    parser.add_argument("--seed", type=int, default=0, help="which run's scenes, 0 to 9999")
    parser.add_argument("--images", type=int, default=1000)
    options = parser.parse_args()
    if not (0 <= options.seed < 10_000 and 1 <= options.images <= SEEDS_PER_RUN):
        parser.error(f"--seed must be 0 to 9999 and --images 1 to {SEEDS_PER_RUN}")
    write_scenes(options.out, first_seed(options.split, options.seed), options.images)


if __name__ == "__main__":
    main()
