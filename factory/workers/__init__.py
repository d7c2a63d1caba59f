"""Who runs a stage: this process, processes beside it, or actors of a Ray cluster. All keep one promise."""

from factory.workers.crew import crew_of
from factory.workers.job import Job, Work, Worker

__all__ = ["Job", "Work", "Worker", "crew_of"]
