from pathlib import Path

import pytest

from eval.errors import ModelError
from eval.generation.ask import Request
from eval.generation.lazy import LazyLlava
from eval.generation.llava import load_llava
from eval.model import LlavaModel


def test_a_model_that_sleeps_has_the_fingerprint_of_the_one_awake(llava: Path) -> None:
    config = LlavaModel(checkpoint=str(llava))
    assert LazyLlava(config).fingerprint == load_llava(config).fingerprint


def test_nothing_is_loaded_before_the_first_question(tmp_path: Path) -> None:
    asleep = LazyLlava(LlavaModel(checkpoint=str(tmp_path)))  # an empty folder
    with pytest.raises(ModelError, match="cannot load the LLaVA checkpoint"):
        asleep([Request(tmp_path / "none.png", "What is this?", 4)])


def test_a_missing_adapter_is_told_before_any_question(llava: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no PEFT adapter"):
        LazyLlava(LlavaModel(checkpoint=str(llava), adapter=str(tmp_path)))
