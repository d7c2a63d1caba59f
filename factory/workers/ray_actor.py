"""A worker as an actor on a Ray cluster (https://docs.ray.io), wherever Ray finds room for it."""

import contextlib
import importlib
import logging
import threading
from collections.abc import Sequence
from typing import Any

from factory.errors import EngineError
from factory.isolation import DiedError
from factory.recipe import RayEngineConfig
from factory.records import Item
from factory.workers.bench import Bench
from factory.workers.job import Job, OnBatch, Work
from factory.workers.parcel import Failure, answer, packed, raised, unpacked

_END_S = 30.0
_INSTALL = 'engine `kind: ray` needs Ray; install it with: pip install "ray>=2.60"'


class RayWorker:
    """Makes its actor with the first work, and a new one after a death."""

    def __init__(self, job: Job, engine: RayEngineConfig) -> None:
        self._job = job
        self._options = {
            "num_cpus": engine.cpus_of.get(job.label, engine.cpus),
            "num_gpus": engine.gpus_of.get(job.label, engine.gpus),
        }
        self._actor: Any = None
        self._is_closed = self._is_busy = False
        self._turn = threading.Lock()

    def work(self, items: Sequence[Item], seed: int, on_batch: OnBatch) -> Work:
        """Have the actor work.

        Raises:
            DiedError: it died of it.
            FactoryError: what the stage raised.
        """
        if not items:
            return Bench.nothing()
        actor = self._start()
        self._is_busy = True
        try:
            work = self._wait(actor.work.remote(packed(self._job, items), seed))
        finally:
            self._is_busy = False
        on_batch(len(items))
        return unpacked(items, work)

    def close(self) -> None:
        """Give the actor's room back, at once if it is at work; else its stage is closed first."""
        ray = _ray()
        with self._turn:  # the thread whose work fails may close, and the one that stops the others, at once
            self._is_closed = True
            actor, self._actor = self._actor, None
        if actor is None or not ray.is_initialized():
            return
        if not self._is_busy:
            with contextlib.suppress(ray.exceptions.RayError):  # dead or stuck, it is killed in either case
                ray.get(actor.close.remote(), timeout=_END_S)
        ray.kill(actor)

    def _start(self) -> Any:
        ray = _ray()
        if self._is_closed:
            raise EngineError(f"stage {self._job.label!r} has been closed")
        if self._actor is None:
            self._actor = ray.remote(max_restarts=0, **self._options)(_Actor).remote(self._job)
        return self._actor

    def _wait(self, result: Any) -> Work:
        ray = _ray()
        try:
            found: Work | Failure = ray.get(result)
            return raised(found)
        except ray.exceptions.RayActorError as error:
            self._actor = None
            raise DiedError(f"Ray actor died: {str(error).strip().splitlines()[0]}") from error


class _Actor:
    """The other end."""

    def __init__(self, job: Job) -> None:
        self._bench = Bench(job.settings.build(), job.label, job.batch_size)

    def work(self, items: list[Item], seed: int) -> Work | Failure:
        """Return the work, or what must stop the build."""
        return answer(self._bench, items, seed, lambda _: None)

    def close(self) -> None:
        """Free the models."""
        self._bench.close()


def connect(engine: RayEngineConfig) -> None:
    """Join the cluster at `address`, or start one on this machine; joined already, it stays.

    Raises:
        EngineError: Ray is not installed, or there is no cluster at the address.
    """
    ray = _ray()
    if ray.is_initialized():
        return
    try:
        ray.init(
            address=engine.address, runtime_env=engine.runtime_env or None, log_to_driver=False,
            logging_level=logging.ERROR, include_dashboard=False if engine.address is None else None,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise EngineError(
            f"no Ray cluster at {engine.address!r} ({error}): start one with `ray start --head`, mend "
            "engine.address, or leave it out to start one on this machine"
        ) from error


def check_room(job: Job, engine: RayEngineConfig) -> None:
    """Refuse a worker that the cluster could never hold.

    Raises:
        EngineError: it wants more CPUs or GPUs than the whole cluster has.
    """
    there = _ray().cluster_resources()
    wanted = {
        "CPU": engine.cpus_of.get(job.label, engine.cpus),
        "GPU": engine.gpus_of.get(job.label, engine.gpus),
    }
    for kind, amount in wanted.items():
        if amount > there.get(kind, 0.0):
            raise EngineError(
                f"a worker of stage {job.label!r} wants {amount:g} {kind}, the Ray cluster has "
                f"{there.get(kind, 0.0):g} in all: lower engine.{kind.lower()}s"
            )


def _ray() -> Any:
    """Import Ray, which few need; half of its types are its own affair."""
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise EngineError(_INSTALL) from error
