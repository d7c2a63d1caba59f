"""Counting what each stage did, rejected and took; the same for summary and status."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from factory.ledger import Done, Spent, StageLedger, total


@dataclass(frozen=True)
class StageTally:
    """One stage over all finished shards. `items` came in, `rejected` of them went no further."""

    label: str
    shards_done: int
    shards: int
    items: int
    rejected: dict[str, int]
    spent: Spent

    def as_json(self) -> dict[str, Any]:
        """Return the figures; `items_per_s` is null where nothing was run."""
        spent = self.spent
        return {
            "items": self.items,
            "rejected": self.rejected,
            "shards": [self.shards_done, self.shards],
            "ran": spent.ran,
            "seconds": round(spent.run_s, 3),
            "open_s": round(spent.open_s, 3),
            "items_per_s": round(spent.ran / spent.run_s, 3) if spent.run_s > 0 and spent.ran else None,
            "counts": spent.counts,
        }


def tally_stage(ledger: StageLedger, shards: int) -> StageTally:
    """Count one stage from its markers."""
    markers: list[Done] = [done for shard in range(shards) if (done := ledger.done(shard))]
    rejected = merged([marker.rejected for marker in markers])
    items = sum(marker.items for marker in markers)
    return StageTally(
        ledger.mark.label, len(markers), shards, items, rejected, total(m.spent for m in markers)
    )


def merged(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Add counts up, the most frequent first."""
    found: Counter[str] = Counter()
    for count in counts:
        found.update(count)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
