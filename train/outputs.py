"""The folder of a run: what it holds, whether it is done, and where to continue. Imports no torch."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from train.error import CheckpointError

_MARK = "complete.json"
_RESULTS = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True)
class Mark:
    """The note that ends a checkpoint; a folder without it was not written to the end."""

    step: int
    processes: int
    fingerprint: str
    portable: bool = False
    """Whether any number of processes can continue from it."""


@dataclass(frozen=True)
class Outputs:
    """The files of one run."""

    folder: Path

    @property
    def summary(self) -> Path:
        """Return the path of the summary, written last of all."""
        return self.folder / "train_summary.json"

    @property
    def log(self) -> Path:
        """Return the path of the log, one JSON object a line."""
        return self.folder / "train_log.jsonl"

    @property
    def samples(self) -> Path:
        """Return the path of the descriptions written while training."""
        return self.folder / "train_samples.jsonl"

    @property
    def tensorboard(self) -> Path:
        """Return the folder that TensorBoard is pointed at."""
        return self.folder / "tensorboard"

    @property
    def recipe(self) -> Path:
        """Return the path of the recipe with every default spelled out."""
        return self.folder / "recipe.resolved.yaml"

    @property
    def rejections(self) -> Path:
        """Return the path of the samples that were not trained on."""
        return self.folder / "rejections.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Return the folder of the training checkpoints."""
        return self.folder / "checkpoints"

    def finished(self, fingerprint: str) -> dict[str, Any] | None:
        """Return the summary of a finished run of the same fingerprint, or None."""
        summary = _read_json(self.summary)
        done = summary.get("fingerprint") == fingerprint and any(
            (self.folder / name).is_file() for name in _RESULTS
        )
        return summary if done else None

    def latest(self, fingerprint: str, processes: int) -> Path | None:
        """Return the newest complete checkpoint of the same run, or None.

        Raises:
            CheckpointError: it was saved by another number of processes, between which states are divided.
        """
        marks = [(mark, folder) for folder, mark in self._marked() if mark.fingerprint == fingerprint]
        if not marks:
            return None
        mark, folder = max(marks, key=lambda pair: pair[0].step)
        if mark.processes != processes and not mark.portable:
            raise CheckpointError(
                f"{folder} was saved by {mark.processes} process(es) with DeepSpeed's own checkpoints, and this run "
                f"has {processes}: start {mark.processes}, or give --set resume=never to begin anew; "
                "checkpoints.kind portable avoids this"
            )
        return folder

    def clear(self, keep: Path | None) -> list[Path]:
        """Delete the remains of other or broken runs: results, and what cannot be continued from."""
        gone: list[Path] = []
        kept = {keep} | {folder for folder, mark in self._marked() if keep and mark.step < _step_of(keep)}
        for folder in self._checkpoint_folders():
            if folder not in kept:
                shutil.rmtree(folder)
                gone.append(folder)
        stale = [self.summary, self.rejections, *([] if keep else [self.log, self.samples])]
        for file in stale:
            file.unlink(missing_ok=True)
        return gone

    def prune(self, keep: int) -> None:
        """Delete all but the newest complete checkpoints."""
        marked = sorted(self._marked(), key=lambda pair: pair[1].step)
        for folder, _ in marked[:-keep]:
            shutil.rmtree(folder)

    def mark(self, checkpoint: Path, mark: Mark) -> None:
        """Note that a checkpoint is complete."""
        write_json(checkpoint / _MARK, asdict(mark))

    def _marked(self) -> Iterator[tuple[Path, Mark]]:
        for folder in self._checkpoint_folders():
            found = _read_json(folder / _MARK)
            if {"step", "processes", "fingerprint", "portable"} == found.keys():
                yield folder, Mark(**found)

    def _checkpoint_folders(self) -> list[Path]:
        return sorted(folder for folder in self.checkpoints.glob("checkpoint-*") if folder.is_dir())


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader never sees half of it."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def keep_until(log: Path, step: int) -> None:
    """Drop the lines of a log that are later than a step, so that a resumed run writes each once."""
    if log.is_file():
        rows = [
            json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")
        ]
        write_lines(log, [row for row in rows if row["step"] <= step])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
