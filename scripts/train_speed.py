"""The same fine-tuning work done by this trainer and by a plain Trainer with padding, measured alike."""

import json
import math
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import get_peft_model
from torch.utils.data import Dataset
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from train import attention, lora
from train.chat import IGNORED_LABEL
from train.collate import Collator, Example
from train.device import on_cuda
from train.flops import flops_per_token, peak_flops
from train.loop import Finetuner, training_arguments
from train.model import TrainableLlava
from train.monitor import Monitor, StopRequest
from train.plan import Sizes, batches_of, global_batches
from train.quiet import quiet_libraries
from train.recipe import TrainRecipe

IMAGE_ID, PAD_ID = 1, 0
PROMPT_TOKENS = 54
"""The system text and the question of Vicuna v1, in tokens."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a LLaVA with random weights."""

    hidden: int
    layers: int
    heads: int
    wide: int
    vocabulary: int
    vision_hidden: int
    vision_layers: int
    side_px: int = 336

    @property
    def image_tokens(self) -> int:
        """Return the tokens of one image, in patches of 14 pixels."""
        return (self.side_px // 14) ** 2

    def config(self) -> LlavaConfig:
        """Return the configuration of the real classes."""
        vision = CLIPVisionConfig(
            hidden_size=self.vision_hidden, intermediate_size=4 * self.vision_hidden,
            num_hidden_layers=self.vision_layers, num_attention_heads=max(1, self.vision_hidden // 64),
            image_size=self.side_px, patch_size=14,
        )  # fmt: skip
        text = LlamaConfig(
            hidden_size=self.hidden, intermediate_size=self.wide, num_hidden_layers=self.layers,
            num_attention_heads=self.heads, num_key_value_heads=self.heads, vocab_size=self.vocabulary,
            max_position_embeddings=4096, pad_token_id=PAD_ID, bos_token_id=None, eos_token_id=2,
        )  # fmt: skip
        return LlavaConfig(vision_config=vision, text_config=text, image_token_id=IMAGE_ID,
                           image_seq_length=self.image_tokens)  # fmt: skip


SEVEN_B = Shape(4096, 32, 32, 11008, 32064, 1024, 24)
SMALL = Shape(256, 8, 4, 688, 512, 64, 4)
"""The proportions of the large one, output layer included (2 % of the weights), for a processor without a GPU."""
TINY = Shape(32, 2, 2, 64, 64, 64, 2, side_px=28)


@dataclass(frozen=True)
class Work:
    """What is trained: rank, batch sizes and steps, and descriptions as long as those of Image Textualization."""

    shape: Shape
    rank: int = 128
    micro_batch: int = 8
    global_batch: int = 32
    steps: int = 4
    warmup_steps: int = 1
    """Steps before the clock starts."""
    answer_tokens: int = 260
    spread: float = 0.35
    """Of the logarithm of the length of an answer."""
    seed: int = 0

    def answers(self) -> list[int]:
        """Return the tokens of each answer: log-normal, as lengths of descriptions are."""
        rng = np.random.default_rng(self.seed)
        count = self.global_batch * self.steps
        center = math.log(self.answer_tokens) - self.spread**2 / 2
        drawn = np.exp(rng.normal(center, self.spread, count))
        return [int(n) for n in drawn.clip(self.answer_tokens * 0.25, self.answer_tokens * 3)]


class Samples(Dataset[Example]):
    """Random images with random descriptions, the same on every call."""

    def __init__(self, work: Work) -> None:
        self.answers, self._shape, self._seed = work.answers(), work.shape, work.seed

    def __len__(self) -> int:
        return len(self.answers)

    def length(self, index: int) -> int:
        """Return the tokens of a sample."""
        return self._shape.image_tokens + PROMPT_TOKENS + self.answers[index]

    def __getitem__(self, index: int) -> Example:
        generator = torch.Generator().manual_seed(self._seed + index)
        text = torch.randint(
            3, self._shape.vocabulary, (PROMPT_TOKENS + self.answers[index],), generator=generator
        )
        ids = torch.cat([torch.full((self._shape.image_tokens,), IMAGE_ID), text])
        labels = ids.clone()
        labels[: self._shape.image_tokens + PROMPT_TOKENS] = IGNORED_LABEL
        pixels = torch.randn(3, self._shape.side_px, self._shape.side_px, generator=generator)
        return Example(str(index), ids, labels, pixels)


@dataclass(frozen=True)
class Speed:
    """What one side has shown."""

    tokens_per_s: float
    """Real tokens, without padding."""
    padding: float
    data_wait: float | None
    peak_mb: float
    mfu: float | None
    loss: float


def measure(side: str, work: Work) -> Speed:
    """Train by `ours` or `plain` in this process."""
    quiet_libraries()
    set_seed(work.seed)
    with tempfile.TemporaryDirectory() as folder:
        recipe = _recipe(work, Path(folder))
        return (_ours if side == "ours" else _plain)(work, recipe, Samples(work))


def _recipe(work: Work, folder: Path) -> TrainRecipe:
    return TrainRecipe.model_validate({
        "out": str(folder), "model": {"checkpoint": "random", "dtype": "bfloat16" if on_cuda() else "float32"},
        "data": [{"kind": "factory", "path": "random"}], "lora": {"rank": work.rank, "alpha": 2 * work.rank},
        "global_batch_size": work.global_batch, "micro_batch_size": work.micro_batch, "max_steps": work.steps,
        "workers": 4 if on_cuda() else 0, "logging": {"every_steps": 1, "wandb": "disabled"},
    })  # fmt: skip


def _llava(work: Work, implementation: str) -> Any:
    attention.register()
    config = work.shape.config()
    config._attn_implementation = "sdpa"
    config.text_config._attn_implementation = implementation
    dtype = torch.bfloat16 if on_cuda() else torch.float32
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with torch.device("cuda" if on_cuda() else "cpu"):
        model = LlavaForConditionalGeneration(config)
    torch.set_default_dtype(before)
    model.config.text_config._attn_implementation = implementation
    return model.requires_grad_(False)


def _ours(work: Work, recipe: TrainRecipe, samples: Samples) -> Speed:
    model = _llava(work, attention.NAME)
    model.__class__ = TrainableLlava
    adapted = lora.attach(model, recipe)
    sizes = Sizes(work.global_batch, work.micro_batch, 1)
    batches = global_batches([1.0] * len(samples), work.seed, work.steps, work.global_batch)
    lengths = [samples.length(index) for index in range(len(samples))]
    arguments = training_arguments(recipe, sizes, work.steps, launched=False)
    arguments.save_strategy = "no"
    collator = Collator(IMAGE_ID, work.shape.image_tokens, PAD_ID, packing=True)
    mine = batches_of(0, batches, lengths, sizes, balance=True)
    trainer = Finetuner(recipe, adapted, arguments, samples, collator, mine, Monitor(StopRequest()))
    clock = _Clock(work)
    trainer.add_callback(clock)
    trainer.train()
    logs = [row for row in trainer.state.log_history if "tokens_per_s" in row]
    waits = [row["data_wait"] for row in logs[work.warmup_steps :]]
    return clock.speed(
        adapted, samples, max(row["padding"] for row in logs), sum(waits) / len(waits), logs[-1]["loss"]
    )


def _plain(work: Work, recipe: TrainRecipe, samples: Samples) -> Speed:
    model = get_peft_model(_llava(work, "sdpa"), lora.lora_config(recipe))
    slots: list[int] = []
    arguments = TrainingArguments(
        output_dir=recipe.out, seed=work.seed, max_steps=work.steps,
        per_device_train_batch_size=work.micro_batch,
        gradient_accumulation_steps=work.global_batch // work.micro_batch, learning_rate=2e-4,
        bf16=on_cuda(), use_cpu=not on_cuda(), save_strategy="no", logging_steps=1, disable_tqdm=True,
        remove_unused_columns=False, dataloader_num_workers=recipe.workers, report_to=[],
    )  # fmt: skip
    trainer = Trainer(
        model=model, args=arguments, train_dataset=samples, data_collator=lambda items: _padded(items, slots)
    )
    trainer.pop_callback("PrinterCallback")
    clock = _Clock(work)
    trainer.add_callback(clock)
    trainer.train()
    real = sum(samples.length(index) for index in range(len(samples)))
    loss = [row["loss"] for row in trainer.state.log_history if "loss" in row][-1]
    padding = 1 - real / sum(slots) if slots else math.nan  # workers count in their own memory
    return clock.speed(model, samples, padding, None, loss)


def _padded(items: Sequence[Example], slots: list[int]) -> dict[str, torch.Tensor]:
    """Pad as data collators do, with an attention mask."""
    pad = torch.nn.utils.rnn.pad_sequence
    ids = pad([item.ids for item in items], batch_first=True, padding_value=PAD_ID)
    slots.append(ids.numel())
    return {
        "input_ids": ids,
        "labels": pad([item.labels for item in items], batch_first=True, padding_value=IGNORED_LABEL),
        "attention_mask": pad([torch.ones_like(item.ids) for item in items], batch_first=True),
        "pixel_values": torch.stack([item.pixels for item in items if item.pixels is not None]),
    }


class _Clock(TrainerCallback):  # type: ignore[misc]
    """Time the steps after the first ones."""

    def __init__(self, work: Work) -> None:
        self._work, self._began, self._seconds = work, 0.0, 0.0

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Start or read the clock when the device has caught up."""
        if on_cuda():
            torch.cuda.synchronize()
        if state.global_step == self._work.warmup_steps:
            self._began = time.perf_counter()
        self._seconds = time.perf_counter() - self._began

    def speed(self, model: Any, samples: Samples, padding: float, wait: float | None, loss: float) -> Speed:
        """Return the figures; every step has about as many tokens, so the mean stands for the timed ones."""
        tokens = sum(samples.length(index) for index in range(len(samples)))
        timed = tokens * (self._work.steps - self._work.warmup_steps) / self._work.steps
        rate, peak = timed / self._seconds, peak_flops()
        mfu = rate * flops_per_token(model) / peak if peak else None
        return Speed(round(rate, 1), round(padding, 4), wait, round(_peak_mb(), 1), mfu, loss)


def _peak_mb() -> float:
    if on_cuda():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def as_json(speed: Speed) -> str:
    """Return the figures on one line."""
    return json.dumps(speed.__dict__)
