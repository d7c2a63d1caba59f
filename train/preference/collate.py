"""From pairs to one packed row: chosen, rejected, chosen, rejected ..., with one image per pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from train.chat import IGNORED_LABEL
from train.collate import BatchRecord, Collator, Dropped, Example


@dataclass(frozen=True)
class PairExample:
    """One pair ready for the model."""

    id: str
    index: int
    """Its place among the pairs."""
    ids: tuple[torch.Tensor, ...]
    """Of the chosen and of the rejected text, (length,) each, int64."""
    labels: tuple[torch.Tensor, ...]
    pixels: torch.Tensor
    """(3, height, width), float32."""
    reference: torch.Tensor | None = None
    """(2,): log-probabilities of both answers under the reference."""


@dataclass(frozen=True)
class PairCollator:
    """Make a batch of pairs with the checks of fine-tuning."""

    texts: Collator

    def __call__(self, items: Sequence[PairExample | Dropped]) -> dict[str, Any]:
        """Return the model's inputs and, under `record`, what they are made of."""
        pairs = [item for item in items if isinstance(item, PairExample)]
        flat: list[Example | Dropped] = [item for item in items if isinstance(item, Dropped)]
        for pair in pairs:
            flat += [Example(pair.id, ids, labels, pair.pixels)
                     for ids, labels in zip(pair.ids, pair.labels, strict=True)]  # fmt: skip
        batch = self.texts(flat)
        record: BatchRecord = batch["record"]
        batch["record"] = BatchRecord(tuple(pair.id for pair in pairs), record.tokens, record.dropped)
        batch["pixel_values"] = batch["pixel_values"][::2]  # seen once, used by both texts
        batch["chosen_tokens"] = sum(int((pair.labels[0] != IGNORED_LABEL).sum()) for pair in pairs)
        known = [pair.reference for pair in pairs if pair.reference is not None]
        return batch | ({"reference": torch.stack(known)} if known else {})
