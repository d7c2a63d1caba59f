"""The run's folder: complete checkpoints only, and no mixing of runs."""

import json
from pathlib import Path

import pytest

from train.error import CheckpointError
from train.outputs import Mark, Outputs, keep_until


def checkpoint(
    outputs: Outputs, step: int, processes: int | None = 1, fingerprint: str = "same", portable: bool = False
) -> Path:
    folder = outputs.checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if processes is not None:
        outputs.mark(folder, Mark(step, processes, fingerprint, portable))
    return folder


def test_an_empty_folder_has_nothing_to_continue_from(tmp_path: Path) -> None:
    assert Outputs(tmp_path).latest("same", 1) is None
    assert Outputs(tmp_path / "absent").latest("same", 1) is None


def test_the_latest_complete_checkpoint_of_the_same_run_is_found(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    checkpoint(outputs, 9)
    newest = checkpoint(outputs, 10)  # by number, not by name
    checkpoint(outputs, 20, processes=None)  # killed while it was written
    checkpoint(outputs, 30, fingerprint="other")
    assert outputs.latest("same", 1) == newest


def test_a_half_written_mark_is_no_mark(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    (checkpoint(outputs, 9, processes=None) / "complete.json").write_text('{"step": 9, "proc')
    assert outputs.latest("same", 1) is None


def test_another_number_of_processes_is_refused_with_what_to_do(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    checkpoint(outputs, 9, processes=2)
    with pytest.raises(CheckpointError, match=r"saved by 2 .* this run has 1.*resume=never.*portable"):
        outputs.latest("same", 1)


def test_a_portable_checkpoint_serves_any_number_of_processes(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    folder = checkpoint(outputs, 9, processes=2, portable=True)
    assert outputs.latest("same", 1) == outputs.latest("same", 8) == folder


def test_only_the_newest_complete_checkpoints_are_kept(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    for step in (5, 10, 15):
        checkpoint(outputs, step)
    checkpoint(outputs, 20, processes=None)
    outputs.prune(keep=2)
    assert sorted(folder.name for folder in outputs.checkpoints.iterdir()) == [
        "checkpoint-10", "checkpoint-15", "checkpoint-20"
    ]  # fmt: skip


def test_clearing_keeps_what_is_continued_from(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    first, kept = checkpoint(outputs, 5), checkpoint(outputs, 10)
    checkpoint(outputs, 20, processes=None)
    outputs.log.write_text("{}\n")
    assert [folder.name for folder in outputs.clear(keep=kept)] == ["checkpoint-20"]
    assert first.is_dir() and kept.is_dir() and outputs.log.is_file()
    outputs.clear(keep=None)
    assert not list(outputs.checkpoints.iterdir()) and not outputs.log.exists()


def test_a_finished_run_is_known_by_its_fingerprint_and_its_adapter(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path)
    outputs.summary.write_text(json.dumps({"fingerprint": "same", "steps": 3}))
    assert outputs.finished("same") is None  # no adapter
    (tmp_path / "adapter_model.safetensors").touch()
    assert outputs.finished("other") is None
    assert outputs.finished("same") == {"fingerprint": "same", "steps": 3}


def test_a_resumed_log_writes_each_step_once(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"step": {step}}}\n' for step in (1, 2, 3)) + '{"ste')
    keep_until(log, 2)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [1, 2]
