"""`export DIR --format F --to DIR2`."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from factory.export import DEFAULT_PROMPT, FORMATS, export


def add(parser: ArgumentParser) -> None:
    """Write a dataset in the shape that a trainer reads."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="the dataset folder")
    parser.add_argument("--format", required=True, choices=sorted(FORMATS), help="the shape")
    parser.add_argument("--to", required=True, type=Path, metavar="DIR2", help="an empty or new folder")
    parser.add_argument(
        "--prompt", default=DEFAULT_PROMPT, metavar="TEXT", help="the question of each conversation"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Export and say how much."""
    exported = export(options.dir, options.format, options.to, options.prompt)
    sys.stdout.write(f"{exported.rows} rows in {options.to} as {options.format}\n")
    for reason, count in exported.skipped.items():
        sys.stdout.write(f"  {count} left out: {reason}\n")
    return 0
