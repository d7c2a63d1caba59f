"""Marks on a text: overlapping spans become a row of pieces, each with what holds there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.text import Sentence, sentences
from eval.text.listing import words


@dataclass(frozen=True)
class Mark:
    """A class and a note for `text[start:end]`."""

    start: int
    end: int
    css: str
    note: str = ""


@dataclass(frozen=True)
class Piece:
    """A stretch of text under the same marks."""

    text: str
    css: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A sentence with its pieces, the ids of the objects it speaks of, and whether it is new."""

    pieces: tuple[Piece, ...]
    evidence: tuple[str, ...] = ()
    added: bool = False


def pieces_of(text: str, start: int, end: int, marks: Iterable[Mark]) -> tuple[Piece, ...]:
    """Cut `text[start:end]` at every border of a mark."""
    here = [mark for mark in marks if mark.start < end and mark.end > start]
    cuts = {start, end}
    for mark in here:
        cuts |= {max(start, mark.start), min(end, mark.end)}
    return tuple(_piece(text, a, b, here) for a, b in pairwise(sorted(cuts)))


def lines_of(
    text: str,
    marks: Sequence[Mark],
    evidence: Sequence[tuple[int, int, Sequence[str]]] = (),
    reference: str | None = None,
) -> tuple[Line, ...]:
    """Return the text sentence by sentence.

    `evidence` holds (start, end, object ids). With a `reference`, each sentence that says something the
    reference does not is marked as added.
    """
    known = None if reference is None else _content(reference)
    return tuple(
        Line(
            pieces_of(text, sentence.start, sentence.end, marks),
            _ids_within(sentence, evidence),
            known is not None and not _content(sentence.text) <= known,
        )
        for sentence in sentences(text)
    )


def _piece(text: str, start: int, end: int, marks: Sequence[Mark]) -> Piece:
    over = [mark for mark in marks if mark.start <= start and mark.end >= end]
    classes = list(dict.fromkeys(mark.css for mark in over))
    notes = list(dict.fromkeys(mark.note for mark in over if mark.note))
    return Piece(text[start:end], " ".join(classes), "; ".join(notes))


def _ids_within(sentence: Sentence, evidence: Sequence[tuple[int, int, Sequence[str]]]) -> tuple[str, ...]:
    """Return the objects that all claims of a sentence share, or all of its objects where none is shared."""
    spans = [
        found for start, end, found in evidence if start < sentence.end and end > sentence.start and found
    ]
    every = dict.fromkeys(each for found in spans for each in found)
    shared = [each for each in every if all(each in found for found in spans)]
    return tuple(shared or every)


_EMPTY_WORDS = frozenset(
    words("a an the this that is are there it of in on to with and at photo image picture")
)


def _content(text: str) -> set[str]:
    words = {word.strip(".,;:!?\"'()").lower() for word in text.split()}
    return words - _EMPTY_WORDS - {""}
