"""The images on disk as the stages get them, in shards that keep their images when others join the source.

OUT/.work/intake/plan.json            the keys of each shard
OUT/.work/intake/shard-00000.parquet  one row per image, its bytes included unless it is refused
OUT/.work/intake/shard-00000.done     the hash of what it was made from
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import StorageError
from factory.fingerprint import digest
from factory.ledger import Traced
from factory.records import Item
from factory.roster import Arrival, Entry
from factory.storage import explained, read_json, write_atomically, write_json

VERSION = 1
"""Raised when intake changes what it makes of an image."""

_SCHEMA = pa.schema([
    ("key", pa.string()), ("name", pa.string()), ("wanted_id", pa.string()), ("sha256", pa.string()),
    ("width", pa.int32()), ("height", pa.int32()), ("changes", pa.list_(pa.string())),
    ("reason", pa.string()), ("detail", pa.string()), ("image", pa.large_binary()),
])  # fmt: skip


@dataclass(frozen=True)
class Arrived:
    """An arrival and its plain bytes; None where it is refused."""

    arrival: Arrival
    image: bytes | None


class IntakeShards:
    """Reads and writes the intake folder of one build."""

    def __init__(self, work: Path) -> None:
        self._folder = work / "intake"

    def plan(self) -> list[list[str]]:
        """Return the keys of each shard of the last build; empty before the first."""
        return (read_json(self._folder / "plan.json") or {"shards": []})["shards"]  # type: ignore[no-any-return]

    def write_plan(self, plan: Sequence[Sequence[str]]) -> None:
        """Remember the keys of each shard."""
        write_json(self._folder / "plan.json", {"shards": plan})

    def marker(self, shard: int) -> dict[str, Any] | None:
        """Return a finished shard's marker: fingerprint, items, rejected, seconds."""
        raw = read_json(self._path(shard, "done"))
        return raw if raw is not None and self._path(shard, "parquet").is_file() else None

    def write(self, shard: int, arrived: Sequence[Arrived], fingerprint: str, seconds: float) -> None:
        """Put a shard on disk, then mark it done."""
        marker = self._path(shard, "done")
        with explained(marker):
            marker.unlink(missing_ok=True)
        table = pa.Table.from_pylist([_row(one) for one in arrived], schema=_SCHEMA)
        write_atomically(self._path(shard, "parquet"), lambda file: _write_table(table, file))
        refused = sum(1 for one in arrived if one.arrival.reason)
        write_json(
            marker,
            {"fingerprint": fingerprint, "items": len(arrived), "refused": refused, "seconds": seconds},
        )

    def arrivals(self, shard: int) -> list[Arrival]:
        """Return what is known of a shard's images, without their bytes."""
        columns = [name for name in _SCHEMA.names if name != "image"]
        return [_arrival(row) for row in self._read(shard, columns).to_pylist()]

    def items(self, shard: int, entries: Sequence[Entry]) -> list[Traced]:
        """Return the items of a shard that no one has refused, with their bytes."""
        images = self._read(shard, ["image"]).column("image")
        found = []
        for entry, image in zip(entries, images, strict=True):
            if entry.rejection is None:
                arrival = entry.arrival
                item = Item(entry.id, image.as_py(), arrival.name, arrival.size_wh)
                found.append(Traced(item, first_digest(entry)))
        return found

    def _read(self, shard: int, columns: list[str]) -> pa.Table:
        path = self._path(shard, "parquet")
        try:
            return pq.ParquetFile(path).read(columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise StorageError(f"{path} is damaged ({error}): delete it and run again") from None

    def _path(self, shard: int, suffix: str) -> Path:
        return self._folder / f"shard-{shard:05d}.{suffix}"


def first_digest(entry: Entry) -> str:
    """Return the hash of an item that no stage has seen yet."""
    return digest([VERSION, entry.id, entry.arrival.name, entry.arrival.sha256])


def _row(arrived: Arrived) -> dict[str, Any]:
    arrival = arrived.arrival
    width, height = arrival.size_wh
    return {
        "key": arrival.key, "name": arrival.name, "wanted_id": arrival.wanted_id, "sha256": arrival.sha256,
        "width": width, "height": height, "changes": list(arrival.changes),
        "reason": arrival.reason, "detail": arrival.detail, "image": arrived.image,
    }  # fmt: skip


def _arrival(row: dict[str, Any]) -> Arrival:
    size_wh = (row["width"], row["height"])
    rest = {name: row[name] for name in ("key", "name", "wanted_id", "sha256", "reason", "detail")}
    return Arrival(size_wh=size_wh, changes=tuple(row["changes"]), **rest)


def _write_table(table: pa.Table, file: IO[bytes]) -> None:
    pq.write_table(table, file, compression="none", use_dictionary=False)
