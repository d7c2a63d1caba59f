"""Reading a dataset folder, row by row, for export and report."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory.errors import ExportError
from factory.features import FEATURES

_BATCH_ROWS = 64


@dataclass(frozen=True)
class Exported:
    """How many rows were written, and how many were not, by reason."""

    rows: int
    skipped: dict[str, int] = field(default_factory=dict)


class Source:
    """The rows of a dataset folder.

    Raises:
        ExportError: the folder holds no dataset of the factory's.
    """

    def __init__(self, folder: Path) -> None:
        inner = folder / "data"
        self.files = sorted((inner if inner.is_dir() else folder).glob("*.parquet"))
        if not self.files:
            raise ExportError(
                f"{folder} holds no dataset (data/*.parquet): make one with `python -m factory build`"
            )
        self._check()
        self.skipped: Counter[str] = Counter()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(pq.ParquetFile(path).metadata.num_rows for path in self.files)

    def image_suffixes(self) -> set[str]:
        """Return the suffixes of the image names, in lower case, without reading the images."""
        tables = [pq.ParquetFile(path).read(columns=["image.path"]) for path in self.files]
        names = [image["path"] or "" for table in tables for image in table.column("image").to_pylist()]
        return {PurePath(name).suffix.lower() for name in names}

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield all rows in order."""
        for path in self.files:
            for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS):
                yield from batch.to_pylist()

    def described(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that have a description; the others are counted in `skipped`.

        Raises:
            ExportError: no row has one.
        """
        found = 0
        for row in self.read():
            if row["description"]:
                found += 1
                yield row
            else:
                self.skipped["no description"] += 1
        if not self.rows:
            raise ExportError(f"{self.files[0].parent} has no rows: rejections.jsonl beside it tells why")
        if not found:
            raise ExportError(
                f"no row of {self.files[0].parent} has a description: the recipe needs the stage 'recaption'"
            )

    def _check(self) -> None:
        for path in self.files:
            try:
                names = pq.ParquetFile(path).schema_arrow.names
            except (pa.ArrowException, OSError) as error:
                raise ExportError(f"{path} cannot be read as parquet: {error}") from None
            if missing := set(FEATURES) - set(names):
                raise ExportError(
                    f"{path} lacks the columns {', '.join(sorted(missing))}: no dataset of the factory's"
                )
