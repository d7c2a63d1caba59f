"""How well the hardware is used: model FLOPs utilisation of real tokens (Chowdhery et al. 2022, 2204.02311).

Per token a frozen weight takes 4 operations (forward, and the gradient of its input) and a trained weight 6.
Attention, vision tower and output layer are left out, and so is recomputation: the figure is a lower bound.
"""

import torch
from torch import nn

from train.device import on_cuda

PEAK_BF16 = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "RTX 4090": 165e12}
"""Dense bfloat16 operations per second, from the makers' data sheets."""


def flops_per_token(model: nn.Module) -> float:
    """Return the operations of one training token in the linear layers of the language model."""
    total = 0.0
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and ".language_model." in f".{name}.":
            weight = module.weight
            count = getattr(weight, "ds_numel", weight.numel())  # whole, also where ZeRO-3 has partitioned it
            total += count * (6.0 if weight.requires_grad else 4.0)
    return total


def peak_flops() -> float | None:
    """Return the peak of this process's GPU in bfloat16, or None where it is not known."""
    name = torch.cuda.get_device_name() if on_cuda() else ""
    return next((peak for part, peak in PEAK_BF16.items() if part in name), None)
