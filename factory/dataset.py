"""The dataset on disk: canonical Hugging Face parquet with declared features, one row per described image.

The schema carries the features as `datasets` writes them, so `load_dataset("parquet", ...)` finds them again
although the library is not needed here.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory.features import Features, arrow_schema
from factory.records import Claim, Entity, Item, Object
from factory.storage import explained, write_atomically

ROW_GROUP_ROWS = 100
FILE_BYTES = 400_000_000
"""A parquet file is closed once its images come to so many bytes."""


def dataset_row(item: Item, provenance: str) -> dict[str, Any]:
    """Return one row; what no stage has made is null or an empty list."""
    width, height = item.size_wh
    return {
        "id": item.id,
        "image": {"bytes": item.image, "path": item.name},
        "width": width,
        "height": height,
        "description": item.description,
        "reference": item.reference,
        "entities": [_entity(entity) for entity in item.entities or ()],
        "hallucinated": list(item.hallucinated or ()),
        "probes": [_entity(entity) for entity in item.probes or ()],
        "objects": [_object(thing) for thing in item.objects or ()],
        "facts": list(item.facts or ()),
        "claims": [_claim(claim) for claim in item.claims or ()],
        "written": item.written,
        "repairs": [dict(vars(repair)) for repair in item.repairs or ()],
        "marked": list(item.marked or ()),
        "provenance": provenance,
    }


def write_parquet(
    folder: Path, rows: Iterable[dict[str, Any]], features: Features, split: str = "train"
) -> list[Path]:
    """Write rows as `train-00000-of-0000N.parquet`, making the folder anew; there is at least one file."""
    fresh = folder.with_name(f".{folder.name}.fresh")
    with explained(fresh):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
    schema, feed = arrow_schema(features), _Feed(rows)
    count = 0
    while count == 0 or not feed.empty:
        write_atomically(fresh / f"{count}", lambda file: _write_file(file, schema, feed))
        count += 1
    names = [f"{split}-{i:05d}-of-{count:05d}.parquet" for i in range(count)]
    with explained(folder):
        for i, name in enumerate(names):
            (fresh / f"{i}").rename(fresh / name)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    return [folder / name for name in names]


class _Feed:
    """Rows with a look ahead, cut into files and row groups."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    @property
    def empty(self) -> bool:
        """Tell whether all rows have been taken."""
        return self._next is None

    def groups_of_file(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the row groups of one file."""
        size = 0
        while self._next is not None and size < FILE_BYTES:
            group: list[dict[str, Any]] = []
            while self._next is not None and len(group) < ROW_GROUP_ROWS and size < FILE_BYTES:
                size += _image_bytes(self._next)
                group.append(self._next)
                self._next = next(self._rows, None)
            yield group


def _image_bytes(row: dict[str, Any]) -> int:
    images = row.get("images") or [row.get("image") or {}]
    return sum(len(image.get("bytes") or b"") for image in images)


def _write_file(file: IO[bytes], schema: pa.Schema, feed: _Feed) -> None:
    with pq.ParquetWriter(file, schema) as writer:
        for group in feed.groups_of_file():
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _entity(entity: Entity) -> dict[str, Any]:
    return {"phrase": entity.phrase, "score": entity.score, "grounded": entity.grounded}


def _object(thing: Object) -> dict[str, Any]:
    mask = None if thing.mask is None else {"size": list(thing.mask.size_hw), "counts": thing.mask.counts}
    plain = ("id", "phrase", "caption", "score", "nearness", "area_fraction", "place", "distance", "size")
    return {**{name: getattr(thing, name) for name in plain}, "box_xyxy": list(thing.box_xyxy), "mask": mask}


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "kind": claim.kind, "text": claim.text, "span": list(claim.span),
        "verdict": claim.verdict, "evidence": list(claim.evidence),
    }  # fmt: skip
