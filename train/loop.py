"""The training loop: Hugging Face's Trainer with our batches, our two learning rates and our monitor."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from train.device import on_cuda
from train.flops import flops_per_token, peak_flops
from train.lora import parameter_groups
from train.monitor import Monitor
from train.outputs import Outputs
from train.plan import Sizes
from train.progress import is_portable, load_generators, load_progress, save_progress
from train.recipe import TrainRecipe
from train.tracking import trackers
from train.zero import deepspeed_config


def training_arguments(recipe: TrainRecipe, sizes: Sizes, steps: int, launched: bool) -> TrainingArguments:
    """Derive the Trainer's arguments; DeepSpeed is used where its launcher started the process."""
    cuda = on_cuda()
    return TrainingArguments(
        output_dir=str(Outputs(recipe.out_dir).checkpoints),
        seed=recipe.seed,
        max_steps=steps,
        per_device_train_batch_size=sizes.micro_batch,
        gradient_accumulation_steps=sizes.accumulation,
        learning_rate=recipe.optimizer.learning_rate,
        weight_decay=recipe.optimizer.weight_decay,
        max_grad_norm=recipe.optimizer.max_grad_norm,
        lr_scheduler_type=recipe.optimizer.schedule,
        warmup_steps=round(recipe.optimizer.warmup * steps),
        bf16=recipe.model.dtype == "bfloat16",
        tf32=True if cuda else None,
        use_cpu=not cuda,
        deepspeed=deepspeed_config(recipe, sizes) if launched else None,
        logging_steps=recipe.logging.every_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.checkpoints.every_steps,
        save_total_limit=recipe.checkpoints.keep,
        report_to=trackers(recipe.logging),
        run_name=recipe.out_dir.name,
        remove_unused_columns=False,
        disable_tqdm=True,
    )


class Finetuner(Trainer):  # type: ignore[misc]
    """Train on the given micro batches, in their order."""

    optimizer: torch.optim.Optimizer | None

    def __init__(
        self,
        recipe: TrainRecipe,
        model: torch.nn.Module,
        arguments: TrainingArguments,
        training_set: Dataset[Any],
        collator: Callable[[Sequence[Any]], dict[str, Any]],
        batches: Sequence[list[int]],
        monitor: Monitor,
    ) -> None:
        super().__init__(model=model, args=arguments, train_dataset=training_set, data_collator=collator)
        self._recipe, self._batches, self.monitor = recipe, list(batches), monitor
        self._flops_per_token, self._peak_flops = flops_per_token(model), peak_flops()
        self.remove_callback(PrinterCallback)
        self.add_callback(monitor)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return a loader of this process's micro batches, one pass over which is the whole run."""
        workers = self._recipe.workers
        return DataLoader(
            self.train_dataset,
            batch_sampler=self._batches,
            collate_fn=self.data_collator,
            num_workers=workers,
            pin_memory=on_cuda(),
            prefetch_factor=4 if workers else None,
        )

    def create_optimizer(self, _model: Any = None) -> torch.optim.Optimizer:
        """Return AdamW over the groups of the adapter."""
        if self.optimizer is None:
            config = self._recipe.optimizer
            groups = parameter_groups(self.model, self._recipe)
            kind = _cpu_adam if self._offloaded else torch.optim.AdamW
            fused = {"fused": True} if on_cuda() and not self._offloaded else {}
            self.optimizer = kind(
                groups, lr=config.learning_rate, betas=config.betas, eps=config.epsilon, **fused
            )
        return self.optimizer

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint of our own, or the library's where the recipe wants DeepSpeed's."""
        if self._recipe.checkpoints.kind != "portable":
            super()._save_checkpoint(model, trial)
            return
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        main = self.is_world_process_zero()
        save_progress(folder, self.model, self.optimizer, self.lr_scheduler, main)
        if main:
            self.state.save_to_json(str(folder / TRAINER_STATE_NAME))

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: DataLoader[Any], resume_from_checkpoint: str | None
    ) -> tuple[Any, Any]:
        """Build optimizer and schedule, then continue from a checkpoint of our own if there is one."""
        own = _own(resume_from_checkpoint)
        rest = None if own else resume_from_checkpoint
        prepared: tuple[Any, Any] = super()._prepare_for_training(max_steps, train_dataloader, rest)
        if own:
            load_progress(own, self.model, self.optimizer, self.lr_scheduler)
        return prepared

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if not _own(resume_from_checkpoint):
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if own := _own(checkpoint):
            load_generators(own, self.args.process_index, self.args.world_size, self.args.seed)
        else:
            super()._load_rng_state(checkpoint)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """Take the micro batches of a step, timing the wait for them."""
        result: tuple[list[Any], Any] = super().get_batch_samples(
            self._timed(epoch_iterator), num_batches, device
        )
        return result

    def _timed(self, batches: Iterator[Any]) -> Iterator[Any]:
        began = time.perf_counter()
        for batch in batches:
            self.monitor.waited_s += time.perf_counter() - began
            yield batch
            began = time.perf_counter()

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Train on one micro batch and tell the monitor."""
        record = inputs.pop("record")
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        self.monitor.add(record, inputs, loss)
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Report the monitor's figures beside the loss."""
        if "loss" in logs:
            logs = logs | self.monitor.take(self.args.world_size)
            if self._peak_flops:
                rate = logs["tokens_per_s"] / self.args.world_size
                logs["mfu"] = round(rate * self._flops_per_token / self._peak_flops, 4)
        super().log(logs, start_time)

    @property
    def _offloaded(self) -> bool:
        return self.is_deepspeed_enabled and self._recipe.deepspeed.offload != "none"


def _own(checkpoint: str | None) -> Path | None:
    return Path(checkpoint) if checkpoint is not None and is_portable(Path(checkpoint)) else None


def _cpu_adam(groups: list[dict[str, Any]], **settings: Any) -> torch.optim.Optimizer:
    from deepspeed.ops.adam import DeepSpeedCPUAdam

    optimizer: torch.optim.Optimizer = DeepSpeedCPUAdam(groups, **settings)
    return optimizer
