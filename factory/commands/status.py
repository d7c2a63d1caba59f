"""`status DIR`."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from factory.status import read_status, status_text


def add(parser: ArgumentParser) -> None:
    """Say how far a build is: counts by stage, rejections by reason, throughput."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="the dataset folder")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the status."""
    status = read_status(options.dir)
    text = json.dumps(status.as_json(), indent=2) if options.json else status_text(status)
    sys.stdout.write(text + "\n")
    return 0
