"""Starts programs one after another or side by side, and measures their time and memory."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

POLL_S = 0.5


class ProgramError(Exception):
    """A program ended with an exit code that is not allowed; it has already said why on stderr."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Phases:
    """Runs the programs of a loop; remembers seconds per phase over repeated runs, and the peak of memory."""

    def __init__(self, out: Path) -> None:
        self.memory = out / "wall.json"
        self.seconds: dict[str, float] = self._read()
        self.peak_mb = self.seconds.pop("peak_rss_mb", 0.0)

    def _read(self) -> dict[str, float]:
        return json.loads(self.memory.read_text(encoding="utf-8")) if self.memory.exists() else {}

    @contextmanager
    def measure(self, phase: str) -> Iterator[None]:
        """Time a phase. A phase that finds its work done is short: the longest time seen is what it takes."""
        began = time.monotonic()
        yield
        seconds = round(time.monotonic() - began, 1)
        self.seconds[phase] = max(seconds, self.seconds.get(phase, 0.0))
        self.memory.write_text(json.dumps({**self.seconds, "peak_rss_mb": self.peak_mb}), encoding="utf-8")

    def start(
        self,
        what: str,
        command: list[str],
        environment: dict[str, str] | None = None,
        allowed: tuple[int, ...] = (0,),
    ) -> int:
        """Run one program to its end and return its exit code.

        Raises:
            ProgramError: the exit code is not in `allowed`.
            KeyboardInterrupt: Ctrl-C; the program has been given time to save.
        """
        print(f"== {what}", file=sys.stderr, flush=True)
        process = subprocess.Popen(command, env=_environment(environment))
        with self._watch_memory():
            code = _wait(process)
        if code in (130, -signal.SIGINT):
            raise KeyboardInterrupt
        if code not in allowed:
            raise ProgramError(
                f"could not {what} (exit code {code}); see above", code if code in (1, 2) else 1
            )
        return code

    @contextmanager
    def _watch_memory(self) -> Iterator[None]:
        done = threading.Event()
        watcher = threading.Thread(target=self._poll, args=(done,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _poll(self, done: threading.Event) -> None:
        while not done.wait(POLL_S):
            self.peak_mb = max(self.peak_mb, round(_children_mb(), 1))

    def timings(self) -> dict[str, object]:
        """Return seconds per phase and the peak of memory, as the summary wants them."""
        return {
            "wall_s": {**self.seconds, "total": round(sum(self.seconds.values()), 1)},
            "peak_rss_mb": self.peak_mb,
        }


def run_side_by_side(phases: Phases, commands: dict[str, list[str]], environment: dict[str, str]) -> None:
    """Evaluate several models at once, one core each.

    Raises:
        ProgramError: one of them failed.
    """
    failures: list[BaseException] = []

    def one(name: str, command: list[str]) -> None:
        try:
            phases.start(f"evaluate the {name} model", command, environment)
        except (ProgramError, KeyboardInterrupt) as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=pair) for pair in commands.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(more or {})}


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the program; after Ctrl-C, which it got as well, let it save."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def _children_mb() -> float:
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return total / 1e6
