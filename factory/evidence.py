"""Checks one statement against the evidence of an image: objects, scores of phrases, and geometry.

Supported and refuted are said only where something was looked at; everything else is unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from factory.english import head
from factory.geometry import area_fraction, center_x, distance_holds, place_holds, size_holds
from factory.grammar import Statement
from factory.lexicon import ATTRIBUTES
from factory.records import Object

Verdict = Literal["supported", "refuted", "unknown"]


@dataclass(frozen=True)
class Evidence:
    """What is known of an image; `scores` holds the detector's best score of a phrase in [0, 1]."""

    objects: Sequence[Object]
    size_wh: tuple[int, int]
    scores: Mapping[str, float]
    min_score: float


@dataclass(frozen=True)
class Finding:
    """A verdict and the ids of objects or the scores that it rests on."""

    verdict: Verdict
    evidence: tuple[str, ...] = ()


UNKNOWN = Finding("unknown")


def phrase_to_score(statement: Statement, objects: Sequence[Object]) -> str | None:
    """Return the phrase to ask a detector for, if the objects alone do not settle the statement."""
    if statement.kind == "existence" and statement.at_least == 1:
        return None if _of_kind(statement.phrase, objects) else statement.phrase
    if statement.kind == "attribute":
        full = f"{statement.value} {statement.phrase}"
        return None if _matching(full, objects) else full
    return None


def check(statement: Statement, evidence: Evidence) -> Finding:
    """Return whether the statement holds."""
    checker = _CHECKERS.get(statement.kind)
    return checker(statement, evidence) if checker else UNKNOWN


def _existence(statement: Statement, evidence: Evidence) -> Finding:
    if statement.at_least > 1:
        found = _matching(statement.phrase, evidence.objects)
        return Finding("supported" if len(found) >= statement.at_least else "refuted", _ids(found))
    found = _of_kind(statement.phrase, evidence.objects)
    return Finding("supported", _ids(found)) if found else _by_score(statement.phrase, evidence)


def _attribute(statement: Statement, evidence: Evidence) -> Finding:
    full = f"{statement.value} {statement.phrase}"
    found = _matching(full, evidence.objects)
    return Finding("supported", _ids(found)) if found else _by_score(full, evidence)


def _count(statement: Statement, evidence: Evidence) -> Finding:
    found = _matching(statement.phrase, evidence.objects)
    return Finding("supported" if len(found) == int(statement.value) else "refuted", _ids(found))


def _position(statement: Statement, evidence: Evidence) -> Finding:
    return _some(statement, evidence, lambda o: place_holds(statement.value, o.box_xyxy, evidence.size_wh))


def _size(statement: Statement, evidence: Evidence) -> Finding:
    return _some(
        statement,
        evidence,
        lambda o: size_holds(statement.value, area_fraction(o.box_xyxy, evidence.size_wh)),
    )


def _depth(statement: Statement, evidence: Evidence) -> Finding:
    return _some(
        statement,
        evidence,
        lambda o: None if o.nearness is None else distance_holds(statement.value, o.nearness),
    )


def _relation(statement: Statement, evidence: Evidence) -> Finding:
    subjects, others = (_matching(phrase, evidence.objects) for phrase in (statement.phrase, statement.other))
    pairs = [(a, b) for a in subjects for b in others if a is not b]
    outcomes = [(_lies(statement.value, a, b, evidence.size_wh[0]), a, b) for a, b in pairs]
    for holds, a, b in outcomes:
        if holds:
            return Finding("supported", (a.id, b.id))
    if not pairs or any(holds is None for holds, _, _ in outcomes):
        return UNKNOWN
    return Finding("refuted", _ids([*subjects, *others]))


_CHECKERS: dict[str, Callable[[Statement, Evidence], Finding]] = {
    "existence": _existence,
    "attribute": _attribute,
    "count": _count,
    "position": _position,
    "size": _size,
    "depth": _depth,
    "relation": _relation,
}


def _lies(relation: str, a: Object, b: Object, width: int) -> bool | None:
    if relation in ("to the left of", "to the right of"):
        first, second = center_x(a.box_xyxy, width), center_x(b.box_xyxy, width)
        return first < second if relation == "to the left of" else first > second
    if a.nearness is None or b.nearness is None:
        return None
    return a.nearness > b.nearness if relation == "in front of" else a.nearness < b.nearness


def _some(statement: Statement, evidence: Evidence, fits: Callable[[Object], bool | None]) -> Finding:
    """Support what some matching object fulfils; of a thing that was not found nothing is known."""
    matching = _matching(statement.phrase, evidence.objects)
    outcomes = [(fits(o), o) for o in matching]
    if found := [o for fit, o in outcomes if fit]:
        return Finding("supported", _ids(found))
    if not matching or any(fit is None for fit, _ in outcomes):
        return UNKNOWN
    return Finding("refuted", _ids(matching))


def _by_score(phrase: str, evidence: Evidence) -> Finding:
    score = evidence.scores.get(phrase)
    if score is None:
        return UNKNOWN
    verdict: Verdict = "supported" if score >= evidence.min_score else "refuted"
    return Finding(verdict, (f"phrase:{phrase}={score:.2f}",))


def _of_kind(phrase: str, objects: Sequence[Object]) -> list[Object]:
    return [o for o in objects if head(o.phrase) == head(phrase)]


def _matching(phrase: str, objects: Sequence[Object]) -> list[Object]:
    """Return the objects of that kind of which all attributes in the phrase are known."""
    wanted = set(phrase.split()) & ATTRIBUTES
    return [o for o in _of_kind(phrase, objects) if wanted <= set(o.phrase.split())]


def _ids(objects: Sequence[Object]) -> tuple[str, ...]:
    return tuple(o.id for o in objects)
