"""What a text has introduced so far: `the red ball` claims nothing anew if `a red ball` came before."""

from dataclasses import dataclass, field
from math import inf

from eval.claims.claim import Noun
from eval.claims.lexicon import ANOTHER, DEFINITE
from eval.claims.phrase import Phrase

_ONE = frozenset({"a", "an", "one"})


@dataclass
class Memory:
    """How many objects of each class, and of each class and colour, the text has named."""

    _totals: dict[str, float] = field(default_factory=dict)
    _colored: dict[Noun, float] = field(default_factory=dict)
    _sized: set[tuple[Noun, str]] = field(default_factory=set)
    _here: set[str] = field(default_factory=set)
    """Classes that the sentence at hand has introduced."""

    def start_sentence(self) -> None:
        """Begin a sentence: `a tree and a tree` are two trees, but in two sentences maybe one."""
        self._here.clear()

    @property
    def totals(self) -> dict[str, float]:
        """How many objects of each class are named; infinite for a plural without number."""
        return dict(self._totals)

    def knows(self, phrase: Phrase) -> bool:
        """Tell whether a phrase refers back to an object that was named before."""
        return phrase.determiner in DEFINITE and phrase.noun.name in self._totals

    def knows_color(self, phrase: Phrase) -> bool:
        """Tell whether the phrase refers back to an object of this colour."""
        return self.knows(phrase) and phrase.noun in self._colored

    def knows_size(self, phrase: Phrase) -> bool:
        """Tell whether the phrase refers back to an object of this size."""
        return self.knows(phrase) and (phrase.noun, phrase.size or "") in self._sized

    def has(self, name: str) -> bool:
        """Tell whether an object of this class was named."""
        return name in self._totals

    def needed(self, phrase: Phrase) -> tuple[int, int]:
        """Return how many objects of the class, and of the class in this colour, the phrase needs."""
        if not self._is_another(phrase):
            return 1, 1
        of_class, of_color = self._totals.get(phrase.noun.name, 1), self._colored.get(phrase.noun, 0)
        return self._next(of_class), self._next(of_color)

    def add(self, phrase: Phrase) -> None:
        """Remember a phrase."""
        if phrase.size:
            self._sized.add((phrase.noun, phrase.size))
        if self._is_another(phrase):
            self._add_another(phrase)
        else:
            self._add_named(phrase)
        if phrase.determiner not in DEFINITE:
            self._here.add(phrase.noun.name)

    def _add_another(self, phrase: Phrase) -> None:
        name, noun, named = phrase.noun.name, phrase.noun, self._named(phrase)
        self._colored[noun] = self._colored.get(noun, 0) + named
        self._totals[name] = max(self._totals.get(name, 0), 1) + named

    def _add_named(self, phrase: Phrase) -> None:
        name, noun, named = phrase.noun.name, phrase.noun, self._named(phrase)
        before = self._totals.get(name, 0)
        if noun.color and phrase.determiner in DEFINITE and before:
            self._colored.setdefault(noun, named)
        elif noun.color:
            self._colored[noun] = max(self._colored.get(noun, 0), named)
        by_color = sum(count for each, count in self._colored.items() if each.name == name)
        self._totals[name] = max(before, named, by_color if noun.color else 0)

    def _is_another(self, phrase: Phrase) -> bool:
        return phrase.determiner in ANOTHER or (phrase.determiner in _ONE and phrase.noun.name in self._here)

    @staticmethod
    def _named(phrase: Phrase) -> float:
        if phrase.number is not None:
            return phrase.number
        return inf if phrase.plural else 1

    @staticmethod
    def _next(count: float) -> int:
        return 1 if count == inf else int(count) + 1
