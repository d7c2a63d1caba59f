"""Corrections by the smallest edit: the word that is wrong gives way to the word that the evidence has."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from factory.claims.evidence import Evidence, matching, of_kind
from factory.claims.statement import Judged, Statement
from factory.english import capital, listed, number_word, with_article
from factory.geometry import area_fraction, distance_word, place_word, size_word
from factory.grammar import Noun, nouns, without_markers
from factory.lexicon import ATTRIBUTES, IN_DEPTH, RELATION_PATTERNS
from factory.records import Object

_OPPOSITES = {"in front of": "behind", "behind": "in front of"} | {
    "to the left of": "to the right of", "to the right of": "to the left of"
}  # fmt: skip
_AND = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|,?\s+as well as\s+")
_ARTICLE = re.compile(r"\b(an?)(\s+)$", re.IGNORECASE)
_THERE = re.compile(r"\bthere (?:is|are) $", re.IGNORECASE)
_WITH = re.compile(r"\s+with\s+$")


@dataclass(frozen=True)
class Edit:
    """Put `new` in the place of text[start:end]."""

    start: int
    end: int
    new: str


def correction(
    text: str, span: tuple[int, int], one: Judged, siblings: Sequence[Judged], evidence: Evidence
) -> Edit | None:
    """Return the edit of the sentence at `span` that mends a refuted statement; None where there is none.

    `siblings` are the other statements of the sentence: of several things the one is taken that they fit best.
    """
    corrector = _CORRECTORS.get(one.statement.kind)
    if corrector is None:
        return None
    return corrector(_Case(text, span, one.statement, tuple(siblings), evidence))


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with edits that do not overlap; of those that do, the first counts."""
    for edit in sorted(_apart(edits), key=lambda e: -e.start):
        text = _with_right_article(text, edit)
    return text


@dataclass(frozen=True)
class _Case:
    text: str
    span: tuple[int, int]
    statement: Statement
    siblings: tuple[Judged, ...]
    evidence: Evidence

    def thing(self, among: Sequence[Object]) -> Object | None:
        """Return the object that bears out most of what else is said of the subject."""
        votes = [e for one in self.siblings if one.statement.subject == self.statement.subject
                 for e in one.finding.evidence if one.finding.verdict == "supported"]  # fmt: skip
        return max(among, key=lambda o: votes.count(o.id), default=None)


def _position(case: _Case) -> Edit | None:
    thing = case.thing(matching(case.statement.phrase, case.evidence.objects))
    return None if thing is None else _in_place(case, place_word(thing.box_xyxy, case.evidence.size_wh))


def _depth(case: _Case) -> Edit | None:
    if case.statement.value in IN_DEPTH:
        return _swap(case)
    thing = case.thing(matching(case.statement.phrase, case.evidence.objects))
    if thing is None or thing.nearness is None:
        return None
    return _in_place(case, distance_word(thing.nearness))


def _swap(case: _Case) -> Edit | None:
    opposite = _OPPOSITES.get(case.statement.value)
    said = RELATION_PATTERNS[case.statement.value].search(
        case.text, case.statement.start, case.statement.end
    ) if opposite else None  # fmt: skip
    return Edit(*said.span(), opposite or "") if said else None


def _size(case: _Case) -> Edit | None:
    thing = case.thing(matching(case.statement.phrase, case.evidence.objects))
    if thing is None:
        return None
    return _word(case, size_word(area_fraction(thing.box_xyxy, case.evidence.size_wh)))


def _attribute(case: _Case) -> Edit | None:
    thing = case.thing(of_kind(case.statement.phrase, case.evidence.objects))
    if thing is None:
        return None
    colour = next((word for word in thing.phrase.split() if word in ATTRIBUTES), "")
    if case.text[case.statement.start :].lower().startswith(case.statement.value):
        return _word(case, colour)
    start = case.statement.end - len(case.statement.value)
    return Edit(start, case.statement.end, colour) if colour else None


def _count(case: _Case) -> Edit | None:
    number = len(matching(case.statement.phrase, case.evidence.objects))
    start, end = case.statement.start, case.statement.end
    first = case.text[start:end].split()[0]
    if number > 1:
        return Edit(start, start + len(first), _cased(number_word(number), first))
    is_total = case.text[end : case.span[1]].lower().startswith(" in total")
    if number == 0 or is_total:
        return None
    return Edit(start, end, _cased(with_article(case.statement.phrase), first))


def _existence(case: _Case) -> Edit | None:
    """Take a thing out of a list, or out of `with a thing`."""
    start, end = case.span
    masked, _ = without_markers(case.text, start, end)
    found = list(nouns(masked, start, end))
    at = next((i for i, noun in enumerate(found) if noun.start == case.statement.start), None)
    if at is None or case.statement.at_least > 1:
        return None
    group = _group(case.text, found, at)
    before = case.text[start : group[0].start]
    if len(group) > 1:
        return _shortened(case.text, group, found[at], before)
    opening = _WITH.search(before)
    return Edit(start + opening.start(), group[0].end, "") if opening else None


def _shortened(text: str, group: Sequence[Noun], gone: Noun, before: str) -> Edit:
    left = [noun for noun in group if noun is not gone]
    new = listed([text[noun.start : noun.end] for noun in left])
    new = capital(new) if text[group[0].start].isupper() else new
    there = _THERE.search(before)
    if there is None:
        return Edit(group[0].start, group[-1].end, new)
    many = len(left) > 1 or (left[0].number or 1) > 1
    opening = _cased(f"there {'are' if many else 'is'} ", there.group())
    return Edit(group[0].start - len(there.group()), group[-1].end, opening + new)


def _group(text: str, found: Sequence[Noun], at: int) -> list[Noun]:
    """Return the nouns of the list that one stands in."""
    first = last = at
    while first > 0 and _AND.fullmatch(text[found[first - 1].end : found[first].start]):
        first -= 1
    while last + 1 < len(found) and _AND.fullmatch(text[found[last].end : found[last + 1].start]):
        last += 1
    return list(found[first : last + 1])


def _in_place(case: _Case, word: str) -> Edit:
    start, end = case.statement.start, case.statement.end
    return Edit(start, end, _cased(word, case.text[start:end]))


def _word(case: _Case, new: str) -> Edit | None:
    """Put another word, or none, in the place of the first of a statement."""
    start = case.statement.start
    length = len(case.text[start : case.statement.end].split()[0])
    if new:
        return Edit(start, start + length, _cased(new, case.text[start]))
    gap = len(case.text[start + length :]) - len(case.text[start + length :].lstrip())
    return Edit(start, start + length + gap, "")


def _cased(word: str, like: str) -> str:
    return capital(word) if like[:1].isupper() else word


def _apart(edits: Sequence[Edit]) -> list[Edit]:
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


def _with_right_article(text: str, edit: Edit) -> str:
    before, after = text[: edit.start], edit.new + text[edit.end :]
    article = _ARTICLE.search(before)
    if article is None or not after[:1].isalpha():
        return before + after
    right = _cased("an" if after[0].lower() in "aeiou" else "a", article.group(1))
    return before[: article.start()] + right + article.group(2) + after


_CORRECTORS: dict[str, Callable[[_Case], Edit | None]] = {
    "existence": _existence,
    "attribute": _attribute,
    "count": _count,
    "position": _position,
    "size": _size,
    "depth": _depth,
    "relation": _swap,
}
