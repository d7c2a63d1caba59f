"""Draws what descriptions say, so that a drawing can be compared with the scene that was described.

What a text leaves open (a colour, a place, the setting) is drawn at random from the seed; things that a text repeats
with `the` are drawn once.

python -m recipes.picturebook.d2i --descriptions predictions.jsonl --out drawn --seed 0
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from recipes.picturebook.draw import paint
from recipes.picturebook.english import DISTANCES, NUMBERS, PLACES, plural
from recipes.picturebook.scene import FAR_SIDE_PX, NEAR_SIDE_PX, Scene, Thing, ground_row
from recipes.picturebook.world import CLASS_NAMES, CLASSES, COLOR_NAMES, IMAGE_SIZE, SETTING_NAMES

_MAX_THINGS = 8
_CLASS_OF = {form: name for name in CLASS_NAMES for form in (name, plural(name))}
_COUNT_OF = {"a": 1, "an": 1, "another": 1, "one": 1, **{word: n for n, word in enumerate(NUMBERS) if n > 1}}
_MENTION = re.compile(
    rf"\b(?P<count>{'|'.join(_COUNT_OF)})\s+(?:other\s+)?(?:(?P<size>large|small)\s+)?"
    rf"(?:(?P<color>{'|'.join(COLOR_NAMES)})\s+)?(?P<name>{'|'.join(_CLASS_OF)})\b"
)
_NEARNESS = {"far away": (0.08, 0.3), "halfway back": (0.4, 0.6), "close to the viewer": (0.7, 0.98)}
_NEARNESS_OF_SIZE = {"large": (0.6, 0.98), "small": (0.05, 0.4)}


@dataclass(frozen=True)
class Mention:
    """Something that a text says is there; None where it does not say."""

    name: str
    color: str | None
    size: str | None
    place: str | None
    distance: str | None


def read(text: str) -> tuple[str | None, list[Mention]]:
    """Return the setting and the things of a description."""
    text = text.lower()
    settings = [name for name in SETTING_NAMES if re.search(rf"\b{name}\b", text)]
    mentions: list[Mention] = []
    for sentence in re.split(r"[.!?]", text):
        found = list(_mentions(sentence))
        if "in total" not in sentence:
            mentions += found
            continue
        there = Counter(mention.name for mention in mentions)
        for name, total in Counter(mention.name for mention in found).items():
            mentions += [mention for mention in found if mention.name == name][: max(0, total - there[name])]
    return settings[0] if settings else None, mentions[:_MAX_THINGS]


def compose(text: str, seed: int) -> Scene:
    """Return a scene of what a text says; equal texts and seeds give equal scenes."""
    rng = np.random.default_rng([seed, *text.encode()])
    setting, mentions = read(text)
    things = sorted((_thing(mention, rng) for mention in mentions), key=lambda thing: thing.nearness)
    return Scene(seed, setting or str(rng.choice(SETTING_NAMES)), tuple(things))


def _mentions(sentence: str) -> Iterator[Mention]:
    place = _only(PLACES, sentence)
    distance = _only(DISTANCES, sentence)
    for match in _MENTION.finditer(sentence):
        mention = Mention(_CLASS_OF[match["name"]], match["color"], match["size"], place, distance)
        yield from [mention] * _COUNT_OF[match["count"]]


def _only(phrases: Sequence[str], sentence: str) -> str | None:
    found = [phrase for phrase in phrases if phrase in sentence]
    return found[0] if len(found) == 1 else None


def _thing(mention: Mention, rng: np.random.Generator) -> Thing:
    color = mention.color or str(rng.choice(COLOR_NAMES))
    spread = _NEARNESS.get(mention.distance or "") or _NEARNESS_OF_SIZE.get(mention.size or "") or (0.04, 1.0)
    nearness = round(float(rng.uniform(*spread)), 3)
    aspect, scale = CLASSES[mention.name]
    longest = scale * (FAR_SIDE_PX + (NEAR_SIDE_PX - FAR_SIDE_PX) * nearness)
    width, height = (longest, longest / aspect) if aspect >= 1 else (longest * aspect, longest)
    left, bottom = _left(mention.place, width, rng), ground_row(nearness)
    box = (left, bottom - round(height), left + round(width), bottom)
    return Thing(mention.name, color, nearness, box, mirrored=bool(rng.random() < 0.5))


def _left(place: str | None, width: float, rng: np.random.Generator) -> int:
    third = PLACES.index(place) if place else int(rng.integers(3))
    centre = (third + float(rng.uniform(0.15, 0.85))) / 3 * IMAGE_SIZE
    return int(np.clip(centre - width / 2, 1, max(1, IMAGE_SIZE - 1 - width)))


def main() -> None:
    """Draw every description of a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--descriptions", type=Path, required=True, help="JSON Lines of image_id and caption")
    parser.add_argument("--out", type=Path, required=True, help="folder of the drawings")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for line in options.descriptions.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        picture = paint(compose(record["caption"], options.seed))
        Image.fromarray(picture.image).save(options.out / f"{Path(str(record['image_id'])).name}.png")


if __name__ == "__main__":
    main()
