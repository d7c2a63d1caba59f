"""The errors of the evaluation: each means that the user must act, and is shown without traceback.

EvalError
+-- InputError      a file or a record of it cannot be read as what it should be
+-- MismatchError   two files, or two runs, are not about the same items
+-- ModelError      a checkpoint, adapter or processor cannot be used
"""


class EvalError(Exception):
    """Something the user must mend before the evaluation can say anything."""


class InputError(EvalError):
    """A file, or a record in it, cannot be read as what it should be."""


class MismatchError(EvalError):
    """Two files or two runs are not about the same items."""


class ModelError(EvalError):
    """A checkpoint, adapter or processor cannot be used."""
