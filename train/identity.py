"""What makes a run the run it is: a fingerprint of recipe, data and checkpoint. Imports no torch."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from train.parquet import parquet_files
from train.recipe import Source, TrainRecipe

_VERSION = 2
"""Raised when the trainer changes what the same recipe would produce."""
_WHOLE_BYTES = 64 * 2**20
_END_BYTES = 2**20
_NOT_OUTCOME = {"out", "logging", "checkpoints", "resume", "workers", "samples", "max_rejected_fraction"}


def fingerprint(recipe: TrainRecipe) -> str:
    """Return 16 hex digits that change with anything that changes the adapter.

    Raises:
        DataError: a source has no files.
    """
    tree = recipe.model_dump(mode="json", exclude=_NOT_OUTCOME)
    sources = [[digest(file) for file in _files(source)] for source in recipe.data]
    pairs = [digest(file) for folder in _pairs(recipe) for file in parquet_files(folder)]
    began = [] if recipe.start_from is None else _weights(Path(recipe.start_from).expanduser())
    models = [checkpoint_digest(recipe.model.checkpoint), [digest(file) for file in began]]
    text = json.dumps([_VERSION, tree, sources, pairs, models], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def checkpoint_digest(name: str) -> str | None:
    """Return a hash of a local checkpoint, wherever it lies; None for one on the hub, known by its name."""
    files = [digest(file) for file in _weights(Path(name).expanduser())]
    return hashlib.sha256("".join(files).encode()).hexdigest()[:16] if files else None


def digest(file: Path) -> str:
    """Return a hash of a file: of all of it, or of size, beginning and end where it is large."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        if size <= _WHOLE_BYTES:
            return hashlib.sha256(stream.read()).hexdigest()
        begin = stream.read(_END_BYTES)
        stream.seek(-_END_BYTES, 2)
        return hashlib.sha256(str(size).encode() + begin + stream.read()).hexdigest()


def _files(source: Source) -> Iterable[Path]:
    path = Path(source.path).expanduser()
    if source.kind == "llava":
        return [path] if path.is_file() else []
    return parquet_files(path)


def _pairs(recipe: TrainRecipe) -> list[Path]:
    return [] if recipe.dpo is None else [Path(folder).expanduser() for folder in recipe.dpo.pairs]


def _weights(checkpoint: Path) -> Iterator[Path]:
    """Yield the files of a local checkpoint; one on the hub is known by its name and revision."""
    if checkpoint.is_dir():
        yield from sorted(
            file for file in checkpoint.iterdir() if file.suffix in {".safetensors", ".json", ".model"}
        )
