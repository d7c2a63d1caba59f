"""Where images come from: a folder, parquet files, WebDataset tars, or a list of paths and URLs."""

from collections.abc import Callable
from pathlib import Path

from factory.errors import SourceError
from factory.recipe import SourceConfig
from factory.sources import folder, library, listing, parquet, tars
from factory.sources.candidate import NOT_FOUND, SUFFIXES, Candidate, Found, UnreadableError

__all__ = ["NOT_FOUND", "Candidate", "Found", "UnreadableError", "find"]

_FINDERS: dict[str, Callable[[Path, SourceConfig], Found]] = {
    "folder": folder.find,
    "parquet": parquet.find,
    "webdataset": tars.find,
    "list": listing.find,
    "dataset": library.find,
}


def find(path: Path, config: SourceConfig, excluded: Path | None = None) -> Found:
    """List the images of a source unread, in a fixed order; `excluded` is a folder to pass over.

    Raises:
        SourceError: the path does not exist, holds no images, or cannot be listed.
    """
    if not path.exists() and config.kind != "dataset":
        raise SourceError(f"no images at {path}: source.images names neither a folder nor a file")
    kind = config.kind if config.kind != "auto" else _kind_of(path)
    found = folder.find(path, config, excluded) if kind == "folder" else _FINDERS[kind](path, config)
    if not found.candidates:
        known = f"; image files end in {', '.join(sorted(SUFFIXES))}" if kind == "folder" else ""
        raise SourceError("; ".join([f"no images in {path} (read as {kind}){known}", *found.notes]))
    return found if config.max_images is None else found.first(config.max_images)


def _kind_of(path: Path) -> str:
    if path.is_file():
        return _kind_of_file(path)
    kinds = [
        kind
        for kind, pattern in (("parquet", "*.parquet"), ("webdataset", "*.tar"))
        if any(_visible(path, pattern))
    ]
    if len(kinds) > 1:
        raise SourceError(f"{path} holds both parquet files and tars: set source.kind to say which to read")
    if (path / "state.json").is_file() and (path / "dataset_info.json").is_file():
        return "dataset"
    return kinds[0] if kinds else "folder"


def _kind_of_file(path: Path) -> str:
    kinds = {".jsonl": "list", ".txt": "list", ".tar": "webdataset", ".parquet": "parquet"}
    if path.suffix.lower() not in kinds:
        raise SourceError(f"{path} is none of {', '.join(kinds)}: give a folder of images, or one of these")
    return kinds[path.suffix.lower()]


def _visible(root: Path, pattern: str) -> list[Path]:
    return [
        p for p in root.rglob(pattern) if not any(part.startswith(".") for part in p.relative_to(root).parts)
    ]
