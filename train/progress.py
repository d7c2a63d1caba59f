"""A small checkpoint of our own: what was trained, its optimizer, its schedule and the random generators.

It knows nothing of the number of processes or of the ZeRO stage, so any other may continue from it; the data goes
on at the same sample because global batches depend on the seed alone.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from train.device import on_cuda
from train.error import CheckpointError
from train.gather import gather_objects
from train.outputs import write_json
from train.states import collect, restore

_STATES, _GENERATORS, _SCHEDULE = "states.safetensors", "generators.safetensors", "schedule.json"


def is_portable(checkpoint: Path) -> bool:
    """Return whether a checkpoint is of this kind, and not one of DeepSpeed or of transformers."""
    return (checkpoint / _SCHEDULE).is_file()


def save_progress(checkpoint: Path, model: nn.Module, optimizer: Any, scheduler: Any, is_main: bool) -> None:
    """Write a checkpoint; every process must call it, the main one writes."""
    states = collect(model, optimizer, keep=is_main)
    generators = gather_objects(_generators())
    if is_main:
        checkpoint.mkdir(parents=True, exist_ok=True)
        save_file(states, checkpoint / _STATES)
        numbered = {
            f"{name}/{rank}": state for rank, own in enumerate(generators) for name, state in own.items()
        }
        save_file(numbered, checkpoint / _GENERATORS)
        write_json(checkpoint / _SCHEDULE, scheduler.state_dict())


def load_progress(checkpoint: Path, model: nn.Module, optimizer: Any, scheduler: Any) -> None:
    """Continue from a checkpoint; every process must call it.

    Raises:
        CheckpointError: it holds other weights than those that are trained.
    """
    schedule: dict[str, Any] = json.loads((checkpoint / _SCHEDULE).read_text(encoding="utf-8"))
    states = load_file(checkpoint / _STATES)
    try:
        restore(model, optimizer, states, schedule["last_epoch"])
    except KeyError as error:
        raise CheckpointError(f"{checkpoint} holds no state {error}: give --set resume=never") from None
    scheduler.load_state_dict(schedule)
    for group, rate in zip(optimizer.param_groups, schedule["_last_lr"], strict=True):
        group["lr"] = rate


def load_generators(checkpoint: Path, rank: int, processes: int, seed: int) -> None:
    """Set the random generators as they were, or anew by seed and step where processes have come or gone."""
    stored = load_file(checkpoint / _GENERATORS)
    if f"cpu/{processes}" in stored or f"cpu/{processes - 1}" not in stored:
        torch.manual_seed(seed + 1_000_003 * int(checkpoint.name.rpartition("-")[2]) + rank)
        return
    torch.set_rng_state(stored[f"cpu/{rank}"])
    if on_cuda() and f"cuda/{rank}" in stored:
        torch.cuda.set_rng_state(stored[f"cuda/{rank}"])


def _generators() -> dict[str, torch.Tensor]:
    own = {"cpu": torch.get_rng_state()}
    return own | {"cuda": torch.cuda.get_rng_state()} if on_cuda() else own
