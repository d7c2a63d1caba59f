"""Images in a folder and the folders below it."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from factory.recipe import SourceConfig
from factory.sources.candidate import NOT_FOUND, SUFFIXES, Candidate, Found, UnreadableError, stem_of


def find(root: Path, config: SourceConfig, excluded: Path | None = None) -> Found:
    """List image files by relative path; hidden files and folders, and `excluded`, are passed over."""
    start = len(str(root).rstrip(os.sep)) + 1 if str(root) != "." else 0
    walked = _walk(root, excluded.resolve() if excluded else None)
    by_key = sorted((str(path)[start:].replace(os.sep, "/"), path) for path in walked)
    images = [(key, path) for key, path in by_key if path.suffix.lower() in SUFFIXES]
    others = Counter(path.suffix.lower() or "no suffix" for _, path in by_key)
    for suffix in SUFFIXES:
        del others[suffix]
    notes = (
        (f"left alone {others.total()} files that are no images by name: {_counts(others)}",)
        if others
        else ()
    )
    return Found(tuple(candidate_of(path, key, config) for key, path in images), notes)


def candidate_of(path: Path, key: str, config: SourceConfig) -> Candidate:
    """Return the candidate for a file, which need not exist."""
    return Candidate(
        key, path.name, stem_of(path.name), _signature(path), partial(_read, path, config.max_bytes)
    )


def _walk(root: Path, excluded: Path | None) -> Iterator[Path]:
    seen = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = Path(folder).resolve()
        if real in seen or real == excluded:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _signature(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "missing"
    return f"{state.st_size}:{state.st_mtime_ns}"


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError:
        raise UnreadableError(NOT_FOUND, path.name) from None
    except OSError as error:
        raise UnreadableError("file cannot be read", f"{path.name}: {error.strerror}") from None


def _counts(others: Counter[str]) -> str:
    ordered = sorted(others.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{suffix} {count}" for suffix, count in ordered[:5])
