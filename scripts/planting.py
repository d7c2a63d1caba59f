"""True descriptions of picture-book scenes, and the same with one false claim put in.

A false claim is false of every thing that it could speak of, beyond the tolerance within which both of two
neighbouring words hold, and its sentence is otherwise as it was.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from factory.english import capital, number_word, plural, with_article
from factory.geometry import CLOSE, FAR, LARGE, LEFT, RIGHT, SMALL, center_x, place_holds, size_holds
from factory.records import Item, Object
from factory.stages.facts import Facts, FactsConfig
from factory.writer import write
from recipes.picturebook.draw import Picture, mask_box
from recipes.picturebook.scene import Scene
from recipes.picturebook.world import COLOR_NAMES, SETTINGS

KINDS = ("object", "colour", "count", "side", "depth order", "size")
MIN_ORDER_GAP = 0.15
"""Two things whose nearness differs by less are given no order, as the facts give them none."""
_TOTAL = re.compile(r"There are (\w+) (\w+) in total\.")


@dataclass(frozen=True)
class Planted:
    """A text whose `text[start:end]` says something false."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Told:
    """A scene in words: the true things and a true description of them."""

    setting: str
    things: tuple[Object, ...]
    text: str
    size_wh: tuple[int, int]


def tell(scene: Scene, picture: Picture) -> Told:
    """Return the true description: an opening, a sentence per thing, counts, and who is in front."""
    height, width = picture.image.shape[:2]
    things = [
        Object(f"t{i}", f"{t.color} {t.name}", tuple(map(float, mask_box(mask))), 1.0, nearness=t.nearness)  # type: ignore[arg-type]
        for i, (t, mask) in enumerate(zip(scene.things, picture.masks, strict=True))
    ]
    things.sort(key=lambda o: center_x(o.box_xyxy, width))
    told = Facts(FactsConfig()).run([Item("", b"", "", (width, height), objects=tuple(things))])[0]
    assert isinstance(told, Item)
    text = write(f"This is a {scene.setting}.", told.facts or ())
    return Told(scene.setting, told.objects or (), text, told.size_wh)


def plant(told: Told, kind: str, rng: np.random.Generator) -> Planted | None:
    """Return the description with one false claim of a kind; None where the scene allows none."""
    return _PLANTERS[kind](told, rng)


def _object(told: Told, rng: np.random.Generator) -> Planted | None:
    there = {o.phrase.split()[-1] for o in told.things}
    usual = [name for name in SETTINGS[told.setting] if name not in there]
    others = [name for names in SETTINGS.values() for name in names if name not in there]
    name = str(rng.choice(usual or others))
    sentence = f"{capital(with_article(name))} is {rng.choice([LEFT, RIGHT])}, {rng.choice([CLOSE, FAR])}."
    opening = told.text.index(".") + 1
    return Planted(
        f"{told.text[:opening]} {sentence}{told.text[opening:]}", opening + 1, opening + 1 + len(sentence)
    )


def _colour(told: Told, rng: np.random.Generator) -> Planted | None:
    thing = told.things[int(rng.integers(len(told.things)))]
    colour, name = thing.phrase.split()
    true = {o.phrase.split()[0] for o in told.things if o.phrase.endswith(f" {name}")}
    false = str(rng.choice([c for c in COLOR_NAMES if c not in true]))
    return _swapped(told.text, thing.phrase, colour, false)


def _count(told: Told, rng: np.random.Generator) -> Planted | None:
    total = _TOTAL.search(told.text)
    if total is not None:
        number = Counter(plural(o.phrase.split()[-1]) for o in told.things)[total.group(2)]
        wrong = number_word(number + 1 if number == 2 or rng.random() < 0.5 else number - 1)
        return _replaced(told.text, total.start(1), total.end(1), wrong)
    name = plural(told.things[int(rng.integers(len(told.things)))].phrase.split()[-1])
    return _appended(told.text, f"There are {rng.choice(['two', 'three'])} {name} in total.")


def _side(told: Told, rng: np.random.Generator) -> Planted | None:
    def can(o: Object) -> bool:
        word = _other_side(o, told)
        return not any(
            place_holds(word, t.box_xyxy, told.size_wh) for t in told.things if t.phrase == o.phrase
        )

    return _with_one(told, rng, can, lambda o: (o.place, _other_side(o, told)))


