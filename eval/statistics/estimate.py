"""From tallies and formulas to figures with intervals, and to differences of two runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.errors import MismatchError
from eval.figure import Difference, Figure, Interval
from eval.formula import Formula
from eval.statistics.bootstrap import percentile_interval, resampled_sums, two_sided_p
from eval.statistics.holm import holm
from eval.statistics.power import detectable
from eval.statistics.wilson import wilson
from eval.tally import Matrix, Tally

DEFAULT_RESAMPLES = 2000
_MAX_UNDEFINED_SHARE = 0.05
_EXAMPLES = 3


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn; printed with the figures."""

    resamples: int = DEFAULT_RESAMPLES
    seed: int = 0


def estimate(tally: Tally, formulas: Sequence[Formula], how: Resampling = Resampling()) -> dict[str, Figure]:
    """Return each formula's figure: Wilson for independent rates, cluster bootstrap by image for all else."""
    counts = tally.matrix()
    if not len(counts):
        return {formula.name: Figure(None, 0, reason="no images") for formula in formulas}
    sums = counts.sum(axis=0)
    replicates = resampled_sums(counts, how.resamples, how.seed)
    return {f.name: _figure(f, tally.columns, sums, replicates, len(counts)) for f in formulas}


def difference(
    first: Tally,
    second: Tally,
    formulas: Sequence[Formula],
    how: Resampling = Resampling(),
) -> dict[str, Difference]:
    """Return second minus first for each formula, paired by image.

    Raises:
        MismatchError: the tallies are not over the same images.
    """
    _check_same_images(first, second)
    images = first.images()
    if not images:
        return {formula.name: Difference(None, 0, reason="no images") for formula in formulas}
    pair = (first.matrix(images), second.matrix(images))
    draws = tuple(resampled_sums(counts, how.resamples, how.seed) for counts in pair)
    return {f.name: _difference(f, first.columns, pair, (draws[0], draws[1])) for f in formulas}


def correct(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """Return the differences with p corrected for all of them being asked at once."""
    corrected = holm({name: each.p for name, each in differences.items() if each.p is not None})
    return {name: replace(each, p_holm=corrected.get(name)) for name, each in differences.items()}


def _figure(
    formula: Formula, columns: tuple[str, ...], sums: Matrix, replicates: Matrix, images: int
) -> Figure:
    value = float(formula(sums, columns))
    n = formula.n(sums, columns)
    if np.isnan(value):
        return Figure(None, n, reason=formula.undefined)
    if formula.independent:
        return Figure(value, n, wilson(round(value * n), n))
    interval, reason = _interval(formula(replicates, columns), images)
    if interval is not None and formula.is_rate and interval[0] == interval[1] and value in (0.0, 1.0):
        # every image alike: the bootstrap collapses although the next image may differ
        interval = wilson(value * images, images)
    return Figure(value, n, interval, reason)


def _difference(
    formula: Formula, columns: tuple[str, ...], pair: tuple[Matrix, Matrix], draws: tuple[Matrix, Matrix]
) -> Difference:
    images = len(pair[0])
    values = [float(formula(counts.sum(axis=0), columns)) for counts in pair]
    if np.isnan(values).any():
        return Difference(None, images, reason=formula.undefined)
    replicates = formula(draws[1], columns) - formula(draws[0], columns)
    interval, reason = _interval(replicates, images)
    p = None if interval is None else two_sided_p(replicates[~np.isnan(replicates)])
    shown = None if interval is None else detectable(interval)
    return Difference(values[1] - values[0], images, interval, p, reason, detectable=shown)


def _interval(replicates: Matrix, images: int) -> tuple[Interval | None, str | None]:
    if images == 1:
        return None, "one image gives no interval"
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < (1 - _MAX_UNDEFINED_SHARE) * len(replicates):
        return None, "too few images: the figure is undefined in many resamples"
    return percentile_interval(defined), None


def _check_same_images(first: Tally, second: Tally) -> None:
    only_first = sorted(set(first.rows) - set(second.rows))
    only_second = sorted(set(second.rows) - set(first.rows))
    if only_first or only_second:
        raise MismatchError(
            "a paired comparison needs the same images in both runs: "
            f"{len(only_first)} only in the first (such as {only_first[:_EXAMPLES]}), "
            f"{len(only_second)} only in the second (such as {only_second[:_EXAMPLES]})"
        )
