"""Reads plain English as statements by rule; a model can do the same for richer prose (see `reader`).

    "A large red car is on the left, far away."
        existence  "A large red car"       size      "large red car"     position  "on the left"
        attribute  "red car" (red)         depth     "far away"

A sentence in which nothing can be read becomes one statement of kind `other`, so that nothing goes unnoticed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from factory.claims.statement import Statement
from factory.grammar import Marker, Noun, blotted, nouns, sentences, setting_of, without_markers
from factory.lexicon import (
    ANOTHER,
    ATTRIBUTES,
    CLAUSE_START,
    DEFINITE,
    IN_DEPTH,
    INFERRED_PATTERN,
    LOOKS_PATTERN,
    TEXT_PATTERN,
)

Span = tuple[int, int]


def parse(text: str) -> list[Statement]:
    """Return the statements in the order of the text."""
    said: Counter[str] = Counter()
    found: list[Statement] = []
    for index, (start, end) in enumerate(sentences(text)):
        read = sorted(_read(text, start, end, index == 0, said), key=lambda s: (s.start, s.end))
        found += read or [Statement("other", start, end)]
    return found


def _read(text: str, start: int, end: int, is_first: bool, said: Counter[str]) -> Iterator[Statement]:
    for span, value in _written(text, start, end):
        yield Statement("text", *span, value=value)
        text = blotted(text, *span)
    for span in inferred(text, start, end):
        yield Statement("inferred", *span)
        text = blotted(text, *span)
    masked, markers = without_markers(text, start, end)
    found = list(nouns(masked, start, end))
    setting = setting_of(text, found, start, end) if is_first else None
    related = any(marker.kind == "relation" for marker in markers)
    things = [noun for noun in found if noun is not setting]
    if setting is not None:
        yield Statement("setting", setting.start, setting.end, setting.phrase)
    for noun in things:
        if not (related and noun.determiner in DEFINITE):
            yield from _of_noun(text, noun, end, said)
    for marker in markers:
        yield from _of_marker(marker, things)
    yield from _looks(text, start, end, things)


def inferred(text: str, start: int, end: int) -> list[Span]:
    """Return the clauses of a sentence that tell a mood, a purpose or a guess, from comma to comma.

    A clause that is all there is of its sentence goes from the first letter to the last.
    """
    spans: list[Span] = []
    for match in INFERRED_PATTERN.finditer(text, start, end):
        if spans and match.start() < spans[-1][1]:
            continue
        opening = max(
            (m.start() for m in CLAUSE_START.finditer(text, start, match.start() + 1)), default=start
        )
        comma = text.find(",", match.end(), end)
        last = end if opening == start or comma < 0 else comma
        spans.append((opening, last if opening == start else _before_stop(text, last)))
    return spans


def _before_stop(text: str, end: int) -> int:
    while end and text[end - 1] in ".!?":
        end -= 1
    return end


def _written(text: str, start: int, end: int) -> Iterator[tuple[Span, str]]:
    for match in TEXT_PATTERN.finditer(text, start, end):
        yield match.span("quoted"), match.group("quoted").strip('"“”')


def _of_noun(text: str, noun: Noun, end: int, said: Counter[str]) -> Iterator[Statement]:
    before = max(1, said[noun.phrase])
    at_least = before + 1 if noun.determiner == ANOTHER else 1
    said[noun.phrase] = max(before, at_least)
    yield Statement("existence", noun.start, noun.end, noun.phrase, at_least=at_least, subject=noun.start)
    plain = " ".join(word for word in noun.phrase.split() if word not in ATTRIBUTES)
    for attribute, start in noun.attributes:
        yield Statement("attribute", start, noun.end, plain, attribute, subject=noun.start)
    for size, start in noun.sizes:
        yield Statement("size", start, noun.end, noun.phrase, size, subject=noun.start)
    if noun.number is not None and (noun.number > 1 or _is_total(text, noun.end, end)):
        yield Statement("count", noun.start, noun.end, noun.phrase, str(noun.number), subject=noun.start)


def _is_total(text: str, start: int, end: int) -> bool:
    return text[start:end].lower().startswith(" in total")


def _of_marker(marker: Marker, things: Sequence[Noun]) -> Iterator[Statement]:
    before = [noun for noun in things if noun.end <= marker.start]
    after = [noun for noun in things if noun.start >= marker.end]
    if marker.kind == "relation":
        if before and after:
            subject, other = before[-1], after[0]
            kind = "depth" if marker.value in IN_DEPTH else "relation"
            yield Statement(
                kind, subject.start, other.end, subject.phrase, marker.value, other.phrase,
                subject=subject.start,
            )  # fmt: skip
    elif before or after:
        subject = before[-1] if before else after[0]
        yield Statement(
            marker.kind, marker.start, marker.end, subject.phrase, marker.value, subject=subject.start
        )


def _looks(text: str, start: int, end: int, things: Sequence[Noun]) -> Iterator[Statement]:
    """Yield what `The car is red.` says of its car."""
    for match in LOOKS_PATTERN.finditer(text, start, end):
        before = [noun for noun in things if noun.end == match.start()]
        for noun in before:
            value = match.group("value").lower()
            yield Statement("attribute", noun.start, match.end(), noun.phrase, value, subject=noun.start)
