"""The samples that the page shows: drawn at random with a seed, never chosen."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.identity import image_key, key_order
from eval.jsonio import Record, read_jsonl
from eval.material import find_images
from eval.measured import PER_IMAGE, Measured
from eval.parquet import read_rows
from eval.report.marks import Line, Mark, lines_of
from eval.report.pictures import data_uri

_COLUMNS = ("id", "image", "width", "height", "description", "reference", "hallucinated", "objects", "claims")
_UNJUDGED: Record = {"holistic": {}, "textualized": {}}


@dataclass(frozen=True)
class Box:
    """A labelled box in pixels of the image."""

    id: str
    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    """An image to show, with its own size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Described:
    """A text, line by line, and why its false words are false."""

    lines: tuple[Line, ...]
    wrong: tuple[tuple[str, str], ...]
    """(words, reason), each once."""
    claims: int
    true: int
    missed: tuple[str, ...]
    """True objects that it does not name, such as `cup (2)`."""


@dataclass(frozen=True)
class DatasetSample:
    """One row of the dataset."""

    key: str
    picture: Picture
    boxes: tuple[Box, ...]
    reference: Described
    final: Described
    caught: tuple[str, ...]
    """Phrases that the factory found to be hallucinated."""


@dataclass(frozen=True)
class ModelSample:
    """One unseen image, described by both models."""

    key: str
    picture: Picture
    base: Described
    tuned: Described


def dataset_samples(dataset: Path, evaluation: Path | None, count: int, seed: int) -> list[DatasetSample]:
    """Draw rows of a dataset; where it was judged against the truth, with the verdicts."""
    if evaluation is not None:
        judged = {record["image_id"]: record for record in read_jsonl(evaluation / PER_IMAGE)}
    else:
        judged = {image_key(row["id"]): _UNJUDGED for row in read_rows(dataset, ("id",))}
    wanted = set(_drawn(list(judged), count, seed))
    rows = {key: row for row in read_rows(dataset, _COLUMNS) if (key := image_key(row["id"])) in wanted}
    return [_dataset_sample(key, rows[key], judged[key]) for key in sorted(rows, key=key_order)]


def model_samples(base: Measured, tuned: Measured, images: Path, count: int, seed: int) -> list[ModelSample]:
    """Draw images that both models described."""
    keys = sorted(set(base.captions.texts) & set(tuned.captions.texts))
    drawn = _drawn(keys, count, seed)
    files = find_images(images, drawn)
    return [
        ModelSample(
            key,
            _picture(files[key].read_bytes(), key),
            _of_run(base.records[key]),
            _of_run(tuned.records[key]),
        )
        for key in drawn
    ]


def _drawn(keys: Sequence[str], count: int, seed: int) -> list[str]:
    ordered = sorted(keys, key=key_order)
    return sorted(random.Random(seed).sample(ordered, min(count, len(ordered))), key=key_order)


def _dataset_sample(key: str, row: Record, judged: Mapping[str, Any]) -> DatasetSample:
    caught = tuple(row["hallucinated"] or ())
    reference, final = row["reference"], row["description"]
    there = {each["id"] for each in row["objects"] or ()}  # evidence also holds scores, which light no box
    evidence = [
        (*claim["span"], [each for each in claim["evidence"] or () if each in there])
        for claim in row["claims"] or ()
        if claim["span"]
    ]
    struck = [mark for phrase in caught for mark in _occurrences(reference, phrase)]
    return DatasetSample(
        key,
        _picture(row["image"]["bytes"], key),
        tuple(_box(each) for each in row["objects"] or ()),
        _described(reference, judged["holistic"], extra=struck),
        _described(final, judged["textualized"], evidence=evidence, reference=reference),
        caught,
    )


def _of_run(record: Record) -> Described:
    evidence = record.get("evidence", {})
    counted = [_mention_mark(each) for name in ("chair", "entities") for each in _mentions(evidence, name)]
    return _described(record["caption"], evidence.get("claims", {}), extra=counted)


def _mentions(evidence: Mapping[str, Any], metric: str) -> list[Record]:
    return [each for each in evidence.get(metric, {}).get("mentions", []) if each["hallucinated"]]


def _mention_mark(mention: Record) -> Mark:
    start, end = mention["span"]
    return Mark(start, end, "false", mention["reason"])


def _described(
    text: str,
    judged: Mapping[str, Any],
    extra: Sequence[Mark] = (),
    evidence: Sequence[tuple[int, int, Sequence[str]]] = (),
    reference: str | None = None,
) -> Described:
    claims = judged.get("claims", [])
    marks = [*extra, *(mark for claim in claims if (mark := _claim_mark(claim)) is not None)]
    wrong = tuple(
        dict.fromkeys((claim["text"], claim["reason"]) for claim in claims if claim["true"] is False)
    )
    counted = [claim for claim in claims if claim["true"] is not None and claim["kind"] != "setting"]
    missed = tuple(
        f"{name} ({count})" if count > 1 else name for name, count in judged.get("missed", {}).items()
    )
    return Described(
        lines_of(text, marks, evidence, reference),
        wrong,
        claims=len(counted),
        true=sum(claim["true"] for claim in counted),
        missed=missed,
    )


def _claim_mark(claim: Record) -> Mark | None:
    if claim["true"] is None:
        return None
    start, end = claim["span"]
    return Mark(start, end, "true" if claim["true"] else "false", f"{claim['kind']}: {claim['reason']}")


def _occurrences(text: str, phrase: str) -> list[Mark]:
    lower, wanted = text.lower(), phrase.lower()
    starts = [index for index in range(len(lower)) if wanted and lower.startswith(wanted, index)]
    note = "not found in the image by the detector"
    return [Mark(start, start + len(wanted), "struck", note) for start in starts]


def _box(each: Record) -> Box:
    left, top, right, bottom = each["box_xyxy"]
    return Box(each["id"], each["caption"] or each["phrase"], left, top, right - left, bottom - top)


def _picture(data: bytes, key: str) -> Picture:
    return Picture(*data_uri(data, f"image {key}"))
