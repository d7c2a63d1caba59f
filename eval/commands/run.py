"""`run`: ask a model about images (or read what it said), score it, and write everything down."""

import argparse
import sys
from pathlib import Path
from typing import Any

from eval.recipe import EvalRecipe
from eval.run import evaluate, resolve
from eval.show import table
from recipes import load


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("run", help="run a model over images and score it", description=__doc__)
    parser.add_argument("recipe", type=Path, metavar="RECIPE")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="A.B=VALUE",
        help="override a recipe's field",
    )
    parser.add_argument("--check", action="store_true", help="validate the recipe and stop")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print the figures."""
    recipe = resolve(load(options.recipe, EvalRecipe, options.overrides), options.recipe)
    if options.check:
        sys.stdout.write(f"{options.recipe} is a valid evaluation\n")
        return 0
    for metric, figures in evaluate(recipe).items():
        sys.stdout.write(f"\n{metric}\n{table(figures)}\n")
    sys.stdout.write(f"\nwritten to {recipe.output}\n")
    return 0
