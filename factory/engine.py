"""Runs one stage at a time over the shards of an album, each kept as soon as it is done, by one worker or many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock

from factory.cost import Purse
from factory.gather import Album
from factory.intake_shards import first_digest
from factory.ledger import Done, Spent, StageLedger, Traced, hash_of
from factory.progress import Progress
from factory.shard_work import Kept, after, work_on
from factory.workers import Worker

Crew = Callable[[int], list[Worker]]
"""Makes the workers for a number of shards."""


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
        tables = [ledger.rows(shard) for ledger in self.ledgers[:position]]
        found = self.album.store.items(shard, self.album.shards[shard])
        return [now for one in found if (now := after(one, list(_chain(one.digest, tables)))) is not None]


@dataclass(frozen=True)
class Run:
    """One stage of a build at work; with `retry` its rejected items are run anew."""

    track: Track
    position: int
    progress: Progress
    purse: Purse
    retry: bool = False

    @property
    def ledger(self) -> StageLedger:
        """The ledger of the stage."""
        return self.track.ledgers[self.position]

    def all_shards(self, crew: Crew) -> None:
        """Run the stage over every shard that is not done.

        Raises:
            StageError: the stage raised what it does not foresee, or broke its promise of one outcome per item.
            BudgetError: nothing is left to spend; shards in flight are finished first.
            FactoryError: the user must act.
        """
        pending = [shard for shard in range(len(self.track.album.shards)) if not self._is_done(shard)]
        self._announce(pending)
        if pending:
            self._share_out(pending, crew(len(pending)))
            if any(self.ledger.done(shard) is None for shard in pending):
                self.purse.check()
        self.progress.end()

    def _share_out(self, pending: Sequence[int], workers: Sequence[Worker]) -> None:
        """Let each worker take the next shard until there is none."""
        queue, lock = iter(pending), Lock()

        def next_shard() -> int | None:
            with lock:
                return next(queue, None)

        if len(workers) == 1:
            self._take_turns(workers[0], next_shard, self.progress.advance)
            return

        def advance(count: int) -> None:
            with lock:
                self.progress.advance(count)

        with ThreadPoolExecutor(len(workers), thread_name_prefix="worker") as pool:
            turns = [pool.submit(self._take_turns, worker, next_shard, advance) for worker in workers]
            try:
                done, _ = wait(turns, return_when=FIRST_EXCEPTION)
                for turn in done:
                    turn.result()
            except BaseException:
                with lock:
                    queue = iter(())
                for worker in workers:
                    worker.close()
                raise

    def _take_turns(
        self, worker: Worker, next_shard: Callable[[], int | None], advance: Callable[[int], None]
    ) -> None:
        try:
            while not self.purse.is_empty and (shard := next_shard()) is not None:
                self._one_shard(shard, worker, advance)
        finally:
            worker.close()  # at once, so that another finds its room

    def _one_shard(self, shard: int, worker: Worker, advance: Callable[[int], None]) -> None:
        traced = self.track.items(self.position, shard)
        made = work_on(self.ledger, shard, traced, worker, self.track.seed, advance, self.retry)
        self.purse.pay(made.spent)

    def _is_done(self, shard: int) -> bool:
        done = self.ledger.done(shard)
        inputs = self.track.inputs(self.position, shard)
        return done is not None and done.inputs == inputs and not (self.retry and done.rejected)

    def _announce(self, pending: Sequence[int]) -> None:
        waiting = set(pending)
        shards = range(len(self.track.album.shards))
        finished = [self.ledger.done(shard) for shard in shards if shard not in waiting]
        done = sum(marker.items for marker in finished if marker is not None)
        total = done + sum(self._count(shard) for shard in pending)
        self.progress.begin(self.ledger.mark.label, total, done)

    def _count(self, shard: int) -> int:
        if self.position == 0:
            return sum(entry.rejection is None for entry in self.track.album.shards[shard])
        before = self.track.ledgers[self.position - 1].done(shard)
        return before.items - sum(before.rejected.values()) if before else 0


def _chain(trace: str, tables: Sequence[Mapping[str, Kept]]) -> Iterator[Kept]:
    """Yield the rows of an item, stage after stage, up to a rejection."""
    for rows in tables:
        row = rows[trace]
        yield row
        if "rejection" in row:
            return
        trace = row["out"]


def spent_so_far(track: Track) -> Iterator[Spent]:
    """Yield what each finished shard of each stage has cost."""
    for ledger in track.ledgers:
        markers: list[Done | None] = [ledger.done(shard) for shard in range(len(track.album.shards))]
        yield from (marker.spent for marker in markers if marker is not None)
