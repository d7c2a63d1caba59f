"""Errors of the trainer.

TrainError                the run cannot go on; the message says what to do
├── DataError             a source or the data as a whole is not usable
├── Unusable              one sample is not: it is left out and counted
├── CheckpointError       a model, adapter or training checkpoint is missing or does not fit
└── DivergenceError       the loss is not finite or nothing is supervised; names the samples
Interrupted               the user or the scheduler asked to stop; progress is saved
"""


class TrainError(Exception):
    """The run cannot go on, and the user must act."""


class DataError(TrainError):
    """A source or the data as a whole is not usable."""


class Unusable(TrainError):  # noqa: N818 (a property of one sample, not a fault of the run)
    """One sample cannot be trained on; the message is the short reason it is counted under."""


class CheckpointError(TrainError):
    """A model, an adapter or a training checkpoint is missing or does not fit."""


class DivergenceError(TrainError):
    """The loss is not finite or no token is supervised."""


class Interrupted(Exception):  # noqa: N818 (not a fault: the run was asked to stop)
    """A signal asked the run to stop; a checkpoint holds its progress."""
