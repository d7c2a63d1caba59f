"""The workers of a stage, as the recipe's engine wants them."""

from factory.recipe import LocalEngineConfig, RayEngineConfig
from factory.stage import Stage
from factory.workers.bench import Bench
from factory.workers.job import Job, Worker
from factory.workers.process import ProcessWorker
from factory.workers.ray_actor import RayWorker, check_room, connect
from factory.workers.sturdy import SturdyWorker


def crew_of(job: Job, stage: Stage, engine: LocalEngineConfig | RayEngineConfig, shards: int) -> list[Worker]:
    """Return the workers for so many shards; `stage` is the one that this process has built.

    Raises:
        EngineError: the engine cannot be had, or has no room for a worker.
    """
    number = min(engine.workers_of.get(job.label, engine.workers), max(shards, 1))
    if isinstance(engine, RayEngineConfig):
        connect(engine)
        check_room(job, engine)
        return [SturdyWorker(RayWorker(job, engine), job.label) for _ in range(number)]
    if number == 0:
        return [Bench(stage, job.label, job.batch_size)]
    gpus: list[str | None] = [*engine.gpus] or [None]
    return [SturdyWorker(ProcessWorker(job, gpus[i % len(gpus)]), job.label) for i in range(number)]
