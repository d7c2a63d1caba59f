"""Geometry of the page's plots: where dots and whiskers lie; the templates draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

Json = Mapping[str, Any]

LOWER_IS_BETTER = frozenset({"chair_i", "chair_s"})
LABELS = {
    "chair_i": "CHAIR\u1d62",
    "chair_s": "CHAIR\u209b",
    "coverage": "Coverage",
    "claim_precision": "Claim precision",
    "pope_f1": "POPE F1",
    "words": "Words",
}
MEANINGS = {
    "chair_i": "mentions of objects that are not there, of all mentions",
    "chair_s": "descriptions with such a mention, of all descriptions",
    "coverage": "true objects that are named, of all true objects",
    "claim_precision": "true claims, of all claims",
    "pope_f1": "yes/no questions about presence, mean F1 of the splits",
    "words": "words per description",
}


@dataclass(frozen=True)
class Whisker:
    """A dot with its interval, in percent of the plot's width."""

    x: float
    low: float
    high: float
    tone: str
    """`good`, `bad`, or `open` where the interval holds zero."""


@dataclass(frozen=True)
class Row:
    """One figure of the difference plot, at free and at matched length."""

    name: str
    label: str
    free: Whisker | None
    matched: Whisker | None


@dataclass(frozen=True)
class DifferencePlot:
    """Differences of rates on one axis; `zero` and ticks in percent of the width."""

    rows: tuple[Row, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]


def difference_plot(free: Json, matched: Json | None, names: Sequence[str]) -> DifferencePlot:
    """Lay out the differences of the named rates."""
    groups = [free, matched or {}]
    reach = [edge for group in groups for name in names for edge in _edges(group.get(name))]
    low, high = _round_out(min([0.0, *reach]), max([0.0, *reach]))

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    def whisker(group: Json, name: str) -> Whisker | None:
        figure = group.get(name)
        if not figure or figure["value"] is None or figure["ci95"] is None:
            return None
        a, b = figure["ci95"]
        return Whisker(place(figure["value"]), place(a), place(b), tone(name, figure))

    rows = tuple(Row(name, LABELS[name], *(whisker(group, name) for group in groups)) for name in names)
    return DifferencePlot(rows, place(0.0), tuple((place(tick), _points(tick)) for tick in _ticks(low, high)))


def tone(name: str, difference: Json | None) -> str:
    """Tell whether a difference is good or bad for sure, or open."""
    if not difference or difference["ci95"] is None:
        return "open"
    low, high = difference["ci95"]
    if low <= 0 <= high:
        return "open"
    return "good" if (high < 0) == (name in LOWER_IS_BETTER) else "bad"


def _points(tick: float) -> str:
    points = round(100 * tick)
    return "0" if points == 0 else f"{points:+d}".replace("-", "\u2212")


def _edges(figure: Json | None) -> list[float]:
    return [] if not figure or figure["ci95"] is None else [*figure["ci95"]]


def _round_out(low: float, high: float) -> tuple[float, float]:
    step = _step(high - low)
    low, high = floor(low / step) * step, ceil(high / step) * step
    return (low, high) if high > low else (low - step, high + step)


def _ticks(low: float, high: float) -> list[float]:
    step = _step(high - low)
    return [step * index for index in range(round(low / step), round(high / step) + 1)]


def _step(span: float) -> float:
    return next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if span / step <= 8), 0.5)
