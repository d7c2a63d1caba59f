"""Tiny real things for tests: a LLaVA of the real classes with random weights, and a small world with known
truth.
"""

import json
import warnings
from pathlib import Path
from typing import Any

from PIL import Image

IMAGE_SIZE = 24
CLASSES = ("umbrella", "boat", "crab", "ball", "tree", "dog")


def save_tiny_llava(folder: Path, seed: int = 0) -> Path:
    """Save a random LLaVA with 16 image tokens, byte-level vocabulary, two layers of width 32."""
    import torch
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    torch.manual_seed(seed)
    processor = _processor()
    tokenizer = processor.tokenizer
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=IMAGE_SIZE,
        patch_size=6,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    model = LlavaForConditionalGeneration(config)
    # a wide output layer makes the random model speak differently about different images
    torch.nn.init.normal_(model.lm_head.weight, std=1.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def save_tiny_adapter(checkpoint: Path, folder: Path) -> Path:
    """Save a LoRA adapter for a tiny LLaVA whose weights are not zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlavaForConditionalGeneration

    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`")  # peft calling transformers
    torch.manual_seed(1)
    model = LlavaForConditionalGeneration.from_pretrained(checkpoint)
    lora = LoraConfig(r=4, target_modules=r".*language_model.*q_proj", init_lora_weights=False)
    get_peft_model(model, lora).save_pretrained(folder)
    return folder


def _processor() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import CLIPImageProcessorPil, LlavaProcessor, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(
        models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>")
    fast.add_special_tokens({"additional_special_tokens": ["<image>"]})
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    images = CLIPImageProcessorPil(size=size, do_center_crop=False)
    return LlavaProcessor(
        images, fast, patch_size=6, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )


def write_world(folder: Path, n_images: int = 6) -> tuple[Path, Path]:
    """Write images and their truth; return the image folder and the COCO file.

    Image `i` holds classes i and i+1 (modulo their number), the first red on the left and near, the second
    blue on the right and far.
    """
    images, annotations = [], []
    (folder / "images").mkdir(parents=True)
    for number in range(n_images):
        name = f"{number:012d}.png"
        Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), (40 * number % 256, 90, 255 - 30 * number)).save(
            folder / "images" / name
        )
        images.append({"id": number, "file_name": name, "width": 120, "height": 120, "setting": "beach"})
        for turn, (color, x, nearness) in enumerate((("red", 6.0, 0.9), ("blue", 78.0, 0.1))):
            category = (number + turn) % len(CLASSES) + 1
            box = [x, 40.0, 36.0, 48.0] if turn == 0 else [x, 20.0, 24.0, 24.0]
            annotations.append(
                {
                    "id": 10 * number + turn,
                    "image_id": number,
                    "category_id": category,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                    "color": color,
                    "nearness": nearness,
                }
            )
    categories = [{"id": index, "name": name} for index, name in enumerate(CLASSES, start=1)]
    truth = folder / "instances.json"
    truth.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return folder / "images", truth


def write_jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    """Write records as JSON Lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
