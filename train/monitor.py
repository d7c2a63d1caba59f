"""What is watched while training: tokens, speed, signals and the health of the loss, over all processes."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from train.chat import IGNORED_LABEL
from train.collate import BatchRecord, Dropped
from train.error import DivergenceError
from train.gather import gather_objects

_STREAK = 3
"""Steps without a supervised token after which the run stops."""
_IDS_SHOWN = 20


class StopRequest:
    """Set by SIGTERM or Ctrl-C: the run saves and ends after its step. A second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take over both signals for the time of training."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True


@dataclass
class Totals:
    """Sums since the last report, over all processes."""

    supervised: float = 0.0
    tokens: float = 0.0
    slots: float = 0.0
    samples: float = 0.0
    waited_s: float = 0.0
    since: float = field(default_factory=time.perf_counter)

    def report(self, processes: int) -> dict[str, float]:
        """Return the figures of the log: tokens are real ones, without padding."""
        elapsed = max(time.perf_counter() - self.since, 1e-9)
        return {
            "tokens_per_s": round(self.tokens / elapsed, 1),
            "samples_per_s": round(self.samples / elapsed, 3),
            "padding": round(1.0 - self.tokens / self.slots, 4) if self.slots else 0.0,
            "supervised_tokens": int(self.supervised),
            "data_wait": round(self.waited_s / processes / elapsed, 4),
        }


class Monitor(TrainerCallback):  # type: ignore[misc]
    """Sum what every process saw in a step; stop on request, and where the loss means nothing."""

    def __init__(self, stop: StopRequest) -> None:
        self.stop = stop
        self.totals = Totals()
        self.dropped: set[Dropped] = set()
        self.waited_s = 0.0
        self._micro: list[tuple[BatchRecord, int, int, torch.Tensor]] = []
        self._unsupervised = 0
        self._suspects: list[str] = []

    def add(self, record: BatchRecord, batch: dict[str, Any], loss: torch.Tensor) -> None:
        """Take in one micro batch of this process."""
        self.dropped.update(record.dropped)
        supervised = int((batch["labels"] != IGNORED_LABEL).sum())
        self._micro.append((record, supervised, batch["input_ids"].numel(), loss))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Sum the step over processes and judge it."""
        broken, asked, supervised, *rest = self._sum(args.device)
        for name, value in zip(("tokens", "slots", "samples", "waited_s"), rest, strict=True):
            setattr(self.totals, name, getattr(self.totals, name) + value)
        self.totals.supervised += supervised
        self._judge(state.global_step, bool(broken), bool(supervised))
        self._micro.clear()
        self.waited_s = 0.0
        if asked:
            control.should_save = control.should_training_stop = True
            self.stop.requested = True
        return control

    def take(self, processes: int) -> dict[str, float]:
        """Return the figures since the last call and begin anew."""
        report = self.totals.report(processes)
        self.totals = Totals()
        return report

    def _sum(self, device: torch.device) -> list[float]:
        losses = torch.stack([loss.float() for *_, loss in self._micro])
        broken = (~losses.isfinite()).any().double().to(device)
        counts = [
            float(self.stop.requested),
            sum(supervised for _, supervised, _, _ in self._micro),
            sum(record.tokens for record, *_ in self._micro),
            sum(slots for _, _, slots, _ in self._micro),
            sum(len(record.samples) for record, *_ in self._micro),
            self.waited_s,
        ]
        vector = torch.cat([broken[None], torch.tensor(counts, dtype=torch.float64, device=device)])
        if dist.is_initialized():
            dist.all_reduce(vector)
        values: list[float] = vector.tolist()
        return values

    def _judge(self, step: int, broken: bool, supervised: bool) -> None:
        """Stop where the loss means nothing; remember whose it was, for a streak is more than its last step."""
        if supervised:
            self._unsupervised = 0
            self._suspects.clear()
        else:
            self._unsupervised += 1
        if broken or not supervised:
            self._suspects += self._suspicious()
        if broken or self._unsupervised >= _STREAK:
            raise DivergenceError(self._complaint(step, broken))

    def _suspicious(self) -> list[str]:
        """Return the samples of this process's micro batches that a broken or empty loss came from."""
        return [
            sample for record, supervised, _, loss in self._micro for sample in record.samples
            if not loss.isfinite() or not supervised
        ]  # fmt: skip

    def _complaint(self, step: int, broken: bool) -> str:
        everyone = gather_objects(self._suspects)
        ids = ", ".join(sorted({sample for some in everyone for sample in some})[:_IDS_SHOWN])
        what = "the loss is not finite" if broken else f"no token was supervised in {_STREAK} steps"
        where = "samples of the batch" if broken else "their samples"
        advice = "Earlier checkpoints are untouched; lower the learning rate or remove the samples"
        return f"step {step}: {what}; {where}: {ids}. {advice}"
