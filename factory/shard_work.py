"""One stage on one shard: what the ledger has is kept, the rest is run, and the rows are put on disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from factory.errors import StageError
from factory.fingerprint import digest
from factory.ledger import Spent, StageLedger, Traced
from factory.rows import Outcome, Row, restored, row_of
from factory.workers.job import Worker

Kept = Mapping[str, Any]
"""A row as the ledger has it, or one just made."""


@dataclass(frozen=True)
class Made:
    """The rows of a shard, one per item that the stage got, and what it took to make those that were not there."""

    rows: list[Kept]
    spent: Spent


def work_on(
    ledger: StageLedger,
    shard: int,
    traced: Sequence[Traced],
    worker: Worker,
    seed: int,
    advance: Callable[[int], None],
    retry: bool = False,
) -> Made:
    """Have a worker make the rows that are not there yet, and write them all; `seed` is the recipe's.

    Raises:
        StageError: the stage made what cannot be kept.
    """
    label = ledger.mark.label
    old = {key: row for key, row in ledger.rows(shard).items() if not (retry and "rejection" in row)}
    todo = [one for one in traced if one.digest not in old]
    advance(len(traced) - len(todo))
    work = worker.work([one.item for one in todo], int(digest([seed, label, shard])[:8], 16), advance)
    new = {row["in"]: row for row in _rows(todo, work.outcomes, label)}
    rows = [old.get(one.digest) or new[one.digest] for one in traced]
    ledger.write(shard, rows, work.spent.after(ledger.done(shard) if old else None))
    return Made(rows, work.spent)


def passed(traced: Traced, row: Kept) -> Traced | None:
    """Return the item after one row, from the row itself where it was just made, or None where it is rejected."""
    return Traced(row.item, row["out"]) if isinstance(row, Row) else after(traced, [row])


def after(traced: Traced, rows: Sequence[Kept]) -> Traced | None:
    """Return the item after its rows of several stages in turn, or None where one of them rejects it."""
    added: dict[str, Any] = {}
    trace = traced.digest
    for row in rows:
        if "rejection" in row:
            return None
        added.update(row["add"])
        trace = row["out"]
    return Traced(restored(traced.item, added), trace)


def _rows(todo: Sequence[Traced], outcomes: Sequence[Outcome], label: str) -> Iterator[Kept]:
    for one, outcome in zip(todo, outcomes, strict=True):
        try:
            yield row_of(one.item, one.digest, outcome)
        except (TypeError, ValueError) as error:
            raise StageError(
                f"stage {label!r} made what cannot be kept of {one.item.id!r}: {error}"
            ) from error
