import subprocess
import sys
from pathlib import Path

import pytest

from factory.calibrated import load_calibration
from factory.recipe import FactoryRecipe
from factory.stage import check_order
from recipes import load

ROOT = Path(__file__).parents[2]
SMALL_WORLD = ROOT / "recipes" / "picturebook" / "factory.yaml"
RECIPES = [*sorted((ROOT / "recipes" / "factory").glob("*.yaml")), SMALL_WORLD]


def test_there_are_recipes() -> None:
    assert len(RECIPES) > 1


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_stages_of_a_recipe_are_in_a_possible_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    recipe = load(path, FactoryRecipe)
    check_order([stage.build() for stage in recipe.stages])
    assert all("version" in stage.identity() for stage in recipe.stages)


def test_building_the_stages_of_a_recipe_imports_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from recipes import load\n"
        "from factory.recipe import FactoryRecipe\n"
        "recipe = load(Path('recipes/factory/paper.yaml'), FactoryRecipe)\n"
        "[(stage.build(), stage.identity()) for stage in recipe.stages]\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'openai')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_calibration_of_the_small_world_is_of_its_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    recipe = load(SMALL_WORLD, FactoryRecipe)
    named = [stage for stage in recipe.stages if stage.kind in ("ground", "verify")]
    for stage in named:
        assert stage.detector is not None and stage.calibration
        assert load_calibration(stage.calibration, stage.detector.identity()).types.keys() == {
            "thing",
            "attribute",
        }
