"""The truth on disk is COCO's shape and says what was painted."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from recipes.picturebook.draw import paint
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.scenes import FIRST_SEED, SEEDS_PER_RUN, first_seed, write_scenes

N = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scenes")
    write_scenes(out, first_seed("eval", 3), N)
    return out


def test_images_and_truth_name_each_other(folder: Path) -> None:
    truth = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    names = {image["file_name"] for image in truth["images"]}
    assert names == {path.name for path in (folder / "images").iterdir()}
    assert len(names) == N
    assert {a["image_id"] for a in truth["annotations"]} <= {i["id"] for i in truth["images"]}


def test_an_annotation_is_what_was_painted(folder: Path) -> None:
    truth = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    for entry in truth["images"]:
        scene = sample_scene(entry["id"])
        picture = paint(scene)
        assert np.array_equal(np.asarray(Image.open(folder / "images" / entry["file_name"])), picture.image)
        found = [a for a in truth["annotations"] if a["image_id"] == entry["id"]]
        assert [a["color"] for a in found] == [t.color for t in scene.things]
        for annotation, mask in zip(found, picture.masks, strict=True):
            assert np.array_equal(coco_mask.decode(annotation["segmentation"]).astype(bool), mask)
            assert annotation["area"] == mask.sum()


def test_captions_name_only_what_is_there(folder: Path) -> None:
    captions = json.loads((folder / "captions.json").read_text(encoding="utf-8"))["annotations"]
    assert len(captions) == 5 * N


def test_writing_again_changes_nothing_and_another_size_replaces(tmp_path: Path) -> None:
    write_scenes(tmp_path, 50, 2)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    write_scenes(tmp_path, 50, 2)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before
    write_scenes(tmp_path, 51, 1)
    assert [p.name for p in (tmp_path / "images").iterdir()] == ["000000000051.png"]


def test_splits_and_runs_never_share_a_scene() -> None:
    last_training_scene = 30_000
    starts = sorted(first_seed(split, run) for split in FIRST_SEED for run in (0, 1, 9_999))
    assert starts[0] > last_training_scene
    assert all(b - a >= SEEDS_PER_RUN for a, b in pairwise(starts))
