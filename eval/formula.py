"""Formulas: which ratio of summed counts is a figure.

    CHAIR_I = Ratio("chair_i", {"hallucinated": 1}, {"mentioned": 1}, undefined="no object is mentioned")

Every formula is evaluated on sums with any leading shape, so that one call serves the value and all its
resamples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from eval.tally import Matrix

Weights = Mapping[str, float]


class Formula(Protocol):
    """A figure as a function of summed counts."""

    @property
    def name(self) -> str:
        """The figure's name in every output."""
        ...

    @property
    def undefined(self) -> str:
        """Why the figure is undefined when it is."""
        ...

    @property
    def independent(self) -> bool:
        """True for a plain rate with at most one trial per image, for which Wilson's interval is right."""
        ...

    @property
    def is_rate(self) -> bool:
        """True if the figure lies in [0, 1]."""
        ...

    def __call__(self, sums: Matrix, columns: tuple[str, ...]) -> Matrix:
        """Return the figure for sums of shape (..., n_columns), shape (...); NaN where undefined."""
        ...

    def n(self, sums: Matrix, columns: tuple[str, ...]) -> int:
        """Return what the figure is a share or mean of, for sums of shape (n_columns,)."""
        ...


@dataclass(frozen=True)
class Ratio:
    """A weighted sum of counts over another."""

    name: str
    numerator: Weights
    denominator: Weights
    undefined: str
    independent: bool = False
    is_rate: bool = True
    base: Weights | None = None
    """What `n` counts, where that is not the denominator (the F1's denominator counts some questions twice).
    """

    def __call__(self, sums: Matrix, columns: tuple[str, ...]) -> Matrix:
        """Return numerator over denominator; NaN where the denominator is zero."""
        below = _weigh(sums, columns, self.denominator)
        above = _weigh(sums, columns, self.numerator)
        return np.divide(above, below, out=np.full_like(below, np.nan), where=below > 0)

    def n(self, sums: Matrix, columns: tuple[str, ...]) -> int:
        """Return the sum of `base`, or of the denominator."""
        return round(float(_weigh(sums, columns, self.base or self.denominator)))


@dataclass(frozen=True)
class MeanOf:
    """The plain mean of several ratios, such as POPE's F1 over splits; undefined if one of them is."""

    name: str
    parts: tuple[Ratio, ...]
    undefined: str
    independent: bool = False
    is_rate: bool = True

    def __call__(self, sums: Matrix, columns: tuple[str, ...]) -> Matrix:
        """Return the mean of the parts."""
        return np.asarray(np.mean([part(sums, columns) for part in self.parts], axis=0))

    def n(self, sums: Matrix, columns: tuple[str, ...]) -> int:
        """Return the sum of the parts' counts."""
        return sum(part.n(sums, columns) for part in self.parts)


def _weigh(sums: Matrix, columns: tuple[str, ...], weights: Weights) -> Matrix:
    vector = np.array([weights.get(column, 0.0) for column in columns])  # (n_columns,)
    return np.asarray(sums @ vector, dtype=np.float64)
