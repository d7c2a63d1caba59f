"""The DeepSpeed configuration, derived from the recipe. Imports no torch."""

from typing import Any

from train.plan import Sizes
from train.recipe import TrainRecipe

_BUCKET = 200_000_000


def deepspeed_config(recipe: TrainRecipe, sizes: Sizes) -> dict[str, Any]:
    """Return DeepSpeed's JSON as a dict: keys of stage 3 for stage 3 only, no optimizer and no schedule.

    The optimizer is torch's AdamW with a group per learning rate, which DeepSpeed's section cannot express.
    """
    return {
        "train_micro_batch_size_per_gpu": sizes.micro_batch,
        "gradient_accumulation_steps": sizes.accumulation,
        "gradient_clipping": recipe.optimizer.max_grad_norm,
        "bf16": {"enabled": recipe.model.dtype == "bfloat16"},
        "zero_optimization": _zero(recipe),
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 10**9,
        "wall_clock_breakdown": False,
    }


def _zero(recipe: TrainRecipe) -> dict[str, Any]:
    stage, offload = recipe.deepspeed.stage, recipe.deepspeed.offload
    zero: dict[str, Any] = {"stage": stage}
    if stage > 0:
        zero |= {"overlap_comm": True, "contiguous_gradients": True, "reduce_bucket_size": _BUCKET}
    if stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": _BUCKET // 4,
            "stage3_param_persistence_threshold": 100_000,
            "stage3_max_live_parameters": 10**9,
            "stage3_max_reuse_distance": 10**9,
        }
    if offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if offload == "all":
        zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    return zero
