"""One HTML page of a dataset: figures, and samples with boxes, struck hallucinations and verdicts."""

import base64
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from factory.export.source import Source
from factory.export.target import suffix_of
from factory.storage import read_json, write_text

_TEMPLATES = Path(__file__).parent / "templates"
COLOURS = ("#d6336c", "#1971c2", "#2f9e44", "#e8590c", "#7048e8", "#0c8599", "#a61e4d", "#5c940d")


def write_report(dataset: Path, to: Path, samples: int = 24) -> Path:
    """Write a self-contained page with at most `samples` rows, evenly spread over the dataset.

    Raises:
        ExportError: the folder holds no dataset.
        StorageError: the page cannot be written.
    """
    source = Source(dataset)
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=True)
    step = max(source.rows // max(samples, 1), 1)
    shown: list[dict[str, Any]] = []
    figures = _Figures()
    for number, row in enumerate(source.read()):
        figures.add(row)
        if number % step == 0 and len(shown) < samples:
            shown.append(_sample(row))
    summary = read_json(dataset / "summary.json")
    page = environment.get_template("report.html.j2").render(
        name=dataset.resolve().name, summary=summary, figures=figures.lines(), samples=shown
    )
    write_text(to, page)
    return to


class _Figures:
    """Totals over all rows."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, row: dict[str, Any]) -> None:
        counts = self._counts
        counts["rows"] += 1
        for name in ("description", "reference"):
            counts[f"{name} words"] += len((row[name] or "").split())
        for name in ("entities", "hallucinated", "objects", "claims"):
            counts[name] += len(row[name] or ())
        counts.update(f"claims {claim['verdict']}" for claim in row["claims"] or ())

    def lines(self) -> Iterator[tuple[str, str]]:
        counts = self._counts
        rows = max(counts["rows"], 1)
        yield "rows", str(counts["rows"])
        for name in ("reference words", "description words", "entities", "hallucinated", "objects", "claims"):
            yield f"{name} per image", f"{counts[name] / rows:.2f}"
        for name in ("claims supported", "claims refuted", "claims unknown"):
            yield name, f"{counts[name]}"


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    data = row["image"]["bytes"]
    kind = "png" if suffix_of(data) == ".png" else "jpeg"
    objects = [{**thing, "colour": COLOURS[i % len(COLOURS)]} for i, thing in enumerate(row["objects"] or ())]
    return {
        "row": row,
        "image": f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}",
        "objects": objects,
        "reference": struck(row["reference"] or "", row["hallucinated"] or ()),
        "description": judged(row["description"] or "", row["claims"] or ()),
    }


def struck(text: str, phrases: list[str] | tuple[str, ...]) -> Markup:
    """Return text as HTML with the given phrases struck out, whatever their case."""
    wanted = sorted({phrase for phrase in phrases if phrase}, key=len, reverse=True)
    if not wanted:
        return escape(text)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(phrase)}(?!\w)" for phrase in wanted), re.IGNORECASE)
    return _marked(text, [(*match.span(), "del", "") for match in pattern.finditer(text)])


def judged(text: str, claims: list[dict[str, Any]] | tuple[dict[str, Any], ...]) -> Markup:
    """Return text as HTML with refuted and unknown claims marked; where spans overlap the first stands."""
    doubtful = [
        c for c in claims if c["verdict"] != "supported" and 0 <= c["span"][0] < c["span"][1] <= len(text)
    ]
    marks, end = [], 0
    for claim in sorted(doubtful, key=lambda c: c["span"]):
        start, stop = claim["span"]
        if start >= end:
            marks.append((start, stop, "mark", str(claim["verdict"])))
            end = stop
    return _marked(text, marks)


def _marked(text: str, marks: list[tuple[int, int, str, str]]) -> Markup:
    parts, at = [], 0
    for start, stop, tag, kind in marks:
        parts.append(escape(text[at:start]))
        parts.append(Markup("<{0} class='{1}'>{2}</{0}>").format(tag, kind, text[start:stop]))
        at = stop
    return Markup("").join([*parts, escape(text[at:])])
