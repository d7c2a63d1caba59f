"""Runs the whole loop by starting each program in turn; they share files, not code.

python scripts/reproduce.py --help
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recipes import RecipeError, load
from recipes.chain import ChainRecipe
from scripts.phases import Phases, ProgramError, run_side_by_side
from scripts.table import print_table
from train.recipe import TrainRecipe

CHAIN = Path("recipes/picturebook/chain.yaml")
PYTHON = sys.executable


def main() -> int:
    """Run the loop and return its exit code."""
    options = _options()
    try:
        recipe = load(options.recipe, ChainRecipe, options.set)
        images = options.images or (recipe.fast.images if options.fast else recipe.world.images)
        chain = Chain(recipe, options.out, options.seed, images, options.fast, options.recipe)
        return chain.run()
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ProgramError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print(
            f"interrupted; what is done is kept in {options.out}: the same command goes on from there",
            file=sys.stderr,
        )
        return 130


class Chain:
    """One run of the loop into one folder."""

    def __init__(
        self, recipe: ChainRecipe, out: Path, seed: int, images: int, fast: bool, recipe_path: Path
    ) -> None:
        self.recipe, self.out, self.seed, self.images, self.fast = recipe, out, seed, images, fast
        self.recipe_path = recipe_path
        self.eval_images = recipe.fast.eval_images if fast else recipe.world.eval_images
        self.phases = Phases(out)
        self.has_gpu = shutil.which("nvidia-smi") is not None

    def run(self) -> int:
        """Run every phase; each program finds out for itself what is already done."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProgramError(
                f"cannot write to {self.out}: {error.strerror}; choose another --out", 2
            ) from None
        with self.phases.measure("paint"):
            self._paint()
        with self.phases.measure("build"):
            code = self._build()
        with self.phases.measure("train"):
            self._train()
        with self.phases.measure("eval"):
            self._evaluate()
        self._report()
        print_table(self.out)
        return code

    def _paint(self) -> None:
        for split, images in (("dataset", self.images), ("eval", self.eval_images)):
            options = ["--out", self._at("scenes", split), "--split", split, "--seed", str(self.seed)]
            self._python(
                "paint the scenes", "-m", "recipes.picturebook.scenes", *options, "--images", str(images)
            )

    def _build(self) -> int:
        scenes, dataset = self._at("scenes", "dataset", "images"), self._at("dataset")
        arguments = ["-m", "factory", "build", str(self.recipe.factory), "--images", scenes, "--out", dataset]
        return self._python("build the dataset", *arguments, allowed=(0, 1))

    def _train(self) -> None:
        sets = [f"out={self._at('adapter')}", *self._data(), f"seed={self.seed}"]
        if self.fast:
            sets += ["epochs=null", f"max_steps={self.recipe.fast.train_steps}"]
        processes = [] if self.has_gpu else ["--num_accelerators", str(self.recipe.processes)]
        launcher = str(Path(PYTHON).with_name("deepspeed"))
        command = [launcher, *processes, "train/finetune.py", "--recipe", str(self.recipe.train)]
        environment = {} if self.has_gpu else {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        self.phases.start("fine-tune", [*command, *_set(sets)], environment)

    def _data(self) -> list[str]:
        """Point whatever the training recipe takes from a dataset of the factory to the one just built."""
        sources = load(self.recipe.train, TrainRecipe).data
        return [
            f"data.{i}.path={self._at('dataset')}"
            for i, source in enumerate(sources)
            if source.kind != "llava"
        ]

    def _evaluate(self) -> None:
        base, tuned = (
            self._eval_command("base", []),
            self._eval_command("tuned", [f"model.adapter={self._at('adapter')}"]),
        )
        if self.has_gpu:
            self.phases.start("evaluate the base model", base)
            self.phases.start("evaluate the tuned model", tuned)
        else:
            run_side_by_side(self.phases, {"base": base, "tuned": tuned}, {"OMP_NUM_THREADS": "1"})
        truth = ["--annotations", self._at("scenes", "dataset", "instances.json")]
        judged = ["--out", self._at("eval", "dataset"), "--seed", str(self.seed)]
        self._python("judge the dataset", "-m", "eval", "dataset", self._at("dataset"), *truth, *judged)

    def _eval_command(self, name: str, more: list[str]) -> list[str]:
        scenes = self.out / "scenes" / "eval"
        sets = [
            f"images={scenes / 'images'}",
            f"annotations=[{scenes / 'instances.json'}]",
            f"output={self._at('eval', name)}",
            *more,
        ]
        return [PYTHON, "-m", "eval", "run", str(self.recipe.eval), *_set(sets)]

    def _report(self) -> None:
        timings = self.out / "timings.json"
        timings.write_text(json.dumps(self.phases.timings()), encoding="utf-8")
        shared = []
        for option, folder in (
            ("dataset", "dataset"),
            ("dataset-eval", "eval/dataset"),
            ("base", "eval/base"),
        ):
            shared += [f"--{option}", self._at(folder)]
        shared += ["--tuned", self._at("eval/tuned"), "--seed", str(self.seed)]
        about = ["--recipe", str(self.recipe_path), "--code", _commit(), "--timings", str(timings)]
        summary, page = self._at("summary.json"), self._at("report", "index.html")
        self._python("sum up", "-m", "eval", "summary", *shared, *about, "--out", summary)
        note = ["--scale-model"] if self.recipe.scale_model else []
        images = ["--images", self._at("scenes", "eval", "images")]
        self._python(
            "write the report",
            "-m",
            "eval",
            "report",
            "--summary",
            summary,
            *shared,
            *images,
            *note,
            "--out",
            page,
        )

    def _python(self, what: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> int:
        return self.phases.start(what, [PYTHON, *arguments], allowed=allowed)

    def _at(self, *parts: str) -> str:
        return str(self.out.joinpath(*parts))


def _set(values: list[str]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else "unknown"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Image Textualization from images to report, in one command."
    )
    parser.add_argument("--out", type=Path, default=Path("runs/picturebook"), help="default runs/picturebook")
    parser.add_argument("--seed", type=int, default=0, help="which scenes, 0 to 9999, and every other draw")
    parser.add_argument("--images", type=int, help="images of the dataset")
    parser.add_argument("--fast", action="store_true", help="a smoke run with few images, under two minutes")
    parser.add_argument("--recipe", type=Path, default=CHAIN, help=f"default {CHAIN}")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=VALUE", help="override the recipe")
    options = parser.parse_args()
    if not 0 <= options.seed < 10_000:
        parser.error(f"--seed is {options.seed}; it must be 0 to 9999")
    if options.images is not None and options.images < 1:
        parser.error(f"--images is {options.images}; it must be at least 1")
    return options


if __name__ == "__main__":
    os.environ.setdefault("WANDB_MODE", "offline")
    sys.exit(main())
