"""The factory's errors.

FactoryError            whatever the user must act on; shown without traceback, exit code 2
├── OrderError          the recipe's stages stand in an impossible order
├── SourceError         no images where the recipe says, or a list that cannot be read
├── ModelError          a checkpoint or server that cannot be used
├── StorageError        the output folder cannot be written, or is another recipe's
├── EngineError         an engine that is not installed, not there, or too small
├── WorkerError         workers that die of whatever they are given
├── BudgetError         the recipe's budget is spent
├── ExportError         a dataset folder that cannot be exported as asked
└── StageError          a stage broke in a way that it does not foresee: a bug, with stage and items named

ReplyError              one reply of a model that cannot be used; becomes a rejection of its item
"""


class FactoryError(Exception):
    """Something the user must act on; the message says what, where, the value seen and what to do."""


class OrderError(FactoryError):
    """The recipe's stages stand in an impossible order."""


class SourceError(FactoryError):
    """There are no images where the recipe says, or a list of them cannot be read."""


class ModelError(FactoryError):
    """A checkpoint or a server cannot be used."""


class StorageError(FactoryError):
    """The output folder cannot be written, or holds another recipe's work."""


class EngineError(FactoryError):
    """The engine is not installed, not there, or too small."""


class WorkerError(FactoryError):
    """The workers of a stage die of whatever they are given."""


class BudgetError(FactoryError):
    """The recipe's budget is spent; what is finished is kept."""


class ExportError(FactoryError):
    """A dataset folder cannot be exported as asked."""


class StageError(FactoryError):
    """A stage broke in a way that it does not foresee; the cause is the stage's own exception."""


class ReplyError(Exception):
    """A reply of a model cannot be used; its item is rejected with this reason, and `text` as the detail."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.text = text
