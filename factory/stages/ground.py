"""Phase 2, from the text: which entities are in the image; the others are hallucinations to delete."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from PIL import Image
from pydantic import Field

from factory.calibrated import digest_of, load_calibration
from factory.english import bare
from factory.models import DetectorConfig
from factory.models.checkpoint import Probability
from factory.models.protocols import Detector, Regions
from factory.pictures import with_pictures
from factory.records import BoxXyxy, Entity, Item, Rejection
from factory.stages.opening import Opening
from factory.thresholds import Thresholds
from recipes import Config


class GroundConfig(Config):
    """Look for each entity with an open-set detector."""

    kind: Literal["ground"] = "ground"
    detector: DetectorConfig
    """The open-set detector."""
    min_score: Probability = 0.35
    """Entities that score less anywhere in the image are held to be hallucinated."""
    min_score_of: dict[str, Probability] = Field(default_factory=dict)
    """Thresholds for single head nouns, such as `{boat: 0.5}`, where calibration gave others."""
    calibration: str = ""
    """A file that `calibrate` wrote for this detector; its thresholds take the place of those above."""
    probes: tuple[str, ...] = ()
    """Things to look for although no text names them, such as the classes of a benchmark: evidence of what is
    absent, from which training takes questions."""
    probes_per_image: int = Field(default=4, ge=1)
    """How many of them are looked for in each image, chosen by its id."""

    def build(self) -> "Ground":
        """Return the stage."""
        thresholds = Thresholds(self.min_score, of=self.min_score_of)
        if self.calibration:
            thresholds = load_calibration(self.calibration, self.detector.identity()).thresholds()
        return Ground(self.detector.build(), thresholds, self.probes, self.probes_per_image)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        calibration = {"calibration": digest_of(self.calibration)} if self.calibration else {}
        probes = {"probes": f"{self.probes_per_image} of {', '.join(self.probes)}"} if self.probes else {}
        return {"version": str(Ground.version), **self.detector.identity(), **calibration, **probes}


class Ground(Opening):
    """Adds score and box to each entity, and the list of those not found.

    A detector is asked for things, not for sentences: `two red cars` is looked for as `red car`.
    """

    name = "ground"
    version = 2
    needs: tuple[str, ...] = ("image", "entities")
    adds: tuple[str, ...] = ("entities.score", "hallucinated", "probes")

    def __init__(
        self,
        detector: Detector,
        thresholds: Thresholds,
        probes: Sequence[str] = (),
        probes_per_image: int = 4,
    ) -> None:
        super().__init__(detector)
        self._detector, self._thresholds = detector, thresholds
        self._probes, self._probes_per_image = probes, probes_per_image

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its entities scored."""
        return with_pictures(self.name, items, self._ground)

    def _ground(self, items: list[Item], images: list[Image.Image]) -> list[Item | Rejection]:
        probes = [self._chosen(item) for item in items]
        asked = [
            list(dict.fromkeys([*(bare(entity.phrase) for entity in item.entities or ()), *of_one]))
            for item, of_one in zip(items, probes, strict=True)
        ]
        found = self._detector.detect(images, asked, min_score=0.0)
        return [
            self._grounded(item, of_one, dict(zip(names, regions, strict=True)))
            for item, of_one, names, regions in zip(items, probes, asked, found, strict=True)
        ]

    def _chosen(self, item: Item) -> list[str]:
        """Return the probes of an image: the same for the same id, and none that its text names anyway."""
        named = {bare(entity.phrase) for entity in item.entities or ()}
        free = [probe for probe in self._probes if probe not in named]
        free.sort(key=lambda probe: hashlib.sha256(f"{item.id}:{probe}".encode()).digest())
        return free[: self._probes_per_image]

    def _grounded(self, item: Item, probes: Sequence[str], found: dict[str, Regions]) -> Item:
        entities = tuple(
            self._scored(entity.phrase, found[bare(entity.phrase)]) for entity in item.entities or ()
        )
        missing = tuple(entity.phrase for entity in entities if not entity.grounded)
        probed = tuple(self._scored(probe, found[probe]) for probe in probes)
        return replace(item, entities=entities, hallucinated=missing, probes=probed)

    def _scored(self, phrase: str, regions: Regions) -> Entity:
        score = float(regions.scores[0]) if len(regions.scores) else 0.0
        grounded = score >= self._thresholds.least(bare(phrase))
        return Entity(phrase, score, grounded, box_of(regions, 0) if grounded else None)


def box_of(regions: Regions, index: int) -> BoxXyxy:
    """Return one box as plain numbers."""
    left, top, right, bottom = (float(x) for x in regions.boxes_xyxy[index])
    return left, top, right, bottom
