"""Who came in: each image's safe, unique id, and which images are exact duplicates of an earlier one."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from factory.records import Rejection

STAGE = "intake"
_MAX_ID = 100


@dataclass(frozen=True)
class Arrival:
    """What intake knows of one image: `sha256` of the source's bytes, empty where there were none."""

    key: str
    name: str
    wanted_id: str
    sha256: str
    size_wh: tuple[int, int]
    changes: tuple[str, ...]
    reason: str
    detail: str


@dataclass(frozen=True)
class Entry:
    """An arrival with its id; `rejection` is None for what the stages get."""

    id: str
    arrival: Arrival
    rejection: Rejection | None


def call_roll(shards: Iterable[Sequence[Arrival]]) -> list[list[Entry]]:
    """Give ids in order of arrival: the first of a name keeps it, later ones get a piece of their hash."""
    ids: set[str] = set()
    first_of: dict[str, str] = {}
    return [[_enter(arrival, ids, first_of) for arrival in shard] for shard in shards]


def safe_id(wanted: str) -> str:
    """Return a name of letters, digits, `_`, `-` and `.` that cannot lead out of a folder."""
    plain = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", wanted)).lstrip(".")
    return re.sub(r"\.\.+", ".", plain)[:_MAX_ID].rstrip(".") or "image"


def _enter(arrival: Arrival, ids: set[str], first_of: dict[str, str]) -> Entry:
    name = _unique(arrival, ids)
    ids.add(name.casefold())
    if arrival.reason:
        return Entry(name, arrival, Rejection(name, STAGE, arrival.reason, arrival.detail))
    first = first_of.setdefault(arrival.sha256, name)
    if first != name:
        return Entry(name, arrival, Rejection(name, STAGE, "duplicate", f"duplicate of {first}"))
    return Entry(name, arrival, None)


def _unique(arrival: Arrival, ids: set[str]) -> str:
    """Compare without case, since some file systems do."""
    wanted = safe_id(arrival.wanted_id)
    if wanted.casefold() not in ids:
        return wanted
    hashed = f"{wanted}-{arrival.sha256[:8] or 'unread'}"
    name, number = hashed, 2
    while name.casefold() in ids:
        name, number = f"{hashed}-{number}", number + 1
    return name
