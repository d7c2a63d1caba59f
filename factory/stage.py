"""What a stage is, and the check that a list of stages is in a possible order."""

from collections.abc import Sequence
from typing import Protocol

from factory.errors import OrderError
from factory.records import Item, Rejection


class Stage(Protocol):
    """A step from items to items. It knows no engine, no files and no progress bar.

    `needs` and `adds` name what must be there before and is there after: "reference", "objects.mask".
    `version` is raised when the code changes what comes out, so that old results are made anew.
    """

    name: str
    version: int
    needs: tuple[str, ...]
    adds: tuple[str, ...]

    def open(self) -> None:
        """Load the models, once per worker."""

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return one item or rejection for each item, in the same order."""

    def close(self) -> None:
        """Free what `open` took."""


INTAKE = ("image",)
"""What an item has before the first stage."""


def check_order(stages: Sequence[Stage]) -> None:
    """Refuse stages that need what no earlier one adds.

    Raises:
        OrderError: names the stage, what it lacks, and which stage would add it.
    """
    there = set(INTAKE)
    for position, stage in enumerate(stages):
        missing = [need for need in stage.needs if need not in there]
        if missing:
            raise OrderError(_explain(stages, position, missing[0]))
        there.update(stage.adds)


def _explain(stages: Sequence[Stage], position: int, missing: str) -> str:
    stage = stages[position]
    givers = [s.name for s in stages[position + 1 :] if missing in s.adds]
    cure = f"move {givers[0]!r} before it" if givers else f"add a stage that makes {missing!r} before it"
    return f"stage {position} ({stage.name!r}) needs {missing!r}, which no earlier stage adds: {cure}"
