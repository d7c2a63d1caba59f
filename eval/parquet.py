"""The rows of a built dataset, read from its parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval.errors import InputError

_NEEDED = ("id", "reference", "description")


def read_rows(dataset: Path, columns: Sequence[str] = _NEEDED) -> Iterator[dict[str, Any]]:
    """Yield the dataset's rows with the given columns, in file order.

    `dataset` is its folder, with or without `data/`, or one parquet file.

    Raises:
        InputError: there is no parquet file, it cannot be read, or a column is missing.
    """
    import pyarrow
    import pyarrow.parquet as pq

    for path in _files(dataset):
        try:
            table = pq.ParquetFile(path)
            missing = [column for column in columns if column not in table.schema_arrow.names]
            if missing:
                raise InputError(
                    f"{path} has no column {', '.join(missing)}; it has {table.schema_arrow.names}"
                )
            for batch in table.iter_batches(batch_size=64, columns=list(columns)):
                yield from batch.to_pylist()
        except pyarrow.ArrowException as error:
            raise InputError(f"{path} is no readable parquet file: {error}") from None


def _files(dataset: Path) -> list[Path]:
    if dataset.is_file():
        return [dataset]
    files = sorted(dataset.glob("data/*.parquet")) or sorted(dataset.glob("*.parquet"))
    if not files:
        raise InputError(f"no parquet file in {dataset} or {dataset / 'data'}: is this a built dataset?")
    return files
