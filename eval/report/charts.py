"""Geometry of the charts: precision against coverage, hallucination against length, grades as violins.

Everything is in the units of a view box of 360 x 240, which the templates draw; nothing here knows HTML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.measured import Measured
from eval.metrics.linguistic import COUNTINGS, NAMES, grades
from eval.statistics import wilson

Json = Mapping[str, Any]
Point = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 44.0, 348.0, 12.0, 204.0
_BINS = 5
_SLICES = 28
_FEWEST_TEXTS = 8


@dataclass(frozen=True)
class Axis:
    """Ticks along one side: place and label."""

    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Cross:
    """A point with an interval each way."""

    label: str
    css: str
    x: float
    y: float
    x_span: tuple[float, float]
    y_span: tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A row of points of one model, each with an interval upright."""

    css: str
    points: tuple[Point, ...]
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """Axes and what is drawn between them."""

    x: Axis
    y: Axis
    crosses: tuple[Cross, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Violin:
    """The spread of a grade over the texts of one model: an outline, the median and the quartiles."""

    css: str
    outline: tuple[Point, ...]
    median: Point
    quartiles: tuple[float, float]


@dataclass(frozen=True)
class Violins:
    """One grade, both models side by side."""

    name: str
    y: Axis
    violins: tuple[Violin, ...]


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def axis(self, percent: bool) -> Axis:
        step = _step(self.high - self.low)
        first, last = np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9)
        values = [float(index * step) + 0.0 for index in np.arange(first, last + 1)]
        return Axis(
            tuple((self(value), f"{100 * value:.0f}" if percent else f"{value:g}") for value in values)
        )


def precision_against_coverage(model: Json, dataset: Json) -> Chart | None:
    """Return claim precision over coverage for both models and both sides of the dataset; None where unknown."""
    sources = [
        ("base", "first", model["base"]),
        ("tuned", "second", model["tuned"]),
        ("holistic", "third", dataset["holistic"]),
        ("textualized", "fourth", dataset["textualized"]),
    ]
    known = [
        each
        for each in sources
        if all(_interval(each[2].get(name)) for name in ("coverage", "claim_precision"))
    ]
    if not known:
        return None
    across = _spread([edge for *_, group in known for edge in group["coverage"]["ci95"]], LEFT, RIGHT)
    up = _spread([edge for *_, group in known for edge in group["claim_precision"]["ci95"]], BOTTOM, TOP)
    crosses = tuple(
        Cross(
            label,
            css,
            across(group["coverage"]["value"]),
            up(group["claim_precision"]["value"]),
            _ends(across, group["coverage"]["ci95"]),
            _ends(up, group["claim_precision"]["ci95"]),
        )
        for label, css, group in known
    )
    return Chart(across.axis(True), up.axis(True), crosses)


def hallucination_against_length(base: Measured, tuned: Measured) -> Chart | None:
    """Return the share of hallucinated mentions in groups of descriptions of like length; None without CHAIR."""
    groups = {css: _by_length(run) for css, run in (("first", base), ("second", tuned))}
    every = [row for rows in groups.values() for row in rows]
    if not every:
        return None
    across = _Scale(0.0, max(words for words, *_ in every) * 1.08, LEFT, RIGHT)
    up = _spread([0.0, *(edge for *_, span in every for edge in span)], BOTTOM, TOP)
    lines = tuple(
        Line(
            css,
            tuple((across(words), up(rate)) for words, rate, _ in rows),
            tuple(_ends(up, span) for *_, span in rows),
        )
        for css, rows in groups.items()
        if rows
    )
    return Chart(across.axis(False), up.axis(True), lines=lines)


def grade_violins(
    base: Mapping[str, str], tuned: Mapping[str, str], counting: str = "it"
) -> tuple[Violins, ...]:
    """Return the four readability grades of both models' texts; empty where too few texts have one."""
    found = {css: [grades(COUNTINGS[counting](text)) for text in texts.values()]
             for css, texts in (("first", base), ("second", tuned))}  # fmt: skip
    charts = []
    for name in NAMES:
        values = {css: [g for each in rows if (g := each[name]) is not None] for css, rows in found.items()}
        if min(len(each) for each in values.values()) >= _FEWEST_TEXTS:
            charts.append(_violins(name, {css: np.array(each) for css, each in values.items()}))
    return tuple(charts)


def _by_length(run: Measured) -> list[tuple[float, float, tuple[float, float]]]:
    """Return (mean words, rate, interval) of the shortest fifth of the descriptions, the next, and so on."""
    counts = [record["counts"]["chair"] for record in run.records.values() if "chair" in record["counts"]]
    counts.sort(key=lambda each: float(each["tokens"]))
    rows = []
    for part in np.array_split(np.arange(len(counts)), min(_BINS, len(counts))) if counts else []:
        chosen = [counts[index] for index in part]
        mentioned = sum(each["mentioned"] for each in chosen)
        if mentioned:
            wrong = sum(each["hallucinated"] for each in chosen)
            words = sum(each["tokens"] for each in chosen) / len(chosen)
            rows.append((words, wrong / mentioned, wilson(wrong, mentioned)))
    return rows


def _violins(name: str, values: Mapping[str, Any]) -> Violins:
    every = np.concatenate(list(values.values()))
    low, high = (float(edge) for edge in np.percentile(every, (0.5, 99.5)))
    up = _spread([low, high], BOTTOM, TOP)
    places = np.linspace(low, high, _SLICES)
    middles = np.linspace(LEFT, RIGHT, 2 * len(values) + 1)[1::2]
    widest = (RIGHT - LEFT) / len(values) * 0.42
    drawn = []
    for middle, (css, each) in zip(middles, values.items(), strict=True):
        density = _density(each, places)
        half = density / density.max() * widest
        right = [(round(float(middle + w), 2), up(float(y))) for y, w in zip(places, half, strict=True)]
        left = [(round(float(middle - w), 2), up(float(y))) for y, w in zip(places, half, strict=True)]
        lower, median, upper = (float(q) for q in np.percentile(each, (25, 50, 75)))
        drawn.append(
            Violin(css, (*right, *reversed(left)), (float(middle), up(median)), (up(lower), up(upper)))
        )
    return Violins(name, up.axis(False), tuple(drawn))


def _density(values: Any, places: Any) -> Any:
    """Return a Gaussian kernel density with Silverman's bandwidth, (len(places),)."""
    spread = float(np.std(values)) or 1.0
    width = 1.06 * spread * len(values) ** -0.2
    return np.exp(-0.5 * ((places[:, None] - values[None, :]) / width) ** 2).sum(axis=1) + 1e-12


def _spread(values: Sequence[float], start: float, end: float) -> _Scale:
    low, high = min(values), max(values)
    margin = 0.08 * (high - low) or 0.05
    floor_ = low if low == 0 else low - margin
    return _Scale(floor_, high + margin, start, end)


def _ends(scale: _Scale, span: Sequence[float]) -> tuple[float, float]:
    return scale(span[0]), scale(span[1])


def _interval(figure: Json | None) -> bool:
    return bool(figure and figure.get("value") is not None and figure.get("ci95"))


def _step(span: float) -> float:
    power = 10.0 ** np.floor(np.log10(span / 4))
    return float(next(power * factor for factor in (1, 2, 2.5, 5, 10) if span / (power * factor) <= 5))
