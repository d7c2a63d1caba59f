"""Runs the whole loop by starting each program in turn; they share files, not code.

python scripts/reproduce.py --help
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from eval.errors import EvalError
from recipes import RecipeError, load
from recipes.chain import ChainRecipe
from scripts.chain import Chain, Options
from scripts.phases import ProgramError

CHAIN = Path("recipes/picturebook/chain.yaml")


def main() -> int:
    """Run or check the loop and return its exit code."""
    arguments = _arguments()
    try:
        recipe = load(arguments.recipe, ChainRecipe, arguments.set)
        out = arguments.out or _default_out(arguments.recipe)
        options = Options(
            recipe=arguments.recipe,
            out=out,
            seed=arguments.seed,
            images=arguments.images,
            fast=arguments.fast,
        )
        if arguments.check:
            return _check(recipe, out, everything=True)
        if arguments.fast and recipe.fast is None:
            raise RecipeError(f"{arguments.recipe} has no `fast` section, so --fast has no numbers to take")
        if recipe.world.kind == "photos" and _check(recipe, out, everything=False) != 0:
            return 2
        return Chain(recipe, options).run()
    except (RecipeError, EvalError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ProgramError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("interrupted; what is done is kept: the same command goes on from there", file=sys.stderr)
        return 130


def _default_out(recipe: Path) -> Path:
    return Path("runs/picturebook") if recipe == CHAIN else Path("runs") / recipe.stem


def _check(recipe: ChainRecipe, out: Path, everything: bool) -> int:
    """Say what is needed, or only what is missing; 0 if the chain can start."""
    from scripts.preflight import findings

    found = findings(recipe, out)
    missing = [each for each in found if not each.there and not each.fetched]
    for each in found if everything else missing:
        print(each, file=sys.stdout if everything else sys.stderr)
    if missing:
        print(
            f"error: {len(missing)} of {len(found)} things that this recipe needs are missing",
            file=sys.stderr,
        )
    return 2 if missing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Image Textualization from images to report, in one command."
    )
    parser.add_argument(
        "--out", type=Path, help="default runs/picturebook, or runs/<name> for another recipe"
    )
    parser.add_argument("--seed", type=int, default=0, help="which scenes, 0 to 9999, and every other draw")
    parser.add_argument("--images", type=int, help="images of the dataset")
    parser.add_argument("--fast", action="store_true", help="a smoke run with few images, under two minutes")
    parser.add_argument("--recipe", type=Path, default=CHAIN, help=f"default {CHAIN}")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=VALUE", help="override the recipe")
    parser.add_argument(
        "--check", action="store_true", help="say what is needed and what is missing, and stop"
    )
    options = parser.parse_args()
    if not 0 <= options.seed < 10_000:
        parser.error(f"--seed is {options.seed}; it must be 0 to 9999")
    if options.images is not None and options.images < 1:
        parser.error(f"--images is {options.images}; it must be at least 1")
    return options


if __name__ == "__main__":
    os.environ.setdefault("WANDB_MODE", "offline")
    sys.exit(main())
