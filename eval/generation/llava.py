"""LLaVA (Liu et al. 2023, arXiv:2310.03744) as Hugging Face has it, answering greedily in batches.

An image that several questions of a batch are about goes through the vision tower once. Torch and
transformers are imported on loading, so that this module can be named without them.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eval.errors import ModelError
from eval.generation.ask import Request
from eval.generation.image import open_rgb
from eval.jsonio import sha256_of
from eval.model import LlavaModel

if TYPE_CHECKING:
    import torch

_MAX_HASHED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Llava:
    """A loaded model; left padding, no sampling."""

    model: Any
    processor: Any
    template: str
    batch_size: int
    fingerprint: str

    def __call__(self, requests: Sequence[Request]) -> list[str]:
        """Return one answer per request, without special tokens and surrounding space."""
        import torch

        images = list(dict.fromkeys(request.image for request in requests))
        with torch.inference_mode():
            features = self._features(images)  # (n_images, n_image_tokens, d)
            rows = [images.index(request.image) for request in requests]
            embeds, mask = self._embed([request.question for request in requests], features[rows])
            ids = self.model.generate(
                inputs_embeds=embeds,
                attention_mask=mask,
                max_new_tokens=requests[0].max_new_tokens,
                do_sample=False,
                pad_token_id=self.processor.tokenizer.pad_token_id,
            )  # (n, new tokens)
        texts: list[str] = self.processor.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _features(self, images: Sequence[Path]) -> "torch.Tensor":
        import torch

        opened = [open_rgb(path) for path in images]
        pixels = self.processor.image_processor(images=opened, return_tensors="pt")["pixel_values"]
        found = self.model.get_image_features(pixels.to(self.model.device, self.model.dtype))
        return torch.stack(list(found.pooler_output))

    def _embed(
        self, questions: Sequence[str], features: "torch.Tensor"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return the prompts' embeddings with the image in its place, (n, length, d), and their mask."""
        image_token = self.processor.image_token
        places = image_token * features.shape[1]
        prompts = [
            self.template.replace("{question}", question).replace("<image>", places) for question in questions
        ]
        tokens = self.processor.tokenizer(prompts, padding=True, padding_side="left", return_tensors="pt")
        tokens = tokens.to(self.model.device)
        embeds = self.model.get_input_embeddings()(tokens["input_ids"])
        at = (tokens["input_ids"] == self.model.config.image_token_id).unsqueeze(-1).expand_as(embeds)
        return embeds.masked_scatter(at, features.to(embeds.dtype)), tokens["attention_mask"]


def load_llava(config: LlavaModel) -> Llava:
    """Load a checkpoint and, if given, merge an adapter into it.

    Raises:
        ModelError: the checkpoint or the adapter cannot be loaded.
    """
    import torch
    from transformers import AutoProcessor, LlavaForConditionalGeneration
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    checkpoint, adapter = config.checkpoint, Path(config.adapter) if config.adapter else None
    fingerprint = fingerprint_of(config)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device
    try:
        model: Any = LlavaForConditionalGeneration.from_pretrained(
            checkpoint, revision=config.revision or "main", dtype=getattr(torch, config.dtype)
        )
        processor = cast(Any, AutoProcessor).from_pretrained(**_processor_source(config, adapter))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot load the LLaVA checkpoint {checkpoint!r}: {error}") from None
    if adapter is not None:
        model = _with_adapter(model, adapter)
    model.generation_config.max_length = None
    return Llava(model.to(device).eval(), processor, config.template, config.batch_size, fingerprint)


def _processor_source(config: LlavaModel, adapter: Path | None) -> dict[str, Any]:
    """Say where the processor lies: beside an adapter that was trained with one of its own, else in the base."""
    if adapter is not None and (adapter / "processor_config.json").is_file():
        return {"pretrained_model_name_or_path": str(adapter)}
    return {"pretrained_model_name_or_path": config.checkpoint, "revision": config.revision or "main"}


def _with_adapter(model: Any, adapter: Path) -> Any:
    from peft import PeftModel

    # peft asks transformers under a name that the latter is about to drop: nothing a user could mend
    warnings.filterwarnings(
        "ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning
    )
    try:
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"cannot load the adapter in {adapter}: {error}") from None


def fingerprint_of(config: LlavaModel) -> str:
    """Hash the settings and the files of checkpoint and adapter, without loading either.

    Raises:
        ModelError: there is no adapter where the recipe says one is.
    """
    checkpoint, adapter = config.checkpoint, Path(config.adapter) if config.adapter else None
    if adapter is not None and not (adapter / "adapter_config.json").is_file():
        raise ModelError(f"no PEFT adapter in {adapter}: adapter_config.json is missing")
    parts = [
        checkpoint if not Path(checkpoint).is_dir() else "",
        str(config.revision),
        config.template,
        config.dtype,
    ]
    parts += [
        _folder_hash(Path(folder)) for folder in (checkpoint, adapter) if folder and Path(folder).is_dir()
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _folder_hash(folder: Path) -> str:
    """Hash a checkpoint's files; of large ones only size and time of change, as reading takes minutes."""
    lines = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            state = path.stat()
            large = state.st_size > _MAX_HASHED_BYTES
            lines.append(f"{path.name} {state.st_size} {state.st_mtime_ns if large else sha256_of(path)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
