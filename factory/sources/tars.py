"""Images in WebDataset tars, read in place."""

import tarfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from factory.errors import SourceError
from factory.recipe import SourceConfig
from factory.sources.candidate import SUFFIXES, Candidate, Found, UnreadableError, stem_of


def find(path: Path, config: SourceConfig) -> Found:
    """List the images of one tar or of all below a folder; `key.jpg` is one, `key.seg.png` is not.

    Raises:
        SourceError: a tar is compressed, cut short, or no tar.
    """
    root = path if path.is_dir() else path.parent
    files = sorted(path.rglob("*.tar")) if path.is_dir() else [path]
    seen: Counter[str] = Counter()
    return Found(
        tuple(c for file in files for c in _candidates(file, file.relative_to(root).as_posix(), config, seen))
    )


def _candidates(file: Path, label: str, config: SourceConfig, seen: Counter[str]) -> Iterator[Candidate]:
    for member in _members(file):
        name = PurePosixPath(member.name).name
        if name.startswith(".") or f".{name.partition('.')[2].lower()}" not in SUFFIXES:
            continue
        key = f"{label}/{member.name}"
        seen[key] += 1
        if seen[key] > 1:
            key = f"{key}#{seen[key]}"
        read = partial(_read, file, member.offset_data, min(member.size, config.max_bytes + 1))
        yield Candidate(key, name, stem_of(name), f"{member.size}:{member.mtime}:{member.offset_data}", read)


def _members(file: Path) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.open(file, "r:") as archive:
            yield from (member for member in archive if member.isfile())
            _check_end(file, archive.offset)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise SourceError(f"{file} is no whole, uncompressed tar: {error}") from None


def _check_end(file: Path, offset: int) -> None:
    """Look for the empty block that ends a tar: `tarfile` takes a cut before a header for the end."""
    with file.open("rb") as archive:
        archive.seek(offset)
        if archive.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it has been cut short")


def _read(file: Path, offset: int, size: int) -> bytes:
    try:
        with file.open("rb") as archive:
            archive.seek(offset)
            data = archive.read(size)
    except OSError as error:
        raise UnreadableError("file cannot be read", f"{file.name}: {error.strerror}") from None
    if len(data) < size:
        raise UnreadableError("truncated image", f"{file.name} ends before it")
    return data
