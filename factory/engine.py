"""The local engine: one stage at a time over the shards of an album, each kept as soon as it is done."""

import gc
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from factory.errors import FactoryError, StageError
from factory.fingerprint import digest
from factory.gather import Album
from factory.intake_shards import first_digest
from factory.ledger import Done, Spent, StageLedger, Traced, advance, hash_of
from factory.progress import Progress
from factory.records import Item, Rejection
from factory.rows import Outcome, row_of
from factory.stage import Stage

OUT_OF_MEMORY = "out of memory"


@dataclass
class Track:
    """The stages of a build over its album, and the ledgers of each."""

    album: Album
    ledgers: Sequence[StageLedger]
    seed: int

    def inputs(self, position: int, shard: int) -> str:
        """Return the hash of what a stage gets, from markers alone."""
        if position == 0:
            return hash_of(
                first_digest(entry) for entry in self.album.shards[shard] if entry.rejection is None
            )
        before = self.ledgers[position - 1].done(shard)
        return before.outputs if before else ""

    def items(self, position: int, shard: int) -> list[Traced]:
        """Return the items that a stage gets, with all that earlier stages made of them."""
        traced = self.album.store.items(shard, self.album.shards[shard])
        for ledger in self.ledgers[:position]:
            rows = ledger.rows(shard)
            after = [advance(one, rows[one.digest]) for one in traced]
            traced = [one for one in after if one is not None]
        return traced


@dataclass
class Worker:
    """A stage that is opened once there is work, and the batch size that its memory has proved to bear."""

    stage: Stage
    label: str
    batch_size: int
    is_open: bool = False
    on_batch: Callable[[int], None] = field(default=lambda _: None)

    def open(self) -> float:
        """Load the stage's models unless they are there; return the seconds it took.

        Raises:
            FactoryError: they cannot be loaded.
        """
        if self.is_open:
            return 0.0
        started = time.perf_counter()
        self.is_open = True
        try:
            self.stage.open()
        except FactoryError:
            raise
        except Exception as error:  # a model may fail to load in any way; the user must know of which stage
            raise StageError(
                f"stage {self.label!r} could not load its models: {type(error).__name__}: {error}"
            ) from error
        return time.perf_counter() - started

    def run(self, items: Sequence[Item]) -> list[Outcome]:
        """Return one outcome per item, in order."""
        found: list[Outcome] = []
        while len(found) < len(items):
            batch = items[len(found) : len(found) + self.batch_size]
            outcomes = self._try(batch)
            found += outcomes
            self.on_batch(len(outcomes))
        return found

    def counts(self) -> Counter[str]:
        """Return what the stage has counted so far, for stages that count."""
        return Counter(getattr(self.stage, "counts", {}))

    def close(self) -> None:
        """Close the stage if it was opened."""
        if self.is_open:
            self.is_open = False
            self.stage.close()

    def _try(self, batch: Sequence[Item]) -> list[Outcome]:
        """Run a batch; out of memory, halve the batch size and return nothing, or reject a single item."""
        try:
            return self._checked(batch, self.stage.run(batch))
        except FactoryError:
            raise
        except (
            Exception
        ) as error:  # the boundary of the stage: its bugs are named, lack of memory is dealt with
            if not is_out_of_memory(error):
                raise self._crash(batch, error) from error
        _free_memory()
        if len(batch) == 1:
            return [Rejection(batch[0].id, self.label, OUT_OF_MEMORY, "even alone")]
        self.batch_size = len(batch) // 2
        return []

    def _checked(self, batch: Sequence[Item], outcomes: list[Item | Rejection]) -> list[Outcome]:
        if [outcome.id for outcome in outcomes] != [item.id for item in batch]:
            raise ValueError(f"gave {len(outcomes)} results for {len(batch)} items, or in another order")
        return outcomes

    def _crash(self, batch: Sequence[Item], error: Exception) -> StageError:
        ids = ", ".join(item.id for item in batch[:8]) + (", ..." if len(batch) > 8 else "")
        return StageError(
            f"stage {self.label!r} broke on items {ids}: {type(error).__name__}: {error}. "
            "This is a bug of the stage; finished shards are kept"
        )


def run_stage(track: Track, position: int, worker: Worker, progress: Progress, retry: bool = False) -> None:
    """Run a stage over every shard that is not done; with `retry` its rejected items are run anew.

    Raises:
        StageError: the stage raised what it does not foresee, or broke its promise of one outcome per item.
    """
    ledger = track.ledgers[position]
    shards = range(len(track.album.shards))
    pending = [
        shard for shard in shards if not _is_done(ledger.done(shard), track.inputs(position, shard), retry)
    ]
    _announce(track, position, pending, progress)
    worker.on_batch = progress.advance
    try:
        for shard in pending:
            _run_shard(track, position, shard, worker, progress, retry)
    finally:
        worker.close()
    progress.end()


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception means that the batch was too large, without importing torch."""
    text = str(error).lower()
    named = type(error).__name__ in ("OutOfMemoryError", "MemoryError")
    return named or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )


def _is_done(done: Done | None, inputs: str, retry: bool) -> bool:
    return done is not None and done.inputs == inputs and not (retry and done.rejected)


def _announce(track: Track, position: int, pending: Sequence[int], progress: Progress) -> None:
    finished = [
        track.ledgers[position].done(s) for s in range(len(track.album.shards)) if s not in set(pending)
    ]
    done = sum(marker.items for marker in finished if marker is not None)
    waiting = sum(_count(track, position, shard) for shard in pending)
    progress.begin(track.ledgers[position].mark.label, done + waiting, done)


def _count(track: Track, position: int, shard: int) -> int:
    if position == 0:
        return sum(entry.rejection is None for entry in track.album.shards[shard])
    before = track.ledgers[position - 1].done(shard)
    return before.items - sum(before.rejected.values()) if before else 0


def _run_shard(
    track: Track, position: int, shard: int, worker: Worker, progress: Progress, retry: bool
) -> None:
    ledger = track.ledgers[position]
    traced = track.items(position, shard)
    old = {key: row for key, row in ledger.rows(shard).items() if not (retry and "rejection" in row)}
    todo = [one for one in traced if one.digest not in old]
    progress.advance(len(traced) - len(todo))
    open_s = worker.open() if todo else 0.0
    _seed(track.seed, worker.label, shard)
    counted, started = worker.counts(), time.perf_counter()
    new = {row["in"]: row for row in _rows(todo, worker)}
    spent = Spent(len(todo), time.perf_counter() - started, open_s, dict(worker.counts() - counted))
    rows = [old.get(one.digest) or new[one.digest] for one in traced]
    ledger.write(shard, rows, spent.after(ledger.done(shard) if old else None))


def _rows(todo: Sequence[Traced], worker: Worker) -> Iterator[dict[str, Any]]:
    for one, outcome in zip(todo, worker.run([one.item for one in todo]), strict=True):
        try:
            yield row_of(one.item, one.digest, outcome)
        except (TypeError, ValueError) as error:
            raise StageError(
                f"stage {worker.label!r} made what cannot be kept of {one.item.id!r}: {error}"
            ) from error


def _seed(seed: int, label: str, shard: int) -> None:
    """Seed all that samples, so that a shard comes out the same whether or not the build was interrupted."""
    value = int(digest([seed, label, shard])[:8], 16)
    random.seed(value)
    np.random.seed(value)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(value)


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
