"""Every recipe in the repository loads as the class of its folder, and loading one imports no torch."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from eval.recipe import EvalRecipe
from factory.recipe import FactoryRecipe
from recipes import Config, load
from recipes.chain import ChainRecipe
from train.recipe import TrainRecipe

ROOT = Path(__file__).parents[2]
RECIPES = sorted(path for path in (ROOT / "recipes").rglob("*.yaml") if path.stem != "calibration")
"""A calibration is no recipe: the factory writes it, and recipes name it."""
CLASSES: dict[str, type[Config]] = {
    "factory": FactoryRecipe,
    "train": TrainRecipe,
    "dpo": TrainRecipe,
    "eval": EvalRecipe,
    "chain": ChainRecipe,
    "paper": ChainRecipe,
}


def _class_of(path: Path) -> type[Config]:
    by_folder = CLASSES.get(path.parent.name)
    return by_folder if by_folder is not None else CLASSES[path.stem]


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_recipe_loads_as_the_class_of_its_folder(path: Path) -> None:
    assert load(path, _class_of(path)) is not None


def test_there_are_recipes_of_every_class() -> None:
    assert {_class_of(path) for path in RECIPES} == set(CLASSES.values())


def test_a_chain_names_recipes_that_are_there() -> None:
    tree = yaml.safe_load((ROOT / "recipes/picturebook/chain.yaml").read_text(encoding="utf-8"))
    for program in ("factory", "train", "eval"):
        assert (ROOT / tree[program]).is_file()


def test_loading_recipes_imports_no_torch() -> None:
    code = "import sys, factory.recipe, train.recipe, eval.recipe, recipes.chain; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
