"""Fixtures of the trainer's tests: a tiny checkpoint and dataset, made once."""

from pathlib import Path

import pytest
import torch

from tests.train import tiny
from train.quiet import quiet_libraries
from train.reader import Reader, open_reader
from train.recipe import TrainRecipe
from train.run import run


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Ignore, as a run does, the deprecations between libraries that we are not part of."""
    quiet_libraries()


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny random LLaVA."""
    torch.set_num_threads(1)
    return tiny.save_llava(tmp_path_factory.mktemp("checkpoint") / "llava")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a dataset of twelve described images."""
    return tiny.save_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture
def recipe(llava: Path, dataset: Path, tmp_path: Path) -> TrainRecipe:
    """Return a recipe of four steps on the tiny checkpoint."""
    return TrainRecipe.model_validate(tiny.recipe_tree(llava, dataset, tmp_path / "out"))


@pytest.fixture
def reader(recipe: TrainRecipe) -> Reader:
    """Return the reading side of the tiny checkpoint."""
    return open_reader(recipe)


@pytest.fixture(scope="session")
def finished(llava: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainRecipe:
    """Return the recipe of a run that has been done."""
    quiet_libraries()
    out = tmp_path_factory.mktemp("finished") / "out"
    recipe = TrainRecipe.model_validate(tiny.recipe_tree(llava, dataset, out, max_steps=12))
    assert run(recipe) == 0
    return recipe
