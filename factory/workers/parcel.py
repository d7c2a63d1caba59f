"""What travels to another process and back: images only to stages that look at them, and never back."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from factory.errors import FactoryError, StageError
from factory.records import Item
from factory.rows import Outcome
from factory.workers.bench import Bench
from factory.workers.job import Job, OnBatch, Work

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A FactoryError that was raised elsewhere; `told` is its traceback."""

    error: FactoryError
    told: str


class RemoteError(Exception):
    """Stands for an exception of another process; its text is the traceback there."""


def packed(job: Job, items: Sequence[Item]) -> list[Item]:
    """Return the items as they travel to a worker."""
    return list(items) if job.needs_image else [replace(item, image=b"") for item in items]


def unpacked(items: Sequence[Item], work: Work) -> Work:
    """Return the work with the images back in its items."""
    outcomes = [_with_image(item, one) for item, one in zip(items, work.outcomes, strict=True)]
    return replace(work, outcomes=outcomes)


def answer(bench: Bench, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work | Failure:
    """Work at the other end; what must stop the build comes back as a value."""
    try:
        work = bench.work(items, seed, on_batch)
    except FactoryError as error:
        return failure_of(error)
    outcomes = [_without_image(item, one) for item, one in zip(items, work.outcomes, strict=True)]
    return replace(work, outcomes=outcomes)


def failure_of(error: FactoryError) -> Failure:
    """Return an error as it travels."""
    return Failure(error, "".join(traceback.format_exception(error.__cause__ or error)))


def raised(found: T | Failure) -> T:
    """Return what came back, or raise what was raised.

    Raises:
        FactoryError: the other end raised it.
    """
    if not isinstance(found, Failure):
        return found
    if isinstance(found.error, StageError):
        raise found.error from RemoteError(f"\n{found.told}")
    raise found.error


def _without_image(item: Item, outcome: Outcome) -> Outcome:
    # an image that a stage has changed travels, so that the ledger can refuse it
    if isinstance(outcome, Item) and outcome.image == item.image:
        return replace(outcome, image=b"")
    return outcome


def _with_image(item: Item, outcome: Outcome) -> Outcome:
    return replace(outcome, image=item.image) if isinstance(outcome, Item) and not outcome.image else outcome
