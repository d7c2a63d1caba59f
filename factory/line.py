"""An assembly line: all stages open together, and each shard taken through all of them, its images decoded once.

What it leaves undone, such as a shard of which its process died, is done stage by stage afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from factory.errors import FactoryError
from factory.fingerprint import StageSettings
from factory.intake_shards import IntakeShards
from factory.ledger import Spent, StageLedger
from factory.pictures import shared
from factory.roster import Entry
from factory.shard_work import passed, work_on
from factory.storage import writing_for_builder
from factory.workers.bench import Bench
from factory.workers.parcel import Failure, failure_of


@dataclass(frozen=True)
class LinePlan:
    """What makes a line, in this process or another; `batch_sizes` stand in the order of the stages."""

    settings: Sequence[StageSettings]
    batch_sizes: Sequence[int]
    ledgers: Sequence[StageLedger]
    store: IntakeShards
    seed: int


@dataclass(frozen=True)
class Load:
    """A shard to take through the line."""

    shard: int
    entries: Sequence[Entry]


class Line:
    """The stages of a build, each opened with its first work."""

    def __init__(self, plan: LinePlan) -> None:
        self._plan = plan
        self._benches = [
            Bench(config.build(), ledger.mark.label, size)
            for config, ledger, size in zip(plan.settings, plan.ledgers, plan.batch_sizes, strict=True)
        ]

    def run(self, load: Load, on_batch: Callable[[int], None]) -> list[Spent]:
        """Take a shard through all stages, each of which is marked done; return what each has cost.

        Raises:
            FactoryError: the user must act; the stages before are done.
        """
        spent = []
        traced = self._plan.store.items(load.shard, load.entries)
        with shared():
            for ledger, bench in zip(self._plan.ledgers, self._benches, strict=True):
                made = work_on(ledger, load.shard, traced, bench, self._plan.seed, on_batch)
                spent.append(made.spent)
                left = [passed(one, row) for one, row in zip(traced, made.rows, strict=True)]
                on_batch(sum(one is None for one in left) * (len(self._benches) - len(spent)))
                traced = [one for one in left if one is not None]
        return spent

    def close(self) -> None:
        """Close all stages."""
        for bench in self._benches:
            bench.close()


class LineDesk:
    """A line at the other end of a wire; it writes what the build in front of it may not write at the same time."""

    def __init__(self, plan: LinePlan) -> None:
        self._lock = writing_for_builder(plan.ledgers[0].folder.parent)
        self._lock.__enter__()
        self._line = Line(plan)

    def answer(self, order: Load, on_batch: Callable[[int], None]) -> list[Spent] | Failure:
        """Take a shard through; what must stop the build comes back as a value."""
        try:
            return self._line.run(order, on_batch)
        except FactoryError as error:
            return failure_of(error)

    def close(self) -> None:
        """Close all stages."""
        self._line.close()
        self._lock.__exit__(None, None, None)
