"""What a comparison of this size can show at all."""

from math import ceil

from eval.figure import Interval
from eval.statistics.wilson import Z95

Z_POWER_80 = 0.8416212335729143
"""Quantile of the normal distribution for a power of 80 %."""


def detectable(interval: Interval) -> float:
    """Return the smallest true difference that this many images show in 80 % of repetitions, at the 5 % level.

    It follows from the width of the 95 % interval, so it holds for any figure.
    """
    return (Z95 + Z_POWER_80) * (interval[1] - interval[0]) / (2 * Z95)


def images_needed(images: int, interval: Interval, difference: float) -> int:
    """Return how many images would show a difference of this size with a power of 80 %.

    Raises:
        ValueError: the difference is not above zero.
    """
    if difference <= 0:
        raise ValueError(f"a difference to be shown must be above 0, got {difference}")
    return ceil(images * (detectable(interval) / difference) ** 2)
