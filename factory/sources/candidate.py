"""An image that a source offers, not yet read."""

from collections.abc import Callable
from dataclasses import dataclass, replace

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif"}
)
"""File names that are taken for images."""


NOT_FOUND = "file not found"
"""The reason of a file that is not where the source said."""


class UnreadableError(Exception):
    """The bytes of one candidate cannot be had; `reason` is a short phrase that can be counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Candidate:
    """One image of a source.

    `key` is unique in the source and the same on every run; `signature` changes when the image may have;
    `wanted_id` is what the source calls it, not yet safe or unique; `read` may raise UnreadableError.
    """

    key: str
    name: str
    wanted_id: str
    signature: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Found:
    """All candidates in a fixed order, and remarks on what was left alone."""

    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()

    def first(self, count: int) -> "Found":
        """Return the first `count` candidates."""
        return replace(self, candidates=self.candidates[:count])


def stem_of(name: str) -> str:
    """Return a base name without its last suffix."""
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name
