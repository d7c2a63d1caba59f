"""Laws of a build: nothing vanishes, nothing is done twice, and only what a change touches is done again."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from factory.build import Built, build
from factory.errors import ModelError, OrderError, StageError, StorageError
from factory.progress import Silent
from tests.factory.fakes import Calls, FakeRecipe, Find, encoded, fake_recipe, fill, picture

SAY, FIND, WRITE = {"kind": "say"}, {"kind": "find"}, {"kind": "write"}


@pytest.fixture(autouse=True)
def _fresh_calls() -> Iterator[None]:
    Calls.clear()
    yield
    Calls.clear()


def run(recipe: FakeRecipe, retry: bool = False) -> Built:
    return build(recipe, Path("recipe.yaml"), Silent(), retry)


def rows_of(out: Path) -> list[dict]:
    return [
        row for path in sorted((out / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def rejections_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "rejections.jsonl").read_text().splitlines()]


def test_every_image_becomes_a_row_or_a_rejection(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 10)
    (images / "broken.jpg").write_bytes(b"no image")
    (images / "copy.png").write_bytes((images / "img-003.png").read_bytes())
    built = run(fake_recipe(images, tmp_path / "out", [{**SAY, "reject": ["img-005"]}, FIND, WRITE]))
    ids = [row["id"] for row in rows_of(tmp_path / "out")]
    lost = {row["id"]: row["reason"] for row in rejections_of(tmp_path / "out")}
    assert lost == {"broken": "not an image", "img-003": "duplicate", "img-005": "no reply"}
    assert sorted(ids + list(lost)) == sorted(p.stem for p in images.iterdir())
    summary = built.summary
    assert summary["accepted"] + sum(summary["rejected"].values()) == summary["images"] == 12


def test_batches_never_exceed_their_size_and_keep_the_order(tmp_path: Path) -> None:
    run(fake_recipe(fill(tmp_path / "images", 10), tmp_path / "out"))
    assert max(len(ids) for _, ids in Calls.batches) == 2
    assert Calls.ids("write") == [f"img-{i:03d}" for i in range(10)]


def test_one_stage_is_open_at_a_time(tmp_path: Path) -> None:
    run(fake_recipe(fill(tmp_path / "images", 10), tmp_path / "out"))
    assert Calls.opened == ["say", "closed say", "find", "closed find", "write", "closed write"]


def test_a_second_run_opens_no_stage_and_writes_nothing(tmp_path: Path) -> None:
    recipe = fake_recipe(fill(tmp_path / "images", 10), tmp_path / "out")
    first = run(recipe)
    Calls.clear()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}
    assert run(recipe).summary == first.summary
    assert Calls.opened == []
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ([SAY, FIND, {**WRITE, "opening": "Here is a dog"}], ["write"]),
        ([SAY, {**FIND, "min_score": 0.4}, WRITE], ["find", "write"]),
        ([{**SAY, "text": "Other."}, FIND, WRITE], ["say", "find", "write"]),
        ([{**SAY, "device": "cuda:0"}, FIND, WRITE], []),  # where a stage runs is not what it makes
    ],
)
def test_a_changed_stage_and_those_after_it_run_again(
    tmp_path: Path, changed: list, again: list[str]
) -> None:
    images = fill(tmp_path / "images", 5)
    run(fake_recipe(images, tmp_path / "out"))
    Calls.clear()
    run(fake_recipe(images, tmp_path / "out", changed))
    assert [name for name in Calls.opened if not name.startswith("closed")] == again


def test_going_back_to_an_earlier_recipe_costs_nothing(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 5)
    run(fake_recipe(images, tmp_path / "out"))
    first = rows_of(tmp_path / "out")
    run(fake_recipe(images, tmp_path / "out", [SAY, FIND, {**WRITE, "opening": "Else"}]))
    Calls.clear()
    run(fake_recipe(images, tmp_path / "out"))
    assert (Calls.opened, rows_of(tmp_path / "out")) == ([], first)


def test_another_seed_makes_everything_anew(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 3)
    run(fake_recipe(images, tmp_path / "out"))
    Calls.clear()
    run(fake_recipe(images, tmp_path / "out", seed=1))
    assert len(Calls.ids("say")) == 3


def test_new_images_alone_are_worked_on(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 6)
    run(fake_recipe(images, tmp_path / "out"))
    Calls.clear()
    (images / "early-bird.png").write_bytes(encoded(picture(99)))
    built = run(fake_recipe(images, tmp_path / "out"))
    assert Calls.ids("say") == Calls.ids("write") == ["early-bird"]
    assert built.summary["accepted"] == 7


def test_removed_images_leave_and_the_rest_stays_done(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 6)
    run(fake_recipe(images, tmp_path / "out"))
    Calls.clear()
    (images / "img-001.png").unlink()
    run(fake_recipe(images, tmp_path / "out"))
    assert Calls.ids("say") == []
    assert [row["id"] for row in rows_of(tmp_path / "out")] == [f"img-{i:03d}" for i in (0, 2, 3, 4, 5)]


def test_a_changed_image_is_worked_on_again(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 6)
    run(fake_recipe(images, tmp_path / "out"))
    Calls.clear()
    (images / "img-002.png").write_bytes(encoded(picture(77, (30, 30))))
    run(fake_recipe(images, tmp_path / "out"))
    assert Calls.ids("say") == ["img-002"]
    assert rows_of(tmp_path / "out")[2]["width"] == 30


def test_max_images_can_be_raised_and_lowered(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 9)
    assert run(fake_recipe(images, tmp_path / "out", source={"max_images": 3})).summary["images"] == 3
    assert run(fake_recipe(images, tmp_path / "out", source={"max_images": 7})).summary["images"] == 7
    assert run(fake_recipe(images, tmp_path / "out", source={"max_images": 2})).summary["images"] == 2
    assert len(Calls.ids("say")) == 7


def test_retry_runs_rejected_items_alone(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 9)
    stages = [{**SAY, "reject": ["img-002", "img-007"], "pardon": str(tmp_path / "pardon")}, FIND, WRITE]
    recipe = fake_recipe(images, tmp_path / "out", stages)
    assert run(recipe).summary["rejected"] == {"no reply": 2}
    Calls.clear()
    run(recipe)
    assert Calls.ids("say") == []
    (tmp_path / "pardon").touch()
    assert run(recipe, retry=True).summary["accepted"] == 9
    assert Calls.ids("say") == Calls.ids("write") == ["img-002", "img-007"]
    assert [row["id"] for row in rows_of(tmp_path / "out")] == [f"img-{i:03d}" for i in range(9)]


def test_retry_reads_refused_images_again(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 3)
    listing = tmp_path / "list.txt"
    listing.write_text("images/img-000.png\nimages/absent.png\n")
    recipe = fake_recipe(listing, tmp_path / "out")
    assert run(recipe).summary["rejected"] == {"file not found": 1}
    (images / "absent.png").write_bytes(encoded(picture(50)))
    assert run(recipe, retry=True).summary["accepted"] == 2


def test_lack_of_memory_halves_batches_down_to_single_items(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 9)
    engine = {"shard_size": 8, "batch_size": 8}
    built = run(fake_recipe(images, tmp_path / "out", [{**SAY, "memory": 3}, FIND, WRITE], engine=engine))
    assert built.summary["accepted"] == 9
    assert [len(ids) for name, ids in Calls.batches if name == "too many"] == [8, 4]


def test_an_item_that_never_fits_is_rejected_and_the_others_go_on(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 3)
    built = run(
        fake_recipe(images, tmp_path / "out", [{**SAY, "memory": 0}, FIND, WRITE], max_rejected_fraction=1.0)
    )
    assert built.summary["rejected"] == {"out of memory": 3}
    assert rows_of(tmp_path / "out") == []


def test_a_bug_in_a_stage_names_stage_and_items_and_loses_no_shard(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 9)
    broken = [{**SAY, "breaks_on": "img-006"}, FIND, WRITE]
    with pytest.raises(StageError, match=r"'say' broke on items img-006, img-007: KeyError"):
        run(fake_recipe(images, tmp_path / "out", broken))
    done = list((tmp_path / "out" / ".work").glob("00-say-*/*.done"))
    assert len(done) == 1


def test_an_impossible_order_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OrderError, match="'find'"):
        run(fake_recipe(fill(tmp_path / "images", 1), tmp_path / "out", [FIND, SAY]))
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_told_before_anything_is_written(tmp_path: Path) -> None:
    needy = {**SAY, "package": "no_such_package_at_all"}
    with pytest.raises(ModelError, match=r"install it with: pip install no_such_package_at_all$"):
        run(fake_recipe(fill(tmp_path / "images", 1), tmp_path / "out", [needy, FIND, WRITE]))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(StorageError, match="no build has put there"):
        run(fake_recipe(fill(tmp_path / "images", 1), tmp_path / "out"))


def test_the_work_on_other_images_is_not_overwritten(tmp_path: Path) -> None:
    run(fake_recipe(fill(tmp_path / "images", 3), tmp_path / "out"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.png").write_bytes(encoded(picture(5)))
    with pytest.raises(StorageError, match="3 other images"):
        run(fake_recipe(other, tmp_path / "out"))


def test_the_same_images_give_the_same_rows_wherever_they_lie(tmp_path: Path) -> None:
    one = run(fake_recipe(fill(tmp_path / "a" / "images", 7), tmp_path / "a" / "out"))
    two = run(
        fake_recipe(
            fill(tmp_path / "b" / "images", 7),
            tmp_path / "b" / "out",
            engine={"shard_size": 3, "batch_size": 5},
        )
    )
    assert rows_of(one.out) == rows_of(two.out)


def test_shards_without_survivors_are_no_hindrance(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 8)
    stages = [{**SAY, "reject": [f"img-{i:03d}" for i in range(4)]}, FIND, WRITE]
    assert run(fake_recipe(images, tmp_path / "out", stages)).summary["accepted"] == 4


def test_a_model_that_cannot_be_loaded_is_told_with_its_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Find) -> None:
        raise RuntimeError("CUDA driver too old")

    monkeypatch.setattr(Find, "open", fail)
    with pytest.raises(StageError, match="stage 'find' could not load its models: RuntimeError: CUDA driver"):
        run(fake_recipe(fill(tmp_path / "images", 2), tmp_path / "out"))


def test_a_stage_that_loses_items_is_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Find, "run", lambda self, items: [self.one(item) for item in items[1:]])
    with pytest.raises(StageError, match="gave 1 results for 2 items"):
        run(fake_recipe(fill(tmp_path / "images", 2), tmp_path / "out"))


def test_what_a_stage_counts_comes_into_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def count(self: Find, item: object) -> object:
        self.counts["seen"] += 1
        return one(self, item)

    one = Find.one
    monkeypatch.setattr(Find, "counts", Counter(), raising=False)
    monkeypatch.setattr(Find, "one", count)
    assert run(fake_recipe(fill(tmp_path / "images", 5), tmp_path / "out")).summary["stages"]["find"][
        "counts"
    ] == {"seen": 5}
