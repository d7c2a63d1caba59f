"""Descriptions of a few fixed images while training: to be read in the log, and counted where the truth is given."""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    LlavaForConditionalGeneration,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from train.images import decode
from train.reader import Reader
from train.recipe import TrainRecipe
from train.running import SamplesConfig

_LOG = logging.getLogger("train")
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Description:
    """What the model said of one image."""

    image: str
    text: str
    mentioned: frozenset[str] | None
    """Objects of the truth's vocabulary that are named; None without truth."""
    absent: frozenset[str] | None
    """Those of them that are not in the image."""


class SampleWriter(TrainerCallback):  # type: ignore[misc]
    """Let the model describe the images every so many steps; the main process alone does it."""

    def __init__(self, recipe: TrainRecipe, config: SamplesConfig, reader: Reader, path: Path) -> None:
        self._config, self._reader, self._path = config, reader, path
        self._images = sample_images(Path(config.images).expanduser(), config.count)
        self._truth = read_truth(config.truth)
        self._prompt = reader.chat(recipe).prompt(recipe.prompts[0], has_image=True)
        self._max_pixels, self._bfloat16 = recipe.max_image_pixels, recipe.model.dtype == "bfloat16"

    def on_step_end(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, model: Any, **_: Any
    ) -> None:
        """Describe when it is time, and write it down."""
        if state.global_step % self._config.every_steps or not state.is_world_process_zero:
            return
        with answering(model):
            found = [self._describe(model, image) for image in self._images]
        self._write(state.global_step, found)

    def _describe(self, model: Any, image: Path) -> Description:
        pixels = decode(image.read_bytes(), self._max_pixels)
        inputs = self._reader.processor(text=self._prompt, images=pixels, return_tensors="pt").to(
            model.device
        )
        inputs.pop("token_type_ids", None)
        device = model.device.type
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=self._bfloat16):
            ids = model.generate(
                **inputs, max_new_tokens=self._config.max_new_tokens, do_sample=False,
                pad_token_id=self._reader.pad_token_id,
            )  # fmt: skip
        text = self._reader.tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return judge(image.stem, text.strip(), self._truth)

    def _write(self, step: int, found: Sequence[Description]) -> None:
        rate = chair_i(found)
        rows = [
            {"step": step, "image": item.image, "description": item.text,
             "absent": None if item.absent is None else sorted(item.absent)}
            for item in found
        ]  # fmt: skip
        with self._path.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)
        _LOG.info("step %d  %s: %s", step, found[0].image, found[0].text)
        wandb = sys.modules.get("wandb")
        if wandb is not None and wandb.run is not None:
            shown = [[step, item.image, item.text, ", ".join(sorted(item.absent or ()))] for item in found]
            logged = {"samples": wandb.Table(columns=list(rows[0]), data=shown)}
            wandb.log(logged | ({} if rate is None else {"samples/chair_i": rate}))


@contextmanager
def answering(model: Any) -> Iterator[None]:
    """Give a model its own forward pass back, with mask and cache, for the time of generating."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    text = inner.config.text_config
    kind, implementation = inner.__class__, text._attn_implementation
    inner.__class__ = LlavaForConditionalGeneration
    text._attn_implementation = "sdpa" if implementation == "packed_sdpa" else implementation
    model.eval()
    try:
        yield
    finally:
        inner.__class__, text._attn_implementation = kind, implementation
        model.train()


def sample_images(folder: Path, count: int) -> list[Path]:
    """Return the first images of a folder, in the order of their names."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in _SUFFIXES)
    return found[:count]


def read_truth(path: str | None) -> Mapping[str, Sequence[str]] | None:
    """Return the objects of each image, by its file name without ending."""
    if path is None:
        return None
    truth: dict[str, list[str]] = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    return truth


def judge(image: str, text: str, truth: Mapping[str, Sequence[str]] | None) -> Description:
    """Look for every object name of the truth in a description, as singular or with -s or -es."""
    if truth is None or image not in truth:
        return Description(image, text, None, None)
    names = {name for objects in truth.values() for name in objects}
    said = frozenset(
        name for name in names if re.search(rf"\b{re.escape(name)}(?:e?s)?\b", text, re.IGNORECASE)
    )
    return Description(image, text, said, said - set(truth[image]))


def chair_i(found: Sequence[Description]) -> float | None:
    """Return absent / mentioned objects (Rohrbach et al. 2018, arXiv:1809.02156) without synonyms, or None."""
    mentioned = sum(len(item.mentioned or ()) for item in found)
    return sum(len(item.absent or ()) for item in found) / mentioned if mentioned else None
