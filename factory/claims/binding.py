"""Statements of one subject in one sentence speak of one thing: some single object must bear them all out.

`A red cup is on the left, far away.` is not made true by a red cup on the left and another far away.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from factory.claims.statement import Finding, Judged
from factory.lexicon import IN_DEPTH
from factory.records import Object

BOUND = ("existence", "attribute", "size", "position", "depth")


def bind(judged: Sequence[Judged], objects: Sequence[Object]) -> list[Judged]:
    """Return the same with the evidence of each subject narrowed to the objects that bear out all of it.

    Where no object does, the statement that shuts out the last candidates is refuted.
    """
    ids = {o.id for o in objects}
    plural = {one.statement.subject for one in judged if one.statement.kind == "count"}
    found = list(judged)
    for subject, members in _by_subject(judged).items():
        if subject not in plural:
            for index, finding in _narrowed([(i, judged[i].finding) for i in members], ids):
                found[index] = replace(judged[index], finding=finding)
    return found


def _by_subject(judged: Sequence[Judged]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for index, one in enumerate(judged):
        statement = one.statement
        bound = statement.kind in BOUND and statement.value not in IN_DEPTH and statement.at_least == 1
        if bound and statement.subject is not None and one.finding.verdict == "supported":
            groups[statement.subject].append(index)
    return groups


def _narrowed(members: Sequence[tuple[int, Finding]], ids: set[str]) -> list[tuple[int, Finding]]:
    resting = [(i, finding) for i, finding in members if ids.intersection(finding.evidence)]
    left = set(ids)
    for index, finding in resting:
        if not left.intersection(finding.evidence):
            return [(index, Finding("refuted", finding.evidence))]
        left.intersection_update(finding.evidence)
    return [
        (
            index,
            replace(finding, evidence=tuple(e for e in finding.evidence if _about(e, ids) in (None, *left))),
        )
        for index, finding in resting
    ]


def _about(evidence: str, ids: set[str]) -> str | None:
    """Return the object that a piece of evidence is about, if it is one of these."""
    name = evidence.removeprefix("rank:").partition("=")[0]
    return name if name in ids else None
