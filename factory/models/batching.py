"""Cutting work into batches."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of at most `size`, in order."""
    for start in range(0, len(things), size):
        yield things[start : start + size]
