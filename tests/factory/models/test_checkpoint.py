"""What cannot run here is told in words that say what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from factory.errors import ModelError
from factory.models import (
    Florence2Config,
    GroundingDinoConfig,
    Owlv2Config,
    SamConfig,
    TransformersChatConfig,
)
from factory.models.checkpoint import load

Checkpoint = Callable[[str], str]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu9"}, "'tpu9' is none that torch knows: use auto, cpu, cuda"),
        ({"device": "cuda:99"}, "'cuda:99' is not there: torch .* sees .* CUDA devices; set device: auto"),
        ({"device": "cpu", "dtype": "float16"}, "float16 on a CPU .*: use float32 or bfloat16"),
    ],
    ids=["unknown device", "absent device", "half precision on a CPU"],
)
def test_a_device_or_precision_that_is_not_there_is_refused(
    checkpoint: Checkpoint, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        TransformersChatConfig(checkpoint=checkpoint("llama"), **options).build().open()


def test_on_a_cpu_precision_is_full_unless_told(checkpoint: Checkpoint) -> None:
    for dtype, expected in (("auto", torch.float32), ("bfloat16", torch.bfloat16)):
        sam = SamConfig(checkpoint=checkpoint("sam"), dtype=dtype, device="cpu").build()
        sam.open()
        assert {p.dtype for p in sam._model.parameters()} == {expected}


@pytest.mark.parametrize("name", ["no-such-org/no-such-model", "./no/such/folder", "/no/such/folder"])
def test_a_checkpoint_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ModelError, match=name):
        TransformersChatConfig(checkpoint=name).build().open()


def test_a_missing_extra_ends_with_the_command_that_installs_it() -> None:
    def needs_more(*_: Any, **__: Any) -> None:
        raise ImportError("Sam2Processor requires the Torchvision library but it was not found.")

    with pytest.raises(ModelError) as caught:
        load(needs_more, SamConfig(checkpoint="some/model"))
    assert str(caught.value).endswith("pip install -c constraints.txt torchvision")


@pytest.mark.parametrize(
    ("config", "given", "message"),
    [
        (SamConfig, "owlv2", "of the family 'owlv2', not 'sam'"),
        (Owlv2Config, "llama", "of the family 'llama', not 'owlv2'"),
        (GroundingDinoConfig, "sam", "of the family 'sam', not 'grounding-dino'"),
        (Florence2Config, "llava", "of the family 'llava', not 'florence2'"),
        (TransformersChatConfig, "sam", "of the family 'sam', which does not chat"),
    ],
    ids=["sam", "owlv2", "grounding_dino", "florence2", "chat"],
)
def test_a_checkpoint_of_another_kind_is_refused_and_not_filled_up_at_random(
    config: Any, given: str, message: str, checkpoint: Checkpoint
) -> None:
    with pytest.raises(ModelError, match=message):
        config(checkpoint=checkpoint(given)).build().open()


def test_weights_that_were_cut_off_are_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = tmp_path / "llama"
    shutil.copytree(checkpoint("llama"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"cannot read the weights of .*llama.*download them again"):
        TransformersChatConfig(checkpoint=str(folder)).build().open()


def test_weights_that_do_not_fit_their_config_are_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = tmp_path / "llama"
    shutil.copytree(checkpoint("llama"), folder)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"hidden_size": 32', '"hidden_size": 16'))
    with pytest.raises(ModelError, match=r"llama' are of other shapes than its config.json says"):
        TransformersChatConfig(checkpoint=str(folder)).build().open()
