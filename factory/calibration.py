"""Detector thresholds from labelled images: which score best parts what is there from what is not.

Positives are the classes labelled in an image. Negatives are others, drawn by how frequent they are
in the collection, since a draft invents what is usually there. A threshold is chosen by balanced
accuracy: the mean of the shares of positives kept and negatives refused. What such a choice is worth
is told by choosing on one half of the images and judging on the other.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from factory.errors import FactoryError

MIN_OF_EACH = 10
"""A class gets a threshold of its own from so many positives and negatives on."""


@dataclass(frozen=True)
class Labelled:
    """An image file with classes that are in it and classes that are not."""

    file_name: str
    present: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """The detector's best score in [0, 1] for a class in an image; `half` is 0 or 1."""

    phrase: str
    score: float
    is_there: bool
    half: int


@dataclass(frozen=True)
class Rates:
    """How a threshold parts positives from negatives; a rate over nothing is None."""

    positives: int
    negatives: int
    kept: float | None
    refused: float | None

    @property
    def balanced(self) -> float | None:
        """Balanced accuracy."""
        return None if self.kept is None or self.refused is None else (self.kept + self.refused) / 2


def read_labels(path: Path, negatives: int, seed: int, max_images: int | None = None) -> list[Labelled]:
    """Read COCO instances and draw up to `negatives` absent classes per image, the frequent ones more often.

    Raises:
        FactoryError: the file is no COCO instances file.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        names = {category["id"]: str(category["name"]) for category in tree["categories"]}
        present: dict[Any, set[str]] = defaultdict(set)
        for annotation in tree["annotations"]:
            present[annotation["image_id"]].add(names[annotation["category_id"]])
        images = sorted((str(image["file_name"]), image["id"]) for image in tree["images"])[:max_images]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FactoryError(f"{path} is no COCO instances file: {type(error).__name__}: {error}") from error
    frequency = Counter(name for found in present.values() for name in found)
    generator = np.random.default_rng(seed)
    return [_labelled(name, present[key], frequency, negatives, generator) for name, key in images]


def _labelled(
    file_name: str, present: set[str], frequency: Counter[str], negatives: int, generator: np.random.Generator
) -> Labelled:
    others = sorted(set(frequency) - present)
    if not others:
        return Labelled(file_name, tuple(sorted(present)), ())
    weights = np.array([frequency[name] for name in others], np.float64)
    drawn = generator.choice(others, min(negatives, len(others)), replace=False, p=weights / weights.sum())
    return Labelled(file_name, tuple(sorted(present)), tuple(sorted(map(str, drawn))))


def rates(scores: Sequence[Scored], threshold: float) -> Rates:
    """Return what a threshold does."""
    there = [s.score >= threshold for s in scores if s.is_there]
    absent = [s.score < threshold for s in scores if not s.is_there]
    kept = float(np.mean(there)) if there else None
    return Rates(len(there), len(absent), kept, float(np.mean(absent)) if absent else None)


def best_threshold(scores: Sequence[Scored]) -> float | None:
    """Return the threshold of the best balanced accuracy, the middle of the gap; None without both kinds."""
    there = np.sort([s.score for s in scores if s.is_there])
    absent = np.sort([s.score for s in scores if not s.is_there])
    if not len(there) or not len(absent):
        return None
    edges = np.unique(np.concatenate([there, absent, [0.0, 1.0]]))
    cuts = (edges[1:] + edges[:-1]) / 2
    kept = 1 - np.searchsorted(there, cuts) / len(there)  # (cuts,)
    refused = np.searchsorted(absent, cuts) / len(absent)  # (cuts,)
    return round(float(cuts[np.argmax(kept + refused)]), 4)


def own_thresholds(scores: Sequence[Scored]) -> dict[str, float]:
    """Return thresholds of the classes that have enough of both kinds."""
    of_phrase: dict[str, list[Scored]] = defaultdict(list)
    for score in scores:
        of_phrase[score.phrase].append(score)
    found = {}
    for phrase, some in sorted(of_phrase.items()):
        count = sum(s.is_there for s in some)
        cut = best_threshold(some)
        if cut is not None and min(count, len(some) - count) >= MIN_OF_EACH:
            found[phrase] = cut
    return found


def judge(scores: Sequence[Scored], current: float) -> dict[str, Any]:
    """Return thresholds from all scores, and what such a choice does on images that had no part in it."""
    seen, unseen = ([s for s in scores if s.half == number] for number in (0, 1))
    chosen = best_threshold(seen)
    return {
        "min_score": best_threshold(scores),
        "min_score_of": own_thresholds(scores),
        "all": _as_json(current, rates(scores, current)),
        "held_out": {
            "current": _as_json(current, rates(unseen, current)),
            "calibrated": None if chosen is None else _as_json(chosen, rates(unseen, chosen)),
        },
    }


def _as_json(threshold: float, found: Rates) -> dict[str, Any]:
    return {
        "threshold": threshold,
        "positives": found.positives,
        "negatives": found.negatives,
        "kept": found.kept,
        "refused": found.refused,
        "balanced_accuracy": found.balanced,
    }
