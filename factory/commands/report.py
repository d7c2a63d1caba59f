"""`report DIR`."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from factory.report import write_report


def add(parser: ArgumentParser) -> None:
    """Write one HTML page of samples and figures."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="the dataset folder")
    parser.add_argument("--to", type=Path, metavar="FILE", help="default: DIR/report.html")
    parser.add_argument(
        "--samples", type=int, default=24, metavar="N", help="rows shown, spread over the dataset"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Write the page and say where it is."""
    sys.stdout.write(
        f"{write_report(options.dir, options.to or options.dir / 'report.html', options.samples)}\n"
    )
    return 0
