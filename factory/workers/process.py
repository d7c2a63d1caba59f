"""A worker in a process beside this one: it may die without taking the build along."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from factory import logs
from factory.errors import FactoryError
from factory.isolation import DiedError
from factory.records import Item
from factory.workers.bench import Bench
from factory.workers.job import Job, OnBatch, Work
from factory.workers.parcel import answer, opened, packed, unpacked

# processes are forked from a server that has loaded no model: quick, and CUDA can be used in them
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["factory.workers.process"])
_END_S = 10.0


class ProcessWorker:
    """Starts its process with the first work, and a new one after a death; `gpu` is all that it sees."""

    def __init__(self, job: Job, gpu: str | None = None) -> None:
        self._job, self._gpu = job, gpu
        self._process: Any = None
        self._wire: Connection | None = None
        self._is_closed = self._is_busy = False

    def work(self, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work:
        """Have the process work.

        Raises:
            DiedError: it died of it.
            FactoryError: what the stage raised.
        """
        if not items:
            return Bench.nothing()
        wire, told = self._start(), 0
        self._is_busy = True
        try:
            wire.send((packed(self._job, items), seed))
            while isinstance(message := self._receive(wire), int):
                on_batch(message)
                told += message
        except (EOFError, OSError) as error:
            on_batch(-told)
            raise self._death() from error
        finally:
            self._is_busy = False
        return unpacked(items, opened(message))

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
            raise FactoryError(f"stage {self._job.label!r} has been closed")
        if self._wire is None:
            self._wire, theirs = _FORKS.Pipe()
            arguments = (self._job, theirs, self._gpu, logs.folder())
            self._process = _FORKS.Process(target=_serve, args=arguments, daemon=False, name=self._job.label)
            self._process.start()
            theirs.close()
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


def _serve(job: Job, wire: Connection, gpu: str | None, log_folder: Path) -> None:
    """Be the process: work until told to stop or until the build is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which then ends us
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    logs.keep_in(log_folder)
    bench = Bench(job.settings.build(), job.label, job.batch_size)
    try:
        while (order := wire.recv()) is not None:
            items, seed = order
            wire.send(answer(bench, items, seed, wire.send))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    finally:
        bench.close()
