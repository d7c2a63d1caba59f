"""Captions that are there already: from parquet, JSON or JSONL, found again by image id or file name."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from factory.errors import SourceError
from factory.roster import safe_id

_NAMES = ("image", "file_name", "path", "url")
_IDS = ("id", "image_id")


def caption_of(captions: Mapping[str, str], item_id: str, name: str) -> str | None:
    """Return the caption of an image, by its id, else by its file name without suffix; None where there is none."""
    return captions.get(item_id, captions.get(safe_id(PurePosixPath(name).stem)))


def read_captions(path: str, column: str, id_column: str) -> Mapping[str, str]:
    """Read the captions by id; of several for one image the first counts.

    Read are parquet (a file or a folder), JSONL, a JSON list of records, and COCO captions JSON.

    Raises:
        SourceError: there is no such file, it cannot be read, or no record has the column.
    """
    return _read(_files(Path(path)), column, id_column)


def digest_of(path: str, column: str, id_column: str) -> str:
    """Return a short hash of all captions with their ids; `missing` where there is no such file."""
    if not Path(path).exists():
        return "missing"
    captions = read_captions(path, column, id_column)
    digest = hashlib.sha256()
    for name, text in sorted(captions.items()):
        digest.update(f"{name}\0{text}\0".encode(errors="surrogatepass"))
    return f"sha256:{digest.hexdigest()[:16]}"


def _files(path: Path) -> tuple[tuple[str, int, int], ...]:
    if not path.exists():
        raise SourceError(
            f"no captions at {path}: give a parquet, JSON or JSONL file, or a folder of parquet"
        )
    found = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not found:
        raise SourceError(f"{path} holds no parquet file with captions")
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in found)


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[str, int, int], ...], column: str, id_column: str) -> dict[str, str]:
    captions: dict[str, str] = {}
    seen = False
    for name, _, _ in files:
        for number, record in enumerate(_records(Path(name), column, id_column)):
            if column not in record:
                continue
            seen = True
            text = record[column]
            for key in _keys(record, id_column, f"{Path(name).stem}-{number:08d}"):
                captions.setdefault(key, text if isinstance(text, str) else "")
    if not seen:
        raise SourceError(
            f"no record of {files[0][0]} has {column!r}: set the column that holds the captions"
        )
    return captions


def _keys(record: Mapping[str, Any], id_column: str, fallback: str) -> list[str]:
    """Return the ids under which intake may know the image of a record."""
    ids = [str(record[key]) for key in (id_column, *_IDS) if record.get(key) not in (None, "")]
    paths = [record.get(key) for key in _NAMES]
    files = [value.get("path") if isinstance(value, Mapping) else value for value in paths]
    stems = [PurePosixPath(file).stem for file in files if isinstance(file, str) and file]
    return [safe_id(name) for name in dict.fromkeys([*ids[:1], *stems])] or [safe_id(fallback)]


def _records(path: Path, column: str, id_column: str) -> Iterator[Mapping[str, Any]]:
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(path, column, id_column)
        elif path.suffix.lower() in (".jsonl", ".txt"):
            with path.open(encoding="utf-8") as file:
                yield from (_mapping(json.loads(line)) for line in file if line.strip())
        else:
            yield from _tree(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SourceError(f"captions in {path} cannot be read: {error}") from None


def _parquet(path: Path, column: str, id_column: str) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        wanted = _columns(pa, file.schema_arrow, (column, id_column))
        for batch in file.iter_batches(columns=wanted):
            yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise ValueError(str(error)) from None


def _columns(pa: Any, schema: Any, columns: tuple[str, str]) -> list[str]:
    wanted = [name for name in dict.fromkeys((*columns, *_IDS)) if name in schema.names]
    for name in _NAMES:  # of an image struct the path alone: its bytes would fill the memory
        if name in schema.names:
            kind = schema.field(name).type
            wanted += (
                [f"{name}.path"] if pa.types.is_struct(kind) else [name] if pa.types.is_string(kind) else []
            )
    return wanted


def _tree(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a list, or of COCO captions, whose images have names."""
    if isinstance(tree, dict) and isinstance(tree.get("annotations"), list):
        names = {image["id"]: image.get("file_name", "") for image in tree.get("images", ())}
        for record in tree["annotations"]:
            yield {**record, "id": "", "file_name": names.get(record.get("image_id"), "")}
        return
    for record in tree if isinstance(tree, list) else []:
        yield _mapping(record)


def _mapping(record: Any) -> Mapping[str, Any]:
    return record if isinstance(record, dict) else {}
