"""From which score on a detector is believed: one threshold for things, one for things with an attribute."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from factory.english import head
from factory.lexicon import ATTRIBUTES


@dataclass(frozen=True)
class Thresholds:
    """Least scores in [0, 1]; `of` holds those of single head nouns; without `attribute` all go by their thing."""

    thing: float
    attribute: float | None = None
    of: Mapping[str, float] = field(default_factory=dict)

    def least(self, phrase: str) -> float:
        """Return what a phrase must score to be held for true."""
        if self.attribute is not None and has_attribute(phrase):
            return self.attribute
        return self.of.get(head(phrase), self.thing)


def has_attribute(phrase: str) -> bool:
    """Tell whether a phrase says a colour, material or state of its thing."""
    return bool(set(phrase.lower().split()) & ATTRIBUTES)
