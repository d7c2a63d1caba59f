"""What a run refuses before a model loads, and what it says to do."""

from pathlib import Path

import pytest
import torch

from tests.train.tiny import changed
from train.error import CheckpointError, DataError, TrainError
from train.recipe import TrainRecipe
from train.run import run


@pytest.mark.parametrize(
    "name", ["/nowhere/llava", "./llava", "recipes/picturebook/checkpoints/absent", "tests/llava"]
)
def test_a_missing_checkpoint_folder_is_told_without_asking_the_hub(recipe: TrainRecipe, name: str) -> None:
    with pytest.raises(CheckpointError, match="no folder at"):
        run(changed(recipe, model={"checkpoint": name}))


@pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of machines without a GPU")
def test_four_bit_weights_without_a_gpu_are_refused_with_what_to_do(
    finished: TrainRecipe, tmp_path: Path
) -> None:
    with pytest.raises(TrainError, match=r"needs a CUDA GPU: --set tuning=lora"):
        run(changed(finished, tuning="qlora", out=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_images_that_is_not_there_is_refused_before_the_model_loads(
    finished: TrainRecipe, tmp_path: Path
) -> None:
    (tmp_path / "data.json").write_text("[{}]")
    source = {"kind": "llava", "path": str(tmp_path / "data.json"), "images": str(tmp_path / "absent")}
    with pytest.raises(DataError, match=r"data\.images: no folder at"):
        run(changed(finished, out=str(tmp_path / "out"), data=[source]))
    assert not (tmp_path / "out").exists()


def test_a_dataset_without_images_is_refused_before_the_model_loads(
    finished: TrainRecipe, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": ["1"], "description": ["A square."]}), tmp_path / "part.parquet")
    source = {"kind": "factory", "path": str(tmp_path)}
    with pytest.raises(DataError, match=r"lacks the columns \['image'\]"):
        run(changed(finished, out=str(tmp_path / "out"), data=[source]))
    with pytest.raises(DataError, match="no parquet file in"):
        run(changed(finished, data=[source | {"path": str(tmp_path / "absent")}]))


def test_checkpoints_of_deepspeed_for_other_processes_are_refused_before_the_model_loads(
    finished: TrainRecipe, tmp_path: Path
) -> None:
    kind = {"kind": "deepspeed", "every_steps": 2}
    recipe = changed(finished, out=str(tmp_path / "out"), checkpoints=kind, max_steps=2)
    assert run(recipe) == 0
    (recipe.out_dir / "train_summary.json").unlink()
    mark = recipe.out_dir / "checkpoints" / "checkpoint-2" / "complete.json"
    mark.write_text(mark.read_text().replace('"processes": 1', '"processes": 2'))
    log = recipe.out_dir / "train_log.jsonl"
    before = log.read_text()
    with pytest.raises(CheckpointError, match=r"saved by 2 .* this run has 1.*resume=never"):
        run(recipe)
    assert log.read_text() == before and mark.is_file()  # nothing was cleared on the way


def test_an_absent_json_of_conversations_is_refused_before_the_model_loads(
    finished: TrainRecipe, tmp_path: Path
) -> None:
    source = {"kind": "llava", "path": str(tmp_path / "absent.json"), "images": str(tmp_path)}
    with pytest.raises(DataError, match=r"absent\.json"):
        run(changed(finished, out=str(tmp_path / "out"), data=[source]))
