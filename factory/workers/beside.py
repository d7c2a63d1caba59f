"""A process beside this one that answers orders: it may die without taking the build along."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from factory import logs
from factory.errors import FactoryError
from factory.isolation import DiedError
from factory.workers.job import OnBatch

# processes are forked from a server that has loaded no model: quick, and CUDA can be used in them
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["factory.workers.process", "factory.line"])
_END_S = 10.0


class Desk(Protocol):
    """What works in the process, made there."""

    def answer(self, order: Any, on_batch: OnBatch) -> Any:
        """Return the answer to an order, which is no int; `on_batch` is told of items finished meanwhile."""

    def close(self) -> None:
        """Free what it holds."""


class Beside:
    """Starts its process with the first order, and a new one after a death; `gpu` is all that it sees."""

    def __init__(self, label: str, make: Callable[[], Desk], gpu: str | None = None) -> None:
        self._label, self._make, self._gpu = label, make, gpu
        self._other: _Other | None = None
        self._is_closed = self._is_busy = False
        self._turn = threading.Lock()

    def ask(self, order: Any, on_batch: OnBatch) -> Any:
        """Have the process carry out an order.

        Raises:
            DiedError: it died of it; what `on_batch` was told is taken back.
        """
        other, told = self._start(), 0
        try:
            other.wire.send(order)
            while isinstance(message := other.receive(), int):
                on_batch(message)
                told += message
        except (EOFError, OSError) as error:
            on_batch(-told)
            raise self._death(other) from error
        finally:
            self._is_busy = False
        return message

    def close(self) -> None:
        """End the process, at once if it is at work; else it gets a moment to free what it holds.

        Any thread may close, several at once: the thread whose order fails and the one that stops the others do.
        """
        with self._turn:
            self._is_closed = True
            other = self._other
            if other is None:
                return
            if self._is_busy:
                other.process.kill()  # the thread that waits for its answer then sees its death
                return
            self._other = None
        other.end()

    def _start(self) -> "_Other":
        with self._turn:
            if self._is_closed:
                raise FactoryError(f"stage {self._label!r} has been closed")
            if self._other is None:
                self._other = _fork(self._label, self._make, self._gpu)
            self._is_busy = True
            return self._other

    def _death(self, other: "_Other") -> DiedError:
        with self._turn:
            self._other = None
        return DiedError(f"process ended with {other.bury()}")


@dataclass(frozen=True)
class _Other:
    """A process that runs, and our end of the wire to it."""

    process: Any
    wire: Connection

    def receive(self) -> Any:
        """Wait for its next message; EOFError if it dies before."""
        wait([self.wire, self.process.sentinel])
        if self.wire.poll():
            return self.wire.recv()
        raise EOFError

    def end(self) -> None:
        """Tell it to stop, and stop it if it does not."""
        with contextlib.suppress(OSError):
            self.wire.send(None)
        self.process.join(_END_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.wire.close()

    def bury(self) -> str:
        """Free what is left of it and say how it ended."""
        self.process.join(_END_S)
        self.wire.close()
        code = self.process.exitcode
        return (
            f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        )


def _fork(label: str, make: Callable[[], Desk], gpu: str | None) -> _Other:
    ours, theirs = _FORKS.Pipe()
    arguments = (make, theirs, gpu, logs.folder())
    process = _FORKS.Process(target=_serve, args=arguments, daemon=False, name=label)
    process.start()
    theirs.close()
    return _Other(process, ours)


def _serve(make: Callable[[], Desk], wire: Connection, gpu: str | None, log_folder: Path) -> None:
    """Be the process: work until told to stop or until the build is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which then ends us
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    threading.Thread(target=_end_with_the_build, name="watch", daemon=True).start()
    logs.keep_in(log_folder)
    desk = make()
    try:
        while (order := wire.recv()) is not None:
            wire.send(desk.answer(order, wire.send))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    finally:
        desk.close()


def _end_with_the_build() -> None:
    """End this process as soon as the build is gone, in whatever way, so that it writes nothing afterwards."""
    build = multiprocessing.parent_process()
    if build is not None:
        wait([build.sentinel])
        os._exit(1)
