"""Runs stages of the factory by themselves, over items in memory: for measurements that take a build apart."""

import time
from collections.abc import Sequence

from factory.models.batching import batches
from factory.records import Item, Rejection
from factory.stage import Stage

_BATCH = 64


def run_stage(stage: Stage, name: str, items: Sequence[Item], seconds: dict[str, float]) -> list[Item]:
    """Return the items with what the stage adds, and add its seconds, loading left out, under its name.

    Raises:
        SystemExit: it rejected an item.
    """
    outcomes = outcomes_of(stage, name, items, seconds)
    lost = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    if lost:
        raise SystemExit(f"stage {name!r} rejected {len(lost)} images, the first for {lost[0]}")
    return [outcome for outcome in outcomes if isinstance(outcome, Item)]


def outcomes_of(
    stage: Stage, name: str, items: Sequence[Item], seconds: dict[str, float]
) -> list[Item | Rejection]:
    """Return what the stage makes of each item, and add its seconds under its name."""
    stage.open()
    started = time.perf_counter()
    outcomes = [outcome for some in batches(items, _BATCH) for outcome in stage.run(some)]
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - started
    stage.close()
    return outcomes
