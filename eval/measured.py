"""A run that was measured: its texts, its counts per image and its evidence, as the output folder keeps them.

predictions.jsonl    {"image_id", "caption"}
answers.jsonl        {"question_id", "split", "question", "answer"}
pope_<split>.jsonl   the questions in the public format
per_image.jsonl      counts by metric, and the evidence: mentions, claims, answers
metrics.json         figures by metric, and the settings they depend on
recipe.resolved.yaml
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.captions import Captions
from eval.errors import InputError
from eval.figure import Figure
from eval.formula import Formula
from eval.identity import key_order
from eval.jsonio import Record, read_json, read_jsonl, write_json, write_jsonl
from eval.metrics import amber, chair, claims, d2i, entities, pope
from eval.references import linguistic_formulas, overlap_formulas
from eval.scoring import Score
from eval.tally import Tally

PER_IMAGE, METRICS = "per_image.jsonl", "metrics.json"
_FORMULAS: Mapping[str, tuple[Formula, ...]] = {
    "chair": chair.FORMULAS,
    "claims": claims.FORMULAS,
    "amber": amber.FORMULAS,
    "entities": entities.FORMULAS,
}


@dataclass(frozen=True)
class Measured:
    """Counts by metric (`chair`, `claims`, `pope`) and all that is known of each image."""

    tallies: Mapping[str, Tally]
    captions: Captions
    records: Mapping[str, Record]
    """The lines of `per_image.jsonl` by image key."""
    settings: Mapping[str, Any]
    """What the figures depend on: normaliser, parser, vocabulary, hashes of the truth."""


def formulas_of(metric: str, tally: Tally) -> tuple[Formula, ...]:
    """Return the formulas over a metric's counts."""
    if metric == "pope":
        splits = list(dict.fromkeys(column.rpartition(".")[0] for column in tally.columns))
        by_split = tuple(formula for split in splits for formula in pope.formulas(split, prefix=f"{split}."))
        return (pope.mean_f1(splits), *by_split)
    if metric == "d2i":
        return d2i.formulas(tally.columns)
    if metric == "did":
        return overlap_formulas(tally.columns)
    return linguistic_formulas(tally.columns) if metric == "lin" else _FORMULAS[metric]


def write_measured(
    folder: Path, names: Mapping[str, str], captions: Captions | None, scores: Mapping[str, Score]
) -> None:
    """Write `per_image.jsonl`; `names` are the file names by image key."""
    lines = []
    for key in sorted(names, key=key_order):
        line: Record = {"image_id": key, "file_name": names[key]}
        if captions is not None:
            line |= {"caption": captions.texts[key]} if key in captions.texts else {}
        line["counts"] = {m: _whole(s.tally.counts(key)) for m, s in scores.items() if key in s.tally.rows}
        line["evidence"] = {m: s.evidence[key] for m, s in scores.items() if key in s.evidence}
        lines.append(line)
    write_jsonl(folder / PER_IMAGE, lines)


def _whole(counts: Mapping[str, float]) -> dict[str, float]:
    """Show counts without a decimal point; sums of scores keep theirs."""
    return {column: round(count) if count == round(count) else count for column, count in counts.items()}


def write_metrics(
    folder: Path, figures: Mapping[str, Mapping[str, Figure]], settings: Mapping[str, Any]
) -> None:
    """Write `metrics.json`."""
    shown = {
        metric: {name: f.to_json() for name, f in by_name.items()} for metric, by_name in figures.items()
    }
    write_json(folder / METRICS, {"figures": shown, "settings": dict(settings)})


def read_measured(folder: Path) -> Measured:
    """Read a run back.

    Raises:
        InputError: the folder holds no measured run.
    """
    path = folder / PER_IMAGE
    if not path.is_file():
        raise InputError(
            f"{folder} holds no measured run: {PER_IMAGE} is missing (make it with `python -m eval run`)"
        )
    records: dict[str, Record] = {}
    for number, record in enumerate(read_jsonl(path), start=1):
        if "image_id" not in record or "counts" not in record or record["image_id"] in records:
            raise InputError(
                f"{path}, line {number}: no image_id, no counts, or an image for the second time"
            )
        records[record["image_id"]] = record
    texts = {key: record["caption"] for key, record in records.items() if "caption" in record}
    return Measured(_tallies(records), Captions(texts), records, read_json(folder / METRICS)["settings"])


def _tallies(records: Mapping[str, Record]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    for key, record in records.items():
        for metric, counts in record["counts"].items():
            tallies.setdefault(metric, Tally(tuple(counts))).add(key, counts)
    return tallies
