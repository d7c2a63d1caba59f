"""`build RECIPE`."""

from argparse import ArgumentParser, Namespace

from factory.build import build
from factory.commands.options import add_recipe, recipe_of, sum_up
from factory.progress import progress_for_stderr


def add(parser: ArgumentParser) -> None:
    """Build a dataset, or go on with one."""
    add_recipe(parser)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Build and sum up."""
    return sum_up(build(recipe_of(options), options.recipe, progress_for_stderr()))
