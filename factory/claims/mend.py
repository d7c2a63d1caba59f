"""Goes down the ladder of repairs with a batch of texts, checking again after each rung."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from factory.claims import repair
from factory.claims.check import Case, Checker
from factory.claims.repair import Mended, Span
from factory.claims.rewrite import Rewriter
from factory.claims.statement import Judged

Policy = Literal["keep", "mark", "drop"]

MAX_CORRECTIONS = 3
"""Rounds of small edits: an edit may bring to light what it covered."""


@dataclass(frozen=True)
class Policies:
    """What is done about claims that do not hold; see the recipe of the stage."""

    refuted: Literal["repair", "drop", "keep"] = "repair"
    unknown: Policy = "mark"
    inferred: Policy = "drop"
    max_rewrites: int = 1


class Mender:
    """Mends the cases of a batch."""

    def __init__(
        self, checker: Checker, rewriter: Rewriter | None, policies: Policies, counts: Counter[str]
    ) -> None:
        self._checker, self._rewriter, self._policies, self._counts = checker, rewriter, policies, counts

    def mend(self, cases: Sequence[Case]) -> None:
        """Set text, judged and repairs of each case; a text of which nothing is left is empty."""
        self._checker.check(cases)
        if self._policies.inferred == "drop":
            self._step(cases, _without_inferred)
        if self._policies.refuted == "repair":
            for _ in range(MAX_CORRECTIONS):
                if not self._step(cases, self._corrected):
                    break
            for _ in range(self._policies.max_rewrites):
                self._rewrite([case for case in cases if repair.faulty(case.text, case.judged)])
            self._step(cases, self._from_evidence)
        self._drop(cases)

    def _drop(self, cases: Sequence[Case]) -> None:
        """Drop what the policies say, again and again: what a sentence claims may hang on one that went."""
        verdicts = ["refuted"] * (self._policies.refuted != "keep") + ["unknown"] * (
            self._policies.unknown == "drop"
        )
        open_ = list(cases)
        while open_:
            open_ = self._step(open_, lambda case: _without(case, verdicts))

    def _step(self, cases: Sequence[Case], change: Callable[[Case], Mended]) -> list[Case]:
        """Change texts, check those that are other now, and return them."""
        changed = []
        for case in cases:
            mended = change(case)
            if mended.repairs:
                case.text = mended.text
                self._note(case, mended)
                changed.append(case)
        self._checker.check(changed)
        return changed

    def _note(self, case: Case, mended: Mended) -> None:
        case.repairs += mended.repairs
        self._counts.update(f"sentences {one.action}" for one in mended.repairs)

    def _corrected(self, case: Case) -> Mended:
        return repair.corrected(case.text, case.judged, case.evidence(self._checker.thresholds))

    def _from_evidence(self, case: Case) -> Mended:
        return repair.from_evidence(case.text, case.judged, case.evidence(self._checker.thresholds))

    def _rewrite(self, cases: Sequence[Case]) -> None:
        """Take a rewrite only if fewer of its claims are refuted."""
        if self._rewriter is None or not cases:
            return
        offers = self._rewriter.offers(cases)
        tries = [
            (case, Case(case.item, offer[0], case.scores), offer[1])
            for case, offer in zip(cases, offers, strict=True) if offer is not None
        ]  # fmt: skip
        self._checker.check([new for _, new, _ in tries])
        for case, new, done in tries:
            if _refuted(new) < _refuted(case):
                case.text, case.judged = new.text, new.judged
                self._note(case, Mended(new.text, (done,)))
            else:
                self._counts["rewrites refused"] += 1


def _without_inferred(case: Case) -> Mended:
    return repair.clauses_dropped(case.text, [one for one in case.judged if one.statement.kind == "inferred"])


def _without(case: Case, verdicts: Sequence[str]) -> Mended:
    """Drop first what is wrong by itself, then what `another` says: it may come true."""
    own = [one for one in case.judged if one.statement.at_least == 1]
    spans = _doomed(case, own, verdicts) or _doomed(case, case.judged, verdicts)
    return repair.dropped(case.text, sorted(spans.items())) if spans else Mended(case.text, ())


def _doomed(case: Case, judged: Sequence[Judged], verdicts: Sequence[str]) -> dict[Span, str]:
    return dict(pair for verdict in verdicts for pair in repair.with_verdict(case.text, judged, verdict))


def _refuted(case: Case) -> int:
    return sum(one.is_refuted for one in case.judged)
