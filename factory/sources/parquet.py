"""Images in parquet files as Hugging Face datasets write them."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import SourceError
from factory.recipe import SourceConfig
from factory.sources.candidate import Candidate, Found, UnreadableError, stem_of


def find(path: Path, config: SourceConfig) -> Found:
    """List the rows of one parquet file or of all below a folder; hidden folders are passed over.

    Raises:
        SourceError: a file is no parquet or lacks the image column.
    """
    root = path if path.is_dir() else path.parent
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    visible = [f for f in files if not any(part.startswith(".") for part in f.relative_to(root).parts)]
    return Found(
        tuple(c for file in visible for c in _candidates(file, file.relative_to(root).as_posix(), config))
    )


class _Groups:
    """The images of one file, one row group in memory at a time."""

    def __init__(self, path: Path, column: str) -> None:
        self._path, self._column = path, column
        self._lock = threading.Lock()
        self._held: tuple[int, list[Any]] = (-1, [])

    def image(self, group: int, row: int) -> bytes:
        """Return the bytes of one row, counted within its group."""
        with self._lock:
            if self._held[0] != group:
                self._held = (group, self._load(group))
            value = self._held[1][row]
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes):
            raise UnreadableError("no image bytes", f"row {row} of row group {group} in {self._path.name}")
        return data

    def _load(self, group: int) -> list[Any]:
        try:
            table = pq.ParquetFile(self._path).read_row_group(group, columns=[self._column])
        except (pa.ArrowException, OSError) as error:
            raise UnreadableError("file cannot be read", f"{self._path.name}: {error}") from None
        values: list[Any] = table.column(self._column).to_pylist()
        return values


def _candidates(path: Path, label: str, config: SourceConfig) -> Iterator[Candidate]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} is no parquet file: {error}") from None
    columns = file.schema_arrow.names
    if config.image_column not in columns:
        raise SourceError(
            f"{path} has no column {config.image_column!r} (source.image_column); it has {', '.join(columns)}"
        )
    groups = _Groups(path, config.image_column)
    state = path.stat()
    row = 0
    for group in range(file.num_row_groups):
        for within, (wanted, name) in enumerate(_names(file, group, config)):
            signature = f"{state.st_size}:{state.st_mtime_ns}"
            shown = PurePosixPath(name).name or f"{path.stem}-{row:08d}"
            yield Candidate(
                f"{label}:{row}",
                shown,
                wanted or stem_of(shown),
                signature,
                partial(groups.image, group, within),
            )
            row += 1


def _names(file: pq.ParquetFile, group: int, config: SourceConfig) -> Iterator[tuple[str, str]]:
    """Yield what each row calls itself and its image's file name; both may be empty."""
    named = pa.types.is_struct(file.schema_arrow.field(config.image_column).type)
    leaves = [config.id_column] if config.id_column in file.schema_arrow.names else []
    leaves += [f"{config.image_column}.path"] if named else []
    count = file.metadata.row_group(group).num_rows
    table = file.read_row_group(group, columns=leaves) if leaves else None
    ids = _column(table, config.id_column, count)
    images = _column(table, config.image_column, count)
    for wanted, image in zip(ids, images, strict=True):
        path = image.get("path") if isinstance(image, dict) else None
        yield str(wanted) if wanted is not None else "", path or ""


def _column(table: pa.Table | None, name: str, count: int) -> list[Any]:
    if table is None or name not in table.column_names:
        return [None] * count
    values: list[Any] = table.column(name).to_pylist()
    return values
