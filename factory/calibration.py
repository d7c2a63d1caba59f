"""Detector thresholds from labelled images: which score best parts what is there from what is not.

Positives are the classes labelled in an image, and where the labels tell colours also `red car`. Negatives are
classes that are absent though they usually go with what is there, since a draft invents what is usually there,
and classes that are there in another colour. A threshold is chosen by balanced accuracy: the mean of the shares
of positives kept and negatives refused. What such a choice is worth is told by choosing on one half of the
images and judging on the other.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from factory.calibrated import Interval, PhraseType
from factory.errors import FactoryError

_Z = 1.959964
MIN_OF_EACH = 10
"""A class gets a threshold of its own from so many positives and negatives on."""


@dataclass(frozen=True)
class Labelled:
    """An image file with classes that are in it and classes that are not."""

    file_name: str
    present: tuple[str, ...]
    absent: tuple[str, ...]
    coloured: tuple[str, ...] = ()
    miscoloured: tuple[str, ...] = ()

    @property
    def phrases(self) -> dict[str, bool]:
        """Return every phrase to ask for, with whether such a thing is there."""
        true, false = (*self.present, *self.coloured), (*self.absent, *self.miscoloured)
        return dict.fromkeys(sorted(true), True) | dict.fromkeys(sorted(false), False)


@dataclass(frozen=True)
class Scored:
    """The detector's best score in [0, 1] for a phrase in an image; `half` is 0 or 1."""

    phrase: str
    score: float
    is_there: bool
    half: int
    kind: str = "thing"


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
    """Read COCO instances and draw up to `negatives` absent classes per image, and as many wrong colours.

    Classes that usually go with those in the image are drawn more often. Colours stand under the key `color`.

    Raises:
        FactoryError: the file is no COCO instances file.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        names = {category["id"]: str(category["name"]) for category in tree["categories"]}
        things: dict[Any, set[tuple[str, str]]] = defaultdict(set)
        for annotation in tree["annotations"]:
            colour = str(annotation.get("color") or "")
            things[annotation["image_id"]].add((names[annotation["category_id"]], colour))
        images = sorted((str(image["file_name"]), image["id"]) for image in tree["images"])[:max_images]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactoryError(f"{path} is no COCO instances file: {type(error).__name__}: {error}") from error
    together = _together([{name for name, _ in of_one} for of_one in things.values()])
    colours = sorted({colour for of_one in things.values() for _, colour in of_one if colour})
    generator = np.random.default_rng(seed)
    return [_labelled(name, things[key], together, colours, negatives, generator) for name, key in images]


def _together(images: Sequence[set[str]]) -> dict[str, Counter[str]]:
    """Return for each class how often each other stands in an image with it; itself stands for its own number."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for names in images:
        for name in names:
            found[name].update(names)
    return found


def _labelled(
    file_name: str,
    things: set[tuple[str, str]],
    together: dict[str, Counter[str]],
    colours: Sequence[str],
    negatives: int,
    generator: np.random.Generator,
) -> Labelled:
    present = {name for name, _ in things}
    coloured = {f"{colour} {name}" for name, colour in things if colour}
    wrong = sorted({f"{colour} {name}" for name, own in things if own for colour in colours} - coloured)
    return Labelled(
        file_name,
        tuple(sorted(present)),
        tuple(_absent(present, together, negatives, generator)),
        tuple(sorted(coloured)),
        tuple(_drawn(wrong, np.ones(len(wrong)), negatives, generator)),
    )


def _absent(
    present: set[str], together: dict[str, Counter[str]], negatives: int, generator: np.random.Generator
) -> list[str]:
    others = sorted(set(together) - present)
    usual = [sum(together[name][other] / together[name][name] for name in present) for other in others]
    frequency = [together[other][other] for other in others]
    # a share for frequency alone, so that no class is never asked for
    weights = np.array(usual) + 0.1 * np.array(frequency) / max(sum(frequency), 1)
    return _drawn(others, weights, negatives, generator)


def _drawn(names: Sequence[str], weights: Any, number: int, generator: np.random.Generator) -> list[str]:
    if not names or number <= 0:
        return []
    chosen = generator.choice(names, min(number, len(names)), replace=False, p=weights / weights.sum())
    return sorted(map(str, chosen))


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


def of_type(scores: Sequence[Scored], kind: str) -> list[Scored]:
    """Return the scores of one type of phrase."""
    return [score for score in scores if score.kind == kind]


def judge(scores: Sequence[Scored], current: float) -> dict[str, Any]:
    """Return thresholds from all scores, and what such a choice does on images that had no part in it."""
    things = of_type(scores, "thing")
    return {
        "min_score": best_threshold(things),
        "min_score_of": own_thresholds(things),
        "types": {
            kind: found.model_dump()
            for kind in ("thing", "attribute")
            if (found := phrase_type(of_type(scores, kind))) is not None
        },
        "current": {"threshold": current, **_as_json(rates(things, current))},
    }


def phrase_type(scores: Sequence[Scored]) -> PhraseType | None:
    """Return the threshold chosen on one half, with what it does on the other; None without both kinds in both."""
    seen, unseen = ([s for s in scores if s.half == number] for number in (0, 1))
    chosen, found = best_threshold(seen), None
    if chosen is not None:
        found = rates(unseen, chosen)
    if chosen is None or found is None or found.kept is None or found.refused is None:
        return None
    survivors = round((1 - found.refused) * found.negatives)
    hits = found.kept * found.positives
    return PhraseType(
        threshold=chosen,
        positives=found.positives,
        negatives=found.negatives,
        precision=hits / (hits + survivors) if hits + survivors else None,
        recall=found.kept,
        survival=predicted(survivors, found.negatives),
    )


def predicted(survivors: int, negatives: int) -> Interval:
    """Return the share, and the range in which it falls on as many unseen phrases again with 95 % chance.

    Both the share found here and the one found there vary, so the range is Wilson's for half as many phrases.
    """
    share, n = survivors / negatives, negatives / 2
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    reach += 1 / negatives  # phrases are counted whole
    low, high = min(share, middle - reach), max(share, middle + reach)
    return Interval(value=share, low=max(0.0, low), high=min(1.0, high))


def _as_json(found: Rates) -> dict[str, Any]:
    return {
        "positives": found.positives,
        "negatives": found.negatives,
        "kept": found.kept,
        "refused": found.refused,
        "balanced_accuracy": found.balanced,
    }
