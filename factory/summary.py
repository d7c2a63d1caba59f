"""The figures of a finished build, as they stand in summary.json."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.engine import Track
from factory.recipe import FactoryRecipe
from factory.records import Rejection
from factory.roster import STAGE as INTAKE
from factory.tally import merged, tally_stage


def summarise(
    recipe: FactoryRecipe,
    track: Track,
    rejections: Sequence[Rejection],
    files: Sequence[Path],
    write_s: float,
    peak_rss_mb: float,
) -> dict[str, Any]:
    """Return the summary; `accepted` and the rejections add up to `images`, whatever was interrupted.

    `usd` is what the recipe's prices make of the work, 0 where it names none. `wall_s` is the time that made
    what is in the dataset, over all runs, without work that a changed recipe made void.
    """
    images = len(track.album.entries)
    reasons: Counter[str] = Counter(rejection.reason for rejection in rejections)
    per_hour = recipe.engine.usd_per_worker_hour
    tallies = [tally_stage(ledger, len(track.album.shards), per_hour) for ledger in track.ledgers]
    intake_s = track.album.seconds
    stages = {INTAKE: _intake(track, rejections, intake_s), **{t.label: t.as_json() for t in tallies}}
    wall_s = intake_s + write_s + sum(t.spent.run_s + t.spent.open_s for t in tallies)
    accepted, usd = images - len(rejections), sum(tally.usd for tally in tallies)
    return {
        "images": images,
        "accepted": accepted,
        "rejected": merged([dict(reasons)]),
        "seed": recipe.seed,
        "stages": stages,
        "wall_s": round(wall_s, 3),
        "write_s": round(write_s, 3),
        "peak_rss_mb": peak_rss_mb,
        "usd": round(usd, 6),
        "usd_per_accepted": round(usd / accepted, 6) if accepted else None,
        "files": {path.name: path.stat().st_size for path in files},
    }


def _intake(track: Track, rejections: Sequence[Rejection], seconds: float) -> dict[str, Any]:
    images = len(track.album.entries)
    refused = Counter(rejection.reason for rejection in rejections if rejection.stage == INTAKE)
    changed = Counter(
        change for e in track.album.entries if e.rejection is None for change in e.arrival.changes
    )
    return {
        "items": images,
        "rejected": merged([dict(refused)]),
        "seconds": round(seconds, 3),
        "items_per_s": round(images / seconds, 3) if seconds > 0 else None,
        "counts": merged([dict(changed)]),
        "prefix_hit_rate": None,
        "usd": 0.0,
    }
