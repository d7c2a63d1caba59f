"""LIN-Bench (Pi et al. 2024): readability of descriptions by four grade formulas.

    ari   4.71 chars/words + 0.5 words/sentences - 21.43
    fk    0.39 words/sentences + 11.8 syllables/words - 15.59
    smog  1.043 sqrt(30 polysyllables/sentences) + 3.1291
    cl    5.88 chars/words - 29.6 sentences/words - 15.8

Mode `it` counts as the published script does: every mark is a character, `...` is three sentences, `table`
has one syllable, and a text without a full stop has no grade by sentence. Mode `textbook` counts letters and
digits, real sentences, and syllables that end in a consonant and `le`. Each figure is the mean over texts
that have one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from eval.formula import Ratio
from eval.tally import Tally
from eval.text import sentences

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(
    r"(?<![aeiouyl])e$|(?<=[aeiouy])le$|(?<![aeiouytd])ed$|(?<![aeiouysxzcgh])(?<![^aeiouy]l)es$"
)
_WORD = re.compile(r"\b\w+\b")
_TEXTBOOK_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_POLYSYLLABLE = 3
NAMES = ("ari", "fk", "smog", "cl")
COLUMNS = ("texts", *NAMES, *(f"{name}_texts" for name in NAMES))
FORMULAS = tuple(
    Ratio(name, {name: 1}, {f"{name}_texts": 1}, "no text has words and sentences to count", is_rate=False)
    for name in NAMES
)


@dataclass(frozen=True)
class Counted:
    """What the formulas need of one text."""

    chars: int
    words: int
    sentences: int
    syllables: int
    polysyllables: int


def count_it(text: str) -> Counted:
    """Count as the published script does."""
    words = _WORD.findall(text)
    syllables = [syllables_it(word) for word in words]
    chars = len(re.sub(r"\s", "", text))
    return _counted(chars, len(re.findall(r"[.?!]", text)), syllables)


def count_textbook(text: str) -> Counted:
    """Count letters and digits, real sentences, and syllables with the usual exceptions."""
    words = _TEXTBOOK_WORD.findall(text)
    syllables = [syllables_textbook(word) for word in words]
    return _counted(sum(char.isalnum() for char in text), len(sentences(text)), syllables)


COUNTINGS: dict[str, Callable[[str], Counted]] = {"it": count_it, "textbook": count_textbook}


def syllables_it(word: str) -> int:
    """Return the groups of vowels, one less for a final e, at least one."""
    word = word.lower()
    return max(1, len(_VOWELS.findall(word)) - word.endswith("e"))


def syllables_textbook(word: str) -> int:
    """Return the groups of vowels, where a final e or ed is silent but `le`, `ted` and `ded` are not."""
    word = word.lower()
    groups = len(_VOWELS.findall(word))
    silent = _SILENT.search(word)
    return max(1, groups - (silent is not None))


def grades(counted: Counted) -> dict[str, float | None]:
    """Return the four grades; None where a text has no words or no sentences."""
    if counted.words == 0:
        return dict.fromkeys(NAMES)
    chars_per_word = counted.chars / counted.words
    cl = 0.0588 * 100 * chars_per_word - 0.296 * 100 * counted.sentences / counted.words - 15.8
    if counted.sentences == 0:
        return {"ari": None, "fk": None, "smog": None, "cl": cl}
    words_per_sentence = counted.words / counted.sentences
    return {
        "ari": 4.71 * chars_per_word + 0.5 * words_per_sentence - 21.43,
        "fk": 0.39 * words_per_sentence + 11.8 * counted.syllables / counted.words - 15.59,
        "smog": 1.043 * sqrt(counted.polysyllables * 30 / counted.sentences) + 3.1291,
        "cl": cl,
    }


def update(state: Tally, image: str, text: str, counting: str) -> dict[str, float | None]:
    """Count one text and return its grades."""
    found = grades(COUNTINGS[counting](text))
    defined = {name: grade for name, grade in found.items() if grade is not None}
    state.add(image, {"texts": 1, **defined, **{f"{name}_texts": 1 for name in defined}})
    return found


def _counted(chars: int, sentences_: int, syllables: list[int]) -> Counted:
    polysyllables = sum(count >= _POLYSYLLABLE for count in syllables)
    return Counted(chars, len(syllables), sentences_, sum(syllables), polysyllables)
