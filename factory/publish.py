"""Writing what a finished build came to: parquet, rejections, summary, recipe, card."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from factory.card import card_text
from factory.collector import uncollected
from factory.dataset import dataset_row, write_parquet
from factory.engine import Track
from factory.features import FEATURES
from factory.fingerprint import digest
from factory.progress import Progress
from factory.public import public, public_yaml
from factory.recipe import FactoryRecipe
from factory.records import Rejection
from factory.storage import explained, read_json, write_json, write_text
from factory.summary import summarise
from factory.workplace import Workplace

VERSION = 1
"""Raised when the same results would be written differently."""


def publish(recipe: FactoryRecipe, track: Track, place: Workplace, progress: Progress) -> dict[str, Any]:
    """Write the dataset's files and return its summary; what was written from the same results stays."""
    key = _key(recipe, track)
    built = read_json(place.folder / "built.json")
    before = read_json(place.out / "summary.json")
    if built is not None and built["key"] == key and before is not None and _stands(place.out, before):
        return before  # type: ignore[no-any-return]
    with explained(place.folder):
        (place.folder / "built.json").unlink(missing_ok=True)
    started = time.perf_counter()
    with uncollected():
        files = write_parquet(place.out / "data", _shown(rows(track), track, progress), FEATURES)
    found = rejections(track)
    write_text(place.out / "rejections.jsonl", "".join(_line(rejection) for rejection in found))
    write_text(place.out / "recipe.resolved.yaml", public_yaml(recipe.model_dump(mode="json")))
    summary = summarise(recipe, track, found, files, time.perf_counter() - started, place.note_memory())
    write_text(place.out / "README.md", card_text(recipe, track, summary))
    write_json(place.out / "summary.json", summary)
    write_json(place.folder / "built.json", {"key": key, "fingerprint": track.ledgers[-1].mark.fingerprint})
    return summary


def rows(track: Track) -> Iterator[dict[str, Any]]:
    """Yield the dataset's rows in the order of arrival."""
    made_by = _made_by(track)
    last = len(track.ledgers)
    for shard, entries in enumerate(track.album.shards):
        arrivals = {entry.id: entry.arrival for entry in entries}
        for traced in track.items(last, shard):
            arrival = arrivals[traced.item.id]
            intake = {"sha256": arrival.sha256, "changes": list(arrival.changes)}
            yield dataset_row(traced.item, json.dumps({"intake": intake, **made_by}, ensure_ascii=False))


def rejections(track: Track) -> list[Rejection]:
    """Return every rejection in the order of arrival, shard by shard."""
    found = []
    for shard, entries in enumerate(track.album.shards):
        found += [entry.rejection for entry in entries if entry.rejection is not None]
        for ledger in track.ledgers:
            done = ledger.done(shard)
            if done is not None and done.rejected:
                found += [
                    Rejection(**row["rejection"]) for row in ledger.rows(shard).values() if "rejection" in row
                ]
    return found


def _made_by(track: Track) -> dict[str, Any]:
    marks = [ledger.mark for ledger in track.ledgers]
    return {mark.label: {"fingerprint": mark.fingerprint[:16], **public(mark.identity)} for mark in marks}


def _shown(found: Iterator[dict[str, Any]], track: Track, progress: Progress) -> Iterator[dict[str, Any]]:
    last = [track.ledgers[-1].done(shard) for shard in range(len(track.album.shards))]
    progress.begin(
        "dataset", sum(done.items - sum(done.rejected.values()) for done in last if done is not None), 0
    )
    for row in found:
        yield row
        progress.advance(1)
    progress.end()


def _key(recipe: FactoryRecipe, track: Track) -> str:
    outputs = []
    for ledger in track.ledgers:
        done = [ledger.done(shard) for shard in range(len(track.album.shards))]
        outputs.append(
            [ledger.mark.fingerprint, [(one.inputs, one.outputs, one.rejected) for one in done if one]]
        )
    came = [(e.id, e.arrival.sha256, e.rejection and asdict(e.rejection)) for e in track.album.entries]
    return digest([VERSION, came, outputs, public(recipe.model_dump(mode="json"))])


def _stands(out: Path, summary: dict[str, Any]) -> bool:
    return all((out / "data" / name).is_file() for name in summary["files"]) and (out / "README.md").is_file()


def _line(rejection: Rejection) -> str:
    row = {key: value for key, value in asdict(rejection).items() if value or key != "detail"}
    return json.dumps(row, ensure_ascii=False) + "\n"
