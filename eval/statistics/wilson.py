"""The Wilson score interval of a rate (Wilson 1927)."""

from math import sqrt

Z95 = 1.959963984540054


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Return the 95 % interval of successes/trials, within [0, 1]; at 0 and 1 it keeps its width.

    Raises:
        ValueError: no trial, or successes outside [0, trials].
    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"a rate needs 0 <= successes <= trials and a trial, got {successes}/{trials}")
    rate = successes / trials
    spread = Z95**2 / trials
    centre = (rate + spread / 2) / (1 + spread)
    half = Z95 * sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    # at the ends the bound is the rate itself up to rounding; keep it exact
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return (low, high)
