"""Phase 2, from the image: what is there, each thing named from a close look and confirmed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

import numpy as np
from PIL import Image
from pydantic import Field, model_validator

from factory.english import bare, head
from factory.errors import ReplyError
from factory.geometry import area_fraction, boxes_array, inside, iou, iou_matrix, square_window
from factory.grammar import leading_phrase
from factory.models import DetectorConfig, Florence2Config, Owlv2Config, RegionCaptionerConfig
from factory.models.checkpoint import Probability
from factory.models.protocols import Chat, ChatRequest, Detector, Proposer, Regions
from factory.models.region_captions import RegionCaptioner
from factory.pictures import with_pictures
from factory.prompts import Prompt, load_prompt
from factory.records import BoxXyxy, Item, Object, Rejection
from factory.replies import prose
from factory.stages.ground import box_of
from factory.stages.opening import Opening
from recipes import Config

SAME_THING_IOU = 0.5
"""Two boxes that overlap at least so much are about the same thing."""


class RegionsConfig(Config):
    """Propose regions, caption a crop of each, and keep those whose name the detector confirms."""

    kind: Literal["regions"] = "regions"
    proposer: Owlv2Config | None = None
    """Says where things are, whatever they are; not needed by a captioner that finds regions itself."""
    captioner: RegionCaptionerConfig
    """The MLLM that names the thing in a crop, or a model that finds and captions regions in one go."""
    detector: DetectorConfig
    """Confirms the name at the place; loaded once if it is the proposer's checkpoint."""
    prompt: str = "region"
    """Prompt file for a crop, by bare name for a built-in one; it has no fields."""
    min_objectness: Probability = 0.3
    """Proposals that look less like a thing are passed over."""
    min_score: Probability = 0.3
    """A region is kept if its phrase scores at least this much at a box that overlaps it by half."""
    max_regions: int = Field(default=20, ge=1)
    """Proposals captioned per image, the most likely first."""
    max_objects: int = Field(default=20, ge=1)
    """Objects kept per image, the best scored."""
    context: float = Field(default=1.35, ge=1.0, le=5.0)
    """Side of the square crop in multiples of the box's longest side."""
    duplicate_iou: Probability = 0.6
    """Two boxes that overlap by more are one object."""
    max_inside: Probability = 0.6
    """Two boxes of one kind are one object if they share more than this part of the smaller box."""

    @model_validator(mode="after")
    def _has_regions(self) -> Self:
        if self.proposer is None and not isinstance(self.captioner, Florence2Config):
            raise ValueError(f"captioner {self.captioner.kind!r} captions crops: name a proposer of regions")
        return self

    def build(self) -> "FindRegions":
        """Return the stage."""
        finds_itself = isinstance(self.captioner, Florence2Config)
        proposer = None if self.proposer is None or finds_itself else self.proposer.build()
        same = proposer is not None and self.detector == self.proposer
        detector = proposer if same and proposer is not None else self.detector.build()
        return FindRegions(proposer, self.captioner.build(), detector, load_prompt(self.prompt, ()), self)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        parts = {"captioner": self.captioner, "detector": self.detector}
        prompt = {}
        if self.proposer is not None and not isinstance(self.captioner, Florence2Config):
            parts = {"proposer": self.proposer, **parts}
            prompt = {"prompt": load_prompt(self.prompt, ()).digest}
        models = {
            f"{part}.{key}": value
            for part, config in parts.items()
            for key, value in config.identity().items()
        }
        return {"version": str(FindRegions.version), **prompt, **models}


