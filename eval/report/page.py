"""Assembles the page from the summary, the dataset, both runs and their images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import InputError
from eval.jsonio import read_json, read_text
from eval.measured import METRICS, read_measured
from eval.report.charts import grade_violins, hallucination_against_length, precision_against_coverage
from eval.report.gallery import dataset_samples, model_samples
from eval.report.plot import LABELS, LOWER_IS_BETTER, MEANINGS, difference_plot, tone

_TEMPLATES = Path(__file__).parent.parent / "templates"
_HEADLINE = ("chair_i", "coverage", "claim_precision", "pope_f1")
_RATES = ("chair_i", "chair_s", "coverage", "claim_precision", "pope_f1")
_ALL = (*_RATES, "words")
GRADES = {
    "ari": "Automated readability index",
    "fk": "Flesch-Kincaid grade",
    "smog": "SMOG",
    "cl": "Coleman-Liau index",
}


@dataclass(frozen=True)
class Inputs:
    """Where everything that the page shows lies."""

    summary: Path
    dataset: Path
    dataset_evaluation: Path | None
    """None where the truth of the dataset's images is not known."""
    base: Path
    tuned: Path
    images: Path
    """Folder of the images that both models described."""
    samples: int = 6
    """How many rows of the dataset, and how many unseen images, are shown."""
    seed: int = 0
    scale_model: bool = False
    """Whether to say that the figures are those of a small world, not of a 7B model."""
    benchmarks: tuple[tuple[Path, Path], ...] = ()
    """Base and tuned run of each further benchmark."""


def render(inputs: Inputs) -> str:
    """Return the page as HTML: styles, script and images inside, nothing loaded from anywhere.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"rate": _rate, "number": _number, "interval": _interval, "signed": _signed}
    return environment.get_template("report.html").render(**_content(inputs))


def _content(inputs: Inputs) -> dict[str, Any]:
    summary = read_json(inputs.summary)
    if not isinstance(summary, dict) or not {"dataset", "model"} <= set(summary):
        raise InputError(f"{inputs.summary} is no summary of a loop (make it with `python -m eval summary`)")
    base, tuned = read_measured(inputs.base), read_measured(inputs.tuned)
    model = summary["model"]
    return {
        "summary": summary,
        "labels": LABELS,
        "meanings": MEANINGS,
        "lower_is_better": LOWER_IS_BETTER,
        "headline": _HEADLINE,
        "all_names": _ALL,
        "tone": tone,
        "plot": difference_plot(model["difference"], model["matched_length"], _measured_rates(model)),
        "precision": precision_against_coverage(model, summary["dataset"]),
        "lengths": hallucination_against_length(base, tuned),
        "violins": grade_violins(base.captions.texts, tuned.captions.texts),
        "grade_names": GRADES,
        "by_kind": _by_kind(inputs),
        "dataset_samples": dataset_samples(
            inputs.dataset, inputs.dataset_evaluation, inputs.samples, inputs.seed
        ),
        "model_samples": model_samples(base, tuned, inputs.images, inputs.samples, inputs.seed),
        "seed": inputs.seed,
        "scale_model": inputs.scale_model,
        "recipes": {
            name: _recipe(folder) for name, folder in (("base", inputs.base), ("tuned", inputs.tuned))
        },
        "settings": {
            name: read_json(folder / METRICS)["settings"]
            for name, folder in (
                ("dataset", inputs.dataset_evaluation),
                ("base", inputs.base),
                ("tuned", inputs.tuned),
                *((f"{run.parent.name} {run.name}", run) for pair in inputs.benchmarks for run in pair),
            )
            if folder is not None
        },
    }


def _measured_rates(model: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in _RATES if model["difference"][name]["value"] is not None)


def _by_kind(inputs: Inputs) -> list[dict[str, Any]]:
    """Return claim precision by kind: dataset before and after, base and tuned."""
    judged = read_json(inputs.dataset_evaluation / METRICS) if inputs.dataset_evaluation else {}
    runs = [
        read_json(folder / METRICS)["figures"].get("claims", {}) for folder in (inputs.base, inputs.tuned)
    ]
    columns: list[Mapping[str, Any]] = [judged.get("holistic", {}), judged.get("textualized", {}), *runs]
    names = dict.fromkeys(name for column in columns for name in column if name.startswith("precision_"))
    return [
        {"kind": name.removeprefix("precision_"), "figures": [column.get(name) for column in columns]}
        for name in names
    ]


def _recipe(folder: Path) -> str:
    path = folder / "recipe.resolved.yaml"
    return read_text(path) if path.is_file() else ""


def _rate(figure: Mapping[str, Any] | None, name: str = "") -> str:
    """Show a rate in percent, or words as they are."""
    if not figure or figure["value"] is None:
        return "\u2013"
    return f"{figure['value']:.1f}" if name == "words" else f"{100 * figure['value']:.1f}"


def _interval(figure: Mapping[str, Any] | None, name: str = "") -> str:
    if not figure or figure["ci95"] is None:
        return ""
    scale = 1 if name == "words" else 100
    low, high = (scale * edge for edge in figure["ci95"])
    return f"{low:.1f} to {high:.1f}".replace("-", "\u2212")


def _signed(figure: Mapping[str, Any] | None, name: str = "") -> str:
    if not figure or figure["value"] is None:
        return "\u2013"
    scale = 1 if name == "words" else 100
    return f"{scale * figure['value']:+.1f}".replace("-", "\u2212")


def _number(value: Any) -> str:
    return "\u2013" if value is None else f"{value:,.0f}".replace(",", "\u202f")
