"""`calibrate RECIPE --annotations COCO.json --images DIR --to FILE`."""

import hashlib
import io
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from factory.calibrated import Calibration
from factory.calibration import Labelled, Scored, judge, read_labels
from factory.commands.options import add_recipe, recipe_of
from factory.english import head
from factory.errors import FactoryError
from factory.intake import Refusal, take_in
from factory.models.batching import batches
from factory.models.protocols import Detector, Regions
from factory.progress import Progress, progress_for_stderr
from factory.recipe import SourceConfig
from factory.storage import write_text

_BATCH = 32


def add(parser: ArgumentParser) -> None:
    """Find the detector's thresholds on labelled images."""
    add_recipe(parser)
    parser.add_argument("--annotations", required=True, type=Path, metavar="COCO.json", help="COCO instances")
    parser.add_argument(
        "--negatives", type=int, default=5, metavar="N", help="absent classes asked per image"
    )
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="write the file that recipes name as `calibration`"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print one JSON object, and with `--to` write the thresholds for the stages `ground` and `verify`.

    `types` holds for each type of phrase the threshold, and on images that had no part in choosing it precision,
    recall and the share of absent things that survive, with the range to expect of other images.
    """
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
    judged = judge(scores, ground.min_score)
    if options.to is not None:
        write_text(options.to, _file(judged, ground.detector.identity(), options.annotations, len(labels)))
    sys.stdout.write(json.dumps(judged, indent=2) + "\n")
    return 0


def _file(judged: dict[str, Any], identity: dict[str, str], annotations: Path, images: int) -> str:
    if "thing" not in judged["types"]:
        raise FactoryError(
            f"{annotations} has too few positives and negatives to calibrate on: give more images"
        )
    digest = hashlib.sha256(annotations.read_bytes()).hexdigest()[:16]
    calibration = Calibration(
        model=identity["model"],
        revision=identity["revision"],
        annotations=f"{annotations.name} sha256:{digest}",
        images=images,
        types=judged["types"],
    )
    return yaml.safe_dump(calibration.model_dump(), sort_keys=False)


def score(
    detector: Detector, labels: Sequence[Labelled], folder: Path, limits: SourceConfig, progress: Progress
) -> Iterator[Scored]:
    """Yield the detector's best score for each phrase asked of each image that can be read."""
    detector.open()
    progress.begin("calibrate", len(labels), 0)
    try:
        for some in batches(labels, _BATCH):
            taken = [(labelled, _picture(folder / labelled.file_name, limits)) for labelled in some]
            asked = [(labelled, image) for labelled, image in taken if image is not None and labelled.phrases]
            found = detector.detect([i for _, i in asked], [list(a.phrases) for a, _ in asked], min_score=0.0)
            for (labelled, _), regions in zip(asked, found, strict=True):
                yield from _scored(labelled, regions)
            progress.advance(len(some))
    finally:
        detector.close()
    progress.end()


def _scored(labelled: Labelled, found: Sequence[Regions]) -> Iterator[Scored]:
    half = hashlib.sha256(labelled.file_name.encode()).digest()[0] % 2
    bare = {*labelled.present, *labelled.absent}
    for (phrase, is_there), regions in zip(labelled.phrases.items(), found, strict=True):
        value = float(regions.scores[0]) if len(regions.scores) else 0.0
        yield Scored(head(phrase), value, is_there, half, "thing" if phrase in bare else "attribute")


def _picture(path: Path, limits: SourceConfig) -> Image.Image | None:
    if not path.is_file():
        return None
    taken = take_in(path.read_bytes(), path.name, limits)
    return None if isinstance(taken, Refusal) else Image.open(io.BytesIO(taken.image))
