"""One run of the whole loop into one folder: which program gets which files."""

import json
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from eval.identity import image_key
from eval.material import SUFFIXES, asked_images
from eval.recipe import EvalRecipe
from eval.resolve import resolve
from recipes import Config, dump, load
from recipes.chain import ChainRecipe, PhotosWorld, PicturebookWorld
from scripts.phases import Phases, ProgramError, run_side_by_side
from scripts.table import print_table
from train.recipe import TrainRecipe

PYTHON = sys.executable


class Options(Config):
    """What the command line says beside the recipe."""

    recipe: Path
    out: Path
    seed: int
    images: int | None = None
    fast: bool = False


class Chain:
    """One run of the loop."""

    def __init__(self, recipe: ChainRecipe, options: Options) -> None:
        self.recipe, self.options = recipe, options
        self.out, self.seed = options.out, options.seed
        self.phases = Phases(options.out)
        self.has_gpu = shutil.which("nvidia-smi") is not None

    @property
    def images(self) -> int | None:
        """How many images the dataset is built from; None for all."""
        if self.options.images is not None:
            return self.options.images
        return self.recipe.fast.images if self.options.fast and self.recipe.fast else self.recipe.world.images

    def run(self) -> int:
        """Run every phase; each program finds out for itself what is already done."""
        self._make_folder()
        with self.phases.measure("paint" if self.recipe.world.kind == "picturebook" else "gather"):
            images = self._images()
        with self.phases.measure("build"):
            code = self._build(images)
        with self.phases.measure("train"):
            self._train()
        with self.phases.measure("eval"):
            self._evaluate()
        self._report()
        print_table(self.out, self.recipe.scale_model)
        return code

    def _make_folder(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProgramError(
                f"cannot write to {self.out}: {error.strerror}; choose another --out", 2
            ) from None

    def _images(self) -> str:
        """Make the images, or the list of them, that the dataset is built from; return where it is."""
        world = self.recipe.world
        if isinstance(world, PhotosWorld):
            return self._list_photos(world)
        for split, images in (("dataset", self.images), ("eval", self._eval_images(world))):
            options = ["--out", self._at("scenes", split), "--split", split, "--seed", str(self.seed)]
            self._python(
                "paint the scenes", "-m", "recipes.picturebook.scenes", *options, "--images", str(images)
            )
        return self._at("scenes", "dataset", "images")

    def _eval_images(self, world: PicturebookWorld) -> int:
        fast = self.recipe.fast if self.options.fast else None
        return fast.eval_images if fast else world.eval_images

    def _list_photos(self, world: PhotosWorld) -> str:
        """List the photos of the dataset, without those that any evaluation asks about."""
        held_out: set[str] = set()
        for path in (self.recipe.eval, *self.recipe.benchmarks):
            held_out |= asked_images(self._eval_recipe(path))
        found = [path for path in sorted(world.folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
        kept = [path for path in found if image_key(path.name) not in held_out]
        spared = len(found) - len(kept)
        if not kept:
            raise ProgramError(
                f"no image to build from in {world.folder} ({len(found)} there, all held out)", 2
            )
        if self.images is not None and self.images < len(kept):
            kept = sorted(random.Random(self.seed).sample(kept, self.images))
        print(f"{len(kept)} images to describe; {spared} held out for evaluation", file=sys.stderr)
        listed = self.out / "images.txt"
        listed.write_text("".join(f"{path.resolve()}\n" for path in kept), encoding="utf-8")
        return str(listed)

    def _build(self, images: str) -> int:
        arguments = ["-m", "factory", "build", str(self.recipe.factory), *self._overrides("factory")]
        arguments += ["--images", images, "--out", self._at("dataset")]
        return self._python("build the dataset", *arguments, allowed=(0, 1))

    def _train(self) -> None:
        sets = [f"out={self._at('adapter')}", *self._data(), f"seed={self.seed}"]
        if self.options.fast and self.recipe.fast:
            sets += ["epochs=null", f"max_steps={self.recipe.fast.train_steps}"]
        processes = [] if self.has_gpu else ["--num_accelerators", str(self.recipe.processes)]
        launcher = str(Path(PYTHON).with_name("deepspeed"))
        meeting = ["--master_port", str(free_port())]  # two loops on one machine must not meet
        command = [launcher, *processes, *meeting, "train/finetune.py", "--recipe", str(self.recipe.train)]
        environment = {} if self.has_gpu else {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        command += [*self._overrides("train"), *_set(sets)]
        self.phases.start("fine-tune", command, environment)

    def _data(self) -> list[str]:
        """Point whatever the training recipe takes from a dataset of the factory to the one just built."""
        sources = load(self.recipe.train, TrainRecipe, self.recipe.overrides.get("train", ())).data
        return [
            f"data.{i}.path={self._at('dataset')}" for i, each in enumerate(sources) if each.kind != "llava"
        ]

    def _evaluate(self) -> None:
        adapter = f"model.adapter={self._at('adapter')}"
        self._evaluate_both(self._eval_command("base", []), self._eval_command("tuned", [adapter]), "")
        if self.recipe.benchmarks:
            base, tuned = self._benchmark_command("base", []), self._benchmark_command("tuned", [adapter])
            self._evaluate_both(base, tuned, " on the benchmarks")
        truth = self._dataset_truth()
        if truth:
            judged = ["--out", self._at("eval", "dataset"), "--seed", str(self.seed)]
            arguments = ["-m", "eval", "dataset", self._at("dataset"), "--annotations", *truth, *judged]
            self._python("judge the dataset", *arguments)

    def _evaluate_both(self, base: list[str], tuned: list[str], where: str) -> None:
        if self.has_gpu:
            self.phases.start(f"evaluate the base model{where}", base)
            self.phases.start(f"evaluate the tuned model{where}", tuned)
        else:
            run_side_by_side(self.phases, {"base": base, "tuned": tuned}, {"OMP_NUM_THREADS": "1"})

    def _dataset_truth(self) -> list[str]:
        world = self.recipe.world
        if isinstance(world, PhotosWorld):
            return [str(path) for path in world.annotations]
        return [self._at("scenes", "dataset", "instances.json")]

    def _eval_command(self, name: str, more: list[str]) -> list[str]:
        sets = [*self._world_sets(), f"output={self._at('eval', name)}", *more]
        return [PYTHON, "-m", "eval", "run", str(self.recipe.eval), *self._overrides("eval"), *_set(sets)]

    def _world_sets(self) -> list[str]:
        scenes = self.out / "scenes" / "eval"
        if isinstance(self.recipe.world, PhotosWorld):
            return []
        return [f"images={scenes / 'images'}", f"annotations=[{scenes / 'instances.json'}]"]

    def _benchmark_command(self, name: str, more: list[str]) -> list[str]:
        """Write the benchmarks' recipes with the model of the evaluation, and run them in one process."""
        model = self._eval_recipe(self.recipe.eval).model
        written = []
        for path in self.recipe.benchmarks:
            recipe = self._eval_recipe(path).model_copy(update={"model": model})
            target = self.out / "benchmarks" / "recipes" / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            dump(recipe, target)
            written.append(str(target))
        return [
            PYTHON, "-m", "eval", "run", *written, "--out", self._at("benchmarks", name), *_set(more),
        ]  # fmt: skip

    def _eval_recipe(self, path: Path) -> EvalRecipe:
        group = "eval" if path == self.recipe.eval else path.stem
        sets = self._world_sets() if path == self.recipe.eval else []
        return resolve(load(path, EvalRecipe, [*self.recipe.overrides.get(group, ()), *sets]), path)

    def _report(self) -> None:
        timings = self.out / "timings.json"
        timings.write_text(json.dumps(self.phases.timings()), encoding="utf-8")
        shared = [
            "--dataset",
            self._at("dataset"),
            "--base",
            self._at("eval/base"),
            "--tuned",
            self._at("eval/tuned"),
        ]
        if self._dataset_truth():
            shared += ["--dataset-eval", self._at("eval/dataset")]
        for path in self.recipe.benchmarks:
            shared += [
                "--benchmark",
                *(self._at("benchmarks", side, path.stem) for side in ("base", "tuned")),
            ]
        shared += ["--seed", str(self.seed)]
        about = ["--recipe", str(self.options.recipe), "--code", _commit(), "--timings", str(timings)]
        summary, page = self._at("summary.json"), self._at("report", "index.html")
        table = ["--markdown", self._at("report", "table.md")]
        self._python("sum up", "-m", "eval", "summary", *shared, *about, *table, "--out", summary)
        note = ["--scale-model"] if self.recipe.scale_model else []
        arguments = ["-m", "eval", "report", "--summary", summary, *shared, *note, "--out", page]
        self._python("write the report", *arguments)

    def _overrides(self, group: str) -> list[str]:
        return _set(list(self.recipe.overrides.get(group, ())))

    def _python(self, what: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> int:
        return self.phases.start(what, [PYTHON, *arguments], allowed=allowed)

    def _at(self, *parts: str) -> str:
        return str(self.out.joinpath(*parts))


def _set(values: list[str]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def free_port() -> int:
    """Return a TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else "unknown"
