"""From a description to the claims it makes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.claims.claim import Claim, Kind, Noun
from eval.claims.lexicon import (
    COLORS,
    NO,
    PRONOUN,
    SIZES,
    TOTAL,
    find_distances,
    find_places,
    relation_at_end,
)
from eval.claims.memory import Memory
from eval.claims.phrase import Phrase, find_phrases
from eval.text import Sentence, sentences
from eval.vocabulary import Vocabulary

_FRONTED_AFTER = re.compile(r"\s*,?\s*(?:there (?:is|are)|we see|you can see|is|are|stands?|sits?|lies?)?\s*")
_JOINS = re.compile(r"\s*[,;]?\s*(?:and|while|but)\s*")
_PREDICATE_ADJECTIVE = re.compile(
    r"\b(?:is|are|looks?|appears?|seems?)\s+(?:very\s+|quite\s+|also\s+)?(\w+)(?:\s+and\s+(\w+))?"
)
_CLAUSE_END = re.compile(r"\s*(?:$|[.,;!?]|and\b|but\b)")
_CHAIN = re.compile(r"\s*,?\s*and\s+\S.*")


@dataclass(frozen=True)
class Parsed:
    """What a text claims, what it names, and which of its sentences could not be read."""

    claims: tuple[Claim, ...]
    named: dict[str, float]
    """How many objects of each class the text names; infinite for a plural without number."""
    sentences: int
    unparsed: tuple[Sentence, ...]


@dataclass(frozen=True)
class Parser:
    """Reads claims about the classes of a vocabulary and about the given settings."""

    vocabulary: Vocabulary
    settings: tuple[str, ...] = ()

    def __call__(self, text: str) -> Parsed:
        """Return the claims of a text in reading order."""
        memory = Memory()
        claims: list[Claim] = []
        unparsed: list[Sentence] = []
        last: Phrase | None = None
        pieces = sentences(text)
        for sentence in pieces:
            phrases = find_phrases(sentence.text, sentence.start, self.vocabulary)
            found = [*self._settings(sentence), *_read(sentence, phrases, last, memory)]
            claims.extend(sorted(found, key=lambda claim: (claim.start, claim.end)))
            last = phrases[0] if phrases else last
            if not found and not phrases:
                unparsed.append(sentence)
        return Parsed(tuple(claims), memory.totals, len(pieces), tuple(unparsed))

    def _settings(self, sentence: Sentence) -> Iterator[Claim]:
        for setting in self.settings:
            for match in re.finditer(rf"\b{re.escape(setting)}\b", sentence.text.lower()):
                start, end = sentence.start + match.start(), sentence.start + match.end()
                yield Claim("setting", Noun(setting), setting, start, end)


def _read(
    sentence: Sentence, phrases: Sequence[Phrase], last: Phrase | None, memory: Memory
) -> Iterator[Claim]:
    memory.start_sentence()
    in_total = TOTAL.search(sentence.text.lower()) is not None
    relations, others = _relations(sentence, phrases)
    for phrase in phrases:
        yield from _own_claims(phrase, in_total, memory)
    yield from relations
    subjects = [phrase for phrase in phrases if phrase not in others and phrase.determiner not in NO]
    if not subjects and last is not None and PRONOUN.match(sentence.text):
        subjects = [last]
    yield from _predicates(sentence, subjects)


def _own_claims(phrase: Phrase, in_total: bool, memory: Memory) -> Iterator[Claim]:
    """Yield what a noun phrase states by itself: that the object exists, its colour, its size, its number."""
    start, end = phrase.name_span
    if phrase.determiner in NO:
        yield Claim("existence", phrase.noun, phrase.noun.name, phrase.start, phrase.end, negated=True)
        return
    of_class, of_color = memory.needed(phrase)
    known = memory.knows(phrase) or (in_total and memory.has(phrase.noun.name))
    if not known:
        yield Claim("existence", Noun(phrase.noun.name), phrase.noun.name, start, end, of_class)
    if phrase.color_span and phrase.noun.color and not (memory.knows_color(phrase) or (known and in_total)):
        yield Claim("attribute", Noun(phrase.noun.name), phrase.noun.color, *phrase.color_span, of_color)
    if phrase.size_span and phrase.size and not memory.knows_size(phrase):
        yield Claim("size", phrase.noun, phrase.size, *phrase.size_span)
    number = phrase.number
    if number is not None and (number > 1 or in_total):
        yield Claim("count", phrase.noun, str(number), phrase.start, end)
    memory.add(phrase)


def _relations(sentence: Sentence, phrases: Sequence[Phrase]) -> tuple[list[Claim], list[Phrase]]:
    """Return the relations between neighbouring phrases, and the phrases that only come second in one."""
    claims: list[Claim] = []
    others: list[Phrase] = []
    subject: Phrase | None = None
    for first, second in pairwise(phrases):
        gap = sentence.text[first.end - sentence.start : second.start - sentence.start].lower()
        found = relation_at_end(gap)
        if found is None:
            continue
        # "the crab is behind the ball and in front of the boat": the crab stays the subject
        chained = subject is not None and first in others and _CHAIN.fullmatch(gap)
        subject = subject if chained else first
        assert subject is not None
        claims.append(
            Claim("relation", subject.noun, found[0], first.end + found[1], second.end, other=second.noun)
        )
        others.append(second)
    return claims, others


def _predicates(sentence: Sentence, subjects: Sequence[Phrase]) -> Iterator[Claim]:
    """Yield places, distances, sizes and colours that are said of a phrase outside it."""
    text = sentence.text.lower()
    found: list[tuple[Kind, str, int, int]] = [("position", *place) for place in find_places(text)]
    found += [("depth", *distance) for distance in find_distances(text)]
    found += list(_adjectives(text))
    for kind, value, start, end in found:
        subject = _subject(text, sentence.start, subjects, start, end)
        if subject is not None:
            about = Noun(subject.noun.name) if kind == "attribute" else subject.noun
            yield Claim(kind, about, value, sentence.start + start, sentence.start + end)


def _adjectives(text: str) -> Iterator[tuple[Kind, str, int, int]]:
    for match in _PREDICATE_ADJECTIVE.finditer(text):
        for group in (1, 2):
            word = match.group(group)
            if not word or not _ends_clause(text, match.end()):
                continue
            if word in COLORS:
                yield "attribute", COLORS[word], match.start(group), match.end(group)
            elif word in SIZES:
                yield "size", SIZES[word], match.start(group), match.end(group)


def _ends_clause(text: str, at: int) -> bool:
    """Tell "the ball is red." from "there are red balls": a predicate ends its clause."""
    return _CLAUSE_END.match(text, at) is not None


def _subject(text: str, offset: int, subjects: Sequence[Phrase], start: int, end: int) -> Phrase | None:
    """Return what a predicate at `text[start:end]` is about: the nearest before it, unless it is fronted."""
    before = [phrase for phrase in subjects if phrase.end - offset <= start]
    after = [phrase for phrase in subjects if phrase.start - offset >= end]
    fronted = after and _FRONTED_AFTER.fullmatch(text[end : after[0].start - offset])
    if not before:
        return after[0] if after else (subjects[0] if subjects else None)
    joined = _JOINS.fullmatch(text[before[-1].end - offset : start])
    return after[0] if fronted and joined else before[-1]
