"""Options that several commands share."""

import argparse
from pathlib import Path

from eval.errors import InputError
from eval.metrics.answers import PARSERS
from eval.metrics.mentions import NORMALISERS
from eval.statistics import DEFAULT_RESAMPLES, Resampling


def add_truth(parser: argparse.ArgumentParser, required: bool) -> None:
    """Add --annotations and --synonyms."""
    parser.add_argument(
        "--annotations", type=Path, nargs="+", default=[], required=required, metavar="FILE",
        help="the truth: COCO instances, COCO captions, or lists of objects by image id",
    )  # fmt: skip
    parser.add_argument(
        "--synonyms", type=Path, metavar="FILE",
        help="which words mention which class, as YAML or CHAIR's text (default: from the truth)",
    )  # fmt: skip


def add_normaliser(parser: argparse.ArgumentParser) -> None:
    """Add --normaliser."""
    parser.add_argument(
        "--normaliser", choices=sorted(NORMALISERS), default="singularize",
        help="how CHAIR makes words singular: as its first implementation (default) or by dictionary form",
    )  # fmt: skip


def add_parser_mode(parser: argparse.ArgumentParser) -> None:
    """Add --parser."""
    parser.add_argument(
        "--parser", choices=sorted(PARSERS), default="robust",
        help="how yes and no are read: robust (default), or as the published scorer does",
    )  # fmt: skip


def add_resampling(parser: argparse.ArgumentParser) -> None:
    """Add --resamples and --seed."""
    parser.add_argument(
        "--resamples", type=int, default=DEFAULT_RESAMPLES, help="bootstrap samples (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (%(default)s)")


def resampling(options: argparse.Namespace) -> Resampling:
    """Return the resampling that the options ask for."""
    return Resampling(max(1, options.resamples), options.seed)


def add_benchmarks(parser: argparse.ArgumentParser) -> None:
    """Add --benchmark."""
    parser.add_argument(
        "--benchmark", type=Path, nargs=2, action="append", default=[], metavar=("BASE", "TUNED"),
        help="outputs of `eval run` on a further benchmark; named after BASE's folder; may be repeated",
    )  # fmt: skip


def benchmarks(options: argparse.Namespace) -> list[tuple[Path, Path]]:
    """Return the pairs of runs, each with a name of its own.

    Raises:
        InputError: two are named alike.
    """
    pairs = [(Path(base), Path(tuned)) for base, tuned in options.benchmark]
    names = [base.name for base, _ in pairs]
    if len(set(names)) < len(names):
        raise InputError(f"benchmarks are named after their folders, and two are alike: {', '.join(names)}")
    return pairs
