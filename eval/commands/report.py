"""`report`: one self-contained HTML page with the figures and the descriptions behind them."""

import argparse
import sys
from pathlib import Path
from typing import Any

from eval.commands import options as shared
from eval.errors import InputError
from eval.matched import recipe_of
from eval.report import Inputs, render


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("report", help="write the HTML report of a whole loop", description=__doc__)
    parser.add_argument(
        "--summary", type=Path, required=True, metavar="FILE", help="output of `eval summary`"
    )
    parser.add_argument("--dataset", type=Path, required=True, metavar="DIR", help="the built dataset")
    parser.add_argument(
        "--dataset-eval", type=Path, metavar="DIR", help="output of `eval dataset`, where the truth is known"
    )
    parser.add_argument(
        "--base", type=Path, required=True, metavar="DIR", help="output of `eval run`, base model"
    )
    parser.add_argument(
        "--tuned", type=Path, required=True, metavar="DIR", help="output of `eval run`, tuned model"
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the images both models described (default: as BASE's recipe)",
    )
    shared.add_benchmarks(parser)
    parser.add_argument("--samples", type=int, default=6, help="samples shown of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed that draws the samples (%(default)s)")
    parser.add_argument(
        "--scale-model", action="store_true", help="say that these are figures of a small world"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="such as report/index.html")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Render and write."""
    inputs = Inputs(
        options.summary,
        options.dataset,
        options.dataset_eval,
        options.base,
        options.tuned,
        options.images or _images_of(options.base),
        options.samples,
        options.seed,
        options.scale_model,
        tuple(shared.benchmarks(options)),
    )
    page = render(inputs)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    sys.stdout.write(f"written to {options.out}\n")
    return 0


def _images_of(run: Path) -> Path:
    images = recipe_of(run).images
    if images is None:
        raise InputError(f"the recipe of {run} names no images; give their folder with --images")
    return Path(images)
