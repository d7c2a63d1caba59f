"""Checks one statement against the evidence of an image: objects, scores of phrases, and geometry.

Supported and refuted are said only where something was looked at; everything else is unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from factory.claims.statement import UNKNOWN, Finding, Statement
from factory.english import head
from factory.geometry import (
    area_fraction,
    center_x,
    distance_fails,
    distance_holds,
    place_holds,
    same_distance,
    size_holds,
)
from factory.lexicon import ATTRIBUTES, IN_DEPTH, SIDEWAYS
from factory.records import BoxXyxy, Object
from factory.thresholds import Thresholds


@dataclass(frozen=True)
class Score:
    """The detector's best score of a phrase in [0, 1], and where in pixels."""

    value: float
    box_xyxy: BoxXyxy | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of an image; `scores` by phrase."""

    objects: Sequence[Object]
    size_wh: tuple[int, int]
    scores: Mapping[str, Score]
    thresholds: Thresholds


def phrases_to_score(statement: Statement, objects: Sequence[Object]) -> list[str]:
    """Return the phrases to ask a detector for, where the objects alone do not settle the statement."""
    if statement.kind == "existence":
        return [] if statement.at_least > 1 or of_kind(statement.phrase, objects) else [statement.phrase]
    if statement.kind == "attribute":
        full = _with_attribute(statement)
        return [] if matching(full, objects) else [full]
    if statement.kind in ("depth", "relation", "position", "size"):
        named = (statement.phrase, statement.other)
        return [phrase for phrase in named if phrase and not matching(phrase, objects)]
    return []


def check(statement: Statement, evidence: Evidence) -> Finding:
    """Return whether the statement holds."""
    checker = _CHECKERS.get(statement.kind)
    return checker(statement, evidence) if checker else UNKNOWN


def of_kind(phrase: str, objects: Sequence[Object]) -> list[Object]:
    """Return the objects with that head noun."""
    wanted = head(phrase)
    return [o for o in objects if head(o.phrase) == wanted]


def matching(phrase: str, objects: Sequence[Object]) -> list[Object]:
    """Return the objects of that kind of which all attributes in the phrase are known."""
    wanted = set(phrase.split()) & ATTRIBUTES
    return [o for o in of_kind(phrase, objects) if wanted <= set(o.phrase.split())]


def fits(statement: Statement, thing: Object, size_wh: tuple[int, int]) -> bool | None:
    """Tell whether what is said of place, distance or size is true of a thing; None where it is not known."""
    if statement.kind == "position":
        return place_holds(statement.value, thing.box_xyxy, size_wh)
    if statement.kind == "size":
        return size_holds(statement.value, area_fraction(thing.box_xyxy, size_wh))
    if thing.nearness is None:
        return None
    if distance_holds(statement.value, thing.nearness):
        return True
    return False if distance_fails(statement.value, thing.nearness) else None


def _existence(statement: Statement, evidence: Evidence) -> Finding:
    if statement.at_least > 1:
        found = matching(statement.phrase, evidence.objects)
        return Finding("supported" if len(found) >= statement.at_least else "refuted", _ids(found))
    found = of_kind(statement.phrase, evidence.objects)
    return Finding("supported", _ids(found)) if found else _by_score(statement.phrase, evidence)


def _attribute(statement: Statement, evidence: Evidence) -> Finding:
    full = _with_attribute(statement)
    found = matching(full, evidence.objects)
    return Finding("supported", _ids(found)) if found else _by_score(full, evidence)


def _with_attribute(statement: Statement) -> str:
    return f"{statement.value} {statement.phrase}"


def _count(statement: Statement, evidence: Evidence) -> Finding:
    found = matching(statement.phrase, evidence.objects)
    return Finding("supported" if len(found) == int(statement.value) else "refuted", _ids(found))


def _some(statement: Statement, evidence: Evidence) -> Finding:
    """Support what some matching object fulfils; of a thing that is there but was not placed nothing is known."""
    there = matching(statement.phrase, evidence.objects)
    if not there:
        return _absent([statement.phrase], evidence)
    outcomes = [(fits(statement, o, evidence.size_wh), o) for o in there]
    ranks = _ranks(there, evidence) if statement.kind == "depth" else ()
    if found := [o for fit, o in outcomes if fit]:
        return Finding("supported", (*_ids(found), *ranks))
    if any(fit is None for fit, _ in outcomes):
        return UNKNOWN
    return Finding("refuted", (*_ids(there), *ranks))


def _depth(statement: Statement, evidence: Evidence) -> Finding:
    return _pair(statement, evidence) if statement.value in IN_DEPTH else _some(statement, evidence)


def _pair(statement: Statement, evidence: Evidence) -> Finding:
    subjects, others = (matching(phrase, evidence.objects) for phrase in (statement.phrase, statement.other))
    missing = [
        phrase for phrase, found in ((statement.phrase, subjects), (statement.other, others)) if not found
    ]
    if missing:
        return _absent(missing, evidence)
    outcomes = [
        (_lies(statement.value, a, b, evidence.size_wh[0]), a, b)
        for a in subjects
        for b in others
        if a is not b
    ]
    ranks = _ranks([*subjects, *others], evidence) if statement.value in IN_DEPTH else ()
    for holds, a, b in outcomes:
        if holds:
            return Finding("supported", (a.id, b.id, *ranks))
    if not outcomes or any(holds is None for holds, _, _ in outcomes):
        return UNKNOWN
    return Finding("refuted", tuple(dict.fromkeys((*_ids([*subjects, *others]), *ranks))))


_CHECKERS: dict[str, Callable[[Statement, Evidence], Finding]] = {
    "existence": _existence,
    "attribute": _attribute,
    "count": _count,
    "position": _some,
    "size": _some,
    "depth": _depth,
    "relation": _pair,
}


def _lies(relation: str, a: Object, b: Object, width: int) -> bool | None:
    if relation in SIDEWAYS:
        first, second = center_x(a.box_xyxy, width), center_x(b.box_xyxy, width)
        return first < second if relation == "to the left of" else first > second
    if relation not in IN_DEPTH or a.nearness is None or b.nearness is None:
        return None
    if relation == "at the same distance as":
        return same_distance(a.nearness, b.nearness)
    return a.nearness > b.nearness if relation == "in front of" else a.nearness < b.nearness


def _absent(phrases: Sequence[str], evidence: Evidence) -> Finding:
    """Refute what is said of a thing that the detector does not find; else it is unknown."""
    findings = [_by_score(phrase, evidence) for phrase in phrases]
    return next((finding for finding in findings if finding.verdict == "refuted"), UNKNOWN)


def _by_score(phrase: str, evidence: Evidence) -> Finding:
    score = evidence.scores.get(phrase)
    if score is None:
        return UNKNOWN
    is_there = score.value >= evidence.thresholds.least(phrase)
    at = f"@{','.join(f'{x:.0f}' for x in score.box_xyxy)}" if is_there and score.box_xyxy else ""
    return Finding("supported" if is_there else "refuted", (f"phrase:{phrase}={score.value:.2f}{at}",))


def _ranks(objects: Sequence[Object], evidence: Evidence) -> tuple[str, ...]:
    placed = sorted(
        (o for o in evidence.objects if o.nearness is not None), key=lambda o: -(o.nearness or 0.0)
    )
    ranks = {o.id: f"rank:{o.id}={number}/{len(placed)}" for number, o in enumerate(placed, start=1)}
    return tuple(dict.fromkeys(ranks[o.id] for o in objects if o.id in ranks))


def _ids(objects: Sequence[Object]) -> tuple[str, ...]:
    return tuple(o.id for o in objects)
