"""Packages that only some adapters need, and what to do where they are missing."""

import warnings
from importlib import import_module
from typing import Any

from factory.errors import ModelError


def require(module: str, command: str, wanted_by: str) -> Any:
    """Import a package that is no part of the base.

    Raises:
        ModelError: it is missing or does not fit what is installed; the message ends with the command that installs it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that this one imports
            return import_module(module)
    except (ImportError, RuntimeError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{wanted_by} needs {module.partition('.')[0]}: {first_line}; install it with: {command}"
        ) from error