class FindRegions(Opening):
    """Adds the objects, ids `o1`, `o2`, ... from left to right.

    Grounded entities at which no region was confirmed become objects as well.
    """

    name = "regions"
    version = 2
    needs: tuple[str, ...] = ("image", "entities.score")
    adds: tuple[str, ...] = ("objects",)

    def __init__(
        self,
        proposer: Proposer | None,
        captioner: Chat | RegionCaptioner,
        detector: Detector,
        prompt: Prompt,
        config: RegionsConfig,
    ) -> None:
        super().__init__(proposer, captioner, detector)
        self._proposer, self._captioner, self._detector = proposer, captioner, detector
        self._prompt, self._config = prompt, config

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its objects, maybe none."""
        return with_pictures(self.name, items, self._find)

    def _find(self, items: list[Item], images: list[Image.Image]) -> list[Item | Rejection]:
        proposed, captions = self._propose(images)
        names = [sorted({leading_phrase(c) for c in of_one} - {""}) for of_one in captions]
        confirmed = self._detector.detect(images, names, self._config.min_score)
        found: list[Item | Rejection] = []
        for item, boxes, said, asked, regions in zip(
            items, proposed, captions, names, confirmed, strict=True
        ):
            objects = self._confirmed(item, boxes, said, dict(zip(asked, regions, strict=True)))
            found.append(replace(item, objects=self._settled(item, objects)))
        return found

    def _propose(self, images: list[Image.Image]) -> tuple[list[Regions], list[list[str]]]:
        """Return the regions of each image and a caption for each, empty where there is none."""
        limit, captioner = self._config.max_regions, self._captioner
        if hasattr(captioner, "caption_regions"):
            found = captioner.caption_regions(images)
            return [_first(one.regions, limit) for one in found], [
                list(one.captions[:limit]) for one in found
            ]
        assert self._proposer is not None
        proposed = [_first(r, limit) for r in self._proposer.propose(images, self._config.min_objectness)]
        return proposed, self._captions(captioner, images, proposed)

    def _captions(
        self, captioner: Chat, images: list[Image.Image], proposed: list[Regions]
    ) -> list[list[str]]:
        """Return a caption per region; empty where the captioner gave none."""
        text = self._prompt.render({})
        requests = [
            ChatRequest(text, image.crop(square_window(box_of(regions, i), image.size, self._config.context)))
            for image, regions in zip(images, proposed, strict=True)
            for i in range(len(regions.scores))
        ]
        replies = iter(self.ask(captioner, requests))
        captions: list[list[str]] = []
        for regions in proposed:
            captions.append([])
            for _ in range(len(regions.scores)):
                try:
                    captions[-1].append(prose(next(replies)))
                except ReplyError:
                    captions[-1].append("")
        return captions

    def _confirmed(
        self, item: Item, boxes: Regions, captions: list[str], found: dict[str, Regions]
    ) -> list[Object]:
        objects = []
        for i, caption in enumerate(captions):
            phrase = leading_phrase(caption)
            if phrase:
                best = _best_at(box_of(boxes, i), found[phrase])
                if best is not None:
                    box, score = box_of(found[phrase], best), float(found[phrase].scores[best])
                    objects.append(_object(item, phrase, box, score, caption))
        return objects

    def _settled(self, item: Item, objects: list[Object]) -> tuple[Object, ...]:
        """Return the objects and the grounded entities that none of them covers, from left to right."""
        for entity in item.entities or ():
            if entity.box_xyxy is not None and not _covers(objects, entity.box_xyxy):
                objects = [
                    *objects,
                    _object(item, bare(entity.phrase), entity.box_xyxy, entity.score or 0.0, ""),
                ]
        chosen = self._once(objects)[: self._config.max_objects]
        chosen.sort(key=lambda o: (o.box_xyxy[0] + o.box_xyxy[2], o.box_xyxy[1] + o.box_xyxy[3]))
        return tuple(replace(o, id=f"o{number}") for number, o in enumerate(chosen, start=1))

    def _once(self, objects: list[Object]) -> list[Object]:
        """Return each thing once, best first; those with a caption come first, for they know more."""
        kept: list[Object] = []
        for new in sorted(objects, key=lambda o: (not o.caption, -o.score)):
            twin = next((i for i, old in enumerate(kept) if self._is_same(old, new)), None)
            if twin is None:
                kept.append(new)
            elif new.score > kept[twin].score and head(new.phrase) == head(kept[twin].phrase):
                kept[twin] = replace(new, phrase=kept[twin].phrase, caption=kept[twin].caption)
        return kept

    def _is_same(self, a: Object, b: Object) -> bool:
        if iou(a.box_xyxy, b.box_xyxy) > self._config.duplicate_iou:
            return True
        return head(a.phrase) == head(b.phrase) and inside(a.box_xyxy, b.box_xyxy) > self._config.max_inside


def _first(regions: Regions, number: int) -> Regions:
    return Regions(regions.boxes_xyxy[:number], regions.scores[:number])


def _object(item: Item, phrase: str, box: BoxXyxy, score: float, caption: str) -> Object:
    return Object("", phrase, box, score, caption, area_fraction=area_fraction(box, item.size_wh))


def _best_at(box: BoxXyxy, regions: Regions) -> int | None:
    """Return the best scored of the regions at a box: named, a thing is placed better than unnamed."""
    if not len(regions.scores):
        return None
    there = np.flatnonzero(iou_matrix(boxes_array([box]), regions.boxes_xyxy)[0] >= SAME_THING_IOU)
    return int(there[regions.scores[there].argmax()]) if len(there) else None


def _covers(objects: Sequence[Object], box: BoxXyxy) -> bool:
    boxes = boxes_array([o.box_xyxy for o in objects])
    return bool((iou_matrix(boxes_array([box]), boxes) >= SAME_THING_IOU).any())
