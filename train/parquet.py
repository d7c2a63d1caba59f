"""Columns of a dataset that the factory wrote, memory-mapped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.error import DataError, Unusable


def parquet_files(folder: Path) -> list[Path]:
    """Return the parquet files of a dataset folder, in the order of their names."""
    files = sorted((folder / "data").glob("*.parquet")) or sorted(folder.glob("*.parquet"))
    if not files:
        raise DataError(f"no parquet file in {folder} or {folder / 'data'}: build the dataset first")
    return files


def load_columns(folder: Path, columns: Sequence[str]) -> Any:
    """Return the columns as a `datasets.Dataset`, images still encoded.

    Raises:
        DataError: there is no parquet file, or a column is missing.
    """
    import datasets

    files = check_columns(folder, columns)
    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        "parquet", data_files=[str(file) for file in files], split="train", columns=list(columns)
    )
    return rows.cast_column("image", datasets.Image(decode=False))


def check_columns(folder: Path, columns: Sequence[str]) -> list[Path]:
    """Return the parquet files of a folder when all have the columns; reads no row.

    Raises:
        DataError: there is no parquet file, or a column is missing.
    """
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import read_schema

    files = parquet_files(folder)
    for file in files:
        try:
            found = read_schema(file).names
        except (ArrowInvalid, OSError) as error:
            raise DataError(f"{file} is no readable parquet file: {error}") from None
        missing = [column for column in columns if column not in found]
        if missing:
            raise DataError(f"{file} lacks the columns {missing}; it has {found}, needed are {list(columns)}")
    return files


def stored_image(rows: Any, row: int) -> bytes:
    """Return the encoded image of a row.

    Raises:
        Unusable: the row holds none.
    """
    image = rows[row]["image"]
    if not image or not image["bytes"]:
        raise Unusable("image_missing")
    content: bytes = image["bytes"]
    return content
