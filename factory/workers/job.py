"""What a worker is given and gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from factory.fingerprint import StageSettings
from factory.ledger import Spent
from factory.records import Item
from factory.rows import Outcome

OnBatch = Callable[[int], None]


@dataclass(frozen=True)
class Job:
    """A stage to run; `settings` builds it wherever it is to run."""

    settings: StageSettings
    label: str
    batch_size: int
    needs_image: bool = True


@dataclass(frozen=True)
class Work:
    """One outcome per item, in order, and what they cost."""

    outcomes: list[Outcome]
    spent: Spent


class Worker(Protocol):
    """Runs one stage over shards, one after the other; its models are loaded once."""

    def work(self, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work:
        """Return one outcome per item; whatever samples is seeded first.

        `on_batch` is told how many more items are finished.

        Raises:
            DiedError: the worker died of it; the next call finds a fresh one.
            FactoryError: the user must act.
        """

    def close(self) -> None:
        """Free what the worker holds; it works no more."""
