"""The table at the end of a loop."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROWS = (
    ("CHAIR_i (lower is better)", "chair_i"),
    ("CHAIR_s (lower is better)", "chair_s"),
    ("coverage", "coverage"),
    ("claim precision", "claim_precision"),
    ("POPE F1", "pope_f1"),
    ("words", "words"),
)


def print_table(out: Path, scale_model: bool) -> None:
    """Print the figures of summary.json and where the report is."""
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    console = Console()
    console.print(_dataset_table(summary["dataset"]))
    console.print(
        _model_table(f"Model on {summary['model']['images']} unseen images", summary["model"], ROWS)
    )
    for name, group in summary.get("benchmarks", {}).items():
        rows = tuple(
            (figure, figure) for figure in group["base"] if group["difference"][figure]["value"] is not None
        )
        console.print(_model_table(f"{name}, {group['images']} images", group, rows))
    wall = summary["wall_s"]
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in wall.items())
    console.print(f"{parts}; peak memory {summary['peak_rss_mb'] or 0:.0f} MB")
    if scale_model:
        console.print(
            "A scale model: it proves the machinery and the direction of the effect, not LLaVA-7B's numbers."
        )
    console.print(f"Report: {out / 'report' / 'index.html'}", soft_wrap=True)


def _dataset_table(dataset: dict[str, Any]) -> Table:
    rejected = sum(dataset["rejected"].values())
    title = f"Dataset: {dataset['images']} images, {dataset['accepted']} described, {rejected} rejected"
    table = Table("", "holistic (draft)", "textualized", title=title, title_justify="left")
    for label, name in (("claim precision", "claim_precision"), ("coverage", "coverage"), ("words", "words")):
        table.add_row(label, *(_figure(dataset[side][name]) for side in ("holistic", "textualized")))
    return table


def _model_table(title: str, model: dict[str, Any], rows: tuple[tuple[str, str], ...]) -> Table:
    table = Table("", "base", "tuned", "difference", "at matched length", title=title, title_justify="left")
    for label, name in rows:
        sides = [_figure(model[side].get(name)) for side in ("base", "tuned", "difference")]
        table.add_row(label, *sides, _figure(_matched_difference(model, name)))
    return table


def _matched_difference(model: dict[str, Any], name: str) -> dict[str, Any] | None:
    matched = model.get("matched_length") or {}
    found = matched.get("difference", {}).get(name)
    return found if isinstance(found, dict) else None


def _figure(figure: dict[str, Any] | None) -> str:
    if not figure or figure.get("value") is None:
        return "-"
    digits = 1 if abs(figure["value"]) > 2 else 3
    text = f"{figure['value']:.{digits}f}"
    interval = figure.get("ci95")
    return text if not interval else f"{text} [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
