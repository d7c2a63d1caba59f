"""What several commands share: reading a recipe with overrides, and summing a build up."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from factory.recipe import FactoryRecipe
from recipes import load

if TYPE_CHECKING:
    from factory.build import Built

DONE, OVER_LIMIT = 0, 1


def add_recipe(parser: ArgumentParser) -> None:
    """Declare the recipe and its overrides."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="YAML file, see recipes/")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=V", help="override one value; may be repeated"
    )
    parser.add_argument("--images", metavar="PATH", help="override source.images")
    parser.add_argument("--out", metavar="DIR", help="override out")
    parser.add_argument("--max-images", type=int, metavar="N", help="override source.max_images")


def recipe_of(options: Namespace) -> FactoryRecipe:
    """Return the recipe with its overrides, the special options being stronger than `--set`."""
    overrides = list(options.set)
    for key, value in (("source.images", options.images), ("out", options.out)):
        overrides += [f"{key}={json.dumps(value)}"] if value is not None else []
    overrides += [f"source.max_images={options.max_images}"] if options.max_images is not None else []
    recipe: FactoryRecipe = load(options.recipe, options.recipe_type, overrides)
    return recipe


def sum_up(built: "Built") -> int:
    """Say what a build came to and return its exit code."""
    summary = built.summary
    lines = [
        f"{summary['images']} images: {summary['accepted']} described, {built.rejected} rejected, "
        f"in {built.out}"
    ]
    lines += [f"  {count} x {reason}" for reason, count in summary["rejected"].items()]
    sys.stdout.write("\n".join(lines) + "\n")
    if not built.is_over_limit:
        return DONE
    sys.stderr.write(
        f"{built.rejected} of {summary['images']} images were rejected, more than max_rejected_fraction = "
        f"{built.max_rejected_fraction}: see {built.out / 'rejections.jsonl'}, "
        f"then `python -m factory retry {built.out}`\n"
    )
    return OVER_LIMIT
