"""Packages that only some adapters need, and what to do where they are missing."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from factory.errors import ModelError
from recipes import Config


@dataclass(frozen=True)
class Extra:
    """A package that is no part of the base: its module, who wants it, and the command that installs it."""

    module: str
    wanted_by: str
    command: str

    @property
    def is_missing(self) -> bool:
        """Tell whether it is not installed here, without importing it."""
        return find_spec(self.module.partition(".")[0]) is None

    def complaint(self, reason: str = "it is not installed here") -> str:
        """Return what is wrong, ending with the command."""
        name = self.module.partition(".")[0]
        return f"{self.wanted_by} needs {name}: {reason}; install it with: {self.command}"

    def load(self) -> Any:
        """Import the module.

        Raises:
            ModelError: it is missing or does not fit what is installed.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of packages that this one imports
                return import_module(self.module)
        except (ImportError, RuntimeError) as error:
            first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(self.complaint(first_line)) from error


def missing_extras(configs: Iterable[Config]) -> list[Extra]:
    """Return what configs anywhere in these trees say that they need, by a property `extra`, and is not here."""
    wanted = dict.fromkeys(extra for config in configs for extra in _wanted(config))
    return [extra for extra in wanted if extra.is_missing]


def _wanted(value: Any) -> Iterator[Extra]:
    if isinstance(value, Config):
        extra = getattr(value, "extra", None)
        if isinstance(extra, Extra):
            yield extra
        for name in type(value).model_fields:
            yield from _wanted(getattr(value, name))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _wanted(part)
