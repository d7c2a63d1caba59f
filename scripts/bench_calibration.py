"""Measures whether a calibration keeps its word: the share of absent things that survive its thresholds.

    python -m scripts.bench_calibration --scenes 500 --seed 0 [--calibration recipes/picturebook/calibration.yaml]

On unseen scenes of the picture book the detector is asked for absent but plausible things, and for things that are
there in another colour. Printed for each type of phrase: the share that scores at least the threshold, the range that
the calibration predicted, and the share of true phrases that is kept.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from factory.calibrated import Calibration, load_calibration
from factory.calibration import Scored, of_type, rates, read_labels
from factory.commands.calibrate import score
from factory.progress import Silent
from factory.recipe import FactoryRecipe
from factory.stages.ground import GroundConfig
from recipes import load
from recipes.picturebook.scenes import first_seed, write_scenes

NEGATIVES = 5
"""Absent things asked per scene, as `factory calibrate` does unless told otherwise."""


def main() -> int:
    """Measure and print; exit code 1 if a share is outside its range."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument(
        "--seed", type=int, default=0, help="which scenes: a run of this seed evaluates on them"
    )
    parser.add_argument("--recipe", type=Path, default=Path("recipes/picturebook/factory.yaml"))
    parser.add_argument("--calibration", type=Path, default=Path("recipes/picturebook/calibration.yaml"))
    options = parser.parse_args()
    recipe = load(options.recipe, FactoryRecipe)
    ground = next(stage for stage in recipe.stages if isinstance(stage, GroundConfig))
    calibration = load_calibration(str(options.calibration), ground.detector.identity())
    scores = _scores(recipe, ground, options.scenes, options.seed)
    lines = list(compared(calibration, scores))
    for line, _ in lines:
        print(line)
    return 0 if all(holds for _, holds in lines) else 1


def _scores(recipe: FactoryRecipe, ground: GroundConfig, scenes: int, seed: int) -> list[Scored]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_scenes(folder, first_seed("eval", seed), scenes)
        labels = read_labels(folder / "instances.json", NEGATIVES, seed)
        return list(score(ground.detector.build(), labels, folder / "images", recipe.source, Silent()))


def compared(calibration: Calibration, scores: list[Scored]) -> Iterator[tuple[str, bool]]:
    """Yield a line for each type of phrase, and whether its share lies in the predicted range."""
    for kind, expected in calibration.types.items():
        found = rates(of_type(scores, kind), expected.threshold)
        if found.refused is None or found.kept is None or expected.survival is None:
            continue
        survived, low, high = 1 - found.refused, expected.survival.low, expected.survival.high
        holds = low <= survived <= high
        yield (
            f"{kind:10} survived {survived:.4f} of {found.negatives}, predicted {low:.4f} to {high:.4f}"
            f"{'' if holds else ': OUTSIDE'}; kept {found.kept:.4f} of {found.positives}",
            holds,
        )


if __name__ == "__main__":
    sys.exit(main())
