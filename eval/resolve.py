"""Finding the files that a recipe names: under the working directory, else beside the recipe."""

from pathlib import Path
from typing import Any

from eval.recipe import EvalRecipe
from recipes import resolve_path

_PATHS = frozenset(
    {
        "adapter", "annotations", "answers", "calibration", "checkpoint", "file", "files", "images", "meteor_jar",
        "queries", "questions", "references", "similarity", "spacy_model", "spice_jar", "synonyms", "word_vectors",
    }
)  # fmt: skip


def resolve(recipe: EvalRecipe, recipe_path: Path) -> EvalRecipe:
    """Return the recipe with each path found under the working directory or beside the recipe."""
    return EvalRecipe.model_validate(_value(False, recipe.model_dump(), recipe_path))


def _value(is_path: bool, value: Any, recipe_path: Path) -> Any:
    if isinstance(value, str):
        return str(resolve_path(value, recipe_path)) if is_path else value
    if isinstance(value, dict):
        return {n: _value(is_path or n in _PATHS, each, recipe_path) for n, each in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_value(is_path, each, recipe_path) for each in value)
    return value
