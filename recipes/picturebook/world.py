"""What exists in the picture book: settings, classes, colours and how likely they go together."""

from typing import NamedTuple

IMAGE_SIZE = 120
"""Width and height of every scene in pixels."""

HORIZON = 0.40
"""Height of the horizon as a fraction of the image, from the top."""


class Shape(NamedTuple):
    """How a class is drawn: width over height, and its longest side relative to the others."""

    aspect: float
    scale: float


SETTINGS: dict[str, dict[str, float]] = {
    "beach": {"umbrella": 0.36, "boat": 0.30, "crab": 0.19, "ball": 0.15},
    "park": {"tree": 0.36, "bench": 0.30, "dog": 0.19, "kite": 0.15},
    "street": {"car": 0.36, "bus": 0.30, "house": 0.19, "lamp": 0.15},
    "kitchen": {"chair": 0.36, "cup": 0.30, "clock": 0.19, "cake": 0.15},
}
"""Setting -> its usual classes with their share among them: what a habit-driven captioner expects there."""

CLASSES: dict[str, Shape] = {
    "umbrella": Shape(1.05, 1.06),
    "boat": Shape(1.15, 1.06),
    "crab": Shape(1.35, 0.98),
    "ball": Shape(1.00, 0.86),
    "tree": Shape(0.75, 1.10),
    "bench": Shape(1.45, 1.04),
    "dog": Shape(1.25, 1.02),
    "kite": Shape(0.72, 1.06),
    "car": Shape(1.65, 1.06),
    "bus": Shape(1.55, 1.12),
    "house": Shape(1.00, 1.08),
    "lamp": Shape(0.52, 1.10),
    "cup": Shape(1.15, 0.88),
    "chair": Shape(0.68, 1.02),
    "clock": Shape(0.92, 0.92),
    "cake": Shape(1.20, 0.98),
}

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (212, 36, 44),
    "orange": (245, 130, 20),
    "yellow": (250, 214, 40),
    "green": (30, 140, 60),
    "blue": (38, 84, 210),
    "purple": (138, 54, 172),
}

CLASS_NAMES = tuple(CLASSES)
COLOR_NAMES = tuple(COLORS)
SETTING_NAMES = tuple(SETTINGS)

HOME_SHARE = 0.78
"""Chance that an object belongs to the setting it stands in."""

BROKEN_HABIT_SHARE = 0.2
"""Share of scenes in which objects are drawn from all classes alike."""

REPEAT_SHARE = 0.28
"""Chance that an object repeats the class of one already there, so that counting matters."""

COUNT_SHARES = (0.06, 0.18, 0.27, 0.24, 0.15, 0.10)
"""Chance of 1, 2, ... 6 objects."""

MIN_VISIBLE = 0.68
"""An object is never hidden by more than the rest of this fraction."""
