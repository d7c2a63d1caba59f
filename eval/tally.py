"""The one state behind every metric: counts per image, which merge by addition.

A metric says which counts an image gives; a formula (see `eval.formula`) says which ratio of their sums is
the figure. Because counts are kept per image, shards merge, runs pair up, and images can be resampled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eval.errors import MismatchError
from eval.identity import key_order

Counts = Mapping[str, float]
Matrix = NDArray[np.float64]


@dataclass
class Tally:
    """Counts by column for each image; `Tally(columns)` is the empty state."""

    columns: tuple[str, ...]
    rows: dict[str, list[float]] = field(default_factory=dict)

    def add(self, image: str, counts: Counts) -> None:
        """Add counts to an image's row; columns not named get nothing.

        Raises:
            MismatchError: a count names no column.
        """
        unknown = set(counts) - set(self.columns)
        if unknown:
            raise MismatchError(
                f"counts {sorted(unknown)} are not columns of this tally: {list(self.columns)}"
            )
        row = self.rows.setdefault(image, [0.0] * len(self.columns))
        for index, column in enumerate(self.columns):
            row[index] += counts.get(column, 0.0)

    def merge(self, other: "Tally") -> "Tally":
        """Return the sum of two tallies of the same metric; neither is changed.

        Raises:
            MismatchError: the tallies count different things.
        """
        if self.columns != other.columns:
            raise MismatchError(
                f"cannot merge counts of {list(self.columns)} with counts of {list(other.columns)}"
            )
        merged = Tally(self.columns, {image: list(row) for image, row in self.rows.items()})
        for image, row in other.rows.items():
            merged.add(image, dict(zip(self.columns, row, strict=True)))
        return merged

    def images(self) -> list[str]:
        """Return the image keys in a fixed order."""
        return sorted(self.rows, key=key_order)

    def matrix(self, images: Iterable[str] | None = None) -> Matrix:
        """Return the counts as an array, (n_images, n_columns), rows in the order of `images`."""
        keys = self.images() if images is None else list(images)
        return np.array([self.rows[key] for key in keys], dtype=np.float64).reshape(-1, len(self.columns))

    def counts(self, image: str) -> dict[str, float]:
        """Return the counts of one image by column."""
        return dict(zip(self.columns, self.rows[image], strict=True))

    def total(self, column: str) -> float:
        """Return the sum of a column over all images."""
        index = self.columns.index(column)
        return sum(row[index] for row in self.rows.values())
