"""Hallucinated entities: named things that an open-set detector does not find in the image. Needs no annotations.

entity_hallucination     mentions of things that the detector does not find / mentions of things
entity_hallucination_s   texts with such a mention / texts
entities                 mentions of things per text

As in CHAIR, repeated mentions count. A detector errs: how far to trust it says the calibration of its threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval.formula import Ratio
from eval.tally import Tally

COLUMNS = ("texts", "wrong_texts", "mentions", "hallucinated")
FORMULAS = (
    Ratio("entity_hallucination", {"hallucinated": 1}, {"mentions": 1}, "no text names a thing"),
    Ratio("entity_hallucination_s", {"wrong_texts": 1}, {"texts": 1}, "no texts", independent=True),
    Ratio("entities", {"mentions": 1}, {"texts": 1}, "no texts", is_rate=False),
)


@dataclass(frozen=True)
class Found:
    """A thing that a text names at `spans`, and how sure the detector is that the image has it."""

    name: str
    spans: tuple[tuple[int, int], ...]
    score: float
    threshold: float

    @property
    def hallucinated(self) -> bool:
        """Whether the detector is less sure than it must be."""
        return self.score < self.threshold


@dataclass(frozen=True)
class Entities:
    """Counts what a detector found."""

    def empty(self) -> Tally:
        """Return the neutral state."""
        return Tally(COLUMNS)

    def update(self, state: Tally, image: str, text: str, found: Sequence[Found]) -> dict[str, Any]:
        """Count one text and return the evidence: each mention, its place, its score, and why it counts."""
        mentions = sorted(
            ((start, end, each) for each in found for start, end in each.spans),
            key=lambda mention: mention[:2],
        )
        wrong = sum(each.hallucinated for _, _, each in mentions)
        state.add(
            image, {"texts": 1, "wrong_texts": wrong > 0, "mentions": len(mentions), "hallucinated": wrong}
        )
        return {"mentions": [_evidence(text, start, end, each) for start, end, each in mentions]}


def _evidence(text: str, start: int, end: int, found: Found) -> dict[str, Any]:
    said, than = ("no", "below") if found.hallucinated else ("a", "not below")
    return {
        "word": text[start:end],
        "class": found.name,
        "span": [start, end],
        "hallucinated": found.hallucinated,
        "score": round(found.score, 4),
        "threshold": found.threshold,
        "reason": f"the detector finds {said} {found.name}: {found.score:.2f} is {than} {found.threshold:.2f}",
    }


def cut(evidence: dict[str, Any], length: int) -> dict[str, float]:
    """Return the counts of a text's first `length` characters, from the evidence of the whole."""
    mentions = [each for each in evidence["mentions"] if each["span"][1] <= length]
    wrong = sum(each["hallucinated"] for each in mentions)
    return {"texts": 1, "wrong_texts": wrong > 0, "mentions": len(mentions), "hallucinated": wrong}
