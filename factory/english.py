"""The few forms of English that facts, the template writer and the claim reader share."""

import re
from collections.abc import Sequence
from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
NUMBERS = {word: number for number, word in enumerate(NUMBER_WORDS) if number}

_IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "foot": "feet", "tooth": "teeth",
    "mouse": "mice", "goose": "geese", "knife": "knives", "leaf": "leaves", "shelf": "shelves",
    "wolf": "wolves",
    "half": "halves", "scarf": "scarves", "loaf": "loaves", "calf": "calves", "tomato": "tomatoes",
    "potato": "potatoes", "hero": "heroes",
}  # fmt: skip
_IRREGULAR_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()} | {
    "buses": "bus", "glasses": "glass", "houses": "house", "vases": "vase", "horses": "horse",
    "cases": "case",
    "suitcases": "suitcase", "noses": "nose", "roses": "rose", "shoes": "shoe", "ties": "tie", "pies": "pie",
    "movies": "movie", "cookies": "cookie", "bikes": "bike", "axes": "axe",
}  # fmt: skip
_SAME_IN_BOTH = word_set(
    "sheep deer fish series species scissors jeans pants shorts trousers sunglasses binoculars "
    "headphones bus gas lens glass grass dress canvas cactus octopus campus status news"
)
_ARTICLES = word_set("a an the some another this that these those its his her their one")
_SIBILANTS = ("s", "x", "z", "ch", "sh")


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(_SIBILANTS):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"


def singular(noun: str) -> str:
    """Return the singular of a lower-case noun; one that is singular already stays."""
    if noun in _SAME_IN_BOTH:
        return noun
    if noun in _IRREGULAR_SINGULAR:
        return _IRREGULAR_SINGULAR[noun]
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x")):
        if noun.endswith(ending) and len(noun) > len(ending) + 1:
            return noun[: -len(ending)] + replacement
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) and noun[2:] else noun


@lru_cache(maxsize=8192)
def bare(phrase: str) -> str:
    """Return a phrase in lower case without leading articles and number words, its head in the singular.

    This is how a detector is asked: `two red cars` becomes `red car`.
    """
    words = re.findall(r"[^\s,;.!?\"]+", phrase.lower())
    while words[1:] and (words[0] in _ARTICLES or words[0] in NUMBERS):
        words = words[1:]
    return " ".join([*words[:-1], singular(words[-1])]) if words else ""


@lru_cache(maxsize=8192)
def head(phrase: str) -> str:
    """Return the head noun: the last word in the singular, before any `of`."""
    words = bare(phrase.lower().split(" of ")[0]).split()
    return words[-1] if words else ""


def with_article(phrase: str) -> str:
    """Put `a` or `an` before a phrase."""
    return f"{'an' if phrase[:1] in tuple('aeiou') else 'a'} {phrase}"


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def number_word(number: int) -> str:
    """Return a small number as a word, a larger one in digits."""
    return NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else str(number)


def counted(number: int, noun: str) -> str:
    """Return a noun with its number: `two balls`."""
    return f"{number_word(number)} {noun if number == 1 else plural(noun)}"


def listed(parts: Sequence[str]) -> str:
    """Join parts as in `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
