"""Images of a dataset that the library `datasets` loads: from the Hub, or from a `save_to_disk` folder."""

from functools import partial
from pathlib import Path
from typing import Any

from factory.errors import SourceError
from factory.recipe import SourceConfig
from factory.sources.candidate import Candidate, Found, UnreadableError


def find(path: Path, config: SourceConfig) -> Found:
    """List the rows of one split in order.

    Raises:
        SourceError: there is no such dataset, split or image column, or the Hub cannot be reached.
    """
    import datasets

    rows = _load(path, config)
    if config.image_column not in rows.column_names:
        names = ", ".join(rows.column_names)
        raise SourceError(
            f"{path} has no column {config.image_column!r} (source.image_column); it has {names}"
        )
    if isinstance(rows.features[config.image_column], datasets.Image):
        rows = rows.cast_column(config.image_column, datasets.Image(decode=False))
    ids = rows[config.id_column] if config.id_column in rows.column_names else None
    roots = (path.resolve(), Path(datasets.config.HF_CACHE_HOME).resolve())
    count = len(rows) if config.max_images is None else min(len(rows), config.max_images)
    found = []
    for number in range(count):
        name = f"{path.name}-{number:08d}"
        read = partial(_read, rows, number, config.image_column, roots)
        wanted = name if ids is None else str(ids[number])
        found.append(
            Candidate(f"{config.split}:{number}", name, wanted, getattr(rows, "_fingerprint", ""), read)
        )
    return Found(tuple(found))


def _load(path: Path, config: SourceConfig) -> Any:
    import datasets

    try:
        if (path / "state.json").is_file():
            return datasets.load_from_disk(str(path))
        return datasets.load_dataset(str(path), split=config.split)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(f"cannot load dataset {str(path)!r}, split {config.split!r}: {error}") from error


def _read(rows: Any, number: int, column: str, roots: tuple[Path, ...]) -> bytes:
    value = rows[number][column]
    data = value.get("bytes") if isinstance(value, dict) else value
    if data is None and isinstance(value, dict) and value.get("path"):
        return _file(Path(value["path"]).resolve(), roots)
    if not isinstance(data, bytes):
        raise UnreadableError("no image bytes", f"row {number}")
    return data


def _file(path: Path, roots: tuple[Path, ...]) -> bytes:
    """Read an image of the dataset's folder or the library's cache; a dataset may not name other files."""
    if not any(path.is_relative_to(root) for root in roots):
        raise UnreadableError("image outside the dataset", path.name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError("file cannot be read", f"{path.name}: {error.strerror}") from None
