"""The figures that a description model is summed up by, wherever two are compared.

Always `chair_i` and `chair_s` from CHAIR, `coverage`, `claim_precision` and `words` from the claims (the first and
the last from CHAIR where claims were not judged), `pope_f1` from the answers; and what else was measured.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from eval.figure import Difference, Figure
from eval.formula import Formula
from eval.measured import formulas_of
from eval.statistics import Resampling, correct, difference, estimate
from eval.tally import Tally

SOURCES: dict[str, tuple[str, ...]] = {
    "chair": ("chair_i", "chair_s"),
    "claims": ("coverage", "claim_precision", "words"),
    "pope": ("pope_f1",),
}
MORE: dict[str, tuple[str, ...]] = {
    "entities": ("entity_hallucination", "entity_hallucination_s"),
    "did": ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider", "meteor", "spice", "wmd"),
    "lin": ("ari", "fk", "smog", "cl"),
    "amber": ("chair", "cover", "hal", "cog", "accuracy", "f1", "amber_score"),
}
"""Shown where a run measured them, after the six; of `d2i` everything is."""
DATASET = ("claim_precision", "coverage", "words")
"""The figures that a dataset's own descriptions are summed up by."""
_MISSING = "this run did not measure it"
F = TypeVar("F", Figure, Difference)


def headline(tallies: Mapping[str, Tally], how: Resampling) -> dict[str, Figure]:
    """Return the headline figures; of the first six, what was not measured is undefined and says so."""
    figures: dict[str, Figure] = {}
    for metric, names in _wanted(tallies).items():
        figures |= estimate(tallies[metric], _named(metric, names, tallies[metric]), how)
    return _completed(figures, lambda: Figure(None, 0, reason=_MISSING))


def headline_difference(
    first: Mapping[str, Tally], second: Mapping[str, Tally], how: Resampling
) -> dict[str, Difference]:
    """Return second minus first for each headline figure, paired by image, p corrected for all of them.

    Raises:
        MismatchError: the runs are not over the same images.
    """
    found: dict[str, Difference] = {}
    wanted = _wanted({metric: tally for metric, tally in first.items() if metric in second})
    for metric, names in wanted.items():
        formulas = _named(metric, names, first[metric])
        found |= difference(first[metric], second[metric], formulas, how)
    return _completed(correct(found), lambda: Difference(None, 0, reason=_MISSING))


def _wanted(tallies: Mapping[str, Tally]) -> dict[str, tuple[str, ...]]:
    """Return the names to take from each metric that was measured."""
    wanted = {metric: names for metric, names in {**SOURCES, **MORE}.items() if metric in tallies}
    if "d2i" in tallies:
        wanted["d2i"] = tuple(column for column in tallies["d2i"].columns if column != "images")
    if "chair" in wanted and "claims" not in wanted:
        wanted["chair"] = (*wanted["chair"], "coverage", "words")
    return wanted


def _completed(figures: dict[str, F], missing: Callable[[], F]) -> dict[str, F]:
    """Put the six first, with a stand-in for each that was not measured."""
    six = [name for names in SOURCES.values() for name in names]
    return {name: figures.get(name) or missing() for name in six} | figures


def _named(metric: str, names: Collection[str], tally: Tally) -> tuple[Formula, ...]:
    return tuple(formula for formula in formulas_of(metric, tally) if formula.name in names)
