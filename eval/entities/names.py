"""The things a text names, in any English: noun phrases by rule, and the words of a vocabulary.

A phrase goes from a determiner or a number to the next word that ends one; sizes and colours are left off, so that
`a large red umbrella` names an umbrella. Words of the vocabulary count without a determiner as well (`cars and
trees`). What cannot be pointed at (`the left`, `a photo`, `a sense of calm`), places and grounds (`a beach`, `the
sky`), and what the text denies (`no dog`) are no entities. No tagger is needed, so an unusual verb right after a noun
stays part of its name, and nouns without determiner that are in no vocabulary are passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.claims.lexicon import COLORS, COPULAS, DETERMINERS, NO, SIZES
from eval.text import Token, lemma, tokenize
from eval.text.listing import words
from eval.vocabulary import Vocabulary

_MAX_WORDS = 3
_ENDS = (
    COPULAS
    | DETERMINERS
    | frozenset(
        words("""
        and or but while with without of in on at to from by for near behind beside beneath below above over under
        around across along between through into onto inside outside toward towards against upon during as than that
        which who whose where when there here it they them he she be been being has have had do does can could will
        would may might not very also both each all any some only just still then so such like up down out off away
        back together n't 's ahead nearby close far
        sits sit sat stands stand stood lies lie lay rides ride holds hold held wears wear walks walk runs run shows
        show shown sees see seen eats eat plays play flies fly parked placed located positioned filled covered
        surrounded made hangs hang features feature depicts contains contain appear adds add creates create suggests
        includes visible present left right
        """)
    )
)
_NO_VERBS = frozenset(
    words(
        "building ceiling clothing ring king string wing painting railing awning swing bring icing frosting"
    )
)
_NOT_THINGS = frozenset(
    words("""
    image picture photo photograph scene view shot close-up frame left right middle center centre side top bottom front
    back foreground background distance part corner edge total number variety group couple pair row lot set kind type
    series bunch piece moment day night time morning evening afternoon atmosphere ambiance ambience sense feeling mood
    setting environment viewer camera observer way place position area space surface direction color colour size shape
    one other another thing object item element detail focus rest half third presence addition impression style manner
    sunny cloudy life fun activity action event process touch closer further social casual busy bustling
    beach street road kitchen park room city town sky ground floor grass field sidewalk landscape world air
    """)
)


@dataclass(frozen=True)
class Entity:
    """A thing that a text names at `text[start:end]`; `name` is what a detector is asked for."""

    name: str
    start: int
    end: int


def find_entities(text: str, vocabulary: Vocabulary) -> list[Entity]:
    """Return the entities of a text in reading order, every mention of each."""
    tokens = [Token(token.text.lower(), token.start, token.end) for token in tokenize(text)]
    found: list[Entity] = []
    index = 0
    while index < len(tokens):
        opens = tokens[index].text in DETERMINERS or tokens[index].text.isdigit()
        end = _end(tokens, index + 1 if opens else index, vocabulary, opens)
        entity = _entity(tokens[index + opens : end], vocabulary)
        if entity is not None and not (opens and tokens[index].text in NO):
            found.append(entity)
        index = max(end, index + 1)
    return found


def _end(tokens: Sequence[Token], first: int, vocabulary: Vocabulary, opened: bool) -> int:
    """Return where the phrase that begins at `first` ends; without a determiner, where a known name does."""
    if not opened:
        return first + _known_length(tokens[first:], vocabulary)
    end = first
    while end < len(tokens):
        known = _known_length(tokens[end:], vocabulary)
        if not known and _ends(tokens[end].text, end > first):
            break
        end += max(known, 1)
    return end


def _ends(word: str, inside: bool) -> bool:
    if not word[0].isalpha() or word in _ENDS:
        return True
    return inside and word.endswith("ing") and word not in _NO_VERBS


def _known_length(tokens: Sequence[Token], vocabulary: Vocabulary) -> int:
    for length in range(min(_MAX_WORDS, len(tokens)), 0, -1):
        if _name(tokens[:length]) in vocabulary.class_of and tokens[0].text not in COLORS:
            return length
    return 0


def _entity(tokens: Sequence[Token], vocabulary: Vocabulary) -> Entity | None:
    # the last known name is what the phrase is about; words after it belong elsewhere: `the dog barks`
    for start in reversed(range(len(tokens))):
        length = _known_length(tokens[start:], vocabulary)
        if length and (start == 0 or _known_length(tokens[start - 1 :], vocabulary) <= length):
            return _named(tokens[start : start + length])
    while tokens and (tokens[0].text in COLORS or tokens[0].text in SIZES):
        tokens = tokens[1:]
    if not tokens or lemma(tokens[-1].text) in _NOT_THINGS or tokens[-1].text in SIZES | COLORS.keys():
        return None
    return _named(tokens[-_MAX_WORDS:])


def _named(tokens: Sequence[Token]) -> Entity:
    return Entity(_name(tokens), tokens[0].start, tokens[-1].end)


def _name(tokens: Sequence[Token]) -> str:
    return " ".join([*(token.text for token in tokens[:-1]), lemma(tokens[-1].text)])
