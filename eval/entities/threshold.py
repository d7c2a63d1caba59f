"""How sure a detector must be: a number, or the threshold that a calibration against known truth found."""

from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from eval.errors import InputError
from eval.jsonio import read_text
from eval.task import EntitiesTask


def threshold_of(task: EntitiesTask) -> float:
    """Return the threshold that a task names, or the one for things in its calibration file.

    Raises:
        InputError: the file is no calibration, or was made for another detector.
    """
    if task.threshold is not None:
        return task.threshold
    assert task.calibration is not None
    return read_threshold(Path(task.calibration), task.detector.checkpoint)


def read_threshold(path: Path, checkpoint: str) -> float:
    """Return the threshold for things of a calibration file: `{model, types: {thing: {threshold}}}`.

    Raises:
        InputError: the file is no calibration, or was made for another detector, whose scores mean something else.
    """
    try:
        value: Any = yaml.safe_load(read_text(path))
        model, threshold = str(value["model"]), float(value["types"]["thing"]["threshold"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no calibration with model and types.thing.threshold: {error!r}"
        ) from None
    if not (isfinite(threshold) and 0 <= threshold <= 1):
        raise InputError(f"{path}: the threshold is {threshold}, not between 0 and 1")
    if Path(model).name != Path(checkpoint).name:
        raise InputError(
            f"{path} was made for the detector {model!r}, not for {checkpoint!r}: calibrate this one, "
            "or give a threshold"
        )
    return threshold
