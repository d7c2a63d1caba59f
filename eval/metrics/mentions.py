"""Finding the objects a caption mentions, by the rules of CHAIR (Rohrbach et al. 2018, arXiv:1809.02156)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from eval.text import Token, lemma, singularize, tokenize
from eval.text.listing import words
from eval.vocabulary import Vocabulary

Normaliser = Callable[[str], str]
NORMALISERS: dict[str, Normaliser] = {"singularize": singularize, "lemma": lemma}
"""By name: `singularize` is what CHAIR shipped with (pattern.en), `lemma` what later harnesses use (WordNet
nouns).
"""

# words that, before these, say what kind of animal or vehicle it is, and no person
_YOUNG_OR_GROWN = ("baby", "adult")
_ANIMALS = words("bird cat dog horse sheep cow elephant bear zebra giraffe animal cub")
_VEHICLES = ("jet", "train")
# merged into words that mention nothing, so that they cannot mention a train or a plate
_NO_OBJECT = ("home plate", "train track")
# published CHAIR never merges this one; `table` alone mentions it
_NOT_MERGED = frozenset({"dining table"})


@dataclass(frozen=True)
class Mention:
    """A mention of a class at `caption[start:end]`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class MentionFinder:
    """Reads the mentioned classes off a caption."""

    vocabulary: Vocabulary
    normaliser: str = "singularize"
    _normalised: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, caption: str) -> tuple[list[Mention], int]:
        """Return the mentions in order, and the number of tokens with two-word names merged (`Len`)."""
        words = self._merge([self._normalise(token) for token in tokenize(caption.lower())])
        texts = {word.text for word in words}
        if "toilet" in texts and "seat" in texts:
            words = [word for word in words if word.text != "seat"]
        found = [(self.vocabulary.class_of.get(word.text), word) for word in words]
        return [Mention(name, word.start, word.end) for name, word in found if name is not None], len(words)

    def _normalise(self, token: Token) -> Token:
        text = token.text
        if text not in self._normalised:
            self._normalised[text] = NORMALISERS[self.normaliser](text)
        return Token(self._normalised[text], token.start, token.end)

    def _merge(self, words: list[Token]) -> list[Token]:
        merged: list[Token] = []
        index = 0
        while index < len(words):
            double = " ".join(word.text for word in words[index : index + 2])
            if double in self._doubles:
                merged.append(Token(self._doubles[double], words[index].start, words[index + 1].end))
                index += 2
            else:
                merged.append(words[index])
                index += 1
        return merged

    @cached_property
    def _doubles(self) -> dict[str, str]:
        names = [word.strip() for word in self.vocabulary.class_of if word.strip().count(" ") == 1]
        doubles = {name: name for name in (*names, *_NO_OBJECT) if name not in _NOT_MERGED}
        doubles |= {f"{age} {animal}": animal for age in _YOUNG_OR_GROWN for animal in _ANIMALS}
        doubles |= {f"passenger {vehicle}": vehicle for vehicle in _VEHICLES}
        # `glas` is what the older normaliser makes of `glass`
        return doubles | {"bow tie": "tie", "toilet seat": "toilet", "wine glas": "wine glass"}
