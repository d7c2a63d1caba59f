"""`push DIR --repo ID`."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from factory.push import push


def add(parser: ArgumentParser) -> None:
    """Upload a dataset folder and its card to the Hugging Face Hub."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="the dataset folder")
    parser.add_argument("--repo", required=True, metavar="ID", help="such as my-name/my-dataset")
    parser.add_argument("--public", action="store_true", help="a new repository is private without this")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Push and say where it is."""
    sys.stdout.write(f"{push(options.dir, options.repo, private=not options.public)}\n")
    return 0
