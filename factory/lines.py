"""Runs the shards of a build through assembly lines, in this process or in several beside it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from threading import Lock
from typing import Protocol

from factory.cost import Purse
from factory.engine import Track
from factory.fingerprint import StageSettings
from factory.isolation import DiedError
from factory.ledger import Spent
from factory.line import Line, LineDesk, LinePlan, Load
from factory.progress import Progress
from factory.recipe import LocalEngineConfig
from factory.workers.beside import Beside
from factory.workers.job import OnBatch
from factory.workers.parcel import raised

LABEL = "all stages"
_DEATHS = 3


class _Taker(Protocol):
    """Takes one load after another."""

    def run(self, load: Load, on_batch: OnBatch) -> list[Spent]: ...

    def close(self) -> None: ...


class _LineBeside:
    """A line in a process of its own."""

    def __init__(self, plan: LinePlan, gpu: str | None) -> None:
        self._beside = Beside(LABEL, partial(LineDesk, plan), gpu)

    def run(self, load: Load, on_batch: OnBatch) -> list[Spent]:
        """Have the process take the load; it may die of it."""
        found: list[Spent] = raised(self._beside.ask(load, on_batch))
        return found

    def close(self) -> None:
        """End the process."""
        self._beside.close()


class Lines:
    """The shards that some stage has not done yet, and the lines that take them.

    Progress is counted in images times stages.
    """

    def __init__(self, track: Track, progress: Progress, purse: Purse) -> None:
        self._track, self._progress, self._purse = track, progress, purse
        self._lock = Lock()
        self._deaths = 0
        self._queue: Iterator[Load] = iter(())

    def run(self, settings: Sequence[StageSettings], engine: LocalEngineConfig) -> None:
        """Take every unfinished shard through all stages; a shard of which lines die stays as it is.

        Raises:
            FactoryError: the user must act; finished shards are kept.
        """
        loads = self._unfinished()
        if not loads:
            return
        labels = [ledger.mark.label for ledger in self._track.ledgers]
        sizes = [engine.batch_sizes.get(label, engine.batch_size) for label in labels]
        plan = LinePlan(settings, sizes, self._track.ledgers, self._track.album.store, self._track.seed)
        whole = sum(_items(load) for load in loads) * len(labels)
        self._queue = iter(loads)
        self._progress.begin(LABEL, whole, 0)
        self._share_out(_takers(plan, engine, len(loads)))
        self._progress.end()

    def _unfinished(self) -> list[Load]:
        shards = self._track.album.shards
        return [Load(i, shards[i]) for i in range(len(shards)) if not self._is_done(i)]

    def _is_done(self, shard: int) -> bool:
        for position, ledger in enumerate(self._track.ledgers):
            done = ledger.done(shard)
            if done is None or done.inputs != self._track.inputs(position, shard):
                return False
        return True

    def _share_out(self, takers: Sequence[_Taker]) -> None:
        if len(takers) == 1:
            self._take_turns(takers[0])
            return
        with ThreadPoolExecutor(len(takers), thread_name_prefix="worker") as pool:
            turns = [pool.submit(self._take_turns, taker) for taker in takers]
            try:
                for turn in wait(turns, return_when=FIRST_EXCEPTION).done:
                    turn.result()
            except BaseException:
                self._stop()
                for taker in takers:
                    taker.close()
                raise

    def _take_turns(self, taker: _Taker) -> None:
        try:
            while not self._purse.is_empty and (load := self._next()) is not None:
                self._take(taker, load)
        finally:
            taker.close()

    def _take(self, taker: _Taker, load: Load) -> None:
        try:
            for spent in taker.run(load, self._advance):
                self._purse.pay(spent)
            self._deaths = 0
        except DiedError as error:
            self._progress.say(f"shard {load.shard} is left to be run stage by stage: {error}")
            self._deaths += 1
            if self._deaths >= _DEATHS:
                self._stop()

    def _next(self) -> Load | None:
        with self._lock:
            return next(self._queue, None)

    def _stop(self) -> None:
        with self._lock:
            self._queue = iter(())

    def _advance(self, count: int) -> None:
        with self._lock:
            self._progress.advance(count)


def _takers(plan: LinePlan, engine: LocalEngineConfig, loads: int) -> Sequence[_Taker]:
    number = min(engine.workers, loads)
    if number == 0:
        return [Line(plan)]
    gpus: list[str | None] = [*engine.gpus] or [None]
    return [_LineBeside(plan, gpus[i % len(gpus)]) for i in range(number)]


def _items(load: Load) -> int:
    return sum(entry.rejection is None for entry in load.entries)
