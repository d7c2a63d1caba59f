"""Reading and writing JSON and JSON Lines with messages that name the file and the line."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.errors import InputError

Record = dict[str, Any]


def read_text(path: Path) -> str:
    """Return the file's text, which must be UTF-8 (a byte order mark is allowed)."""
    if not path.is_file():
        raise InputError(f"no file at {path}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): save it again as UTF-8") from None


def read_json(path: Path) -> Any:
    """Return the one JSON value of a file."""
    return _parse(read_text(path), str(path))


def read_jsonl(path: Path) -> list[Record]:
    """Return the records of a JSON Lines file; empty lines are passed over."""
    return [_record(line, f"{path}, line {number}") for number, line in _lines(path)]


def read_records(path: Path) -> list[Record]:
    """Return the records of a JSON Lines file or of a JSON file that holds a list of objects."""
    if read_text(path).lstrip().startswith("["):
        records = read_json(path)
        if not all(isinstance(record, dict) for record in records):
            raise InputError(f"{path} holds a list whose members are not all objects")
        return list(records)
    return read_jsonl(path)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value, whole or not at all."""
    _replace(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write records as JSON Lines, whole or not at all."""
    lines = (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)
    _replace(path, "".join(lines))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    # split on "\n" alone: str.splitlines would also cut at U+2028, which JSON allows inside strings
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line


def _record(line: str, where: str) -> Record:
    value = _parse(line, where)
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, got {type(value).__name__}")
    return value


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: not valid JSON ({error.msg} at column {error.colno})") from None


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
