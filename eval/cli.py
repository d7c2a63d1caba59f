"""The command line: `python -m eval <command>`. Only `run` with a model imports deep-learning libraries."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from eval.commands import COMMANDS
from eval.errors import EvalError
from recipes import RecipeError

DONE, USER_MUST_ACT, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 the user must act, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (EvalError, RecipeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_MUST_ACT
    except BrokenPipeError:
        # the reader of our output, such as `head`, has gone; nothing more can be said to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print("interrupted: what is done is kept; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
