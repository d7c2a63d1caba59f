"""`check RECIPE`."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from factory.commands.options import add_recipe, recipe_of
from factory.models.extras import missing_extras
from factory.order import stages_of


def add(parser: ArgumentParser) -> None:
    """Validate a recipe and the order of its stages; no model is loaded."""
    add_recipe(parser)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Check and say what would be run."""
    recipe = recipe_of(options)
    names = ", ".join(stage.name for stage in stages_of(recipe))
    sys.stdout.write(f"{Path(options.recipe)} is valid: {names}\n")
    for extra in missing_extras(recipe.stages):
        sys.stdout.write(f"before it is built: {extra.complaint()}\n")
    return 0
