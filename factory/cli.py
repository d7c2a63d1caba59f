"""The command line: `python -m factory COMMAND`.

Exit codes: 0 done; 1 done, but more images were rejected than the recipe allows; 2 the user must act, told
in one message; 130 interrupted, progress kept.
"""

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from factory import commands
from factory.errors import FactoryError, StageError
from factory.recipe import FactoryRecipe
from recipes import RecipeError

DONE, OVER_LIMIT, ACT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str], recipe_type: type[FactoryRecipe] = FactoryRecipe) -> int:
    """Run one command and return its exit code; `recipe_type` is what recipes are read as."""
    options = _parser(next(iter(arguments), "")).parse_args(arguments)
    options.recipe_type = recipe_type
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.run(options))
    except StageError as error:
        traceback.print_exception(error.__cause__ or error)
        return _say(f"{error}", ACT)
    except (FactoryError, RecipeError) as error:
        return _say(f"{error}", ACT)
    except KeyboardInterrupt:
        return _say("interrupted; progress is kept, the same command goes on from here", INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser(chosen: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m factory", description="Images in, described images out.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, does in commands.COMMANDS.items():
        parser_of_one = subparsers.add_parser(name, help=does, description=does)
        if name == chosen:
            commands.add_options(name, parser_of_one)
    return parser


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
