"""The six figures that a description model is summed up by, wherever two are compared.

`chair_i` and `chair_s` from CHAIR, `coverage`, `claim_precision` and `words` from the claims, `pope_f1` from
the answers.
"""

from collections.abc import Mapping

from eval.figure import Difference, Figure
from eval.formula import Formula
from eval.measured import formulas_of
from eval.statistics import Resampling, difference, estimate
from eval.tally import Tally

SOURCES: dict[str, tuple[str, ...]] = {
    "chair": ("chair_i", "chair_s"),
    "claims": ("coverage", "claim_precision", "words"),
    "pope": ("pope_f1",),
}
DATASET = ("claim_precision", "coverage", "words")
"""The figures that a dataset's own descriptions are summed up by."""
_MISSING = "this run did not measure it"


def headline(tallies: Mapping[str, Tally], how: Resampling) -> dict[str, Figure]:
    """Return the headline figures; what was not measured is undefined and says so."""
    figures: dict[str, Figure] = {}
    for metric, names in SOURCES.items():
        found = estimate(tallies[metric], _named(metric, tallies[metric]), how) if metric in tallies else {}
        figures |= {name: found.get(name, Figure(None, 0, reason=_MISSING)) for name in names}
    return figures


def headline_difference(
    first: Mapping[str, Tally], second: Mapping[str, Tally], how: Resampling
) -> dict[str, Difference]:
    """Return second minus first for each headline figure, paired by image.

    Raises:
        MismatchError: the runs are not over the same images.
    """
    found: dict[str, Difference] = {}
    for metric, names in SOURCES.items():
        both = metric in first and metric in second
        computed = (
            difference(first[metric], second[metric], _named(metric, first[metric]), how) if both else {}
        )
        found |= {name: computed.get(name, Difference(None, 0, reason=_MISSING)) for name in names}
    return found


def _named(metric: str, tally: Tally) -> tuple[Formula, ...]:
    return tuple(formula for formula in formulas_of(metric, tally) if formula.name in SOURCES[metric])
