"""A stage at work in this process: opened once there is work, its batches as large as memory has borne."""

import gc
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from factory.errors import FactoryError, StageError
from factory.ledger import Spent
from factory.records import Item, Rejection
from factory.rows import Outcome
from factory.stage import Stage
from factory.workers.job import OnBatch, Work

OUT_OF_MEMORY = "out of memory"


class Bench:
    """The worker in this process, and what every other worker has inside."""

    def __init__(self, stage: Stage, label: str, batch_size: int) -> None:
        self.stage, self.label, self.batch_size = stage, label, batch_size
        self._is_open = False

    @staticmethod
    def nothing() -> Work:
        """Return the work on no items."""
        return Work([], Spent())

    def work(self, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work:
        """Return one outcome per item, in order; the stage's models are loaded if there are items."""
        open_s = self._open() if items else 0.0
        _seed(seed)
        counted, started = self._counts(), time.perf_counter()
        outcomes = self._run(items, on_batch)
        run_s = time.perf_counter() - started
        return Work(outcomes, Spent(len(items), run_s, open_s, dict(self._counts() - counted)))

    def close(self) -> None:
        """Close the stage if it was opened."""
        if self._is_open:
            self._is_open = False
            self.stage.close()

    def _open(self) -> float:
        """Load the stage's models unless they are there; return the seconds it took."""
        if self._is_open:
            return 0.0
        started = time.perf_counter()
        self._is_open = True
        try:
            self.stage.open()
        except FactoryError as error:
            raise type(error)(f"stage {self.label!r}: {error}") from error
        except Exception as error:  # a model may fail to load in any way; the user must know of which stage
            raise StageError(
                f"stage {self.label!r} could not load its models: {type(error).__name__}: {error}"
            ) from error
        return time.perf_counter() - started

    def _run(self, items: Sequence[Item], on_batch: OnBatch) -> list[Outcome]:
        found: list[Outcome] = []
        while len(found) < len(items):
            outcomes = self._try(items[len(found) : len(found) + self.batch_size])
            found += outcomes
            on_batch(len(outcomes))
        return found

    def _counts(self) -> Counter[str]:
        """Return what the stage has counted so far, for stages that count."""
        return Counter(getattr(self.stage, "counts", {}))

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


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception means that the batch was too large, without importing torch."""
    text = str(error).lower()
    named = type(error).__name__ in ("OutOfMemoryError", "MemoryError")
    return named or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )


def _seed(value: int) -> None:
    """Seed all that samples, so that a shard comes out the same whether or not the build was interrupted."""
    random.seed(value)
    np.random.seed(value)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(value)


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
