"""A shard is done when its rows are whole and were made by this stage from these items."""

import json
import os
from pathlib import Path

import pytest

from factory.errors import StorageError
from factory.fingerprint import Mark, digest, labels, marks
from factory.ledger import Done, Spent, StageLedger, hash_of, total
from factory.records import Item, Rejection
from factory.rows import line_of, row_of
from factory.storage import only_builder, read_json, write_atomically, write_json
from tests.factory.fakes import FindConfig, SayConfig, WriteConfig

MARK = Mark("say", "f" * 64, {}, {})
ITEM = Item("a", b"x", "a.png", (9, 9))
ROWS = [row_of(ITEM, "in-1", ITEM), row_of(ITEM, "in-2", Rejection("a", "say", "no reply"))]


def written(folder: Path) -> StageLedger:
    ledger = StageLedger(folder, 0, MARK)
    ledger.write(3, ROWS, Spent(2, 1.0))
    return ledger


def done(ledger: StageLedger) -> Done:
    marker = ledger.done(3)
    assert marker is not None
    return marker


def test_a_finished_shard_tells_inputs_outputs_and_rejections(tmp_path: Path) -> None:
    marker = done(written(tmp_path))
    assert (marker.inputs, marker.outputs) == (hash_of(["in-1", "in-2"]), hash_of([ROWS[0]["out"]]))
    assert (marker.items, marker.rejected, marker.spent) == (2, {"no reply": 1}, Spent(2, 1.0))


def test_rows_come_back_by_what_they_were_made_from(tmp_path: Path) -> None:
    assert written(tmp_path).rows(3) == {row["in"]: json.loads(line_of(row)) for row in ROWS}


def test_a_shard_cut_short_or_without_rows_is_not_done(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    path = next(ledger.folder.glob("*.jsonl"))
    os.truncate(path, path.stat().st_size - 1)
    assert ledger.done(3) is None
    path.unlink()
    assert (ledger.done(3), ledger.rows(3)) == (None, {})


def test_a_marker_that_is_no_json_is_no_marker(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    next(ledger.folder.glob("*.done")).write_text('{"finger')
    assert ledger.done(3) is None


def test_another_fingerprint_is_another_folder(tmp_path: Path) -> None:
    written(tmp_path)
    other = StageLedger(tmp_path, 0, Mark("say", "e" * 64, {}, {}))
    assert (other.done(3), other.rows(3)) == (None, {})


def test_costs_add_up_and_adding_nothing_changes_nothing() -> None:
    one, two = Spent(2, 1.0, 0.5, {"dropped": 1}), Spent(3, 2.0, 0.0, {"dropped": 2, "kept": 1})
    assert total([one, two]) == Spent(5, 3.0, 0.5, {"dropped": 3, "kept": 1})
    assert total([one, Spent()]) == one


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"the disk is full.*run the same command again"):
        write_atomically(path, fail)
    assert (read_json(path), list(tmp_path.iterdir())) == ({"old": 1}, [path])


def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    with only_builder(tmp_path), pytest.raises(StorageError, match="another build"), only_builder(tmp_path):
        pass
    with only_builder(tmp_path):
        pass


def chain(*configs: SayConfig | FindConfig | WriteConfig, seed: int = 0) -> list[str]:
    return [mark.fingerprint for mark in marks(seed, configs, [config.build() for config in configs])]


def test_a_fingerprint_holds_parameters_identity_seed_and_all_that_came_before() -> None:
    base = chain(SayConfig(), FindConfig())
    assert chain(SayConfig(), FindConfig(min_score=0.31))[0] == base[0]
    for other in (
        chain(SayConfig(), FindConfig(min_score=0.31)),
        chain(SayConfig(text="x"), FindConfig()),
        chain(SayConfig(model="other"), FindConfig()),
        chain(SayConfig(), FindConfig(), seed=1),
        chain(SayConfig(), SayConfig(), FindConfig())[1:],
    ):
        assert other[1] != base[1]


def test_how_a_stage_runs_is_not_in_its_fingerprint() -> None:
    assert chain(SayConfig(device="cuda:3")) == chain(SayConfig())


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1}) != digest({"a": 1, "b": [2, 1]})


def test_stages_of_one_name_are_told_apart() -> None:
    assert labels(["ask", "ask", "../x", "ask"]) == ["ask", "ask-2", "-x", "ask-3"]
