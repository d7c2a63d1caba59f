"""Reads controlled English as statements that can be checked one by one, each with its place in the text.

    "A large red car is on the left, far away."
        existence  "A large red car"       size      "large red car"     position  "on the left"
        attribute  "red car" (red)         depth     "far away"

A sentence in which nothing can be read becomes one statement of kind `other`, so that nothing goes unnoticed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from factory.english import NUMBERS, bare, singular
from factory.lexicon import (
    ANOTHER,
    ATTRIBUTES,
    DEFINITE,
    DETERMINERS,
    DISTANCE_PATTERNS,
    NOT_THINGS,
    PHRASE_ENDS,
    PLACE_PATTERNS,
    RELATION_PATTERNS,
    SETTING_PATTERN,
    SIZE_WORDS,
)

_SENTENCE = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|$)", re.DOTALL)
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
class Statement:
    """What text[start:end] says of the things named `phrase`; `other` is the second thing of a relation.

    `at_least` is how many such things there must be: 2 for the first `another`.
    """

    kind: str
    start: int
    end: int
    phrase: str = ""
    value: str = ""
    other: str = ""
    at_least: int = 1


@dataclass(frozen=True)
class _Marker:
    kind: str
    value: str
    start: int
    end: int


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences."""
    return [(m.start(), m.start() + len(m.group().rstrip())) for m in _SENTENCE.finditer(text)]


def parse(text: str) -> list[Statement]:
    """Return the statements in the order of the text."""
    said: Counter[str] = Counter()
    found: list[Statement] = []
    for index, (start, end) in enumerate(sentences(text)):
        read = sorted(_read(text, start, end, index == 0, said), key=lambda s: (s.start, s.end))
        found += read or [Statement("other", start, end)]
    return found


def entities(text: str) -> list[str]:
    """Return the phrases of a text that name things, as they stand there without determiner and size."""
    phrases: dict[str, str] = {}
    for index, (start, end) in enumerate(sentences(text)):
        masked, _ = _mask(text, start, end)
        nouns = list(_nouns(masked, start, end))
        setting = _setting(text, nouns, start, end) if index == 0 else None
        for noun in nouns:
            if noun is not setting:
                words = _without_size(text[noun.words_start : noun.end])
                phrases.setdefault(words.lower(), words)
    return list(phrases.values())


def leading_phrase(caption: str) -> str:
    """Return the thing that a short caption names first: `This is a red car on a road.` gives `red car`."""
    text = caption.strip()
    opening = SETTING_PATTERN.match(text)
    text = text[opening.end() :] if opening else text
    nouns = list(_nouns(text, 0, len(text)))
    if nouns and not text[: nouns[0].start].strip():
        return nouns[0].phrase
    words: list[str] = []
    last = 0
    for match in _WORD.finditer(text):
        if match.group().lower() in PHRASE_ENDS or text[last : match.start()].strip():
            break
        words.append(match.group())
        last = match.end()
    return bare(_without_size(" ".join(words[:_MAX_WORDS])))


def _without_size(words: str) -> str:
    return " ".join(word for word in words.split() if word.lower() not in SIZE_WORDS)


def _read(text: str, start: int, end: int, is_first: bool, said: Counter[str]) -> Iterator[Statement]:
    masked, markers = _mask(text, start, end)
    nouns = list(_nouns(masked, start, end))
    setting = _setting(text, nouns, start, end) if is_first else None
    related = [m for m in markers if m.kind == "relation"]
    for noun in nouns:
        if noun is setting:
            yield Statement("setting", noun.start, noun.end, noun.phrase)
        elif not (related and noun.determiner in DEFINITE):
            yield from _of_noun(text, noun, end, said)
    things = [noun for noun in nouns if noun is not setting]
    for marker in markers:
        yield from _of_marker(marker, things)


def _mask(text: str, start: int, end: int) -> tuple[str, list[_Marker]]:
    """Return the text with its places, distances and relations blotted out, and these."""
    markers: list[_Marker] = []
    families = (("relation", RELATION_PATTERNS), ("depth", DISTANCE_PATTERNS), ("position", PLACE_PATTERNS))
    for kind, patterns in families:
        for value, pattern in patterns.items():
            for match in pattern.finditer(text, start, end):
                markers.append(_Marker(kind, value, *match.span()))
                text = text[: match.start()] + _MASK * len(match.group()) + text[match.end() :]
    return text, markers


def _nouns(text: str, start: int, end: int) -> Iterator[Noun]:
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


def _phrase_words(text: str, words: Sequence[re.Match[str]], index: int) -> list[re.Match[str]]:
    chosen: list[re.Match[str]] = []
    last = words[index].end()
    for word in words[index + 1 : index + 1 + _MAX_WORDS]:
        name = word.group().lower()
        if not text[last : word.start()].isspace() or name in PHRASE_ENDS or name in DETERMINERS:
            break
        chosen.append(word)
        last = word.end()
    return chosen


def _noun(determiner: str, start: int, words: Sequence[re.Match[str]]) -> Noun | None:
    lower = [word.group().lower() for word in words]
    if singular(lower[-1]) in NOT_THINGS:
        return None
    described = list(zip(lower[:-1], words[:-1], strict=True))
    sizes = tuple((SIZE_WORDS[name], word.start()) for name, word in described if name in SIZE_WORDS)
    attributes = tuple((name, word.start()) for name, word in described if name in ATTRIBUTES)
    phrase = " ".join([name for name in lower[:-1] if name not in SIZE_WORDS] + [singular(lower[-1])])
    return Noun(determiner, phrase, attributes, sizes, start, words[0].start(), words[-1].end())


def _setting(text: str, nouns: Sequence[Noun], start: int, end: int) -> Noun | None:
    """Return the noun that says where this is.

    It is found in `This is a beach.`, `A photo of a beach.` and `A beach with a crab.`
    """
    if not nouns:
        return None
    first = nouns[0]
    opening = SETTING_PATTERN.match(text, start, end)
    if opening and opening.end() == first.start:
        return first
    rest = text[first.end : end].strip()
    return first if first.start == start and (rest in ("", ".") or rest.startswith("with ")) else None


def _of_noun(text: str, noun: Noun, end: int, said: Counter[str]) -> Iterator[Statement]:
    before = max(1, said[noun.phrase])
    at_least = before + 1 if noun.determiner == ANOTHER else 1
    said[noun.phrase] = max(before, at_least)
    yield Statement("existence", noun.start, noun.end, noun.phrase, at_least=at_least)
    for attribute, start in noun.attributes:
        plain = " ".join(word for word in noun.phrase.split() if word not in ATTRIBUTES)
        yield Statement("attribute", start, noun.end, plain, attribute)
    for size, start in noun.sizes:
        yield Statement("size", start, noun.end, noun.phrase, size)
    if noun.number is not None and (noun.number > 1 or _is_total(text, noun.end, end)):
        yield Statement("count", noun.start, noun.end, noun.phrase, str(noun.number))


def _is_total(text: str, start: int, end: int) -> bool:
    return text[start:end].lower().startswith(" in total")


def _of_marker(marker: _Marker, nouns: Sequence[Noun]) -> Iterator[Statement]:
    before = [noun for noun in nouns if noun.end <= marker.start]
    after = [noun for noun in nouns if noun.start >= marker.end]
    if marker.kind == "relation":
        if before and after:
            subject, other = before[-1], after[0]
            yield Statement("relation", subject.start, other.end, subject.phrase, marker.value, other.phrase)
    elif before or after:
        subject = before[-1] if before else after[0]
        yield Statement(marker.kind, marker.start, marker.end, subject.phrase, marker.value)
