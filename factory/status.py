"""How far a build is, read from its ledger alone: while it runs, after a kill, or when it is finished."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.cost import MICRO_USD
from factory.intake_shards import IntakeShards
from factory.roster import STAGE as INTAKE
from factory.roster import call_roll
from factory.storage import read_json
from factory.tally import StageTally, merged, tally_stage
from factory.workplace import Workplace


@dataclass(frozen=True)
class Status:
    """Counts by stage and rejections by reason; `is_written` when these stages wrote the dataset."""

    images: int
    refused: dict[str, int]
    intake_s: float
    stages: list[StageTally]
    is_written: bool

    @property
    def is_through(self) -> bool:
        """Tell whether every stage has done every shard."""
        return all(tally.shards_done == tally.shards for tally in self.stages)

    @property
    def is_finished(self) -> bool:
        """Tell whether the dataset stands as the ledger says."""
        return self.is_through and self.is_written

    @property
    def rejected(self) -> dict[str, int]:
        """Rejections by reason over intake and all stages."""
        return merged([self.refused, *(tally.rejected for tally in self.stages)])

    @property
    def usd(self) -> float:
        """What all stages have cost."""
        return sum(tally.usd for tally in self.stages)

    def as_json(self) -> dict[str, Any]:
        """Return the status as JSON values; `accepted` is null until every stage is through."""
        rejected = sum(self.rejected.values())
        intake = {"items": self.images, "rejected": self.refused, "seconds": round(self.intake_s, 3)}
        return {
            "images": self.images,
            "accepted": self.images - rejected if self.is_through else None,
            "rejected": self.rejected,
            "finished": self.is_finished,
            "stages": {INTAKE: intake, **{tally.label: tally.as_json() for tally in self.stages}},
            "usd": round(self.usd, 6),
            "seconds": round(self.intake_s + sum(t.spent.run_s + t.spent.open_s for t in self.stages), 3),
        }


def read_status(out: Path) -> Status:
    """Count what is done.

    Raises:
        StorageError: no build has been here.
    """
    place = Workplace(out)
    ledgers = place.recalled_ledgers()
    store = IntakeShards(place.folder)
    shards = [shard for shard in range(len(store.plan())) if store.marker(shard)]
    entries = [entry for shard in call_roll(store.arrivals(shard) for shard in shards) for entry in shard]
    refused = merged([{e.rejection.reason: 1} for e in entries if e.rejection])
    seconds = sum(marker["seconds"] for shard in shards if (marker := store.marker(shard)))
    per_hour = place.state().get("usd_per_worker_hour", 0.0)
    tallies = [tally_stage(ledger, len(shards), per_hour) for ledger in ledgers]
    built = read_json(place.folder / "built.json")
    is_written = built is not None and built["fingerprint"] == ledgers[-1].mark.fingerprint
    return Status(len(entries), refused, seconds, tallies, is_written)


def status_text(status: Status) -> str:
    """Return the status for people."""
    lines = [f"{status.images} images, {'finished' if status.is_finished else 'not finished'}"]
    lines.append(f"{'stage':<12} {'shards':>9} {'items':>8} {'rejected':>8} {'seconds':>9} {'items/s':>8}")
    lines.append(
        f"{INTAKE:<12} {'':>9} {status.images:>8} {sum(status.refused.values()):>8} {status.intake_s:>9.1f}"
    )
    for tally in status.stages:
        lines.append(_stage_line(tally))
        shown = {name: count for name, count in tally.spent.counts.items() if name != MICRO_USD}
        lines += [f"  {count} {name}" for name, count in shown.items()]
    lines += [f"{status.usd:.4f} US dollars"] if status.usd else []
    lines += [f"  {count} x {reason}" for reason, count in status.rejected.items()]
    return "\n".join(lines)


def _stage_line(tally: StageTally) -> str:
    spent, shards = tally.spent, f"{tally.shards_done}/{tally.shards}"
    rate = f"{spent.ran / spent.run_s:.1f}" if spent.ran and spent.run_s else ""
    rejected = sum(tally.rejected.values())
    return f"{tally.label:<12} {shards:>9} {tally.items:>8} {rejected:>8} {spent.run_s:>9.1f} {rate:>8}"
