"""Saves the small checkpoints as production ones are: half precision safetensors, processor, model card."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CLIPTokenizer,
    DepthAnythingForDepthEstimation,
    DPTImageProcessor,
    LlamaForCausalLM,
    LlavaForConditionalGeneration,
    LlavaImageProcessor,
    LlavaProcessor,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    Owlv2Processor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SamImageProcessor,
    SamModel,
    SamProcessor,
)

from recipes.picturebook.pretrain.card import write_card
from recipes.picturebook.pretrain.patches import PIXEL_MEAN, PIXEL_STD
from recipes.picturebook.pretrain.tokenizer import IMAGE
from recipes.picturebook.world import IMAGE_SIZE

NORMALISE: dict[str, Any] = {"image_mean": [PIXEL_MEAN] * 3, "image_std": [PIXEL_STD] * 3}
SQUARE = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}


def save_llava(
    folder: Path,
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    scores: dict[str, float],
) -> None:
    """Save LLaVA with a processor that pads to a square, as the original does, and never crops."""
    images = LlavaImageProcessor(
        do_pad=True, size={"shortest_edge": IMAGE_SIZE}, crop_size=SQUARE, do_center_crop=False, **NORMALISE
    )
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=model.config.vision_config.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=tokenizer.chat_template,
    )
    _save(folder, model, processor, scores)


def save_llama(
    folder: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, scores: dict[str, float]
) -> None:
    """Save the text-only Llama."""
    _save(folder, model, tokenizer, scores)


def save_owlv2(
    folder: Path, model: Owlv2ForObjectDetection, tokenizer: CLIPTokenizer, scores: dict[str, float]
) -> None:
    """Save OWLv2."""
    processor = Owlv2Processor(Owlv2ImageProcessor(size=SQUARE, **NORMALISE), tokenizer)
    _save(folder, model, processor, scores)


def save_sam(folder: Path, model: SamModel, scores: dict[str, float]) -> None:
    """Save SAM."""
    images = SamImageProcessor(
        size={"longest_edge": IMAGE_SIZE},
        pad_size=SQUARE,
        mask_size={"longest_edge": IMAGE_SIZE // 2},
        mask_pad_size={"height": IMAGE_SIZE // 2, "width": IMAGE_SIZE // 2},
        **NORMALISE,
    )
    _save(folder, model, SamProcessor(images), scores)


def save_depth(folder: Path, model: DepthAnythingForDepthEstimation, scores: dict[str, float]) -> None:
    """Save Depth Anything."""
    images = DPTImageProcessor(
        size=SQUARE, keep_aspect_ratio=True, ensure_multiple_of=model.config.patch_size, **NORMALISE
    )
    _save(folder, model, images, scores)


def _save(folder: Path, model: PreTrainedModel, processor: Any, scores: dict[str, float]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    model.config._attn_implementation_internal = None
    model.to("cpu", torch.float16).save_pretrained(folder)
    processor.save_pretrained(folder)
    _forget_processor_class(folder, model)
    (folder / "scores.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    write_card(folder, sum(p.numel() for p in model.parameters()), scores)


def _forget_processor_class(folder: Path, model: PreTrainedModel) -> None:
    """Drop the key that makes servers look for an image processor in a text-only checkpoint."""
    path = folder / "tokenizer_config.json"
    if isinstance(model, LlamaForCausalLM) and path.exists():
        config = json.loads(path.read_text(encoding="utf-8"))
        config.pop("processor_class", None)
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
