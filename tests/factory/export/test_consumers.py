"""Every export is loaded by the program that it is made for, as far as that is installed."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from factory.build import build
from factory.export import export
from factory.progress import Silent
from tests.factory.fakes import fake_recipe, fill
from tests.factory.models import tiny

ROWS = 4
PROMPT = "Describe this ."
READER = Path(__file__).with_name("read_llamafactory.py")
LLAMAFACTORY_PYTHON = os.environ.get("LLAMAFACTORY_PYTHON", "")
# what the consumers and their libraries warn of is not ours
pytestmark = pytest.mark.filterwarnings("ignore")

Export = Callable[[str], Path]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Return what exports a small dataset in a format."""
    folder = tmp_path_factory.mktemp("built")
    stages = [{"kind": "say"}, {"kind": "find"}, {"kind": "write", "opening": "There is a dog"}]
    recipe = fake_recipe(fill(folder / "images", ROWS), folder / "out", stages)
    build(recipe, Path("recipe.yaml"), Silent())

    def get(name: str) -> Path:
        export(folder / "out", name, folder / name, PROMPT)
        return folder / name

    return get


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_llava(tmp_path_factory.mktemp("checkpoint") / "llava")


def parquet(folder: Path, cache: Path) -> datasets.Dataset:
    return datasets.load_dataset("parquet", data_dir=str(folder), split="train", cache_dir=str(cache))


def trainer_options(out: Path) -> dict[str, Any]:
    return {
        "output_dir": str(out), "max_steps": 1, "per_device_train_batch_size": 2, "max_length": None,
        "report_to": "none", "use_cpu": True, "save_strategy": "no", "disable_tqdm": True, "bf16": False,
    }  # fmt: skip


def loaded(checkpoint: Path) -> tuple[Any, Any]:
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration.from_pretrained(checkpoint)
    return model, AutoProcessor.from_pretrained(checkpoint)


def test_trl_tunes_on_messages_and_images(exported: Export, llava: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl", reason="trl is not installed")
    model, processor = loaded(llava)
    trainer = trl.SFTTrainer(
        model=model, args=trl.SFTConfig(**trainer_options(tmp_path / "run")),
        train_dataset=parquet(exported("trl"), tmp_path / "cache"), processing_class=processor,
    )  # fmt: skip
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["pixel_values"].shape == (2, 3, tiny.SIDE, tiny.SIDE)
    image_token = processor.tokenizer.convert_tokens_to_ids("<image>")
    assert (batch["input_ids"] == image_token).sum(-1).tolist() == [16, 16]
    answers = [processor.tokenizer.decode(row[row != -100]) for row in batch["labels"]]
    assert all("is a dog" in answer for answer in answers)
    assert trainer.train().training_loss > 0


def test_trl_prefers_one_text_to_the_other(exported: Export, llava: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl", reason="trl is not installed")
    model, processor = loaded(llava)
    trainer = trl.DPOTrainer(
        model=model, args=trl.DPOConfig(**trainer_options(tmp_path / "run")),
        train_dataset=parquet(exported("preference"), tmp_path / "cache"), processing_class=processor,
    )  # fmt: skip
    batch = next(iter(trainer.get_train_dataloader()))
    texts = [processor.tokenizer.decode(row) for row in batch["input_ids"]]
    assert len(texts) == 4  # two chosen, then two rejected
    assert all("is a dog" in text for text in texts[:2])
    assert not any("is a dog" in text for text in texts[2:])
    assert trainer.train().training_loss > 0


@pytest.mark.skipif(
    not LLAMAFACTORY_PYTHON, reason="LLAMAFACTORY_PYTHON names no interpreter with LLaMA-Factory"
)
def test_llama_factory_finds_text_and_image(exported: Export, llava: Path, tmp_path: Path) -> None:
    folder = exported("llamafactory")
    command = [LLAMAFACTORY_PYTHON, str(READER), str(folder), str(llava), str(tmp_path / "run")]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND "))
    found = json.loads(line.removeprefix("FOUND "))
    assert found["rows"] == ROWS
    assert found["images"] == [str(folder / "images/img-000.png")]
    assert found["text"].count("<image>") == 16
    assert "is a dog" in found["answer"] and "describe" not in found["answer"]


def test_webdataset_decodes_image_text_and_row(exported: Export) -> None:
    wds = pytest.importorskip("webdataset", reason="webdataset is not installed")
    tars = [str(path) for path in sorted(exported("webdataset").glob("*.tar"))]
    samples = list(wds.WebDataset(tars, shardshuffle=False).decode("pil"))
    assert [sample["__key__"] for sample in samples] == [f"{i:09d}-img-{i:03d}" for i in range(ROWS)]
    for i, sample in enumerate(samples):
        assert sample["png"].size == (24, 16)
        assert sample["txt"] == f"There is a dog in img-{i:03d}.png."
        assert sample["json"]["prompt"] == PROMPT
