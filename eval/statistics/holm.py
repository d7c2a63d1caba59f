"""Holm's correction for asking several questions of the same data (Holm 1979)."""

from collections.abc import Mapping


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the corrected p of each question; those below 0.05 hold together with an error of at most 5 %."""
    corrected: dict[str, float] = {}
    largest = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}
