"""Bringing the images in: finds, reads and checks them in threads, shard by shard, and calls the roll."""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from factory.errors import SourceError, StorageError
from factory.fingerprint import digest
from factory.intake import Refusal, content_hash, take_in
from factory.intake_shards import VERSION, Arrived, IntakeShards
from factory.progress import Progress
from factory.recipe import FactoryRecipe, SourceConfig
from factory.roster import Arrival, Entry, call_roll
from factory.sources import NOT_FOUND, Candidate, UnreadableError, find

_LIMITS = ("min_side", "max_pixels", "max_bytes")


@dataclass(frozen=True)
class Album:
    """All images of a build: `shards` holds the roll of each shard."""

    store: IntakeShards
    shards: list[list[Entry]]

    @property
    def entries(self) -> list[Entry]:
        """All entries in order."""
        return [entry for shard in self.shards for entry in shard]

    @property
    def seconds(self) -> float:
        """How long it took to bring them in."""
        markers = [self.store.marker(shard) for shard in range(len(self.shards))]
        return float(sum(marker["seconds"] for marker in markers if marker))


def gather(recipe: FactoryRecipe, source: Path, work: Path, progress: Progress, retry: bool = False) -> Album:
    """Bring in whatever is new or changed; with `retry` also what was refused before.

    Raises:
        SourceError: there are no images.
        StorageError: the folder holds other images' work.
    """
    Image.MAX_IMAGE_PIXELS = None  # source.max_pixels is the limit, checked before anything is decoded
    found = find(source, recipe.source, excluded=work.parent)
    for note in found.notes:
        progress.say(note)
    store = IntakeShards(work)
    by_key = {candidate.key: candidate for candidate in found.candidates}
    plan = _plan(store.plan(), by_key, recipe.engine.shard_size, work)
    store.write_plan(plan)
    shards = [[by_key[key] for key in keys] for keys in plan]
    _bring_in(store, shards, recipe, progress, retry, _Watch(source))
    return Album(store, call_roll(store.arrivals(shard) for shard in range(len(plan))))


class _Watch:
    """Tells images that are missing from a source that has gone, such as a disk that was unmounted."""

    def __init__(self, source: Path) -> None:
        self._source, self._was_folder = source, source.is_dir()

    def check(self, arrived: Sequence[Arrived]) -> None:
        """Refuse a shard of which nothing is there any more, before it is kept as rejections.

        Raises:
            SourceError: the folder of images has vanished.
        """
        missing = sum(one.arrival.reason == NOT_FOUND for one in arrived)
        if self._was_folder and missing and (not self._source.is_dir() or 1 < missing == len(arrived)):
            raise SourceError(
                f"the folder of images {self._source} has vanished: bring it back and run the same command "
                "again. What is finished is kept"
            )


def _plan(old: list[list[str]], present: Iterable[str], size: int, work: Path) -> list[list[str]]:
    """Keep each known image in its shard; put new ones in shards of their own."""
    there = dict.fromkeys(present)
    known = {key for keys in old for key in keys}
    if known and known.isdisjoint(there):
        raise StorageError(
            f"{work.parent} holds the work on {len(known)} other images, none of which is in this source: "
            "choose another --out, or delete that folder"
        )
    new = [key for key in there if key not in known]
    kept = [[key for key in keys if key in there] for keys in old]
    return kept + [new[start : start + size] for start in range(0, len(new), size)]


def _bring_in(
    store: IntakeShards,
    shards: Sequence[Sequence[Candidate]],
    recipe: FactoryRecipe,
    progress: Progress,
    retry: bool,
    watch: _Watch,
) -> None:
    prints = [_fingerprint(shard, recipe.source) for shard in shards]
    pending = [i for i in range(len(shards)) if not _is_done(store, i, prints[i], retry)]
    total = sum(len(shard) for shard in shards)
    progress.begin("intake", total, total - sum(len(shards[i]) for i in pending))
    read = partial(_arrive, limits=recipe.source)
    with _threads(recipe.engine.decode_workers) as pool, _threads(1) as writer:
        written: Future[None] | None = None
        for i in pending:
            started = time.perf_counter()
            arrived = []
            for one in pool.map(read, shards[i]):
                arrived.append(one)
                progress.advance(1)
            watch.check(arrived)
            if written is not None:
                written.result()  # one shard is written while the next is read, not more
            written = writer.submit(store.write, i, arrived, prints[i], time.perf_counter() - started)
        if written is not None:
            written.result()
    progress.end()


@contextmanager
def _threads(number: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads, which after an error begin nothing more."""
    with ThreadPoolExecutor(number, thread_name_prefix="intake") as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _is_done(store: IntakeShards, shard: int, fingerprint: str, retry: bool) -> bool:
    marker = store.marker(shard)
    return marker is not None and marker["fingerprint"] == fingerprint and not (retry and marker["refused"])


def _fingerprint(shard: Sequence[Candidate], config: SourceConfig) -> str:
    limits = [getattr(config, name) for name in _LIMITS]
    return digest([VERSION, limits, [(c.key, c.name, c.wanted_id, c.signature) for c in shard]])


def _arrive(candidate: Candidate, limits: SourceConfig) -> Arrived:
    try:
        data = candidate.read()
    except UnreadableError as error:
        return _refused(candidate, "", Refusal(error.reason, error.detail))
    taken, sha256 = take_in(data, candidate.name, limits), content_hash(data)
    if isinstance(taken, Refusal):
        return _refused(candidate, sha256, taken)
    arrival = Arrival(
        candidate.key,
        taken.name,
        candidate.wanted_id,
        sha256,
        taken.size_wh,
        taken.changes,
        reason="",
        detail="",
    )
    return Arrived(arrival, taken.image)


def _refused(candidate: Candidate, sha256: str, refusal: Refusal) -> Arrived:
    arrival = Arrival(
        candidate.key, candidate.name, candidate.wanted_id, sha256, (0, 0), (), refusal.reason, refusal.detail
    )
    return Arrived(arrival, None)
