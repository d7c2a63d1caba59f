"""The Ray engine on a real cluster of one machine: the same rows as the local engine, whatever dies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factory.build import build
from factory.errors import EngineError, ModelError, StageError
from factory.progress import Silent
from tests.factory.fakes import FakeRecipe, fake_recipe, fill

ray = pytest.importorskip("ray")

SAY, FIND, WRITE = {"kind": "say"}, {"kind": "find"}, {"kind": "write"}
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    yield
    ray.shutdown()


def recipe(folder: Path, say: dict[str, Any], out: str = "out", **engine: Any) -> FakeRecipe:
    images = fill(folder / "images", 10)
    settings = {"kind": "ray", "shard_size": 4, "batch_size": 2, "cpus": 0.1, **engine}
    return fake_recipe(images, folder / out, [{**SAY, **say}, FIND, WRITE], engine=settings)


def run(made: FakeRecipe, retry: bool = False) -> Any:
    return build(made, Path("recipe.yaml"), Silent(), retry)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [
        row for path in sorted((out / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def test_both_engines_make_the_same_rows_and_go_on_from_each_other(tmp_path: Path) -> None:
    run(fake_recipe(fill(tmp_path / "images", 10), tmp_path / "local"))
    run(recipe(tmp_path, {}, "ray", workers=2))
    assert rows_of(tmp_path / "ray") == rows_of(tmp_path / "local")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "ray").rglob("*.done")}
    run(fake_recipe(tmp_path / "images", tmp_path / "ray", engine={"shard_size": 4}))
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "ray").rglob("*.done")}


def test_the_image_that_kills_its_actor_is_found_and_the_others_are_done(tmp_path: Path) -> None:
    summary = run(recipe(tmp_path, {"kill_on": "img-005"})).summary
    assert (summary["accepted"], summary["rejected"]) == (9, {"killed its worker": 1})


def test_an_actor_that_dies_once_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "fuse").touch()
    made = recipe(tmp_path, {"kill_on": "img-005", "fuse": str(tmp_path / "fuse")})
    assert run(made).summary["accepted"] == 10


def test_rejected_items_alone_are_retried(tmp_path: Path) -> None:
    made = recipe(tmp_path, {"reject": ["img-002"], "pardon": str(tmp_path / "pardon")})
    assert run(made).summary["rejected"] == {"no reply": 1}
    (tmp_path / "pardon").touch()
    assert run(made, retry=True).summary["accepted"] == 10


def test_errors_of_actors_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="'say' broke on items img-006, img-007: KeyError"):
        run(recipe(tmp_path, {"breaks_on": "img-006"}))
    with pytest.raises(ModelError, match="no such model"):
        run(recipe(tmp_path, {"refuses": "no such model"}, "other"))


def test_more_actors_than_there_is_room_for_take_turns(tmp_path: Path) -> None:
    assert (
        run(recipe(tmp_path, {}, workers=3, cpus=float(ray.cluster_resources()["CPU"]))).summary["accepted"]
        == 10
    )


def test_a_worker_that_the_cluster_cannot_hold_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match=r"'say' wants 99 GPU, the Ray cluster has 0 in all: lower engine.gpus"
    ):
        run(recipe(tmp_path, {}, gpus=99))
