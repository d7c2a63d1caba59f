"""One training loop for every small checkpoint: cosine schedule, bf16 where it pays, resumable."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loop:
    """How one checkpoint is trained; a run that was cut off goes on from its last save under `folder`."""

    folder: Path
    steps: int
    batch_size: int
    learning_rate: float
    device: str = "cpu"
    weight_decay: float = 0.02
    save_every: int = 250
    bf16: bool = True

    def autocast(self) -> AbstractContextManager[object]:
        """Return the mixed-precision context for forward passes."""
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.bf16)

    def run(self, model: nn.Module, loss: Callable[[int], Tensor]) -> None:
        """Minimise `loss(step)` over the parameters of `model` that need gradients."""
        model.to(self.device).train()
        parameters = [p for p in model.parameters() if p.requires_grad]
        optimizer = AdamW(parameters, self.learning_rate, weight_decay=self.weight_decay, betas=(0.9, 0.98))
        start = self._resume(model, optimizer)
        schedule = self._schedule(optimizer, start)
        began, total = time.monotonic(), 0.0
        for step in range(start, self.steps):
            value = loss(step)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            total += value.item()
            if (step + 1) % 50 == 0:
                pace = (time.monotonic() - began) / (step + 1 - start)
                log.info("%s step %d loss %.4f %.3f s/step", self.folder.name, step + 1, total / 50, pace)
                total = 0.0
            if (step + 1) % self.save_every == 0 or step + 1 == self.steps:
                self._save(model, optimizer, step + 1)
        model.eval()

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    def _schedule(self, optimizer: AdamW, start: int) -> OneCycleLR:
        """Return the schedule from `start` on; a run that is resumed with more steps follows the longer one."""
        return OneCycleLR(optimizer, self.learning_rate, self.steps + 1, pct_start=0.06, last_epoch=start - 1)

    def _save(self, model: nn.Module, optimizer: AdamW, step: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        temporary = self._state.with_suffix(".part")
        torch.save(state, temporary)
        temporary.replace(self._state)

    def _resume(self, model: nn.Module, optimizer: AdamW) -> int:
        if not self._state.exists():
            return 0
        state = torch.load(self._state, map_location=self.device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["step"])
