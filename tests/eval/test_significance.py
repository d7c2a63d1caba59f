"""Several figures at once, and what a comparison of some size can show."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.formula import Ratio
from eval.statistics import Resampling, correct, difference, estimate, holm, images_needed
from eval.statistics.power import detectable
from eval.tally import Tally

SHARE = Ratio("share", {"hit": 1}, {"of": 1}, "none")


def test_holm_by_hand() -> None:
    corrected = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert corrected == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_and_keeps_their_order(p_values: dict[str, float]) -> None:
    corrected = holm(p_values)
    assert list(corrected) == list(p_values)
    assert all(p <= corrected[name] <= 1 for name, p in p_values.items())
    ordered = sorted(p_values, key=lambda name: p_values[name])
    assert all(corrected[a] <= corrected[b] for a, b in pairwise(ordered))


def _runs(images: int, rates: tuple[float, float], seed: int) -> tuple[Tally, Tally]:
    rng = np.random.default_rng(seed)
    runs = Tally(("hit", "of")), Tally(("hit", "of"))
    for run, rate in zip(runs, rates, strict=True):
        for image in range(images):
            run.add(str(image), {"hit": int(rng.binomial(4, rate)), "of": 4})
    return runs


def test_a_difference_of_the_size_called_detectable_is_found_four_times_out_of_five() -> None:
    """The note about power is checked by doing what it speaks of."""
    shown = difference(*_runs(150, (0.4, 0.4), 0), [SHARE], Resampling(400))["share"].detectable
    assert shown is not None
    found = [
        difference(*_runs(150, (0.4, 0.4 + shown), seed), [SHARE], Resampling(200))["share"].ci95
        for seed in range(1, 121)
    ]
    power = np.mean([interval is not None and interval[0] > 0 for interval in found])
    assert 0.68 < power < 0.92


def test_half_the_difference_needs_four_times_the_images() -> None:
    interval = (-0.1, 0.1)
    assert detectable(interval) == pytest.approx(0.1 * 2.8016 / 1.96, rel=1e-3)
    assert images_needed(100, interval, detectable(interval)) == 100
    assert images_needed(100, interval, detectable(interval) / 2) == 400
    with pytest.raises(ValueError, match="must be above 0"):
        images_needed(100, interval, 0)


def test_what_has_no_p_is_left_out_of_the_correction() -> None:
    runs = _runs(40, (0.2, 0.8), 0)
    nothing = Ratio("nothing", {"hit": 1}, {"hit": 0}, "never defined")
    corrected = correct(difference(*runs, [SHARE, nothing], Resampling(100)))
    assert corrected["share"].p_holm == corrected["share"].p
    assert corrected["nothing"].p_holm is None


@pytest.mark.slow
@pytest.mark.parametrize("images", [60, 300])
def test_intervals_cover_the_truth_as_often_as_they_say(images: int) -> None:
    """Ratio of sums over clusters of unequal size, as CHAIR_i and POPE's F1 are; 95 % nominal."""
    rng = np.random.default_rng(images)
    repetitions, covered = 1000, 0
    # rate of an image ~ Beta(2, 6), mentions ~ 1 + Poisson(3), independent: the ratio of expectations is 1/4
    for _ in range(repetitions):
        tally = Tally(("hit", "of"))
        sizes = 1 + rng.poisson(3, images)
        hits = rng.binomial(sizes, rng.beta(2, 6, images))
        for image, (size, hit) in enumerate(zip(sizes, hits, strict=True)):
            tally.add(str(image), {"hit": int(hit), "of": int(size)})
        interval = estimate(tally, [SHARE], Resampling(500, int(rng.integers(1 << 30))))["share"].ci95
        assert interval is not None
        covered += interval[0] <= 0.25 <= interval[1]
    assert 0.93 - 1e-9 <= covered / repetitions <= 0.97 + 1e-9


@pytest.mark.slow
def test_wilson_covers_on_average_over_rates() -> None:
    rng = np.random.default_rng(0)
    independent = Ratio("share", {"hit": 1}, {"of": 1}, "none", independent=True)
    covered = []
    for _ in range(1500):
        rate = rng.uniform(0.05, 0.95)
        tally = Tally(("hit", "of"))
        for image in range(100):
            tally.add(str(image), {"hit": int(rng.random() < rate), "of": 1})
        interval = estimate(tally, [independent], Resampling(2))["share"].ci95
        assert interval is not None
        covered.append(interval[0] <= rate <= interval[1])
    assert 0.93 <= np.mean(covered) <= 0.97
    assert not math.isnan(float(np.mean(covered)))
