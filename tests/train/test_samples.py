"""Descriptions while training: written, counted, and without any influence on what is learnt."""

import json
from pathlib import Path

import pytest

from tests.train import tiny
from train.error import DataError
from train.recipe import TrainRecipe
from train.run import run
from train.samples import chair_i, judge

TRUTH = {"a": ["dog", "bus"], "b": ["cat"]}


def test_names_that_are_not_in_the_image_are_counted_once_each() -> None:
    found = [judge("a", "A dog, two cats and another cat.", TRUTH), judge("b", "A Cat near buses.", TRUTH)]
    assert [item.mentioned for item in found] == [{"dog", "cat"}, {"cat", "bus"}]
    assert [item.absent for item in found] == [{"cat"}, {"bus"}]
    assert chair_i(found) == 0.5


def test_without_truth_or_mentions_nothing_is_claimed() -> None:
    assert judge("a", "A dog.", None).absent is None and judge("c", "A dog.", TRUTH).absent is None
    assert chair_i([judge("a", "A dog.", None), judge("a", "Nothing.", TRUTH)]) is None
    assert judge("a", "A hotdogger.", TRUTH).mentioned == set()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, colour in zip("abc", tiny.COLOURS, strict=False):
        (folder / f"{name}.png").write_bytes(tiny.png(colour))
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    return folder


def test_fixed_images_are_described_and_training_goes_on_as_without(
    recipe: TrainRecipe, images: Path, tmp_path: Path
) -> None:
    assert run(recipe) == 0
    samples = {
        "images": str(images), "count": 2, "every_steps": 2, "max_new_tokens": 4, "truth": str(tmp_path / "truth.json")
    }  # fmt: skip
    tree = recipe.model_dump() | {"out": str(tmp_path / "described"), "samples": samples}
    assert run(TrainRecipe.model_validate(tree)) == 0
    lines = (tmp_path / "described" / "train_samples.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row["step"], row["image"]) for row in rows] == [(2, "a"), (2, "b"), (4, "a"), (4, "b")]
    assert all(isinstance(row["description"], str) and row["absent"] is not None for row in rows)
    losses = [[row["loss"] for row in tiny.log_of(out)] for out in (recipe.out_dir, tmp_path / "described")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-7)


def test_a_missing_folder_is_refused_before_the_model_loads(recipe: TrainRecipe, tmp_path: Path) -> None:
    tree = recipe.model_dump() | {"samples": {"images": str(tmp_path / "absent")}}
    with pytest.raises(DataError, match=r"samples\.images"):
        run(TrainRecipe.model_validate(tree))
