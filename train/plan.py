"""Which samples make which batch: a pure function of lengths, seed and sizes.

The global batches depend on the seed alone, so the same samples make the same optimizer step on any number
of processes; only their division into micro batches follows the machine, balanced by length.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from train.error import TrainError


@dataclass(frozen=True)
class Sizes:
    """How many samples go where."""

    global_batch: int
    micro_batch: int
    processes: int

    def __post_init__(self) -> None:
        if self.global_batch % (self.micro_batch * self.processes):
            raise TrainError(
                f"global_batch_size {self.global_batch} is no multiple of micro_batch_size "
                f"{self.micro_batch} x {self.processes} processes: change one of the three"
            )

    @property
    def accumulation(self) -> int:
        """Return the micro batches of one process in one optimizer step."""
        return self.global_batch // (self.micro_batch * self.processes)


def num_steps(
    samples_per_epoch: float, global_batch: int, epochs: float | None, max_steps: int | None
) -> int:
    """Return the number of optimizer steps; a last partial batch is filled from the following epoch."""
    if max_steps is not None:
        return max_steps
    return max(1, math.ceil(samples_per_epoch * (epochs or 1.0) / global_batch - 1e-9))


def stream(weights: Sequence[float], seed: int) -> Iterator[int]:
    """Yield sample indices for ever: shuffled epochs, each sample as often per epoch as its weight says."""
    copies = np.asarray(weights, dtype=np.float64)  # (n,)
    epoch = 0
    while True:
        rng = np.random.default_rng([seed, epoch])
        whole = np.floor(copies)
        draws = (whole + (rng.random(copies.size) < copies - whole)).astype(np.int64)  # (n,)
        order = np.repeat(np.arange(copies.size), draws)
        rng.shuffle(order)
        yield from order.tolist()
        epoch += 1


def global_batches(weights: Sequence[float], seed: int, steps: int, size: int) -> list[list[int]]:
    """Return the samples of every optimizer step."""
    samples = stream(weights, seed)
    return [[next(samples) for _ in range(size)] for _ in range(steps)]


def deal(batch: Sequence[int], lengths: Sequence[int], sizes: Sizes, balance: bool) -> list[list[list[int]]]:
    """Divide one global batch into micro batches, indexed [accumulation step][process].

    With `balance` every micro batch gets about as many tokens (for packed rows); without it each gets samples
    of like length (for padded rows), and processes of one accumulation step are neighbours in length.
    """
    ordered = sorted(batch, key=lambda sample: -lengths[sample])
    number = len(batch) // sizes.micro_batch
    if balance:
        micro: list[list[int]] = [[] for _ in range(number)]
        for position, sample in enumerate(ordered):
            lap, place = divmod(position, number)
            micro[place if lap % 2 == 0 else number - 1 - place].append(sample)
    else:
        micro = [ordered[i : i + sizes.micro_batch] for i in range(0, len(ordered), sizes.micro_batch)]
    return [micro[i : i + sizes.processes] for i in range(0, number, sizes.processes)]


def batches_of(
    rank: int, batches: Sequence[Sequence[int]], lengths: Sequence[int], sizes: Sizes, balance: bool
) -> list[list[int]]:
    """Return the micro batches of one process, in the order it trains on them."""
    return [row[rank] for batch in batches for row in deal(batch, lengths, sizes, balance)]
