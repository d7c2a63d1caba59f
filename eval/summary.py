"""`summary.json`: the dataset, the base and the tuned model, and their difference, in one small file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.compare import Comparison, Sides
from eval.errors import InputError
from eval.figure import Figure
from eval.headline import DATASET
from eval.jsonio import read_json, read_jsonl
from eval.measured import METRICS

_PHASES = ("build", "train", "eval", "total")


@dataclass(frozen=True)
class Provenance:
    """What the figures were made with; all of it is given by whoever ran the phases."""

    recipe: str = ""
    seed: int = 0
    code: str = ""
    """The commit of the code."""
    wall_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase: build, train, eval, total."""
    peak_rss_mb: float | None = None


def summarize(
    provenance: Provenance,
    dataset: Path,
    dataset_evaluation: Path | None,
    comparison: Comparison,
    benchmarks: Mapping[str, Comparison] | None = None,
) -> dict[str, Any]:
    """Return the summary of a whole loop.

    `dataset` is the built dataset's folder, `dataset_evaluation` the output folder of `python -m eval
    dataset`; without it, the dataset's figures are undefined and say so.
    """
    phases = {name: provenance.wall_s.get(name) for name in _PHASES}
    if phases["total"] is None and any(phases.values()):
        phases["total"] = round(sum(seconds or 0.0 for seconds in phases.values()), 2)
    return {
        "recipe": provenance.recipe,
        "seed": provenance.seed,
        "code": provenance.code,
        "wall_s": {**provenance.wall_s, **phases},
        "peak_rss_mb": provenance.peak_rss_mb,
        "dataset": {**dataset_counts(dataset), **_dataset_figures(dataset_evaluation)},
        "model": _compared(comparison),
        **(
            {"benchmarks": {name: _compared(each) for name, each in benchmarks.items()}} if benchmarks else {}
        ),
    }


def _compared(comparison: Comparison) -> dict[str, Any]:
    return {
        "images": comparison.images,
        **comparison.free.to_json("base", "tuned"),
        "matched_length": _matched(comparison.matched),
        "mcnemar": dict(comparison.mcnemar),
    }


def dataset_counts(dataset: Path) -> dict[str, Any]:
    """Return how many images went in, how many came out as rows, how many were rejected and why."""
    accepted, rejected = _count_rows(dataset), _count_rejections(dataset)
    return {"images": accepted + sum(rejected.values()), "accepted": accepted, "rejected": rejected}


def _count_rows(dataset: Path) -> int:
    import pyarrow.parquet as pq

    files = sorted(dataset.glob("data/*.parquet"))
    if not files:
        raise InputError(f"no parquet file in {dataset / 'data'}: is this a built dataset?")
    return sum(pq.ParquetFile(path).metadata.num_rows for path in files)


def _count_rejections(dataset: Path) -> dict[str, int]:
    path = dataset / "rejections.jsonl"
    counts: dict[str, int] = {}
    for record in read_jsonl(path) if path.is_file() else []:
        reason = str(record.get("reason", "no reason recorded"))
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def _dataset_figures(evaluation: Path | None) -> dict[str, Any]:
    if evaluation is None:
        unknown = {
            name: Figure(None, 0, reason="no truth of these images was given").to_json() for name in DATASET
        }
        return dict.fromkeys(("holistic", "textualized", "difference"), unknown)
    metrics = read_json(evaluation / METRICS)
    try:
        sides = {side: _headline(metrics[side]) for side in ("holistic", "textualized", "difference")}
        matched = metrics["matched_length"]
        matched = {side: _headline(matched[side]) for side in ("holistic", "textualized", "difference")}
    except (KeyError, TypeError):
        raise InputError(f"{evaluation} is not the output of `python -m eval dataset`") from None
    return {**sides, "matched_length": matched}


def _headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in DATASET}


def _matched(sides: Sides | None) -> dict[str, Any] | None:
    """Return both runs and the difference at matched length, and the differences by name as well."""
    if sides is None:
        return None
    groups = sides.to_json("base", "tuned")
    return {**groups["difference"], **groups}