def _other_side(thing: Object, told: Told) -> str:
    return RIGHT if center_x(thing.box_xyxy, told.size_wh[0]) < 0.5 else LEFT


def _size(told: Told, rng: np.random.Generator) -> Planted | None:
    def can(o: Object) -> bool:
        word = SMALL if o.size == LARGE else LARGE
        alike = [t for t in told.things if t.phrase == o.phrase]
        return bool(o.size) and not any(size_holds(word, t.area_fraction or 0.0) for t in alike)

    return _with_one(told, rng, can, lambda o: (o.size.capitalize(), ""), flip=True)


def _order(told: Told, rng: np.random.Generator) -> Planted | None:
    names = Counter(o.phrase for o in told.things)
    unique = [o for o in told.things if names[o.phrase] == 1]
    pairs = [
        (a, b) for a in unique for b in unique if (a.nearness or 0.0) - (b.nearness or 0.0) >= MIN_ORDER_GAP
    ]
    if not pairs:
        return None
    near, far = pairs[int(rng.integers(len(pairs)))]
    true = f"The {near.phrase} is in front of the {far.phrase}."
    false = (
        f"The {near.phrase} is behind the {far.phrase}."
        if rng.random() < 0.5
        else f"The {far.phrase} is in front of the {near.phrase}."
    )
    at = told.text.find(true)
    return _appended(told.text, false) if at < 0 else _replaced(told.text, at, at + len(true), false)


def _with_one(
    told: Told,
    rng: np.random.Generator,
    can: Callable[[Object], bool],
    words: Callable[[Object], tuple[str, str]],
    flip: bool = False,
) -> Planted | None:
    chosen = [o for o in told.things if can(o)]
    if not chosen:
        return None
    thing = chosen[int(rng.integers(len(chosen)))]
    old, new = words(thing)
    if flip:
        new = LARGE.capitalize() if thing.size == SMALL else SMALL.capitalize()
    start, end = _sentence_of(told, thing)
    sentence = told.text[start:end]
    at = start + (sentence.lower().find(old.lower()))
    word = new if told.text[at].isupper() else new.lower()
    return _replaced(told.text, at, at + len(old), word)


def _sentence_of(told: Told, thing: Object) -> tuple[int, int]:
    """Return the sentence that the template wrote for a thing."""
    number = [o.id for o in told.things].index(thing.id)
    spans = [match.span() for match in re.finditer(r"\S[^.]*\.", told.text)]
    return spans[number + 1]


def _swapped(text: str, phrase: str, old: str, new: str) -> Planted | None:
    name = phrase.rsplit(maxsplit=1)[-1]
    pattern = rf"\b(an? |another )?((?:large |small )?)({old})( {name})\b"
    match = re.search(pattern, text, re.IGNORECASE)
    if match is None:
        return None
    planted = _replaced(text, match.start(3), match.end(3), new)
    article = match.group(1) or ""
    if article.lower() in ("a ", "an ") and not match.group(2):
        right = "an " if new[0] in "aeiou" else "a "
        right = right.capitalize() if article[0].isupper() else right
        moved = len(right) - len(article)
        body = planted.text[: match.start(1)] + right + planted.text[match.end(1) :]
        return Planted(body, planted.start + moved, planted.end + moved)
    return planted


def _replaced(text: str, start: int, end: int, new: str) -> Planted:
    return Planted(text[:start] + new + text[end:], start, start + len(new))


def _appended(text: str, sentence: str) -> Planted:
    return Planted(f"{text} {sentence}", len(text) + 1, len(text) + 1 + len(sentence))


_PLANTERS: Mapping[str, Callable[[Told, np.random.Generator], Planted | None]] = {
    "object": _object,
    "colour": _colour,
    "count": _count,
    "side": _side,
    "depth order": _order,
    "size": _size,
}


def sampled(told: Told, seed: int, kinds: Sequence[str] = KINDS) -> dict[str, Planted]:
    """Return one planted text per kind that the scene allows; the same seed always plants the same."""
    rng = np.random.default_rng([seed, 11])
    found = {kind: plant(told, kind, rng) for kind in kinds}
    return {kind: replace(planted) for kind, planted in found.items() if planted is not None}
