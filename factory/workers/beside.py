"""A process beside this one that answers orders: it may die without taking the build along."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
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
        self._process: Any = None
        self._wire: Connection | None = None
        self._is_closed = self._is_busy = False

    def ask(self, order: Any, on_batch: OnBatch) -> Any:
        """Have the process carry out an order.

        Raises:
            DiedError: it died of it; what `on_batch` was told is taken back.
        """
        wire, told = self._start(), 0
        self._is_busy = True
        try:
            wire.send(order)
            while isinstance(message := self._receive(wire), int):
                on_batch(message)
                told += message
        except (EOFError, OSError) as error:
            on_batch(-told)
            raise self._death() from error
        finally:
            self._is_busy = False
        return message

    def close(self) -> None:
        """End the process, at once if it is at work; else it gets a moment to free what it holds."""
        self._is_closed = True
        process, wire = self._process, self._wire
        if process is None or wire is None:
            return
        if self._is_busy:
            process.kill()
            return
        with contextlib.suppress(OSError):
            wire.send(None)
        process.join(_END_S)
        if process.is_alive():
            process.kill()
            process.join()
        wire.close()

    def _start(self) -> Connection:
        if self._is_closed:
            raise FactoryError(f"stage {self._label!r} has been closed")
        if self._wire is None:
            ours, theirs = _FORKS.Pipe()
            arguments = (self._make, theirs, self._gpu, logs.folder())
            process = _FORKS.Process(target=_serve, args=arguments, daemon=False, name=self._label)
            process.start()
            theirs.close()
            self._process, self._wire = process, ours
        return self._wire

    def _receive(self, wire: Connection) -> Any:
        wait([wire, self._process.sentinel])
        if wire.poll():
            return wire.recv()
        raise EOFError

    def _death(self) -> DiedError:
        process, wire = self._process, self._wire
        self._process = self._wire = None
        process.join(_END_S)
        if wire is not None:
            wire.close()
        code = process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return DiedError(f"process ended with {how}")


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
