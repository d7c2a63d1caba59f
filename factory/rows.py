"""What a stage added to an item, as JSON: written by the ledger, read back to equal records."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from factory.records import Claim, Entity, Item, Object, Rejection, Repair, Rle

FIXED = frozenset({"id", "image", "name", "size_wh"})
"""Fields of an item that no stage may change."""

Outcome = Item | Rejection

_RECORDS = frozenset({Entity, Object, Claim, Repair, Rle})
_NAMES = tuple(f.name for f in fields(Item))


def restored(item: Item, added: Mapping[str, Any]) -> Item:
    """Return the item with what a stage added to it."""
    return _copy(item, {name: _READERS[name](value) for name, value in added.items()})


def row_of(before: Item, digest: str, outcome: Outcome) -> dict[str, Any]:
    """Return one ledger row: `in` is the hash of the item before, `out` of the item after.

    Raises:
        TypeError, ValueError: the outcome holds what JSON cannot, or changes what no stage may change.
    """
    if isinstance(outcome, Rejection):
        return {"id": before.id, "in": digest, "rejection": asdict(outcome)}
    added, is_plain = _written(_additions(before, outcome))
    out = hashlib.sha256(f"{digest}\n{added}".encode()).hexdigest()
    item = outcome if is_plain else restored(before, json.loads(added))
    return Row({"id": before.id, "in": digest, "out": out}, added, item)


class Row(dict[str, Any]):
    """A row just made: it has the item after, and what was added as JSON in the place of `add`."""

    def __init__(self, values: Mapping[str, Any], added: str, item: Item) -> None:
        super().__init__(values)
        self._added = added
        self.item = item

    def line(self) -> str:
        """Return the row as it stands in the ledger."""
        return f'{{"id":{dumps(self["id"])},"in":"{self["in"]}","out":"{self["out"]}","add":{self._added}}}'


def line_of(row: Mapping[str, Any]) -> str:
    """Return a row as it stands in the ledger."""
    return row.line() if isinstance(row, Row) else dumps(row)


def dumps(value: Any) -> str:
    """Write JSON on one line; NaN and infinity are refused with ValueError."""
    return _ENCODER.encode(value)


def _additions(before: Item, after: Item) -> dict[str, Any]:
    """Return the fields that differ.

    Raises:
        ValueError: the stage changed the image or its identity.
    """
    old, new = vars(before), vars(after)
    changed = {name: new[name] for name in _NAMES if new[name] is not old[name] and new[name] != old[name]}
    if forbidden := FIXED.intersection(changed):
        raise ValueError(f"a stage may not change {sorted(forbidden)} of item {before.id!r}")
    return changed


def _written(added: Mapping[str, Any]) -> tuple[str, bool]:
    """Return additions as JSON, and whether all their numbers are Python's: others are read back otherwise."""
    numpy_numbers: list[np.generic] = []

    def as_json(value: Any) -> Any:
        if type(value) in _RECORDS:
            return value.__dict__  # `dataclasses.asdict` would copy ten times as long
        if isinstance(value, np.generic):
            numpy_numbers.append(value)
            return value.item()
        raise TypeError(f"{type(value).__name__} cannot be kept in the ledger: {value!r}")

    return _encoder(as_json).encode(added), not numpy_numbers


def _encoder(as_json: Callable[[Any], Any] | None = None) -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"), default=as_json
    )


def _copy(item: Item, changes: Mapping[str, Any]) -> Item:
    """Return what `dataclasses.replace` would, in a tenth of its time: items are copied at every stage."""
    new = object.__new__(Item)
    new.__dict__.update(item.__dict__)
    new.__dict__.update(changes)
    return new


def _many(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: None if values is None else tuple(read(value) for value in values)


def _same(value: Any) -> Any:
    return value


def _entity(raw: Mapping[str, Any]) -> Entity:
    return Entity(**{**raw, "box_xyxy": _box(raw["box_xyxy"])})


def _object(raw: Mapping[str, Any]) -> Object:
    mask = raw["mask"]
    rle = None if mask is None else Rle((mask["size_hw"][0], mask["size_hw"][1]), mask["counts"])
    return Object(**{**raw, "box_xyxy": _box(raw["box_xyxy"]), "mask": rle})


def _claim(raw: Mapping[str, Any]) -> Claim:
    return Claim(**{**raw, "span": tuple(raw["span"]), "evidence": tuple(raw["evidence"])})


def _repair(raw: Mapping[str, Any]) -> Repair:
    return Repair(**raw)


def _box(raw: Any) -> Any:
    return None if raw is None else tuple(raw)


_ENCODER = _encoder()
_READERS: dict[str, Callable[[Any], Any]] = {
    "reference": _same,
    "description": _same,
    "entities": _many(_entity),
    "hallucinated": _many(_same),
    "probes": _many(_entity),
    "objects": _many(_object),
    "facts": _many(_same),
    "claims": _many(_claim),
    "written": _same,
    "repairs": _many(_repair),
    "marked": _many(_same),
}
