import numpy as np
import pytest

from eval.errors import MismatchError
from eval.formula import MeanOf, Ratio
from eval.statistics import Resampling, difference, estimate, mcnemar_exact, wilson
from eval.tally import Tally

RATE = Ratio("rate", {"hit": 1}, {"all": 1}, "nothing to hit")
PLAIN = Ratio("plain", {"hit": 1}, {"all": 1}, "nothing to hit", independent=True)


def _tally(rows: list[tuple[float, float]]) -> Tally:
    return Tally(("hit", "all"), {str(index): list(row) for index, row in enumerate(rows)})


def test_wilson_agrees_with_the_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_wilson_is_symmetric_and_refuses_nonsense() -> None:
    low, high = wilson(3, 10)
    assert wilson(7, 10) == pytest.approx((1 - high, 1 - low))
    for successes, trials in ((0, 0), (5, 4), (-1, 4)):
        with pytest.raises(ValueError, match="rate"):
            wilson(successes, trials)


def test_mcnemar_is_a_fair_coin_over_discordant_pairs() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar_exact(0, 5) == mcnemar_exact(5, 0)
    assert mcnemar_exact(4, 4) == 1.0


def test_a_ratio_is_over_the_corpus_not_a_mean_of_ratios() -> None:
    # (1 + 0) / (1 + 9), while the mean of 1/1 and 0/9 would be 0.5
    assert estimate(_tally([(1, 1), (0, 9)]), [RATE])["rate"].value == pytest.approx(0.1)


def test_an_undefined_ratio_is_none_with_its_reason() -> None:
    figure = estimate(_tally([(0, 0), (0, 0)]), [RATE])["rate"]
    assert (figure.value, figure.ci95, figure.reason, figure.n) == (None, None, "nothing to hit", 0)
    assert estimate(Tally(("hit", "all")), [RATE])["rate"].reason == "no images"


def test_one_image_gives_a_value_without_interval() -> None:
    figure = estimate(_tally([(1, 2)]), [RATE])["rate"]
    assert figure.value == 0.5
    assert figure.ci95 is None
    assert figure.reason is not None


def test_an_independent_rate_gets_the_wilson_interval() -> None:
    assert estimate(_tally([(1, 1)] * 3 + [(0, 1)] * 7), [PLAIN])["plain"].ci95 == wilson(3, 10)


def test_an_interval_does_not_collapse_when_all_images_are_alike() -> None:
    low, high = estimate(_tally([(2, 2)] * 10), [RATE])["rate"].ci95 or (0, 0)
    assert (low, high) == wilson(10, 10)


def test_the_cluster_interval_is_wider_than_one_that_ignores_images() -> None:
    # six questions an image, all right or all wrong together: sixty trials that are really ten
    rows = [(6.0, 6.0)] * 5 + [(0.0, 6.0)] * 5
    low, high = estimate(_tally(rows), [RATE])["rate"].ci95 or (0, 0)
    naive_low, naive_high = wilson(30, 60)
    assert high - low > 1.5 * (naive_high - naive_low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for trial in range(100):
        rows = [(float(rng.binomial(4, 0.3)), 4.0) for _ in range(60)]
        low, high = estimate(_tally(rows), [RATE], Resampling(300, trial))["rate"].ci95 or (0, 0)
        held += low <= 0.3 <= high
    assert 88 <= held <= 100


def test_the_same_seed_gives_the_same_interval() -> None:
    tally = _tally([(index % 3, 3.0) for index in range(20)])
    first, again, other = (estimate(tally, [RATE], Resampling(200, seed))["rate"].ci95 for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_difference_is_paired_by_image() -> None:
    rng = np.random.default_rng(0)
    base = [(float(hits), 10.0) for hits in rng.integers(2, 9, size=40)]
    better = [(hits + 1, 10.0) for hits, _ in base]
    found = difference(_tally(base), _tally(better), [RATE])["rate"]
    # unpaired, the spread between images would hide a difference that is the same on every image
    assert found.value == pytest.approx(0.1)
    assert found.ci95 == pytest.approx((0.1, 0.1))
    assert found.p is not None
    assert found.p < 0.01


def test_no_difference_has_a_large_p() -> None:
    tally = _tally([(index % 3, 3.0) for index in range(30)])
    found = difference(tally, tally, [RATE])["rate"]
    assert (found.value, found.p) == (0.0, 1.0)


def test_runs_over_different_images_are_not_compared() -> None:
    with pytest.raises(MismatchError, match="1 only in the second"):
        difference(_tally([(1, 1)]), _tally([(1, 1), (0, 1)]), [RATE])


def test_a_mean_of_ratios_is_undefined_when_one_is() -> None:
    other = Ratio("other", {"hit": 1}, {"never": 1}, "never")
    mean = MeanOf("mean", (RATE, other), "one is undefined")
    tally = Tally(("hit", "all", "never"), {"1": [1, 2, 0], "2": [1, 2, 0]})
    assert estimate(tally, [mean])["mean"].reason == "one is undefined"
