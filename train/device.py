"""The device a run computes on."""

import os

import torch


def on_cuda() -> bool:
    """Return whether to compute on a GPU: where there is one, unless `DS_ACCELERATOR=cpu` says otherwise."""
    return torch.cuda.is_available() and os.environ.get("DS_ACCELERATOR") != "cpu"
