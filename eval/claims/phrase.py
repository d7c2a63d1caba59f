"""Noun phrases of known objects: determiner, size, colour, class."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.claims.claim import Noun
from eval.claims.lexicon import COLORS, COPULAS, DETERMINERS, NUMBERS, SIZES
from eval.text import Token, lemma, tokenize
from eval.vocabulary import Vocabulary

_MAX_NAME_WORDS = 3
_MAX_OTHER_ADJECTIVES = 2
Span = tuple[int, int]


@dataclass(frozen=True)
class Phrase:
    """A mention of an object; all spans are in the whole text."""

    noun: Noun
    determiner: str
    """The determiner's word, a number word included; empty where there is none."""
    plural: bool
    start: int
    end: int
    name_span: Span
    color_span: Span | None = None
    size: str | None = None
    size_span: Span | None = None

    @property
    def number(self) -> int | None:
        """The stated number, if any."""
        return int(self.determiner) if self.determiner.isdigit() else NUMBERS.get(self.determiner)


def find_phrases(sentence: str, offset: int, vocabulary: Vocabulary) -> list[Phrase]:
    """Return the known objects a sentence mentions, in order; `offset` is its start in the whole text."""
    tokens = [Token(t.text.lower(), t.start + offset, t.end + offset) for t in tokenize(sentence)]
    phrases: list[Phrase] = []
    index = 0
    while index < len(tokens):
        length = _name_length(tokens, index, vocabulary)
        if length:
            phrases.append(_phrase(tokens, index, index + length, vocabulary))
        index += max(length, 1)
    return phrases


def _name_length(tokens: Sequence[Token], index: int, vocabulary: Vocabulary) -> int:
    """Return how many tokens from `index` name a class; 0 for none, or for a colour."""
    for length in range(min(_MAX_NAME_WORDS, len(tokens) - index), 0, -1):
        if _class_of(tokens[index : index + length], vocabulary):
            return 0 if length == 1 and _is_color_here(tokens, index, vocabulary) else length
    return 0


def _class_of(tokens: Sequence[Token], vocabulary: Vocabulary) -> str | None:
    *before, last = (token.text for token in tokens)
    as_is = vocabulary.class_of.get(" ".join([*before, last]))
    return as_is or vocabulary.class_of.get(" ".join([*before, lemma(last)]))


def _is_color_here(tokens: Sequence[Token], index: int, vocabulary: Vocabulary) -> bool:
    """Tell the colour `orange` from the fruit: it stands before a noun or an adjective, or after `is`."""
    if tokens[index].text not in COLORS:
        return False
    following = tokens[index + 1 : index + 2]
    before_noun = bool(following) and (
        following[0].text in SIZES or _class_of(following, vocabulary) is not None
    )
    return before_noun or (index > 0 and tokens[index - 1].text in COPULAS)


def _phrase(tokens: Sequence[Token], first: int, end: int, vocabulary: Vocabulary) -> Phrase:
    name = _class_of(tokens[first:end], vocabulary)
    assert name is not None
    start, determiner = _left_edge(tokens, first)
    adjectives = tokens[start:first]
    color = next((t for t in reversed(adjectives) if t.text in COLORS), None)
    size = next((t for t in adjectives if t.text in SIZES), None)
    head = tokens[end - 1].text
    return Phrase(
        noun=Noun(name, COLORS[color.text] if color else None),
        determiner=determiner,
        plural=lemma(head) != head and head not in vocabulary.class_of,
        start=tokens[start].start,
        end=tokens[end - 1].end,
        name_span=(tokens[first].start, tokens[end - 1].end),
        color_span=(color.start, color.end) if color else None,
        size=SIZES[size.text] if size else None,
        size_span=(size.start, size.end) if size else None,
    )


def _left_edge(tokens: Sequence[Token], first: int) -> tuple[int, str]:
    """Walk left to the determiner; unknown adjectives count only where a determiner precedes them."""
    known = first
    others = 0
    for index in range(first - 1, -1, -1):
        word = tokens[index].text
        if word in DETERMINERS or word.isdigit():
            return index, word
        if word in COLORS or word in SIZES:
            known = index if not others else known
        elif not word[0].isalpha() or others == _MAX_OTHER_ADJECTIVES or word in COPULAS:
            break
        else:
            others += 1
    return known, ""
