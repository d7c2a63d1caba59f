"""`compare`: two runs on the same items, paired; differences are the second minus the first."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from eval.commands import options as shared
from eval.compare import Comparison, Sides, compare
from eval.errors import InputError
from eval.matched import recipe_of
from eval.measured import read_measured
from eval.show import table
from eval.statistics import images_needed


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("compare", help="compare two runs on the same items", description=__doc__)
    parser.add_argument(
        "first", type=Path, metavar="A", help="output folder of a run, such as the base model's"
    )
    parser.add_argument(
        "second", type=Path, metavar="B", help="output folder of another run, such as the tuned model's"
    )
    shared.add_truth(parser, required=False)
    shared.add_resampling(parser)
    parser.add_argument(
        "--difference", type=float, metavar="D",
        help="say how many images would be needed to show a difference of D (rates are fractions)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare and print."""
    first, second = read_measured(options.first), read_measured(options.second)
    recipe = recipe_of(options.first)
    if options.annotations:
        recipe = recipe.model_copy(update={"annotations": tuple(str(path) for path in options.annotations)})
    comparison = compare(first, second, recipe, shared.resampling(options))
    if options.json:
        json.dump(comparison_json(comparison), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(_text(comparison) + power_note(comparison, options.difference))
    return 0


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON: `first`, `second`, `difference`, `matched_length`, `mcnemar`."""
    return {
        "images": comparison.images,
        **comparison.free.to_json("first", "second"),
        "matched_length": comparison.matched and comparison.matched.to_json("first", "second"),
        "mcnemar": dict(comparison.mcnemar),
    }


def power_note(comparison: Comparison, asked: float | None) -> str:
    """Say of each difference that is not shown what this many images could have shown.

    Raises:
        InputError: the difference asked about is not above zero.
    """
    if asked is not None and asked <= 0:
        raise InputError(f"--difference is {asked}; it must be above 0")
    lines = []
    for name, each in comparison.free.difference.items():
        if each.ci95 is None or each.detectable is None:
            continue
        needed = (
            ""
            if asked is None
            else f"; a difference of {asked:g} needs {images_needed(each.n, each.ci95, asked)}"
        )
        if asked is not None or each.ci95[0] <= 0 <= each.ci95[1]:
            lines.append(f"{name}: {each.n} images show differences of {each.detectable:.4f} or more{needed}")
    title = "\nWhat this many images can show (80 % power)\n"
    return title + "\n".join(lines) + "\n" if lines else ""


def _text(comparison: Comparison) -> str:
    lines = [f"{comparison.images} images in both runs"]
    sides: list[tuple[str, Sides | None]] = [
        ("free length", comparison.free),
        ("matched length", comparison.matched),
    ]
    for title, side in sides:
        if side is not None:
            lines += [f"\nfirst, {title}", table(side.first), f"\nsecond, {title}", table(side.second)]
            lines += [f"\nsecond - first, {title}", table(side.difference)]
    for name, test in comparison.mcnemar.items():
        lines.append(
            f"\nMcNemar, {name}: only first {test['only_first']}, only second {test['only_second']}, "
            f"p={test['p']:.4f}"
        )
    return "\n".join(lines) + "\n"
