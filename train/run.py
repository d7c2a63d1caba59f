"""One run, from recipe to adapter: all its phases."""

import logging

from train.identity import fingerprint
from train.outputs import Outputs
from train.phases import Phase, phases
from train.place import Place
from train.plan import Sizes
from train.preflight import check
from train.recipe import TrainRecipe

_LOG = logging.getLogger("train")


def run(recipe: TrainRecipe) -> int:
    """Train, or find that it is done already; return the exit code.

    Raises:
        TrainError: the user must act.
        Interrupted: a signal stopped the run, and a checkpoint holds its progress.
    """
    place = Place.from_environment()
    parts = phases(recipe)
    sizes = [
        Sizes(part.recipe.global_batch_size, part.recipe.micro_batch_size, place.processes) for part in parts
    ]
    check(recipe)
    return max(_run(part, size, place) for part, size in zip(parts, sizes, strict=True))


def _run(phase: Phase, sizes: Sizes, place: Place) -> int:
    recipe = phase.recipe
    outputs = Outputs(recipe.out_dir)
    mark = fingerprint(recipe)
    if recipe.resume == "auto" and (summary := outputs.finished(mark)) is not None:
        _LOG.info("already trained: %s holds this run, %d steps", recipe.out_dir, summary["steps"])
        return _exit_code(summary["dropped_fraction"], recipe)
    checkpoint = outputs.latest(mark, place.processes) if recipe.resume == "auto" else None
    if recipe.method == "dpo":
        from train.preference.session import PreferenceSession as Session
    else:
        from train.session import Session  # type: ignore[assignment]
    summary = Session(phase, place, sizes, outputs, mark, checkpoint).run()
    return _exit_code(summary["dropped_fraction"], recipe)


def _exit_code(dropped_fraction: float, recipe: TrainRecipe) -> int:
    return 1 if dropped_fraction > recipe.max_rejected_fraction else 0
