"""McNemar's exact test for paired yes/no outcomes."""

from math import comb


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p that two paired success rates are equal.

    Only discordant pairs speak: successes of the first alone and of the second alone are compared with a fair
    coin. Without any, p is 1.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts of discordant pairs cannot be negative, got {only_first} and {only_second}")
    trials = only_first + only_second
    tail = sum(comb(trials, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**trials))
