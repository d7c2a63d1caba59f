"""The records of a claim and of its verdict."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["existence", "attribute", "count", "position", "depth", "size", "relation", "setting"]
KINDS: tuple[Kind, ...] = ("existence", "attribute", "count", "position", "depth", "size", "relation")
"""The kinds that count for claim precision; `setting` is judged apart, as it is no statement about an object.
"""


@dataclass(frozen=True)
class Noun:
    """An object as the text names it: its class, and its colour where stated."""

    name: str
    color: str | None = None

    def __str__(self) -> str:
        return f"{self.color} {self.name}" if self.color else self.name


@dataclass(frozen=True)
class Claim:
    """One statement at `text[start:end]`."""

    kind: Kind
    subject: Noun
    value: str
    """What is said of the subject: a colour, place, distance, size or relation word, a number, or a setting.
    """
    start: int
    end: int
    at_least: int = 1
    """How many such objects the statement needs; 2 for the first `another`."""
    other: Noun | None = None
    """The second object of a relation."""
    negated: bool = False
    """True for `there is no dog`."""


@dataclass(frozen=True)
class Verdict:
    """Whether a claim is true; None where the truth does not record what it would take to tell."""

    true: bool | None
    reason: str
    evidence: tuple[str, ...] = ()
    """Ids of the true objects that make the claim true."""
