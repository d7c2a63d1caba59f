"""Fine-tune LLaVA on image descriptions.

deepspeed train/finetune.py --recipe recipes/train/llava_1.5_7b_lora.yaml [--set epochs=2]
python train/finetune.py --recipe ... --check
"""

import argparse
import logging
import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != _HERE)]

from recipes import RecipeError, load  # noqa: E402
from train.error import Interrupted, TrainError  # noqa: E402
from train.recipe import TrainRecipe  # noqa: E402
from train.run import run  # noqa: E402


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; the launcher appends `--local_rank`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", type=Path, required=True, help="YAML file, see recipes/train/")
    parser.add_argument(
        "--set", action="append", default=[], metavar="a.b=value", help="override a recipe key"
    )
    parser.add_argument("--check", action="store_true", help="validate the recipe and stop")
    parser.add_argument("--local_rank", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 too many samples dropped, 2 the user must act, 130 interrupted."""
    options = parse(arguments)
    main_process = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("train").setLevel(logging.INFO if main_process else logging.WARNING)
    try:
        recipe = load(options.recipe, TrainRecipe, options.set)
        if options.check:
            print(f"{options.recipe}: valid")  # noqa: T201
            return 0
        return run(recipe)
    except (RecipeError, TrainError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except (Interrupted, KeyboardInterrupt) as stop:
        print(f"interrupted: {stop}", file=sys.stderr)  # noqa: T201
        return 130


if __name__ == "__main__":
    sys.exit(main())
