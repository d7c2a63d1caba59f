"""Who may import whom: programs share files, not code."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "factory": {"factory", "recipes"},
    "train": {"train", "recipes"},
    "eval": {"eval", "recipes"},
    "recipes": {"recipes"},
}
FILES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_program_imports_of_ours_only_itself_and_the_recipes(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert _imported(path) & (set(ALLOWED) | {"scripts", "tests"}) <= ALLOWED[package]


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) > 50


def test_no_file_of_the_trainer_hides_another_module() -> None:
    """`deepspeed train/finetune.py` puts train/ first on sys.path."""
    names = {path.stem for path in (ROOT / "train").glob("*.py")} - {"__init__", "__main__"}
    assert not names & (
        set(sys.stdlib_module_names) | {"deepspeed", "peft", "datasets", "wandb", "torch", "transformers"}
    )


def test_the_factory_never_names_the_files_of_the_truth() -> None:
    for path in (ROOT / "factory").rglob("*.py"):
        assert "instances.json" not in path.read_text(encoding="utf-8"), path
