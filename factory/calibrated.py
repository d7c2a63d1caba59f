"""The file that `calibrate` writes and recipes name: thresholds with what they are worth."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from factory.errors import FactoryError
from factory.thresholds import Thresholds
from recipes import Config


class Interval(Config):
    """A share with the range in which it falls, with 95 % chance, on as many unseen phrases again."""

    value: float
    low: float
    high: float


class PhraseType(Config):
    """What a threshold does with phrases of a type, on images that had no part in choosing it."""

    threshold: float
    positives: int
    negatives: int
    precision: float | None
    recall: float | None
    survival: Interval | None
    """Share of the phrases for absent things that are held for present: what stays of the hallucinations."""


class Calibration(Config):
    """Thresholds of one detector."""

    model: str
    revision: str
    annotations: str
    """Name and hash of the labels."""
    images: int
    types: dict[str, PhraseType]
    """`thing` and, where the labels tell colours, `attribute`."""
    min_score_of: dict[str, float] = Field(default_factory=dict)
    """Thresholds of single head nouns, added by hand: the shares above do not tell of these."""

    def thresholds(self) -> Thresholds:
        """Return the thresholds; attributes go by those of things where there are no others."""
        attribute = self.types.get("attribute")
        return Thresholds(
            self.types["thing"].threshold, attribute.threshold if attribute else None, self.min_score_of
        )


def read_calibration(path: str) -> Calibration:
    """Read the file, whichever detector it is of.

    Raises:
        FactoryError: there is no such file, or it is none of `calibrate`'s.
    """
    try:
        found = Calibration.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        first = str(error).strip().splitlines()[0]
        raise FactoryError(
            f"calibration {path!r} cannot be used ({first}): "
            f"write it with `python -m factory calibrate --to {path}`"
        ) from error
    if "thing" not in found.types:
        raise FactoryError(f"calibration {path!r} has no threshold for things")
    return found


def load_calibration(path: str, identity: Mapping[str, str]) -> Calibration:
    """Read the file and check that it is of this detector.

    Raises:
        FactoryError: there is no such file, it is none of `calibrate`'s, or it is another detector's.
    """
    found = read_calibration(path)
    if found.revision != identity.get("revision"):
        raise FactoryError(
            f"calibration {path!r} is for {found.model} at {found.revision}, but the recipe's detector is "
            f"{identity.get('model')} at {identity.get('revision')}: calibrate this detector"
        )
    return found


def digest_of(path: str) -> str:
    """Return a short hash of the file, or the reason why there is none."""
    try:
        return f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]}"
    except OSError:
        return "missing"
