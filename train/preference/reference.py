"""Log-probabilities under the reference, computed once: at the start, model and reference are the same."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader

from train.gather import gather_objects
from train.preference.collate import PairCollator, PairExample
from train.preference.pairs import PairSample, PairSet

_LOG = logging.getLogger("train")


@dataclass(frozen=True)
class Reference:
    """How the reference is run: as training will run it."""

    collator: PairCollator
    batch_size: int
    workers: int
    device: torch.device
    autocast: bool
    """Whether to compute in bfloat16 where weights are float32."""

    def logps(self, model: torch.nn.Module, pairs: PairSet, samples: Sequence[PairSample]) -> torch.Tensor:
        """Return (pairs, 2), float32; each process computes a share. Pairs with unreadable images stay 0."""
        rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        by_length = sorted(range(len(samples)), key=lambda index: samples[index].length)
        mine = by_length[rank::processes]
        batches = [mine[start : start + self.batch_size] for start in range(0, len(mine), self.batch_size)]
        whole = torch.zeros(len(samples), 2)
        for indices, logps in gather_objects(self._run(model, pairs, batches)):
            whole[indices] = logps
        _LOG.info("the reference has judged %d pairs", len(samples))
        return whole

    def _run(
        self, model: torch.nn.Module, pairs: PairSet, batches: list[list[int]]
    ) -> tuple[list[int], torch.Tensor]:
        model.to(self.device).eval()
        seen: list[int] = []
        found = [torch.zeros(0, 2)]
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            for indices, batch in self._stream(pairs, batches):
                inputs = {name: _to(value, self.device) for name, value in batch.items() if name != "record"}
                seen += indices
                found.append(model(**inputs).logps.float().cpu())
        model.train()
        return seen, torch.cat(found)

    def _stream(self, pairs: PairSet, batches: list[list[int]]) -> Iterator[tuple[list[int], dict[str, Any]]]:
        loader = DataLoader(pairs, batch_sampler=batches, collate_fn=list, num_workers=self.workers)
        for items in loader:
            usable = [item for item in items if isinstance(item, PairExample)]
            if usable:  # training reports those that are not
                yield [item.index for item in usable], self.collator(usable)


def _to(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value
