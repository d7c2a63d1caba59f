"""LLaVA under preference training: the likelihood of two answers to one image, seen once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.modeling_outputs import ModelOutput

from train.chat import IGNORED_LABEL
from train.model import TrainableLlava
from train.preference.loss import preference_losses, rewards


@dataclass
class PreferenceOutput(ModelOutput):  # type: ignore[misc]
    """What a forward pass returns: a loss where there is a reference to compare with."""

    loss: torch.Tensor | None = None
    logps: torch.Tensor | None = None
    """(pairs, 2): summed log-probabilities of the chosen and the rejected answer."""
    rewards: torch.Tensor | None = None
    """(pairs, 2), detached."""


class PreferenceLlava(TrainableLlava):
    """The same weights; `forward` takes a packed row of pairs, each the chosen and then the rejected answer."""

    beta: float = 0.1
    anchor: float = 1.0
    per_token: bool = False

    def forward(  # type: ignore[override]
        self,
        input_ids: torch.Tensor,
        labels: torch.Tensor,
        segment_lengths: Sequence[int],
        position_ids: torch.Tensor,
        pixel_values: torch.Tensor | None = None,
        image_features: torch.Tensor | None = None,
        reference: torch.Tensor | None = None,
        num_items_in_batch: torch.Tensor | None = None,
        **_: Any,
    ) -> PreferenceOutput:
        """Return log-probabilities and, given those of the reference, the loss.

        `input_ids` and `labels` are (1, length); there is one image per pair, for two segments of the row.
        `num_items_in_batch` holds the pairs and the chosen tokens of the whole optimizer step, (2,).
        """
        hidden = self._hidden(
            input_ids, pixel_values, image_features, position_ids, segment_lengths, times_shown=2
        )
        losses = self._losses(hidden, labels)  # (supervised tokens,)
        segment = _segment_of_supervised(labels, segment_lengths)
        size = len(segment_lengths)
        logps = -losses.new_zeros(size).index_add(0, segment, losses).view(-1, 2)
        if reference is None:
            return PreferenceOutput(logps=logps)
        tokens = torch.bincount(segment, minlength=size).view(-1, 2)
        rewarded = rewards(logps, reference, tokens, self.beta, self.per_token)
        counts = (
            torch.stack([logps.new_tensor(len(logps)), tokens[:, 0].sum()])
            if num_items_in_batch is None
            else num_items_in_batch
        )
        loss = preference_losses(rewarded).sum() / counts[0] - self.anchor * logps[:, 0].sum() / counts[1]
        return PreferenceOutput(loss=loss, logps=logps, rewards=rewarded.detach())


def _segment_of_supervised(labels: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Return the number of the segment that each supervised token belongs to."""
    numbers = torch.arange(len(lengths), device=labels.device)
    of_position = numbers.repeat_interleave(torch.tensor(lengths, device=labels.device))  # (length,)
    return of_position[1:][labels[0, 1:] != IGNORED_LABEL]
