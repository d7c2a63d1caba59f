"""Finding the one thing that kills whoever works on it: again, then by halves, until it stands alone."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_BLAMED_WITHOUT_SUCCESS = 3


class DiedError(Exception):
    """A worker or a server died at work; the message says how."""


class Isolation(Generic[T, R]):
    """Gets work done by something that may die of it.

    `run` does the work on some things, on a fresh worker if the last one died, and raises DiedError if it dies;
    `blame` makes the result of a thing that kills alone; `hopeless` makes the error for workers that die of
    whatever they are given.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], list[R]],
        blame: Callable[[T, DiedError], R],
        hopeless: Callable[[DiedError], Exception],
    ) -> None:
        self._run, self._blame, self._hopeless = run, blame, hopeless
        self._blamed = 0
        self._has_succeeded = False

    def __call__(self, things: Sequence[T]) -> list[R]:
        """Return one result per thing, in order; a death is taken for an accident once."""
        found = self._try(things)
        return self._divided(things) if isinstance(found, DiedError) else found

    def _divided(self, things: Sequence[T]) -> list[R]:
        found = self._try(things) if len(things) else []
        if not isinstance(found, DiedError):
            return found
        if len(things) == 1:
            return [self._blamed_for(things[0], found)]
        middle = len(things) // 2
        return [result for half in (things[:middle], things[middle:]) for result in self._half(half)]

    def _half(self, things: Sequence[T]) -> list[R]:
        # a single thing gets a second chance, a group is divided at once
        return self(things) if len(things) == 1 else self._divided(things)

    def _try(self, things: Sequence[T]) -> list[R] | DiedError:
        try:
            found = self._run(things)
        except DiedError as error:
            return error
        self._has_succeeded = True
        return found

    def _blamed_for(self, thing: T, error: DiedError) -> R:
        self._blamed += 1
        if not self._has_succeeded and self._blamed >= _BLAMED_WITHOUT_SUCCESS:
            raise self._hopeless(error)
        return self._blame(thing, error)
