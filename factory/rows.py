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

_PLAIN = frozenset({str, float, int, bool, type(None)})
_RECORDS = frozenset({Entity, Object, Claim, Repair, Rle})
_NAMES = tuple(f.name for f in fields(Item))


def additions(before: Item, after: Item) -> dict[str, Any]:
    """Return the fields that differ, as plain JSON values.

    Raises:
        ValueError: the stage changed the image or its identity.
    """
    old, new = vars(before), vars(after)
    changed = [name for name in _NAMES if new[name] is not old[name] and new[name] != old[name]]
    if forbidden := FIXED.intersection(changed):
        raise ValueError(f"a stage may not change {sorted(forbidden)} of item {before.id!r}")
    return {name: _plain(getattr(after, name)) for name in changed}


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
    added = additions(before, outcome)
    text = dumps(added)
    out = hashlib.sha256(f"{digest}\n{text}".encode()).hexdigest()
    return Row({"id": before.id, "in": digest, "out": out, "add": added}, text)


class Row(dict[str, Any]):
    """A row just made, which still knows how its additions are written."""

    def __init__(self, values: Mapping[str, Any], added: str) -> None:
        super().__init__(values)
        self._added = added

    def line(self) -> str:
        """Return what `dumps` would write of it."""
        return f'{{"id":{dumps(self["id"])},"in":"{self["in"]}","out":"{self["out"]}","add":{self._added}}}'


def line_of(row: Mapping[str, Any]) -> str:
    """Return a row as it stands in the ledger."""
    return row.line() if isinstance(row, Row) else dumps(row)


def dumps(value: Any) -> str:
    """Write JSON on one line; NaN and infinity are refused with ValueError."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> Any:
    """Return the value as JSON has it; `dataclasses.asdict` would copy ten times as long."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return [part if type(part) in _PLAIN else _plain(part) for part in value]
    if kind in _RECORDS:
        return {name: part if type(part) in _PLAIN else _plain(part) for name, part in value.__dict__.items()}
    return value.item() if isinstance(value, np.generic) else value


def _copy(item: Item, changes: Mapping[str, Any]) -> Item:
    """Return what `dataclasses.replace` would, in a tenth of its time: items are copied at every stage."""
    new = object.__new__(Item)
    new.__dict__.update(item.__dict__)
    new.__dict__.update(changes)
    return new


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be kept in the ledger: {value!r}")


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


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_number)
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
