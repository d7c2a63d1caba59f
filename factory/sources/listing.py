"""A list of paths or URLs, one a line: plain text, or JSONL with the key image, path, file_name or url."""

import json
from collections import Counter
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from factory.errors import SourceError
from factory.recipe import SourceConfig
from factory.sources.candidate import Candidate, Found, stem_of
from factory.sources.fetch import fetch
from factory.sources.folder import candidate_of

_KEYS = ("image", "path", "file_name", "url")


def find(path: Path, config: SourceConfig) -> Found:
    """List the lines of a file in order; relative paths count from the list's own folder.

    Raises:
        SourceError: a line cannot be understood; it is named with its number.
    """
    seen: Counter[str] = Counter()
    candidates = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            where, wanted = _entry(
                line.strip(), f"{path}, line {number}", path.suffix.lower() == ".jsonl", config
            )
            seen[where] += 1
            key = where if seen[where] == 1 else f"{where}#{seen[where]}"
            candidates.append(_candidate(where, key, wanted, path.parent, config))
    return Found(tuple(candidates))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as UTF-8 text: {error}") from None


def _entry(line: str, place: str, is_json: bool, config: SourceConfig) -> tuple[str, str]:
    if not is_json:
        return line, ""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise SourceError(f"{place} is not JSON: {error.msg}") from None
    if isinstance(record, str):
        return record, ""
    return _where(record, place, config), str(record.get(config.id_column, ""))


def _where(record: Any, place: str, config: SourceConfig) -> str:
    keys = (config.image_column, *_KEYS)
    found = [record[key] for key in keys if isinstance(record, dict) and isinstance(record.get(key), str)]
    if not found:
        raise SourceError(
            f"{place} names no image: it needs one of the keys {', '.join(dict.fromkeys(keys))}"
        )
    return str(found[0])


def _candidate(where: str, key: str, wanted: str, folder: Path, config: SourceConfig) -> Candidate:
    if urlsplit(where).scheme in ("http", "https"):
        name = PurePosixPath(unquote(urlsplit(where).path)).name or "image"
        read = partial(fetch, where, config.fetch_timeout_s, config.max_bytes)
        return Candidate(key, name, wanted or stem_of(name), "url", read)
    plain = candidate_of(folder / Path(where).expanduser(), key, config)
    return Candidate(key, plain.name, wanted or plain.wanted_id, plain.signature, plain.read)
