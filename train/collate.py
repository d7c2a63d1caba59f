"""From samples to one batch: packed in a single row, or padded at the right. Neither has an attention mask.

A packed row restarts its positions at each sample and names the segments' lengths; an attention mask or a
cache would make the model attend across samples without a word, so none is ever made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from train.chat import IGNORED_LABEL
from train.error import DataError


@dataclass(frozen=True)
class Example:
    """One sample ready for the model: with pixels or features where it has an image, else with neither."""

    id: str
    ids: torch.Tensor
    """(length,), int64."""
    labels: torch.Tensor
    """(length,), int64, `IGNORED_LABEL` where not supervised."""
    pixels: torch.Tensor | None = None
    """(3, height, width), float32."""
    features: torch.Tensor | None = None
    """(image tokens, hidden), output of the vision tower before the projector."""


@dataclass(frozen=True)
class Dropped:
    """A sample that is not trained on."""

    id: str
    reason: str
    by_choice: bool = False
    """Whether the recipe left it out on purpose; such samples are no fault of the data."""


@dataclass(frozen=True)
class BatchRecord:
    """What a batch is made of; travels beside the tensors and never enters the model."""

    samples: tuple[str, ...]
    tokens: int
    """Real tokens, without padding."""
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class Collator:
    """Make a batch of examples, checking each sample's image tokens."""

    image_token_id: int
    image_tokens: int
    pad_token_id: int
    packing: bool

    def __call__(self, items: Sequence[Example | Dropped]) -> dict[str, Any]:
        """Return the model's inputs and, under `record`, what they are made of.

        Raises:
            DataError: a sample's image tokens do not fit its image, or no sample is left.
        """
        examples = [item for item in items if isinstance(item, Example)]
        dropped = [item for item in items if isinstance(item, Dropped)]
        if not examples:
            raise DataError(
                f"no sample of a batch has a usable image: {', '.join(item.id for item in dropped)}"
            )
        for example in examples:
            self._check(example)
        rows = self._pack(examples) if self.packing else self._pad(examples)
        record = BatchRecord(
            tuple(example.id for example in examples),
            sum(len(example.ids) for example in examples),
            tuple(dropped),
        )
        return rows | _images(examples) | {"record": record}

    def _check(self, example: Example) -> None:
        has_image = example.pixels is not None or example.features is not None
        wanted = self.image_tokens if has_image else 0
        seen = int((example.ids == self.image_token_id).sum())
        if seen != wanted:
            raise DataError(f"sample {example.id}: {seen} image tokens for an image that takes {wanted}")

    def _pack(self, examples: Sequence[Example]) -> dict[str, Any]:
        lengths = [len(example.ids) for example in examples]
        return {
            "input_ids": torch.cat([example.ids for example in examples])[None],  # (1, sum of lengths)
            "labels": torch.cat([example.labels for example in examples])[None],
            "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
            "segment_lengths": lengths,
        }

    def _pad(self, examples: Sequence[Example]) -> dict[str, Any]:
        return {
            "input_ids": _right_padded(
                [example.ids for example in examples], self.pad_token_id
            ),  # (n, longest)
            "labels": _right_padded([example.labels for example in examples], IGNORED_LABEL),
        }


def _right_padded(rows: list[torch.Tensor], value: int) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def _images(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    pixels = [example.pixels for example in examples if example.pixels is not None]
    features = [example.features for example in examples if example.features is not None]
    found = {"pixel_values": pixels, "image_features": features}
    return {name: torch.stack(values) for name, values in found.items() if values}
