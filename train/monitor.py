"""What is watched while training: tokens, speed, signals and the health of the loss, summed over processes."""

import json
import logging
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from train.chat import IGNORED_LABEL
from train.collate import BatchRecord, Dropped
from train.error import DivergenceError
from train.gather import gather_objects
from train.outputs import Mark, Outputs

_LOG = logging.getLogger("train")
_STREAK = 3
"""Steps without a supervised token after which the run stops."""
_IDS_SHOWN = 20


class StopRequest:
    """Set by SIGTERM or Ctrl-C; the run saves and ends after its current step. A second Ctrl-C ends it at once."""

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
    """Sum what every process saw in a step; stop on request, and when the loss is not finite or supervises nothing."""

    def __init__(self, stop: StopRequest) -> None:
        self.stop = stop
        self.totals = Totals()
        self.dropped: set[Dropped] = set()
        self.waited_s = 0.0
        self._micro: list[tuple[BatchRecord, int, int, torch.Tensor]] = []
        self._unsupervised = 0

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
        self._unsupervised = 0 if supervised else self._unsupervised + 1
        if broken or self._unsupervised >= _STREAK:
            raise DivergenceError(self._complaint(state.global_step, bool(broken)))
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

    def _complaint(self, step: int, broken: bool) -> str:
        suspects = [
            sample for record, supervised, _, loss in self._micro for sample in record.samples
            if not loss.isfinite() or not supervised
        ]  # fmt: skip
        everyone = gather_objects(suspects)
        ids = ", ".join(sorted({sample for some in everyone for sample in some})[:_IDS_SHOWN])
        what = "the loss is not finite" if broken else f"no token was supervised in {_STREAK} steps"
        return f"step {step}: {what}; samples of the batch: {ids}. Earlier checkpoints are untouched; lower the learning rate or remove the samples"


class Journal(TrainerCallback):  # type: ignore[misc]
    """Write the log of the main process: a JSON line and a line for people, per report."""

    def __init__(self, path: Path) -> None:
        self._path, self._began = path, time.perf_counter()
        self._first_step: int | None = None

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Remember where this process began, for the estimate of the time left."""
        if self._first_step is None:
            self._first_step, self._began = state.global_step, time.perf_counter()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any], **_: Any
    ) -> None:
        """Append one report."""
        if not state.is_world_process_zero or "loss" not in logs:
            return
        row = {"step": state.global_step} | {name: value for name, value in logs.items() if name != "epoch"}
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        done = state.global_step - (self._first_step or 0)
        left_s = (time.perf_counter() - self._began) / max(done, 1) * (state.max_steps - state.global_step)
        _LOG.info(
            "step %d/%d  loss %.4f  lr %.2e  %.0f tokens/s  padding %.1f %%  %s left",
            state.global_step, state.max_steps, logs["loss"], logs["learning_rate"], logs["tokens_per_s"],
            100 * logs["padding"], _clock(left_s),
        )  # fmt: skip


class Marker(TrainerCallback):  # type: ignore[misc]
    """Mark a checkpoint complete when every process has written its part."""

    def __init__(self, outputs: Outputs, fingerprint: str, processes: int) -> None:
        self._outputs, self._fingerprint, self._processes = outputs, fingerprint, processes

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Wait for all, then let the main process write the mark."""
        if dist.is_initialized():
            dist.barrier()
        if state.is_world_process_zero:
            folder = self._outputs.checkpoints / f"checkpoint-{state.global_step}"
            self._outputs.mark(folder, Mark(state.global_step, self._processes, self._fingerprint))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
