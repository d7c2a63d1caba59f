"""Trained weights and their optimizer states as whole tensors, whatever ZeRO stage divides them, and back."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.functional import pad

MOMENTS = ("exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight, beside the number of its steps."""


def collect(model: nn.Module, optimizer: Any, keep: bool) -> dict[str, torch.Tensor]:
    """Return `weight/NAME`, `exp_avg/NAME` and `exp_avg_sq/NAME` in float32, where `keep`; every process must call it.

    Weights are the masters that the optimizer works on, not the copies in half precision.
    """
    found: dict[str, torch.Tensor] = {}
    _link(_divider(optimizer))
    for name, weight in trained(model):
        for kind in ("weight", *MOMENTS):
            value = _whole(weight, _innermost(optimizer), kind)
            if keep:
                found[f"{kind}/{name}"] = value.detach().float().cpu().clone()
    return found


def restore(model: nn.Module, optimizer: Any, stored: Mapping[str, torch.Tensor], steps: int) -> None:
    """Put collected tensors back, on any number of processes and any ZeRO stage; every process must call it."""
    inner, divided = _innermost(optimizer), _divider(optimizer)
    _make_room(inner, divided, steps)
    for name, weight in trained(model):
        _fill_model(weight, stored[f"weight/{name}"])
        for kind in MOMENTS if divided is None else ("weight", *MOMENTS):
            value = stored[f"{kind}/{name}"]
            if divided is None:
                inner.state[weight][kind].copy_(value)
            else:
                _fill_part(weight, divided, kind, value.to(weight.device))


def trained(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the weights that are trained, by name."""
    yield from ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)


def _innermost(optimizer: Any) -> Any:
    """Return the AdamW inside the wrappers of accelerate and DeepSpeed."""
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer


def _divider(optimizer: Any) -> Any:
    """Return DeepSpeed's optimizer that holds divided masters, or None where weights are their own masters."""
    while hasattr(optimizer, "optimizer"):
        if hasattr(optimizer, "_link_all_hp_params") or hasattr(optimizer, "fp32_partitioned_groups_flat"):
            return optimizer
        optimizer = optimizer.optimizer
    return None


def _whole(weight: nn.Parameter, inner: Any, kind: str) -> torch.Tensor:
    if not hasattr(weight, "ds_id") and not hasattr(weight, "_hp_mapping"):
        return weight if kind == "weight" else inner.state[weight][kind]
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

    whole: torch.Tensor = (
        safe_get_full_fp32_param(weight) if kind == "weight" else safe_get_full_optimizer_state(weight, kind)
    )
    return whole


def _make_room(inner: Any, divided: Any, steps: int) -> None:
    """Give every master the states that AdamW would make at its first step."""
    flat = getattr(divided, "fp32_partitioned_groups_flat", None)
    for group in inner.param_groups:
        for master in group["params"] if flat is None else flat:
            inner.state[master] = {kind: torch.zeros_like(master) for kind in MOMENTS}
            inner.state[master]["step"] = _step_count(inner, group, master, steps)
    _link(divided)


def _link(divided: Any) -> None:
    """Let DeepSpeed find the states of every group: it looks for them after the first group's first step only."""
    if hasattr(divided, "_lazy_init_hp_params_optimizer_state"):
        divided._hp_optimizer_states_linked = False
        divided._lazy_init_hp_params_optimizer_state()


def _step_count(inner: Any, group: dict[str, Any], master: torch.Tensor, steps: int) -> Any:
    if not isinstance(inner, torch.optim.AdamW):
        return steps  # DeepSpeed's AdamW for the host counts in integers
    on_device = group.get("fused") or group.get("capturable")
    return torch.tensor(float(steps), device=master.device if on_device else "cpu")


def _fill_model(weight: nn.Parameter, value: torch.Tensor) -> None:
    if not hasattr(weight, "ds_id"):
        weight.data.copy_(value)
        return
    import deepspeed

    with deepspeed.zero.GatheredParameters([weight], modifier_rank=0):
        weight.data.copy_(value)


def _fill_part(weight: nn.Parameter, divided: Any, kind: str, value: torch.Tensor) -> None:
    """Copy this process's part of a master or of one of its states."""
    key = None if kind == "weight" else kind
    if not hasattr(weight, "ds_id"):
        weight.set_full_hp_param(value, optim_state_key=key)  # type: ignore[attr-defined]
        return
    part, _ = divided._get_fp32_opt_state_partition(weight, release_swap_buffers=False, optim_state_key=key)
    start = part.numel() * divided._get_param_partition_rank(weight)
    room = max(0, start + part.numel() - value.numel())  # the last part is filled up with zeros
    part.data.copy_(pad(value.flatten(), (0, room)).narrow(0, start, part.numel()))
