"""`retry DIR`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from factory.build import build
from factory.commands.options import sum_up
from factory.progress import progress_for_stderr
from factory.workplace import Workplace
from recipes import load


def add(parser: ArgumentParser) -> None:
    """Run the rejected images of a dataset anew, and nothing else."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="the dataset folder")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=V", help="override one value; may be repeated"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Retry and sum up."""
    place = Workplace(options.dir)
    place.state()
    path = place.folder / "recipe.yaml"
    recipe = load(path, options.recipe_type, options.set)
    here = recipe.model_copy(update={"out": str(options.dir)})
    return sum_up(build(here, path, progress_for_stderr(), retry=True))
