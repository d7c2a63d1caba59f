"""What a text states, one checkable piece at a time, and what was found out about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["supported", "refuted", "unknown"]

KINDS: Mapping[str, str] = {
    "existence": "there is such a thing",
    "attribute": "a thing has a colour, a material, a state",
    "count": "there are so many",
    "position": "where across the image a thing is",
    "depth": "how far from the viewer a thing is, or which of two is nearer",
    "size": "large or small",
    "relation": "how two things lie to or act on each other, other than in depth",
    "text": "words that can be read in the image",
    "inferred": "a mood, a purpose, a guess: nothing that an image shows",
    "setting": "what kind of place this is",
    "other": "anything else; a sentence in which nothing was read is one of these",
}
"""The kinds of claims, and what each says."""


@dataclass(frozen=True)
class Statement:
    """What text[start:end] says of the things named `phrase`; `other` is the second thing of a relation.

    `at_least` is how many such things there must be: 2 for the first `another`. `subject` is where the words
    begin that name the thing: statements of one subject speak of the same thing; None where it is not known.
    """

    kind: str
    start: int
    end: int
    phrase: str = ""
    value: str = ""
    other: str = ""
    at_least: int = 1
    subject: int | None = None


@dataclass(frozen=True)
class Finding:
    """A verdict and what it rests on.

    `evidence` holds ids of objects (`o1`), scores of phrases with their best box in pixels
    (`phrase:red car=0.91@10,20,50,60`), ranks in depth, 1 = nearest (`rank:o1=2/4`), and the probability of
    yes that a model with sight gave (`asked:Is the car red?=0.97`).
    """

    verdict: Verdict
    evidence: tuple[str, ...] = ()


UNKNOWN = Finding("unknown")


@dataclass(frozen=True)
class Judged:
    """A statement with what was found."""

    statement: Statement
    finding: Finding = field(default=UNKNOWN)

    @property
    def is_refuted(self) -> bool:
        """Tell whether the image speaks against it."""
        return self.finding.verdict == "refuted"
