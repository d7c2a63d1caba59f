"""Laws of assembly lines: the rows of a build stage by stage, whoever dies, and nothing done twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from factory.build import build
from factory.errors import BudgetError, StageError
from factory.progress import Silent
from factory.recipe import LocalEngineConfig
from tests.factory.fakes import Calls, FakeRecipe, fake_recipe, fill
from tests.factory.workers.test_process import Counting, rows_of

SAY, FIND, WRITE = {"kind": "say"}, {"kind": "find"}, {"kind": "write"}


@pytest.fixture(autouse=True)
def _fresh_calls() -> Iterator[None]:
    Calls.clear()
    yield
    Calls.clear()


def recipe(folder: Path, say: dict[str, Any] | None = None, out: str = "out", **options: Any) -> FakeRecipe:
    engine = {"shard_size": 4, "batch_size": 2, "order": "shards", **options}
    return fake_recipe(
        fill(folder / "images", 10), folder / out, [{**SAY, **(say or {})}, FIND, WRITE], engine=engine
    )


def run(made: FakeRecipe, progress: Silent | None = None) -> Any:
    return build(made, Path("recipe.yaml"), progress or Silent())


@pytest.mark.parametrize("workers", [0, 2])
def test_lines_make_the_rows_that_stages_make(tmp_path: Path, workers: int) -> None:
    progress = Counting()
    say = {"reject": ["img-005"]}
    run(recipe(tmp_path, say, "stages", order="stages"))
    run(recipe(tmp_path, say, "lines", workers=workers), progress)
    assert rows_of(tmp_path / "lines") == rows_of(tmp_path / "stages")
    assert {tuple(pair) for label, pair in progress.steps.items() if label == "all stages"} == {(30, 30)}


def test_a_line_keeps_all_stages_open_and_takes_shard_after_shard(tmp_path: Path) -> None:
    run(recipe(tmp_path))
    assert Calls.opened == ["say", "find", "write", "closed say", "closed find", "closed write"]
    stages = [name for name, _ in Calls.batches]
    assert stages[:6] == ["say", "say", "find", "find", "write", "write"]


def test_what_is_done_in_one_order_is_not_done_in_the_other(tmp_path: Path) -> None:
    run(recipe(tmp_path))
    Calls.clear()
    run(recipe(tmp_path, order="stages"))
    run(recipe(tmp_path))
    assert Calls.batches == []


def test_a_line_goes_on_where_a_bug_stopped_the_build(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="img-005"):
        run(recipe(tmp_path, {"breaks_on": "img-005"}))
    done = Calls.ids("write")
    Calls.clear()
    run(recipe(tmp_path, {"breaks_on": ""}))
    assert done == [f"img-{i:03d}" for i in range(4)]
    rest = {f"img-{i:03d}" for i in range(10)}
    assert set(Calls.ids("say")) == rest  # another parameter of the stage, so all anew


def test_the_image_that_kills_a_line_is_found_and_rejected(tmp_path: Path) -> None:
    run(recipe(tmp_path, {"kill_on": "img-005"}, workers=1))
    lost = [json.loads(line) for line in (tmp_path / "out" / "rejections.jsonl").read_text().splitlines()]
    assert [(one["id"], one["reason"]) for one in lost] == [("img-005", "killed its worker")]
    assert len(rows_of(tmp_path / "out")) == 9


def test_a_bug_in_a_process_stops_the_build_with_its_items_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="img-005"):
        run(recipe(tmp_path, {"breaks_on": "img-005"}, workers=2))


def test_a_budget_ends_a_line(tmp_path: Path) -> None:
    made = recipe(tmp_path, {"micro_usd": 1_000_000}).model_copy(update={"max_usd": 3.0})
    with pytest.raises(BudgetError):
        run(made)
    assert len(Calls.ids("write")) == 4


def test_workers_of_single_stages_are_refused_where_a_process_runs_all() -> None:
    with pytest.raises(ValidationError, match="set workers"):
        LocalEngineConfig(order="shards", workers_of={"say": 2})
