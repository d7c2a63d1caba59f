"""Batches: laws of the stream and of its division."""

import itertools
from collections import Counter

import numpy as np
import pytest

from train.error import TrainError
from train.plan import Sizes, batches_of, deal, global_batches, num_steps, stream

LENGTHS = [50 + 37 * i % 211 for i in range(64)]


def test_every_epoch_holds_every_sample_once() -> None:
    samples = list(itertools.islice(stream([1.0] * 10, seed=0), 30))
    for epoch in range(3):
        assert sorted(samples[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert samples[:10] != samples[10:20]


def test_a_weight_is_the_number_of_copies_per_epoch() -> None:
    seen = Counter(itertools.islice(stream([2.0, 1.0, 0.25] + [0.0] * 2, seed=0), 3250))
    assert abs(seen[0] / seen[1] - 2) < 0.01 and abs(seen[2] / seen[1] - 0.25) < 0.05
    assert not {3, 4} & seen.keys()


@pytest.mark.parametrize("balance", [True, False])
def test_any_number_of_processes_trains_on_the_same_global_batches(balance: bool) -> None:
    batches = global_batches([1.0] * 64, seed=3, steps=5, size=16)
    for processes, micro in itertools.product([1, 2, 4], [2, 4]):
        sizes = Sizes(16, micro, processes)
        parts = [batches_of(rank, batches, LENGTHS, sizes, balance) for rank in range(processes)]
        for step, batch in enumerate(batches):
            mine = slice(step * sizes.accumulation, (step + 1) * sizes.accumulation)
            dealt = [sample for part in parts for row in part[mine] for sample in row]
            assert sorted(dealt) == sorted(batch)


def test_packed_micro_batches_are_balanced_and_padded_ones_alike() -> None:
    batch = list(range(64))
    sizes = Sizes(64, 8, 2)
    tokens = [sum(LENGTHS[i] for i in micro) for row in deal(batch, LENGTHS, sizes, True) for micro in row]
    assert max(tokens) / min(tokens) < 1.05
    padded = [
        max(LENGTHS[i] for i in micro) * 8 for row in deal(batch, LENGTHS, sizes, False) for micro in row
    ]
    assert 1 - sum(LENGTHS) / sum(padded) < 0.1


@pytest.mark.parametrize(("processes", "micro"), [(1, 16), (8, 16), (8, 4)])
def test_processes_wait_for_each_other_less_than_three_percent_on_described_images(
    processes: int, micro: int
) -> None:
    rng = np.random.default_rng(0)  # 630 tokens of image and prompt, then answers of 260 on average
    answers = np.exp(rng.normal(np.log(260) - 0.35**2 / 2, 0.35, 1280)).clip(65, 780)
    lengths = [630 + int(answer) for answer in answers]
    batches = global_batches([1.0] * 1280, seed=0, steps=10, size=128)
    sizes = Sizes(128, micro, processes)
    rows = [row for batch in batches for row in deal(batch, lengths, sizes, balance=True)]
    longest = sum(max(sum(lengths[i] for i in part) for part in row) for row in rows)
    assert 1 - sum(lengths) / (processes * longest) < 0.03


def test_the_last_partial_batch_is_filled_not_dropped() -> None:
    assert num_steps(100, 32, epochs=1, max_steps=None) == 4
    assert num_steps(96, 32, epochs=2, max_steps=None) == 6
    assert num_steps(3, 32, epochs=1, max_steps=None) == 1
    assert num_steps(100, 32, epochs=None, max_steps=7) == 7


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(TrainError, match="3 processes"):
        Sizes(16, 2, 3)
