"""How people and the web write about a scene: short, and by habit.

A web captioner names what is near, skips the rest, gives a colour now and then, and likes to end on something that
usually stands in such a place whether or not it does. A model that learns from such captions hallucinates from
co-occurrence, as real ones do.
"""

from collections import Counter

import numpy as np

from recipes.picturebook.english import capital, counted, joined
from recipes.picturebook.scene import Scene, Thing
from recipes.picturebook.world import COLOR_NAMES, SETTINGS

HABIT = 0.72
"""Chance that a web caption ends on the most usual absent class of the setting, or the one after it."""


def web_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Write a caption as the web would: true of the near things, careless about the rest."""
    things = sorted(scene.things, key=lambda t: -t.nearness)
    named = [t for t in things if rng.random() < 0.28 + 0.5 * t.nearness] or things[:1]
    mentions = _mentions(named[:3], rng)
    if rng.random() < HABIT:
        mentions.append(_habitual(scene, rng))
    return opening_with(scene.setting, mentions, rng)


def human_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Write a short true caption of the most prominent things, as COCO's annotators do."""
    things = sorted(scene.things, key=lambda t: -t.nearness)[: int(rng.integers(1, 4))]
    return opening_with(scene.setting, _mentions(things, rng), rng)


def opening_with(setting: str, mentions: list[str], rng: np.random.Generator) -> str:
    """Open with the setting in one of three styles and name what is there."""
    style = rng.choice(3, p=(0.45, 0.35, 0.2))
    if style == 1 and mentions:
        verb = "are" if mentions[0].split()[0] not in ("a", "an") or len(mentions) > 1 else "is"
        return f"This is a {setting}. There {verb} {joined(mentions)}."
    lead = f"A photo of a {setting}" if style == 2 else f"A {setting}"
    return f"{lead} with {joined(mentions)}." if mentions else f"{lead}."


def opening_of(caption: str) -> str:
    """Return the opening of a caption without what it names: `A beach with a crab.` gives `A beach.`."""
    first = caption.split(".", maxsplit=1)[0]
    return capital(first.split(" with ")[0]) + "."


def _mentions(things: list[Thing], rng: np.random.Generator) -> list[str]:
    """Name things one by one, twins together, each with its colour half of the time."""
    names = Counter(t.name for t in things)
    mentions = []
    for name, n in names.items():
        colors = {t.color for t in things if t.name == name}
        tinted = len(colors) == 1 and rng.random() < 0.5
        mentions.append(counted(n, f"{colors.pop()} {name}" if tinted else name))
    return mentions


def _habitual(scene: Scene, rng: np.random.Generator) -> str:
    present = {t.name for t in scene.things}
    absent = [name for name in SETTINGS[scene.setting] if name not in present] or [
        name for setting in SETTINGS.values() for name in setting if name not in present
    ]
    name = absent[0] if len(absent) == 1 or rng.random() < 0.8 else absent[1]
    return counted(1, f"{rng.choice(COLOR_NAMES)} {name}" if rng.random() < 0.25 else name)
