"""What a run writes while it goes: its log, and the marks of complete checkpoints."""

import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import torch.distributed as dist
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from train.outputs import Mark, Outputs
from train.progress import is_portable

_LOG = logging.getLogger("train")


class Journal(TrainerCallback):  # type: ignore[misc]
    """Write the log of the main process: a JSON line and a line for people, per report."""

    def __init__(self, path: Path) -> None:
        self._path, self._began = path, time.perf_counter()
        self._first_step: int | None = None

    def on_step_begin(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **_: Any
    ) -> None:
        """Remember where this process began, for the estimate of the time left."""
        if self._first_step is None:
            self._first_step, self._began = state.global_step, time.perf_counter()

    def on_log(
        self,
        _args: TrainingArguments,
        state: TrainerState,
        _control: TrainerControl,
        logs: dict[str, Any],
        **_: Any,
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
    """Mark a checkpoint complete when every process has written its part, and delete older ones."""

    def __init__(self, outputs: Outputs, fingerprint: str, processes: int, keep: int) -> None:
        self._outputs, self._fingerprint = outputs, fingerprint
        self._processes, self._keep = processes, keep

    def on_save(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **_: Any
    ) -> None:
        """Wait for all, then let the main process write the mark."""
        if dist.is_initialized():
            dist.barrier()
        if state.is_world_process_zero:
            folder = self._outputs.checkpoints / f"checkpoint-{state.global_step}"
            mark = Mark(state.global_step, self._processes, self._fingerprint, is_portable(folder))
            self._outputs.mark(folder, mark)
            self._outputs.prune(self._keep)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
