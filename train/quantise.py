"""Four-bit weights of the language model (Dettmers et al. 2023, arXiv:2305.14314), by bitsandbytes."""

import importlib.util
from typing import Any

from train.error import TrainError

_NOT_QUANTISED = ["vision_tower", "multi_modal_projector", "lm_head"]


def check_quantisation() -> None:
    """Look whether this machine can train on four-bit weights.

    Raises:
        TrainError: it cannot.
    """
    from train.device import on_cuda

    if not on_cuda():
        raise TrainError("tuning qlora needs a CUDA GPU: --set tuning=lora trains on any machine")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise TrainError("tuning qlora needs bitsandbytes: pip install bitsandbytes")


def quantised() -> dict[str, Any]:
    """Return what `from_pretrained` needs to load frozen layers as double-quantised NF4, on this process's GPU."""
    import torch
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=_NOT_QUANTISED,
    )
    return {"quantization_config": config, "device_map": {"": torch.cuda.current_device()}}
