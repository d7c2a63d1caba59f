"""`run`: ask a model about images (or read what it said), score it, and write everything down."""

import argparse
import sys
from pathlib import Path
from typing import Any

from eval.errors import InputError
from eval.recipe import EvalRecipe
from eval.resolve import resolve
from eval.run import evaluate
from eval.show import table
from recipes import load


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("run", help="run a model over images and score it", description=__doc__)
    parser.add_argument(
        "recipes",
        type=Path,
        nargs="+",
        metavar="RECIPE",
        help="one recipe, or several: those with the same model load it once",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="A.B=VALUE",
        help="override a field, in every recipe",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write to DIR/<name of the recipe>; needed for several recipes",
    )
    parser.add_argument("--check", action="store_true", help="validate the recipes and stop")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print the figures."""
    if len(options.recipes) > 1 and options.out is None and not options.check:
        raise InputError("several recipes need --out DIR: each writes to a folder of its own under it")
    names = [path.stem for path in options.recipes]
    if len(set(names)) < len(names):
        raise InputError(f"recipes must have different names, as their output folders do: {', '.join(names)}")
    # all are read before the first runs, so that a mistake in the last is not found after hours
    recipes = [_load(path, options) for path in options.recipes]
    for path, recipe in zip(options.recipes, recipes, strict=True):
        if options.check:
            sys.stdout.write(f"{path} is a valid evaluation\n")
        else:
            _run_one(recipe)
    return 0


def _load(path: Path, options: argparse.Namespace) -> EvalRecipe:
    recipe = resolve(load(path, EvalRecipe, options.overrides), path)
    return (
        recipe if options.out is None else recipe.model_copy(update={"output": str(options.out / path.stem)})
    )


def _run_one(recipe: EvalRecipe) -> None:
    for metric, figures in evaluate(recipe).items():
        sys.stdout.write(f"\n{metric}\n{table(figures)}\n")
    sys.stdout.write(f"\nwritten to {recipe.output}\n")
