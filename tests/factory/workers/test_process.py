"""Processes that run stages: the same rows, and a death costs at most the image that caused it."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factory.build import build
from factory.errors import FactoryError, StageError, WorkerError
from factory.progress import Silent
from tests.factory.fakes import FakeRecipe, fake_recipe, fill

SAY, FIND, WRITE = {"kind": "say"}, {"kind": "find"}, {"kind": "write"}


def engine(**options: Any) -> dict[str, Any]:
    return {"shard_size": 4, "batch_size": 2, "workers": 1, **options}


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [
        row for path in sorted((out / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def recipe(folder: Path, say: dict[str, Any], out: str = "out", **options: Any) -> FakeRecipe:
    images = fill(folder / "images", 10)
    return fake_recipe(images, folder / out, [{**SAY, **say}, FIND, WRITE], engine=engine(**options))


class Counting(Silent):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.steps: dict[str, list[int]] = {}
        self._label = ""

    def begin(self, label: str, total: int, done: int) -> None:
        self._label = label
        self.steps[label] = [total, done]

    def advance(self, count: int) -> None:
        self.steps[self._label][1] += count


def run(made: FakeRecipe, progress: Silent | None = None) -> Any:
    return build(made, Path("recipe.yaml"), progress or Silent())


def test_processes_make_the_rows_that_one_makes(tmp_path: Path) -> None:
    progress = Counting()
    run(recipe(tmp_path, {}, "here", workers=0))
    run(recipe(tmp_path, {}, "there", workers=2), progress)
    assert rows_of(tmp_path / "there") == rows_of(tmp_path / "here")
    assert {tuple(step) for step in progress.steps.values()} == {(10, 10)}
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")]


def test_the_image_that_kills_its_worker_is_found_and_the_others_are_done(tmp_path: Path) -> None:
    progress = Counting()
    made = recipe(tmp_path, {"kill_on": "img-005"}, workers_of={"find": 0, "write": 0})
    summary = run(made, progress).summary
    assert (summary["accepted"], summary["rejected"]) == (9, {"killed its worker": 1})
    assert "exit code 137" in (tmp_path / "out" / "rejections.jsonl").read_text()
    assert progress.steps["say"] == [10, 10]


def test_a_worker_that_dies_once_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "fuse").touch()
    made = recipe(tmp_path, {"kill_on": "img-005", "fuse": str(tmp_path / "fuse")}, workers_of={"find": 0})
    assert run(made).summary["accepted"] == 10


def test_workers_that_die_of_everything_stop_the_build(tmp_path: Path) -> None:
    with pytest.raises(
        WorkerError, match=r"'say' die of whatever they are given \(process ended with exit code 137\)"
    ):
        run(recipe(tmp_path, {"kill_on": "*"}))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bug_in_a_process_is_told_with_its_traceback(tmp_path: Path, workers: int) -> None:
    with pytest.raises(StageError, match="'say' broke on items img-006, img-007: KeyError") as caught:
        run(recipe(tmp_path, {"breaks_on": "img-006"}, workers=workers))
    assert "nobody thought of this" in str(caught.value.__cause__)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")]


def test_memory_that_runs_out_in_a_process_halves_its_batches(tmp_path: Path) -> None:
    assert run(recipe(tmp_path, {"memory": 1}, batch_size=4)).summary["accepted"] == 10


def test_each_process_sees_its_gpu_alone(tmp_path: Path) -> None:
    made = recipe(tmp_path, {"text": "$CUDA_VISIBLE_DEVICES"}, workers=2, gpus=["3", "5"])
    run(made)
    assert {row["reference"] for row in rows_of(tmp_path / "out")} <= {"3", "5"}


def test_what_must_stop_the_build_keeps_its_kind(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="no such model"):
        run(recipe(tmp_path, {"refuses": "no such model"}))


def _all_done(out: Path, stage: str) -> Sequence[Path]:
    return list((out / ".work").glob(f"*-{stage}-*/*.done"))


def test_finished_shards_of_other_workers_are_kept_when_one_fails(tmp_path: Path) -> None:
    with pytest.raises(StageError):
        run(recipe(tmp_path, {"breaks_on": "img-009"}))
    assert len(_all_done(tmp_path / "out", "say")) == 2
