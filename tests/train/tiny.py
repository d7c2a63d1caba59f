"""A tiny LLaVA of the real classes, and a dataset for it, made in a second without any download."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import torch
import yaml
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from train.recipe import TrainRecipe

SIDE, PATCH = 28, 14
WEIGHTS = "adapter_model.safetensors"
COLOURS = ("red", "green", "blue", "yellow")
TEXT = [
    f"USER: <image>\nDescribe this image in detail. ASSISTANT: A {c} square is on the left." for c in COLOURS
]


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with `<pad>`, `</s>` and `<image>`."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<pad>", "</s>", "<image>"]
    bpe.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(
            vocab_size=320, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )


def save_llava(folder: Path, seed: int = 0) -> Path:
    """Write a random LLaVA with its processor; an image takes four tokens."""
    torch.manual_seed(seed)
    tokens = tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        image_size=SIDE, patch_size=PATCH,
    )  # fmt: skip
    text = LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=len(tokens), max_position_embeddings=512,
        pad_token_id=tokens.pad_token_id,
        eos_token_id=tokens.eos_token_id, bos_token_id=None,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_id=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIDE // PATCH) ** 2,
    )  # fmt: skip
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    images = LlavaImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_pad=False
    )
    LlavaProcessor(
        image_processor=images, tokenizer=tokens, patch_size=PATCH, vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def png(colour: str, size: tuple[int, int] = (40, 30)) -> bytes:
    """Return an image of one colour, encoded."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


def description(index: int) -> str:
    """Return a description whose length varies with the index."""
    colour = COLOURS[index % len(COLOURS)]
    return f"A {colour} square is on the left." + " It is large." * (index % 3)


def save_dataset(folder: Path, count: int = 12, descriptions: Sequence[str] | None = None) -> Path:
    """Write a dataset as the factory does, with the columns that training reads and one that it does not."""
    texts = list(descriptions) if descriptions is not None else [description(i) for i in range(count)]
    rows = {
        "id": [f"{i:012d}" for i in range(len(texts))],
        "image": [
            {"bytes": png(COLOURS[i % 4], (30 + i, 40)), "path": f"{i:012d}.png"} for i in range(len(texts))
        ],
        "description": texts,
        "reference": ["not read"] * len(texts),
    }
    features = datasets.Features(
        id=datasets.Value("string"), image=datasets.Image(), description=datasets.Value("string"),
        reference=datasets.Value("string"),
    )  # fmt: skip
    (folder / "data").mkdir(parents=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(
        folder / "data" / "train-00000-of-00001.parquet"
    )
    return folder


def save_pairs(folder: Path, answers: Sequence[tuple[str, str]]) -> Path:
    """Write (chosen, rejected) answers as `factory export --format preference` does."""

    def turn(role: str, text: str, image: bool = False) -> list[dict[str, Any]]:
        shown = [{"type": "image", "text": None}] if image else []
        return [{"role": role, "content": [*shown, {"type": "text", "text": text}]}]

    string = datasets.Value("string")
    messages = datasets.List({"role": string, "content": datasets.List({"type": string, "text": string})})
    rows = {
        "id": [f"{i:012d}" for i in range(len(answers))],
        "images": [[{"bytes": png(COLOURS[i % 4]), "path": f"{i:012d}.png"}] for i in range(len(answers))],
        "prompt": [turn("user", "Describe this image in detail.", image=True) for _ in answers],
        "chosen": [turn("assistant", chosen) for chosen, _ in answers],
        "rejected": [turn("assistant", rejected) for _, rejected in answers],
    }
    features = datasets.Features(
        id=string, images=datasets.List(datasets.Image()), prompt=messages, chosen=messages, rejected=messages
    )
    (folder / "data").mkdir(parents=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(
        folder / "data" / "train-00000-of-00001.parquet"
    )
    return folder


def recipe_tree(checkpoint: Path, dataset: Path, out: Path, **changes: Any) -> dict[str, Any]:
    """Return a recipe for the tiny model as a tree; `changes` replace keys of its root."""
    tree: dict[str, Any] = {
        "out": str(out),
        "model": {"checkpoint": str(checkpoint), "dtype": "float32"},
        "data": [{"kind": "factory", "path": str(dataset)}],
        "template": {"system": ""},
        "lora": {"rank": 4, "alpha": 8},
        "projector": {"learning_rate": 1e-3},
        "optimizer": {"learning_rate": 1e-2},
        "global_batch_size": 4,
        "micro_batch_size": 2,
        "max_steps": 4,
        "workers": 0,
        "logging": {"every_steps": 1, "wandb": "disabled"},
        "checkpoints": {"every_steps": 100},
    }
    return tree | changes


def changed(recipe: TrainRecipe, **changes: Any) -> TrainRecipe:
    """Return a recipe with other values for keys of its root."""
    return TrainRecipe.model_validate(recipe.model_dump() | changes)


def write_recipe(path: Path, tree: dict[str, Any]) -> Path:
    """Write a recipe tree as YAML."""
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def log_of(out: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's log."""
    return [json.loads(line) for line in (out / "train_log.jsonl").read_text(encoding="utf-8").splitlines()]
