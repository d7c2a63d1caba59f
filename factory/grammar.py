"""Finds in plain English what names things: sentences, noun phrases, and the words of place, distance and relation.

"A large red car is on the left, far away."
noun    "A large red car": determiner `a`, size `large`, attribute `red`, phrase `red car`
marker  "on the left" (position), "far away" (depth)
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from factory.english import NUMBERS, bare, singular
from factory.lexicon import (
    ATTRIBUTES,
    DETERMINERS,
    DISTANCE_PATTERNS,
    NOT_THINGS,
    ONE,
    PHRASE_ENDS,
    PLACE_PATTERNS,
    RELATION_PATTERNS,
    SETTING_PATTERN,
    SIZE_WORDS,
)

_SENTENCE = re.compile(r"\S.*?(?:[.!?]+[\"”')\]]*(?=\s|$)|$)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*|\d+")
_MASK = "|"
_MAX_WORDS = 5


@dataclass(frozen=True)
class Noun:
    """A noun phrase at text[start:end]; `start` is at its determiner, `words_start` after it.

    `phrase` is how a detector would be asked: attributes and name in the singular, without size.
    """

    determiner: str
    phrase: str
    attributes: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[str, int], ...]
    start: int
    words_start: int
    end: int

    @property
    def number(self) -> int | None:
        """Return the number that the phrase states, if it does."""
        return int(self.determiner) if self.determiner.isdigit() else NUMBERS.get(self.determiner)


@dataclass(frozen=True)
class Marker:
    """Words of place, distance or relation at text[start:end]."""

    kind: str
    value: str
    start: int
    end: int


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences."""
    return [(m.start(), m.start() + len(m.group().rstrip())) for m in _SENTENCE.finditer(text)]


def entities(text: str) -> list[str]:
    """Return the phrases of a text that name things, as they stand there without determiner and size."""
    phrases: dict[str, str] = {}
    for index, (start, end) in enumerate(sentences(text)):
        masked, _ = without_markers(text, start, end)
        found = list(nouns(masked, start, end))
        setting = setting_of(text, found, start, end) if index == 0 else None
        for noun in found:
            if noun is not setting:
                words = _without_size(text[noun.words_start : noun.end])
                phrases.setdefault(words.lower(), words)
    return list(phrases.values())


def leading_phrase(caption: str) -> str:
    """Return the thing that a short caption names first: `This is a red car on a road.` gives `red car`."""
    text = caption.strip()
    opening = SETTING_PATTERN.match(text)
    text = text[opening.end() :] if opening else text
    found = list(nouns(text, 0, len(text)))
    if found and not text[: found[0].start].strip():
        return found[0].phrase
    words: list[str] = []
    last = 0
    for match in _WORD.finditer(text):
        if match.group().lower() in PHRASE_ENDS or text[last : match.start()].strip():
            break
        words.append(match.group())
        last = match.end()
    return bare(_without_size(" ".join(words[:_MAX_WORDS])))


def without_markers(text: str, start: int, end: int) -> tuple[str, list[Marker]]:
    """Return the text with its places, distances and relations blotted out, and these."""
    markers: list[Marker] = []
    families = (("relation", RELATION_PATTERNS), ("depth", DISTANCE_PATTERNS), ("position", PLACE_PATTERNS))
    for kind, patterns in families:
        for value, pattern in patterns.items():
            for match in pattern.finditer(text, start, end):
                markers.append(Marker(kind, value, *match.span()))
                text = blotted(text, *match.span())
    return text, markers


def blotted(text: str, start: int, end: int) -> str:
    """Return the text with a part made unreadable, every other character in its place."""
    return text[:start] + _MASK * (end - start) + text[end:]


def nouns(text: str, start: int, end: int) -> Iterator[Noun]:
    """Yield the noun phrases of text[start:end] that begin with a determiner or number and name a thing."""
    words = list(_WORD.finditer(text, start, end))
    index = 0
    while index < len(words):
        determiner = words[index].group().lower()
        if determiner in DETERMINERS or determiner.isdigit():
            chosen = _phrase_words(text, words, index)
            noun = _noun(determiner, words[index].start(), chosen) if chosen else None
            if noun is not None:
                yield noun
            index += len(chosen)
        index += 1


def setting_of(text: str, found: Sequence[Noun], start: int, end: int) -> Noun | None:
    """Return the noun that says where this is.

    It is found in `This is a beach.`, `A photo of a beach.` and `A beach with a crab.`
    """
    if not found:
        return None
    first = found[0]
    opening = SETTING_PATTERN.match(text, start, end)
    if opening and opening.end() == first.start:
        return first
    rest = text[first.end : end].strip()
    return first if first.start == start and (rest in ("", ".") or rest.startswith("with ")) else None


def _without_size(words: str) -> str:
    return " ".join(word for word in words.split() if word.lower() not in SIZE_WORDS)


def _phrase_words(text: str, words: Sequence[re.Match[str]], index: int) -> list[re.Match[str]]:
    chosen: list[re.Match[str]] = []
    last = words[index].end()
    one = words[index].group().lower() in ONE
    for word in words[index + 1 : index + 1 + _MAX_WORDS]:
        name = word.group().lower()
        if not text[last : word.start()].isspace() or name in PHRASE_ENDS or name in DETERMINERS:
            break
        if one and _is_verb(name, chosen):
            break
        chosen.append(word)
        last = word.end()
    return chosen


def _is_verb(name: str, before: Sequence[re.Match[str]]) -> bool:
    """Tell whether a word in -s after `a dog` says what it does, as nothing of which there is one ends so."""
    previous = before[-1].group().lower() if before else ""
    return (
        bool(previous)
        and singular(name) != name
        and previous not in ATTRIBUTES
        and previous not in SIZE_WORDS
    )


def _noun(determiner: str, start: int, words: Sequence[re.Match[str]]) -> Noun | None:
    lower = [word.group().lower() for word in words]
    if singular(lower[-1]) in NOT_THINGS:
        return None
    described = list(zip(lower[:-1], words[:-1], strict=True))
    sizes = tuple((SIZE_WORDS[name], word.start()) for name, word in described if name in SIZE_WORDS)
    attributes = tuple((name, word.start()) for name, word in described if name in ATTRIBUTES)
    phrase = " ".join([name for name in lower[:-1] if name not in SIZE_WORDS] + [singular(lower[-1])])
    return Noun(determiner, phrase, attributes, sizes, start, words[0].start(), words[-1].end())
