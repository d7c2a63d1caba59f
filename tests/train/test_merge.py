"""Merging: the same answers without PEFT, and an untouched vision tower."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoProcessor, LlavaForConditionalGeneration

from tests.train import tiny
from train import lora, model
from train.__main__ import main
from train.error import CheckpointError
from train.merge import merge
from train.published import rename_weights
from train.recipe import TrainRecipe


@pytest.fixture
def adapter(recipe: TrainRecipe, tmp_path: Path) -> Path:
    """Return the folder of an adapter with weights that matter."""
    torch.manual_seed(0)
    adapted = lora.attach(model.load(recipe.model), recipe)
    for name, weight in adapted.named_parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1)
        assert "vision_tower" not in name or not weight.requires_grad
    lora.save(adapted, tmp_path / "adapter", is_main=True)
    return tmp_path / "adapter"


def test_a_merged_checkpoint_answers_as_the_adapter_does(adapter: Path, llava: Path, tmp_path: Path) -> None:
    assert merge(adapter, tmp_path / "merged").max_difference < 1e-4
    base = LlavaForConditionalGeneration.from_pretrained(llava).state_dict()
    merged = LlavaForConditionalGeneration.from_pretrained(tmp_path / "merged").state_dict()
    assert base.keys() == merged.keys()
    different = {name.split(".")[1] for name in base if not torch.equal(base[name], merged[name])}
    assert different == {"language_model", "multi_modal_projector"}
    assert AutoProcessor.from_pretrained(tmp_path / "merged").tokenizer.eos_token == "</s>"


def test_weights_bear_their_published_names(adapter: Path, tmp_path: Path) -> None:
    merge(adapter, tmp_path / "merged")
    names = load_file(tmp_path / "merged" / "model.safetensors").keys()
    assert {".".join(name.split(".")[:2]) for name in names} == {
        "language_model.lm_head", "language_model.model", "multi_modal_projector.linear_1",
        "multi_modal_projector.linear_2", "vision_tower.vision_model",
    }  # fmt: skip


def test_names_in_an_index_follow(tmp_path: Path) -> None:
    save_file({"vision_tower.a": torch.zeros(1)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"language_model.b": torch.ones(1)}, tmp_path / "model-00002-of-00002.safetensors")
    index = {
        "vision_tower.a": "model-00001-of-00002.safetensors",
        "language_model.b": "model-00002-of-00002.safetensors",
    }
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": index}))
    for _ in range(2):  # a second time changes nothing
        rename_weights(tmp_path)
        written = json.loads(path.read_text())["weight_map"]
        assert set(written) == {"vision_tower.vision_model.a", "language_model.b"}
        for name, file in written.items():
            assert name in load_file(tmp_path / file)


def test_a_folder_in_use_is_not_overwritten(adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "file").touch()
    with pytest.raises(CheckpointError, match="not empty"):
        merge(adapter, tmp_path / "merged")


def test_the_command_explains_what_it_cannot_find(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(tmp_path), "--to", str(tmp_path / "merged")]) == 2
    assert "no PEFT adapter" in capsys.readouterr().err


def test_a_checkpoint_in_half_precision_stays_in_it(adapter: Path, llava: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    LlavaForConditionalGeneration.from_pretrained(llava, dtype=torch.float16).save_pretrained(half)
    AutoProcessor.from_pretrained(llava).save_pretrained(half)
    merge(adapter, tmp_path / "merged", base=str(half))
    merged = LlavaForConditionalGeneration.from_pretrained(tmp_path / "merged", dtype="auto")
    assert {weight.dtype for weight in merged.parameters()} == {torch.float16}
    assert merged.config.vision_config.image_size == tiny.SIDE
