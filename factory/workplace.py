"""Where a build keeps what it needs to resume, and what it remembers of itself.

OUT/.work/recipe.yaml   the recipe with absolute paths, for `retry`
OUT/.work/state.json    the stages of the current recipe and their folders, for `status`
OUT/.work/built.json    the hash of what the dataset was written from
OUT/.work/usage.json    the largest memory use of any run
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from factory.errors import StorageError
from factory.fingerprint import Mark
from factory.ledger import StageLedger
from factory.memory import MemoryWatch
from factory.recipe import FactoryRecipe
from factory.storage import explained, read_json, write_json, write_text


class Workplace:
    """The folder `.work` of a dataset folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / ".work"
        self.memory = MemoryWatch()

    def claim(self) -> None:
        """Make the folder.

        Raises:
            StorageError: the folder holds something that no build has put there, or cannot be written.
        """
        with explained(self.out):
            strange = self.out.is_dir() and not self.folder.is_dir() and any(self.out.iterdir())
            if strange or self.out.is_file():
                raise StorageError(
                    f"{self.out} holds files that no build has put there: choose another --out or empty it"
                )
            self.folder.mkdir(parents=True, exist_ok=True)

    def ledgers(self, found: Sequence[Mark]) -> list[StageLedger]:
        """Return the ledger of each stage."""
        return [StageLedger(self.folder, position, mark) for position, mark in enumerate(found)]

    def remember(self, recipe: FactoryRecipe, source: Path, ledgers: Sequence[StageLedger]) -> None:
        """Keep the recipe for `retry` and its stages for `status`."""
        tree = recipe.model_dump(mode="json")
        tree["source"]["images"] = str(source.resolve() if source.exists() else source)
        tree["out"] = str(self.out.resolve())
        write_text(self.folder / "recipe.yaml", yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))
        stages = [_state(ledger) for ledger in ledgers]
        write_json(
            self.folder / "state.json",
            {
                "max_rejected_fraction": recipe.max_rejected_fraction,
                "usd_per_worker_hour": recipe.engine.usd_per_worker_hour,
                "stages": stages,
            },
        )

    def state(self) -> dict[str, Any]:
        """Return what was remembered.

        Raises:
            StorageError: no build has been here.
        """
        state: dict[str, Any] | None = read_json(self.folder / "state.json")
        if state is None:
            raise StorageError(
                f"{self.out} holds no build: give the dataset folder that `python -m factory build` writes"
            )
        return state

    def recalled_ledgers(self) -> list[StageLedger]:
        """Return the ledgers of the last build without its recipe."""
        marks = [Mark(s["label"], s["fingerprint"], s["identity"], {}) for s in self.state()["stages"]]
        return self.ledgers(marks)

    def note_memory(self) -> float:
        """Remember and return the largest resident memory of any run so far, in MiB."""
        before: float = (read_json(self.folder / "usage.json") or {}).get("peak_rss_mb", 0.0)
        peak: float = round(max(self.memory.peak_mib(), before), 1)
        write_json(self.folder / "usage.json", {"peak_rss_mb": peak})
        return peak


def _state(ledger: StageLedger) -> dict[str, Any]:
    mark = ledger.mark
    return {
        "label": mark.label,
        "folder": ledger.folder.name,
        "fingerprint": mark.fingerprint,
        "identity": mark.identity,
    }
