"""Questions about a picture with their true answers, and the careless caption: what the small LLaVA learns from."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recipes.picturebook.caption import web_caption
from recipes.picturebook.english import DISTANCES, NUMBERS, PLACES, capital, plural, with_article
from recipes.picturebook.pretrain.gallery import Gallery
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE, SETTING_NAMES, SETTINGS

DESCRIBE = "Describe this image in detail."
NAME_THIS = "What is this?"
LARGE, SMALL = 0.12, 0.07  # fractions of the image covered by the box
CLOSE, FAR = 0.65, 0.35  # nearness


class Question(NamedTuple):
    """A question and its answer."""

    text: str
    answer: str


class Seen(NamedTuple):
    """A visible thing: where it is in words, and the centre of its box in pixels."""

    name: str
    color: str
    center_x: float
    nearness: float
    place: str
    distance: str
    size: str

    @property
    def phrase(self) -> str:
        """Return colour and class."""
        return f"{self.color} {self.name}"


def seen_things(gallery: Gallery, index: int) -> list[Seen]:
    """Return the visible things of a picture, left to right."""
    things = []
    for i in range(int(gallery.counts[index])):
        x0, y0, x1, y1 = (int(v) for v in gallery.boxes[index, i])
        center, near = (x0 + x1) / 2, float(gallery.nearness[index, i])
        area = (x1 - x0) * (y1 - y0) / IMAGE_SIZE**2
        place = PLACES[min(2, int(3 * center / IMAGE_SIZE))]
        distance = DISTANCES[int(near >= FAR) + int(near > CLOSE)]
        size = "Large" if area >= LARGE else "Small" if area <= SMALL else "Medium"
        name, color = CLASS_NAMES[gallery.classes[index, i]], COLOR_NAMES[gallery.colors[index, i]]
        things.append(Seen(name, color, center, near, place, distance, size))
    return sorted(things, key=lambda t: t.center_x)


class Mix(NamedTuple):
    """How often each question is asked of a picture: chances, and numbers of yes-no, colour and place questions."""

    lists: float
    captions: float
    yes_no: int
    colors: int
    places: int
    others: float


MIXES = (Mix(1, 0.5, 3, 0, 1, 0.35), Mix(0.5, 0.4, 5, 0, 2, 0.6), Mix(0.35, 0.35, 8, 2, 1, 0.3))
"""Three lessons: where to look, what is asked, and whether what is asked for is there at all."""


def questions(gallery: Gallery, index: int, rng: np.random.Generator, lesson: int) -> list[Question]:
    """Ask of one picture: lists and careless captions, and questions that must be understood to be answered."""
    things = seen_things(gallery, index)
    setting = SETTING_NAMES[gallery.settings[index]]
    mix = MIXES[lesson]
    asked = [list_all(things)] if mix.lists == 1 or rng.random() < mix.lists else []
    if rng.random() < mix.captions:
        asked.append(Question(DESCRIBE, web_caption(gallery.scene(index), rng)))
    asked += [
        is_there(things, setting, rng, brief=lesson == LAST_LESSON and k % 2 == 0) for k in range(mix.yes_no)
    ]
    asked += [where(things, rng) for _ in range(mix.places)]
    asked += [color_of(things, rng) for _ in range(mix.colors)]
    asked += [
        kind(things, rng) for kind in (color_of, how_many, size_of, closer) if rng.random() < mix.others
    ]
    if rng.random() < 0.1:
        asked.append(Question("What place is this?", f"A {setting}."))
    return asked


LAST_LESSON = len(MIXES) - 1


def list_all(things: list[Seen]) -> Question:
    """Ask for everything, left to right."""
    return Question(
        "List all objects from left to right.", capital(", ".join(t.phrase for t in things)) + "."
    )


def is_there(things: list[Seen], setting: str, rng: np.random.Generator, brief: bool = False) -> Question:
    """Ask whether something is there: half of the time it is; absent ones are usual in the setting or near misses."""
    colored = rng.random() < 0.4
    if rng.random() < 0.5:
        thing = _pick(things, rng)
        return _yes_no(thing.phrase if colored else thing.name, "Yes", rng, brief)
    present = {t.phrase for t in things} if colored else {t.name for t in things}
    for _ in range(20):
        name = str(rng.choice(list(SETTINGS[setting]) if rng.random() < 0.55 else CLASS_NAMES))
        if colored and rng.random() < 0.6:
            name = _pick(things, rng).name
        phrase = f"{rng.choice(COLOR_NAMES)} {name}" if colored else name
        if phrase not in present:
            return _yes_no(phrase, "No", rng, brief)
    return _yes_no("elephant", "No", rng, brief)


def where(things: list[Seen], rng: np.random.Generator) -> Question:
    """Ask for place and distance of a thing that is the only one of its phrase."""
    single = _single(things)
    if not single:
        return how_many(things, rng)
    thing = _pick(single, rng)
    return Question(f"Where is the {thing.phrase}?", f"{capital(thing.place)}, {thing.distance}.")


def color_of(things: list[Seen], rng: np.random.Generator) -> Question:
    """Ask for the colour of a thing that is the only one of its class."""
    names = Counter(t.name for t in things)
    single = [t for t in things if names[t.name] == 1]
    if not single:
        return how_many(things, rng)
    thing = _pick(single, rng)
    return Question(f"What color is the {thing.name}?", f"{capital(thing.color)}.")


def how_many(things: list[Seen], rng: np.random.Generator) -> Question:
    """Ask for the number of things of a class that is there."""
    name = _pick(things, rng).name
    n = sum(t.name == name for t in things)
    return Question(f"How many {plural(name)} are there?", f"{capital(NUMBERS[n])}.")


def size_of(things: list[Seen], rng: np.random.Generator) -> Question:
    """Ask how large a thing is in the picture."""
    single = _single(things)
    if not single:
        return how_many(things, rng)
    thing = _pick(single, rng)
    return Question(f"How large is the {thing.phrase}?", f"{thing.size}.")


def closer(things: list[Seen], rng: np.random.Generator) -> Question:
    """Ask which of two things is closer to the viewer."""
    single = _single(things)
    if len(single) < 2:
        return how_many(things, rng)
    a, b = (single[i] for i in rng.choice(len(single), 2, replace=False))
    nearer = a if a.nearness > b.nearness else b
    return Question(f"Which is closer, the {a.phrase} or the {b.phrase}?", f"The {nearer.phrase}.")


def corpus(gallery: Gallery, n: int) -> list[str]:
    """Return the texts of n pictures, for the tokenizer."""
    rng = np.random.default_rng(0)
    ask: Callable[[int], list[Question]] = lambda i: questions(gallery, i, rng, lesson=0)  # noqa: E731
    return [f"USER: \n{q.text} ASSISTANT: {q.answer}</s>" for i in range(n) for q in ask(i)]


def _yes_no(phrase: str, answer: str, rng: np.random.Generator, brief: bool) -> Question:
    named = with_article(phrase) if rng.random() < 0.8 else f"a {phrase}"
    tail = "?" if brief else " in the image? Answer yes or no."
    return Question(f"Is there {named}{tail}", f"{answer}.")


def _single(things: list[Seen]) -> list[Seen]:
    phrases = Counter(t.phrase for t in things)
    return [t for t in things if phrases[t.phrase] == 1]


def _pick(things: list[Seen], rng: np.random.Generator) -> Seen:
    return things[int(rng.integers(len(things)))]
