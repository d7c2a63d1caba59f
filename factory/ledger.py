"""The truth about progress: what each stage made of each shard, and what made it.

    OUT/.work/02-ground-3fa9c1d2e0/shard-00007.jsonl   one row per item: what the stage added, or a rejection
    OUT/.work/02-ground-3fa9c1d2e0/shard-00007.done    written last; hashes of the rows' inputs and outputs

A row names the hash of the item it was made from, so that rows stay good when items join or leave the shard.
The folder's name holds the stage's fingerprint, so the work of another recipe is never in the way.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from factory.fingerprint import Mark, digest
from factory.records import Item
from factory.rows import line_of
from factory.storage import explained, read_json, write_atomically, write_json


@dataclass(frozen=True)
class Traced:
    """An item and the hash of everything that has been made of it so far."""

    item: Item
    digest: str


@dataclass(frozen=True)
class Spent:
    """What a shard has cost: `ran` items were run in `run_s`, after the models were opened in `open_s`.

    `counts` are what the stage itself counted meanwhile, such as dropped sentences.
    """

    ran: int = 0
    run_s: float = 0.0
    open_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def after(self, before: "Done | None") -> "Spent":
        """Return the cost together with that of the rows that were there before."""
        return self if before is None else total((before.spent, self))


def total(all_spent: Iterable[Spent]) -> Spent:
    """Return the sum of several costs."""
    parts = list(all_spent)
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    return Spent(
        sum(p.ran for p in parts), sum(p.run_s for p in parts), sum(p.open_s for p in parts), dict(counts)
    )


@dataclass(frozen=True)
class Done:
    """The marker of a finished shard: what made it, from what, and what came out; hashes throughout."""

    fingerprint: str
    inputs: str
    outputs: str
    size_bytes: int
    items: int
    rejected: dict[str, int]
    spent: Spent


class StageLedger:
    """The rows of one stage of one build."""

    def __init__(self, work: Path, position: int, mark: Mark) -> None:
        self.mark = mark
        self.folder = work / f"{position:02d}-{mark.label}-{mark.fingerprint[:10]}"

    def done(self, shard: int) -> Done | None:
        """Return the marker of a shard whose rows are all on disk, whatever items they were made from."""
        raw = read_json(self._marker(shard))
        if raw is None or raw.get("fingerprint") != self.mark.fingerprint:
            return None
        rows = self._rows(shard)
        whole = rows.is_file() and rows.stat().st_size == raw["size_bytes"]
        return Done(**{**raw, "spent": Spent(**raw["spent"])}) if whole else None

    def rows(self, shard: int) -> dict[str, dict[str, Any]]:
        """Return a shard's rows by the hash of the item they were made from; none where there is no file.

        A complete file without a marker is used too: it is renamed into place only when it is whole.
        """
        path = self._rows(shard)
        if not path.is_file():
            return {}
        with explained(path):
            lines = path.read_text(encoding="utf-8").rstrip("\n")
        joined = lines.replace("\n", ",")  # read at once: a call for each row takes as long again
        return {row["in"]: row for row in json.loads(f"[{joined}]")}

    def write(self, shard: int, rows: Sequence[Mapping[str, Any]], spent: Spent) -> None:
        """Put a shard's rows on disk, then mark it done."""
        marker = self._marker(shard)
        with explained(marker):
            marker.unlink(missing_ok=True)
        write_atomically(self._rows(shard), lambda file: _put(file, rows))
        size = self._rows(shard).stat().st_size
        inputs, outputs = (
            hash_of(row["in"] for row in rows),
            hash_of(row["out"] for row in rows if "out" in row),
        )
        rejected = Counter(row["rejection"]["reason"] for row in rows if "rejection" in row)
        done = Done(self.mark.fingerprint, inputs, outputs, size, len(rows), dict(rejected), spent)
        write_json(marker, asdict(done))

    def _rows(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:05d}.jsonl"

    def _marker(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:05d}.done"


def hash_of(digests: Iterable[str]) -> str:
    """Return one hash over the hashes of several items, in order."""
    return digest(list(digests))


def _put(file: IO[bytes], rows: Iterable[Mapping[str, Any]]) -> None:
    file.write("".join(f"{line_of(row)}\n" for row in rows).encode("utf-8"))
