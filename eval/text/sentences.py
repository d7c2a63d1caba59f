"""Sentences with their place in the text, word counts, and cutting a text to a length at a sentence's end."""

import re
from dataclasses import dataclass

# a full stop inside a number or before a lower-case word (e.g. "approx. ten") ends nothing
_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s+[^\sa-z]|\s*$)|\n\s*\n")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Sentence:
    """A sentence; `text[start:end]` of the whole text is it."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Sentence]:
    """Split text at full stops, exclamation and question marks, and at empty lines; blank pieces are dropped."""
    cuts = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    pieces = (_trimmed(text, start, end) for start, end in zip(cuts, cuts[1:], strict=False))
    return [piece for piece in pieces if piece.text]


def count_words(text: str) -> int:
    """Return the number of words; `man's` and `well-known` are one word each, punctuation is none."""
    return len(_WORD.findall(text))


def cut_to_words(text: str, max_words: int) -> str:
    """Return the largest number of whole sentences that has at most `max_words` words, but at least one sentence."""
    kept_end, words = 0, 0
    for index, sentence in enumerate(sentences(text)):
        words += count_words(sentence.text)
        if index and words > max_words:
            break
        kept_end = sentence.end
    return text[:kept_end]


def _trimmed(text: str, start: int, end: int) -> Sentence:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    return Sentence(piece.strip(), left, left + len(piece.strip()))
