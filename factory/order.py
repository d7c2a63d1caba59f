"""The stages of a recipe, built and in order."""

from factory.recipe import FactoryRecipe
from factory.stage import Stage, check_order


def stages_of(recipe: FactoryRecipe) -> list[Stage]:
    """Return the recipe's stages, no model loaded.

    Raises:
        OrderError: they stand in an impossible order.
    """
    stages: list[Stage] = [config.build() for config in recipe.stages]
    check_order(stages)
    return stages
