"""Counting what each stage did, rejected and took; the same for summary and status."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from factory.cost import MICRO_USD, usd_of
from factory.ledger import Done, Spent, StageLedger, total


@dataclass(frozen=True)
class StageTally:
    """One stage over all finished shards. `items` came in, `rejected` of them went no further; `usd` is its cost."""

    label: str
    shards_done: int
    shards: int
    items: int
    rejected: dict[str, int]
    spent: Spent
    usd: float = 0.0

    @property
    def prefix_hit_rate(self) -> float | None:
        """Share of the prompts' tokens that servers still had computed; None where none told."""
        counts = self.spent.counts
        return counts["tokens_cached"] / counts["tokens_in"] if counts.get("tokens_cached") else None

    def as_json(self) -> dict[str, Any]:
        """Return the figures; `items_per_s` is null where nothing was run."""
        spent, hits = self.spent, self.prefix_hit_rate
        return {
            "items": self.items,
            "rejected": self.rejected,
            "shards": [self.shards_done, self.shards],
            "ran": spent.ran,
            "seconds": round(spent.run_s, 3),
            "open_s": round(spent.open_s, 3),
            "items_per_s": round(spent.ran / spent.run_s, 3) if spent.run_s > 0 and spent.ran else None,
            "counts": {name: count for name, count in spent.counts.items() if name != MICRO_USD},
            "prefix_hit_rate": None if hits is None else round(hits, 4),
            "usd": round(self.usd, 6),
        }


def tally_stage(ledger: StageLedger, shards: int, usd_per_worker_hour: float = 0.0) -> StageTally:
    """Count one stage from its markers."""
    markers: list[Done] = [done for shard in range(shards) if (done := ledger.done(shard))]
    rejected = merged([marker.rejected for marker in markers])
    items = sum(marker.items for marker in markers)
    spent = total(marker.spent for marker in markers)
    usd = usd_of(spent, usd_per_worker_hour)
    return StageTally(ledger.mark.label, len(markers), shards, items, rejected, spent, usd)


def merged(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Add counts up, the most frequent first."""
    found: Counter[str] = Counter()
    for count in counts:
        found.update(count)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
