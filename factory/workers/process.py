"""A worker that runs one stage in a process beside this one."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from factory.records import Item
from factory.workers.bench import Bench
from factory.workers.beside import Beside
from factory.workers.job import Job, OnBatch, Work
from factory.workers.parcel import answer, packed, raised, unpacked


class ProcessWorker:
    """Starts its process with the first work, and a new one after a death; `gpu` is all that it sees."""

    def __init__(self, job: Job, gpu: str | None = None) -> None:
        self._job = job
        self._beside = Beside(job.label, partial(StageDesk, job), gpu)

    def work(self, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work:
        """Have the process work.

        Raises:
            DiedError: it died of it.
            FactoryError: what the stage raised.
        """
        if not items:
            return Bench.nothing()
        return unpacked(items, raised(self._beside.ask((packed(self._job, items), seed), on_batch)))

    def close(self) -> None:
        """End the process, at once if it is at work; else it gets a moment to free what it holds."""
        self._beside.close()


class StageDesk:
    """The stage at the other end."""

    def __init__(self, job: Job) -> None:
        self._bench = Bench(job.settings.build(), job.label, job.batch_size)

    def answer(self, order: tuple[Sequence[Item], int], on_batch: OnBatch) -> Any:
        """Return the work on the items, or what must stop the build."""
        items, seed = order
        return answer(self._bench, items, seed, on_batch)

    def close(self) -> None:
        """Close the stage."""
        self._bench.close()
