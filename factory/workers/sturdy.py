"""A worker that outlives the deaths of another, and finds the item that kills."""

from collections.abc import Sequence

from factory.errors import WorkerError
from factory.isolation import DiedError, Isolation
from factory.ledger import Spent, total
from factory.records import Item, Rejection
from factory.rows import Outcome
from factory.workers.job import OnBatch, Work, Worker

KILLED = "killed its worker"


class SturdyWorker:
    """Repeats what killed a worker; what kills it again is divided until the guilty item stands alone."""

    def __init__(self, inner: Worker, label: str) -> None:
        self._inner, self._label = inner, label
        self._isolation: Isolation[Item, Outcome] = Isolation(self._run, self._reject, self._hopeless)
        self._seed = 0
        self._on_batch: OnBatch = lambda _: None
        self._spent: list[Spent] = []

    def work(self, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work:
        """Return one outcome per item, in order.

        Raises:
            WorkerError: workers die of whatever they are given.
        """
        self._seed, self._on_batch, self._spent = seed, on_batch, []
        return Work(self._isolation(items), total(self._spent))

    def close(self) -> None:
        """Close the worker."""
        self._inner.close()

    def _run(self, items: Sequence[Item]) -> list[Outcome]:
        work = self._inner.work(items, self._seed, self._on_batch)
        self._spent.append(work.spent)
        return work.outcomes

    def _reject(self, item: Item, error: DiedError) -> Outcome:
        self._on_batch(1)
        return Rejection(item.id, self._label, KILLED, f"{error}")

    def _hopeless(self, error: DiedError) -> WorkerError:
        return WorkerError(
            f"the workers of stage {self._label!r} die of whatever they are given ({error}): "
            "give them more memory or a smaller engine.batch_size"
        )
