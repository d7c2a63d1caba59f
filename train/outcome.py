"""What a finished run leaves beside its adapter: summary, rejections and card."""

import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from train.card import write_card
from train.collate import Dropped
from train.data import Prepared, Sample
from train.gather import gather_objects
from train.outputs import Outputs, write_json, write_lines
from train.recipe import TrainRecipe


@dataclass(frozen=True)
class Outcome:
    """The figures of a run, the same on every process."""

    steps: int
    final_loss: float | None
    wall_s: float
    peak_rss_mb: float
    """Largest resident memory, summed over the processes."""
    prepared: Prepared[Sample]
    unreadable: tuple[Dropped, ...]
    """Samples whose images turned out unusable while training."""

    @property
    def dropped(self) -> list[Dropped]:
        """Return every sample that was not trained on."""
        return [*self.prepared.dropped, *self.unreadable]

    def summary(self) -> dict[str, Any]:
        """Return what `train_summary.json` tells about the run itself."""
        samples = self.prepared.samples
        return {
            "steps": self.steps,
            "wall_s": round(self.wall_s, 2),
            "samples": len(samples) - len(self.unreadable),
            "cut": sum(sample.cut for sample in samples),
            "dropped": dict(Counter(drop.reason for drop in self.dropped)),
            "dropped_fraction": sum(not drop.by_choice for drop in self.dropped)
            / (len(samples) + len(self.prepared.dropped)),
            "final_loss": self.final_loss,
            "peak_rss_mb": round(self.peak_rss_mb, 1),
        }


def peak_rss_mb() -> float:
    """Return the largest resident memory so far, summed over the processes."""
    return sum(gather_objects(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)) / 1024


def union(mine: set[Dropped]) -> tuple[Dropped, ...]:
    """Return what any process dropped while training, by id."""
    return tuple(sorted(set().union(*gather_objects(mine)), key=lambda drop: drop.id))


def last_loss(history: Sequence[dict[str, Any]]) -> float | None:
    """Return the last reported loss."""
    losses = [entry["loss"] for entry in history if "loss" in entry]
    return round(losses[-1], 6) if losses else None


def write_outcome(recipe: TrainRecipe, outputs: Outputs, outcome: Outcome, summary: dict[str, Any]) -> None:
    """Write rejections, card and, last of all, the summary that makes the run a finished one."""
    rows = [{"id": drop.id, "stage": "train", "reason": drop.reason} for drop in outcome.dropped]
    write_lines(outputs.rejections, rows)
    write_card(recipe, summary)
    write_json(outputs.summary, summary)
