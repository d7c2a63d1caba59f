"""Draws at random what stands where in a scene; nothing here knows how it will look."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recipes.picturebook.world import (
    BROKEN_HABIT_SHARE,
    CLASS_NAMES,
    CLASSES,
    COLOR_NAMES,
    COUNT_SHARES,
    HOME_SHARE,
    HORIZON,
    IMAGE_SIZE,
    MIN_VISIBLE,
    REPEAT_SHARE,
    SETTING_NAMES,
    SETTINGS,
)

FAR_SIDE_PX, NEAR_SIDE_PX = 27.0, 52.0


@dataclass(frozen=True)
class Thing:
    """One object; `box_xyxy` is where it would be if nothing hid it, in pixels; `nearness` in [0, 1], 1 = nearest."""

    name: str
    color: str
    nearness: float
    box_xyxy: tuple[int, int, int, int]
    mirrored: bool

    @property
    def depth_m(self) -> float:
        """Distance from the viewer in metres, from 2 (nearest) to 20 (horizon)."""
        return 2.0 / (0.1 + 0.9 * self.nearness)


@dataclass(frozen=True)
class Scene:
    """A setting and its things, farthest first: the order in which they are painted."""

    seed: int
    setting: str
    things: tuple[Thing, ...]


def sample_scene(seed: int) -> Scene:
    """Draw the scene of a seed; the same seed is always the same scene."""
    rng = np.random.default_rng([seed, 0])
    setting = str(rng.choice(SETTING_NAMES))
    broken = rng.random() < BROKEN_HABIT_SHARE
    wanted = 1 + int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES))
    things: list[Thing] = []
    for _ in range(wanted):
        name, color = _name_and_color(rng, setting, broken, things)
        placed = _place(rng, name, color, things)
        if placed is not None:
            things.append(placed)
    return Scene(seed, setting, tuple(sorted(things, key=lambda t: t.nearness)))


def _name_and_color(
    rng: np.random.Generator, setting: str, broken: bool, things: Sequence[Thing]
) -> tuple[str, str]:
    if things and rng.random() < REPEAT_SHARE:
        twin = things[int(rng.integers(len(things)))]
        return twin.name, twin.color if rng.random() < 0.4 else str(rng.choice(COLOR_NAMES))
    usual = SETTINGS[setting]
    if not broken and rng.random() < HOME_SHARE:
        return str(rng.choice(list(usual), p=list(usual.values()))), str(rng.choice(COLOR_NAMES))
    return str(rng.choice(CLASS_NAMES)), str(rng.choice(COLOR_NAMES))


def _place(rng: np.random.Generator, name: str, color: str, things: Sequence[Thing]) -> Thing | None:
    """Find a free spot by trial; None when the scene is too crowded for this object."""
    for _ in range(40):
        nearness = round(float(rng.uniform(0.04, 1.0)), 3)
        box = _box(rng, name, nearness)
        thing = Thing(name, color, nearness, box, bool(rng.random() < 0.5))
        if all(_both_visible(thing, other) for other in things) and _crowd_is_fine([*things, thing]):
            return thing
    return None


def _box(rng: np.random.Generator, name: str, nearness: float) -> tuple[int, int, int, int]:
    aspect, scale = CLASSES[name]
    longest = scale * (FAR_SIDE_PX + (NEAR_SIDE_PX - FAR_SIDE_PX) * nearness)
    width, height = (longest, longest / aspect) if aspect >= 1 else (longest * aspect, longest)
    bottom = ground_row(nearness)
    left = int(rng.integers(1, max(2, IMAGE_SIZE - round(width))))
    return left, bottom - round(height), left + round(width), bottom


def ground_row(nearness: float) -> int:
    """Return the pixel row at which something of this nearness touches the ground."""
    horizon = HORIZON * IMAGE_SIZE
    return round(horizon + 8 + nearness * (IMAGE_SIZE - 2 - horizon - 8))


def _both_visible(a: Thing, b: Thing) -> bool:
    """Tell whether the farther one stays visible and the two are clearly apart in depth if they touch."""
    far, near = (a, b) if a.nearness < b.nearness else (b, a)
    shared = _overlap_px(far.box_xyxy, near.box_xyxy)
    if shared == 0:
        return True
    apart = near.nearness - far.nearness > 0.06
    return apart and shared <= (1 - MIN_VISIBLE) * _area_px(far.box_xyxy)


def _crowd_is_fine(things: Sequence[Thing]) -> bool:
    for thing in things:
        nearer = [t for t in things if t.nearness > thing.nearness]
        hidden = sum(_overlap_px(thing.box_xyxy, t.box_xyxy) for t in nearer)
        if hidden > (1 - MIN_VISIBLE) * _area_px(thing.box_xyxy):
            return False
    return True


def _area_px(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap_px(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> int:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)
