"""Recipes: one YAML file is one frozen, typed tree.

recipe = load(Path("recipes/picturebook/factory.yaml"), FactoryRecipe, ["engine.shard_size=64"])
dump(recipe, out / "recipe.resolved.yaml")
"""

from recipes.base import Config, RecipeError, dump, load, resolve_path

__all__ = ["Config", "RecipeError", "dump", "load", "resolve_path"]
