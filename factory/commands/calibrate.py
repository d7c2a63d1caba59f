"""`calibrate RECIPE --annotations COCO.json --images DIR`."""

import hashlib
import io
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from factory.calibration import Labelled, Scored, judge, read_labels
from factory.commands.options import add_recipe, recipe_of
from factory.english import head
from factory.errors import FactoryError
from factory.intake import Refusal, take_in
from factory.models.protocols import Detector
from factory.progress import Progress, progress_for_stderr
from factory.recipe import SourceConfig


def add(parser: ArgumentParser) -> None:
    """Find the detector's thresholds on labelled images."""
    add_recipe(parser)
    parser.add_argument("--annotations", required=True, type=Path, metavar="COCO.json", help="COCO instances")
    parser.add_argument(
        "--negatives", type=int, default=5, metavar="N", help="absent classes asked per image"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print one JSON object; its `min_score` and `min_score_of` belong into the stage `ground`."""
    recipe = recipe_of(options)
    ground = next((stage for stage in recipe.stages if stage.kind == "ground"), None)
    if ground is None:
        raise FactoryError(f"{options.recipe} has no stage 'ground', whose detector could be calibrated")
    folder = Path(recipe.source.images)
    if not folder.is_dir():
        raise FactoryError(f"no folder of images at {folder}: give --images")
    labels = read_labels(options.annotations, options.negatives, recipe.seed, recipe.source.max_images)
    detector: Detector = ground.detector.build()
    scores = list(score(detector, labels, folder, recipe.source, progress_for_stderr()))
    if not scores:
        raise FactoryError(f"none of the {len(labels)} labelled images is in {folder}")
    sys.stdout.write(json.dumps(judge(scores, ground.min_score), indent=2) + "\n")
    return 0


def score(
    detector: Detector, labels: Sequence[Labelled], folder: Path, limits: SourceConfig, progress: Progress
) -> Iterator[Scored]:
    """Yield the detector's best score for each class asked of each image that can be read."""
    detector.open()
    progress.begin("calibrate", len(labels), 0)
    try:
        for labelled in labels:
            image = _picture(folder / labelled.file_name, limits)
            phrases = sorted({*labelled.present, *labelled.absent})
            if image is not None and phrases:
                found = detector.detect([image], [phrases], min_score=0.0)[0]
                best = [float(regions.scores[0]) if len(regions.scores) else 0.0 for regions in found]
                half = hashlib.sha256(labelled.file_name.encode()).digest()[0] % 2
                for phrase, value in zip(phrases, best, strict=True):
                    yield Scored(head(phrase), value, phrase in labelled.present, half)
            progress.advance(1)
    finally:
        detector.close()
    progress.end()


def _picture(path: Path, limits: SourceConfig) -> Image.Image | None:
    if not path.is_file():
        return None
    taken = take_in(path.read_bytes(), path.name, limits)
    return None if isinstance(taken, Refusal) else Image.open(io.BytesIO(taken.image))
