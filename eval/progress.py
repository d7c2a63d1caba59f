"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 15.0


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many steps were done."""
    if sys.stderr.isatty():
        with _bar(what, total) as tick:
            yield tick
    else:
        yield _Lines(what, total)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


class _Lines:
    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done, self._last = what, total, 0, time.monotonic()

    def __call__(self, steps: int) -> None:
        self._done += steps
        now = time.monotonic()
        if self._done >= self._total or now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            sys.stderr.write(f"{self._what}: {self._done}/{self._total}\n")
