"""Is the dataset itself true? Its reference descriptions (holistic) against its final ones (textualized)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.captions import Captions, require_known
from eval.errors import InputError
from eval.figure import Difference, Figure
from eval.headline import DATASET
from eval.identity import image_key, key_order
from eval.jsonio import write_json, write_jsonl
from eval.matched import match_lengths
from eval.measured import METRICS, PER_IMAGE
from eval.metrics.claims import FORMULAS, Claims
from eval.parquet import read_rows
from eval.scoring import Score, score_claims
from eval.statistics import Resampling, difference, estimate
from eval.truth import Truth
from eval.vocabulary import Vocabulary

SIDES = {"holistic": "reference", "textualized": "description"}
"""What is compared, and the column that holds it."""
_HEADLINE = tuple(formula for formula in FORMULAS if formula.name in DATASET)


@dataclass(frozen=True)
class DatasetEvaluation:
    """Claims of both descriptions of each row, judged against the truth."""

    texts: Mapping[str, Captions]
    scores: Mapping[str, Score]
    """By side: `holistic`, `textualized`."""
    matched: Mapping[str, Score]
    """The same with both texts of an image cut to equal length."""


def read_sides(dataset: Path) -> dict[str, Captions]:
    """Read both descriptions of every row.

    Raises:
        InputError: an image comes twice, or a row lacks a text.
    """
    texts: dict[str, dict[str, str]] = {side: {} for side in SIDES}
    for number, row in enumerate(read_rows(dataset), start=1):
        key = image_key(row["id"])
        for side, column in SIDES.items():
            if key in texts[side]:
                raise InputError(f"{dataset}, row {number}: image {key} comes twice")
            if row[column] is None:
                raise InputError(f"{dataset}, row {number} (image {key}): no {column}")
            texts[side][key] = row[column]
    if not texts["holistic"]:
        raise InputError(f"{dataset} has no rows")
    return {side: Captions(by_key) for side, by_key in texts.items()}


def evaluate_dataset(
    texts: Mapping[str, Captions], truth: Truth, vocabulary: Vocabulary
) -> DatasetEvaluation:
    """Judge both sides against the truth, at free and at matched length."""
    vocabulary.require(truth.categories)
    require_known(texts["holistic"].texts, truth.images, "truth")
    metric = Claims.against(truth, vocabulary)
    cut = match_lengths(texts["holistic"].texts, texts["textualized"].texts)
    matched = dict(zip(SIDES, (Captions(side) for side in cut), strict=True))
    return DatasetEvaluation(
        texts,
        {side: score_claims(metric, captions, truth) for side, captions in texts.items()},
        {side: score_claims(metric, captions, truth) for side, captions in matched.items()},
    )


def write_dataset_evaluation(
    folder: Path, found: DatasetEvaluation, how: Resampling, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Write `metrics.json` and `per_image.jsonl` and return the former's content."""
    metrics = {
        **_sides_json(found.scores, how, whole=True),
        "matched_length": _sides_json(found.matched, how, whole=False),
        "settings": {"images": len(found.texts["holistic"].texts), **settings},
    }
    write_json(folder / METRICS, metrics)
    write_jsonl(folder / PER_IMAGE, _records(found))
    return metrics


def _sides_json(scores: Mapping[str, Score], how: Resampling, whole: bool) -> dict[str, Any]:
    formulas = FORMULAS if whole else _HEADLINE
    sides: dict[str, Any] = {
        side: _json(estimate(score.tally, formulas, how)) for side, score in scores.items()
    }
    tallies = [score.tally for score in scores.values()]
    return {**sides, "difference": _json(difference(tallies[0], tallies[1], _HEADLINE, how))}


def _json(figures: Mapping[str, Figure] | Mapping[str, Difference]) -> dict[str, Any]:
    return {name: figure.to_json() for name, figure in figures.items()}


def _records(found: DatasetEvaluation) -> list[dict[str, Any]]:
    keys = sorted(found.texts["holistic"].texts, key=key_order)
    return [
        {
            "image_id": key,
            **{
                side: {"text": found.texts[side].texts[key], **score.evidence[key]}
                for side, score in found.scores.items()
            },
        }
        for key in keys
    ]
