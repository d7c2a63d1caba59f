"""Features of the frozen vision tower, computed once for all epochs: exact, for the tower never changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist

from train.data import Features, ImageReader, Sample
from train.error import Unusable
from train.gather import gather_objects
from train.model import TrainableLlava

_IMAGES_AT_ONCE = 32


@dataclass(frozen=True)
class _Part:
    indices: list[int]
    seen: torch.Tensor | None
    """(images, image tokens, hidden)."""
    unreadable: dict[int, str]


def collect_features(
    model: TrainableLlava, samples: Sequence[Sample], read: ImageReader, device: torch.device
) -> Features:
    """Look at every image once; each process computes a share, and all end with the whole."""
    rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    model.to(device)
    whole = Features()
    for indices in _batches([i for i, sample in enumerate(samples) if sample.has_image], processes):
        for part in gather_objects(_look(model, samples, indices[rank::processes], read, device)):
            whole.unreadable.update(part.unreadable)
            whole.by_sample.update(zip(part.indices, [] if part.seen is None else part.seen, strict=True))
    return whole


def _batches(indices: Sequence[int], processes: int) -> Iterator[Sequence[int]]:
    size = _IMAGES_AT_ONCE * processes
    return (indices[start : start + size] for start in range(0, len(indices), size))


def _look(
    model: TrainableLlava,
    samples: Sequence[Sample],
    indices: Sequence[int],
    read: ImageReader,
    device: torch.device,
) -> _Part:
    pixels: dict[int, torch.Tensor] = {}
    unreadable: dict[int, str] = {}
    for index in indices:
        try:
            pixels[index] = read(samples[index])
        except Unusable as error:
            unreadable[index] = str(error)
    seen = model.see(torch.stack(list(pixels.values())).to(device)).cpu() if pixels else None
    return _Part(list(pixels), seen, unreadable)
