"""What the trackers are told, and what they write."""

import os
from pathlib import Path

from tests.train.tiny import changed, log_of
from train.recipe import TrainRecipe
from train.run import run
from train.running import LoggingConfig
from train.tracking import begin_tracking, end_tracking, trackers


def test_each_tracker_is_its_own_choice() -> None:
    assert trackers(LoggingConfig()) == ["wandb"]
    assert trackers(LoggingConfig(wandb="disabled", tensorboard=True)) == ["tensorboard"]
    assert trackers(LoggingConfig(wandb="disabled")) == []


def test_folders_are_forgotten_after_a_run_so_that_the_next_has_its_own(recipe: TrainRecipe) -> None:
    both = changed(recipe, logging=LoggingConfig(tensorboard=True))
    before = dict(os.environ)
    begin_tracking(both)
    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(both.out_dir / "tensorboard")
    end_tracking(both)
    assert {name for name in os.environ if name.endswith("_DIR")} == {
        name for name in before if name.endswith("_DIR")
    }


def test_tensorboard_gets_the_figures_of_the_log(recipe: TrainRecipe) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert run(changed(recipe, logging=LoggingConfig(wandb="disabled", tensorboard=True, every_steps=1))) == 0
    events = EventAccumulator(str(_only_folder(recipe.out_dir / "tensorboard")))
    events.Reload()
    written = {event.step: event.value for event in events.Scalars("train/loss")}
    logged = {row["step"]: row["loss"] for row in log_of(recipe.out_dir) if "loss" in row}
    assert written.keys() == logged.keys() != set()
    assert all(abs(written[step] - loss) < 1e-5 for step, loss in logged.items())


def _only_folder(root: Path) -> Path:
    return next(root.rglob("events.out.tfevents.*")).parent
