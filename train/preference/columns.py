"""What a folder of preference pairs must hold. Imports no torch."""

from pathlib import Path

from train.error import DataError
from train.parquet import check_columns as check_parquet

COLUMNS = ("id", "images", "prompt", "chosen", "rejected")


def check_columns(folder: Path) -> list[Path]:
    """Return the files of a folder of pairs, reading no row.

    Raises:
        DataError: it holds none.
    """
    try:
        return check_parquet(folder, COLUMNS)
    except DataError as error:
        raise DataError(
            f"dpo.pairs: {error}. `python -m factory export DATASET --format preference --to DIR` writes pairs"
        ) from None
