"""How far a build is: bars on a terminal, plain lines elsewhere, nothing in tests; always on stderr."""

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

_LINE_EVERY_S = 30.0


class Progress(Protocol):
    """Told what happens; one step at a time."""

    def say(self, text: str) -> None:
        """Show a remark."""

    def begin(self, label: str, total: int, done: int) -> None:
        """Start a step of `total` items, `done` of which need no work."""

    def advance(self, count: int) -> None:
        """Note that so many more items are finished."""

    def end(self) -> None:
        """Finish the step."""


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""

    def begin(self, label: str, total: int, done: int) -> None:
        """Do nothing."""

    def advance(self, count: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class Lines:
    """Plain lines: one when a step ends and one every half minute, for logs."""

    def __init__(self) -> None:
        self._label, self._total, self._done, self._before = "", 0, 0, 0
        self._started = self._spoken = time.monotonic()

    def say(self, text: str) -> None:
        """Show a remark."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def begin(self, label: str, total: int, done: int) -> None:
        """Start a step."""
        self._label, self._total, self._done, self._before = label, total, done, done
        self._started = self._spoken = time.monotonic()

    def advance(self, count: int) -> None:
        """Count finished items."""
        self._done += count
        if time.monotonic() - self._spoken > _LINE_EVERY_S:
            self._spoken = time.monotonic()
            self.say(self._line())

    def end(self) -> None:
        """Finish the step."""
        self.say(self._line())

    def _line(self) -> str:
        ran, elapsed_s = self._done - self._before, time.monotonic() - self._started
        rate = f"{ran / elapsed_s:.1f} items/s" if ran and elapsed_s > 0 else "nothing to do"
        return f"{self._label:<12} {self._done}/{self._total}  {rate}"


class Terminal:
    """One bar per step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None
        self._task = TaskID(0)
        self._ran, self._started = 0, 0.0

    def say(self, text: str) -> None:
        """Show a remark."""
        self._console.print(text, markup=False, highlight=False)

    def begin(self, label: str, total: int, done: int) -> None:
        """Start a step."""
        columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn())
        rate, time_left = TextColumn("{task.fields[rate]}"), TimeRemainingColumn(elapsed_when_finished=True)
        self._bars = Bars(*columns, rate, time_left, console=self._console)
        self._task = self._bars.add_task(label, total=total, completed=done, rate="")
        self._ran, self._started = 0, time.monotonic()
        self._bars.start()

    def advance(self, count: int) -> None:
        """Count finished items."""
        if self._bars is not None:
            self._ran += count
            rate = self._ran / max(time.monotonic() - self._started, 1e-9)
            self._bars.update(self._task, advance=count, rate=f"{rate:.1f}/s")

    def end(self) -> None:
        """Finish the step."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def progress_for_stderr() -> Progress:
    """Return bars when stderr is a terminal, lines otherwise."""
    console = Console(stderr=True)
    return Terminal(console) if console.is_terminal else Lines()
