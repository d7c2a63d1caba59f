"""Sentences with their place in the text, word counts, and cutting a text to a length at a sentence's end."""

import re
from dataclasses import dataclass
from itertools import pairwise

# a full stop inside a number or before a lower-case word (e.g. "approx. ten") ends nothing
_END = re.compile(r"[.!?]+[\"'\u201d\u2019)\]]*(?=\s+[^\sa-z]|\s*$)|\n\s*\n")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


@dataclass(frozen=True)
class Sentence:
    """A sentence; `text[start:end]` of the whole text is it."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Sentence]:
    """Split text at full stops, exclamation and question marks and empty lines; blank pieces are dropped."""
    cuts = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    pieces = (_trimmed(text, start, end) for start, end in pairwise(cuts))
    return [piece for piece in pieces if piece.text]


def count_words(text: str) -> int:
    """Return the number of words; `man's` and `well-known` are one word each, punctuation is none."""
    return len(_WORD.findall(text))


def cut_to_words(text: str, words: int) -> str:
    """Return the whole sentences from the start whose word count is nearest to `words`, at least one.

    Of two counts equally near, the smaller is taken.
    """
    best_end, best_distance, counted = 0, None, 0
    for sentence in sentences(text):
        counted += count_words(sentence.text)
        distance = abs(counted - words)
        if best_distance is not None and distance >= best_distance:
            break
        best_end, best_distance = sentence.end, distance
    return text[:best_end]


def _trimmed(text: str, start: int, end: int) -> Sentence:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    return Sentence(piece.strip(), left, left + len(piece.strip()))
