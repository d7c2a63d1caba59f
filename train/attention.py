"""Causal attention over a packed row, segment by segment: exact, without a dense mask, on any device."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "packed_sdpa"


def packed_attention(
    _module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    segment_lengths: Sequence[int] | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attend causally inside each segment of the row, or inside each row where there are no segments.

    Tensors are (batch, heads, length, head dim); the result is (batch, length, heads, head dim). Padding must
    stand at the right, where a causal row never looks, so no mask is needed and none is accepted.
    """
    if attention_mask is not None or query.shape[2] != key.shape[2]:
        raise ValueError(
            "packed attention takes neither a mask nor a cache: both would attend across samples"
        )
    grouped = query.shape[1] != key.shape[1]
    lengths = [query.shape[2]] if segment_lengths is None else list(segment_lengths)
    parts = [
        scaled_dot_product_attention(
            q, k, v, dropout_p=dropout, is_causal=True, scale=scaling, enable_gqa=grouped
        )
        for q, k, v in zip(
            query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True
        )
    ]
    whole = parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
    return whole.transpose(1, 2).contiguous(), None


def register() -> None:
    """Make the implementation known to transformers as `NAME`, without a mask function: it gets no mask."""
    AttentionInterface.register(NAME, packed_attention)
