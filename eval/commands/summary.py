"""`summary`: one small JSON file about the dataset, the base model, the tuned model and their difference."""

import argparse
import sys
from pathlib import Path
from typing import Any

from eval.commands import options as shared
from eval.compare import Comparison, compare
from eval.errors import InputError
from eval.jsonio import read_json, write_json
from eval.markdown import markdown
from eval.matched import recipe_of
from eval.measured import read_measured
from eval.summary import Provenance, summarize


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("summary", help="write summary.json of a whole loop", description=__doc__)
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
    parser.add_argument("--recipe", default="", help="the recipe of the loop, by its path in the repository")
    parser.add_argument("--code", default="", metavar="COMMIT")
    parser.add_argument(
        "--timings", type=Path, metavar="FILE",
        help='JSON: {"wall_s": {"build": s, "train": s, "eval": s, "total": s}, "peak_rss_mb": mb}',
    )  # fmt: skip
    shared.add_benchmarks(parser)
    shared.add_resampling(parser)
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the figures as a Markdown table too"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare, sum up and write."""
    comparison = _compare(options.base, options.tuned, options)
    benchmarks = {base.name: _compare(base, tuned, options) for base, tuned in shared.benchmarks(options)}
    wall_s, peak_rss_mb = _timings(options.timings)
    provenance = Provenance(options.recipe, options.seed, options.code, wall_s, peak_rss_mb)
    summary = summarize(provenance, options.dataset, options.dataset_eval, comparison, benchmarks)
    write_json(options.out, summary)
    if options.markdown is not None:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(markdown(summary), encoding="utf-8")
    sys.stdout.write(f"written to {options.out}\n")
    return 0


def _compare(base: Path, tuned: Path, options: argparse.Namespace) -> Comparison:
    measured = read_measured(base), read_measured(tuned)
    return compare(*measured, recipe_of(base), shared.resampling(options))


def _timings(path: Path | None) -> tuple[dict[str, float], float | None]:
    if path is None:
        return {}, None
    value = read_json(path)
    try:
        wall_s = {str(phase): float(seconds) for phase, seconds in value.get("wall_s", {}).items()}
        peak = value.get("peak_rss_mb")
        return wall_s, None if peak is None else float(peak)
    except (AttributeError, TypeError, ValueError):
        raise InputError(
            f'{path} is not of the form {{"wall_s": {{phase: seconds}}, "peak_rss_mb": mb}}'
        ) from None
