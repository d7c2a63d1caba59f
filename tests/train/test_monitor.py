"""The health of the loss: what stops a run, and what it says."""

from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from train.chat import IGNORED_LABEL
from train.collate import BatchRecord
from train.error import DivergenceError
from train.monitor import Monitor, StopRequest


@pytest.fixture
def arguments(tmp_path: Path) -> TrainingArguments:
    return TrainingArguments(output_dir=str(tmp_path), use_cpu=True)


def step(
    monitor: Monitor, arguments: TrainingArguments, name: str, supervised: int, loss: float = 1.0
) -> TrainerControl:
    """Take in one step of one sample of four tokens."""
    labels = torch.full((1, 4), IGNORED_LABEL)
    labels[0, :supervised] = 7
    batch = {"labels": labels, "input_ids": torch.zeros(1, 4, dtype=torch.int64)}
    monitor.add(BatchRecord((name,), 4, ()), batch, torch.tensor(loss))
    return monitor.on_step_end(arguments, TrainerState(global_step=9), TrainerControl())


def test_a_streak_of_steps_without_a_supervised_token_stops_the_run_and_names_the_samples(
    arguments: TrainingArguments,
) -> None:
    monitor = Monitor(StopRequest())
    for name in ("first", "second"):
        step(monitor, arguments, name, supervised=0)
    complaint = r"step 9: no token was supervised in 3 steps; their samples: first, second, third\."
    with pytest.raises(DivergenceError, match=complaint):
        step(monitor, arguments, "third", supervised=0)


def test_a_supervised_step_ends_the_streak(arguments: TrainingArguments) -> None:
    monitor = Monitor(StopRequest())
    for supervised in (0, 0, 1, 0, 0, 1):
        step(monitor, arguments, "sample", supervised)
    assert monitor.take(1)["supervised_tokens"] == 2


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_one_loss_that_is_not_finite_stops_the_run_at_once(arguments: TrainingArguments, loss: float) -> None:
    with pytest.raises(DivergenceError, match=r"step 9: the loss is not finite; samples of the batch: bad\."):
        step(Monitor(StopRequest()), arguments, "bad", supervised=2, loss=loss)


def test_a_request_saves_and_stops_after_the_step(arguments: TrainingArguments) -> None:
    stop = StopRequest()
    stop.requested = True
    control = step(Monitor(stop), arguments, "sample", supervised=2)
    assert control.should_save and control.should_training_stop
