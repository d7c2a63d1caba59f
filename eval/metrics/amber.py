"""AMBER (Wang et al. 2023, arXiv:2311.07397): descriptions and yes/no questions, without a judge.

    chair   hallucinated nouns / nouns (of those that the benchmark knows)
    cover   true objects named / true objects
    hal     descriptions with a hallucinated noun / descriptions
    cog     objects people expect there and that were named though absent / such objects
    accuracy precision recall f1   of the questions; the positive class is *no*
    amber_score                    (1 - chair + f1) / 2

All existence questions have the answer no, so a model that always says no does well: read `yes_ratio` and the
accuracy by type beside them. The published script starts its denominators at 0.001 and takes nouns from a
tagger; here ratios are exact, and a noun is any word of the benchmark's word list, in lower case. Its word
vectors are an option.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval.formula import Formula, Ratio
from eval.metrics.answers import read_robust
from eval.tally import Matrix, Tally
from eval.text import lemma, tokenize

SIMILAR_ABOVE = 0.8
Similarity = Callable[[str, str], float]

TYPES = {
    "discriminative-hallucination": "existence",
    "discriminative-attribute-state": "state",
    "discriminative-attribute-number": "number",
    "discriminative-attribute-action": "action",
    "discriminative-relation": "relation",
    "relation": "relation",
}
_KINDS = tuple(dict.fromkeys(TYPES.values()))
_QUESTION_COLUMNS = ("questions", "correct", "said_yes", "said_no", "gold_no", "right_no", "unparsed")
COLUMNS = (
    "descriptions", "wrong_descriptions", "nouns", "hallucinated", "objects", "covered", "expected",
    "fell_for",
    *_QUESTION_COLUMNS, *(f"{kind}_questions" for kind in _KINDS), *(f"{kind}_correct" for kind in _KINDS),
)  # fmt: skip


@dataclass(frozen=True)
class AmberScore:
    """(1 - chair + f1) / 2."""

    name: str = "amber_score"
    undefined: str = "needs descriptions with known nouns and answered questions"
    independent: bool = False
    is_rate: bool = True

    def __call__(self, sums: Matrix, columns: tuple[str, ...]) -> Matrix:
        """Return the score."""
        return (1 - _CHAIR(sums, columns) + _F1(sums, columns)) / 2

    def n(self, sums: Matrix, columns: tuple[str, ...]) -> int:
        """Return descriptions and questions together."""
        return round(float(sums[..., columns.index("descriptions")] + sums[..., columns.index("questions")]))


_CHAIR = Ratio("chair", {"hallucinated": 1}, {"nouns": 1}, "no description names a known noun")
_F1 = Ratio(
    "f1", {"right_no": 2}, {"said_no": 1, "gold_no": 1}, "no answer and no label is no", base={"questions": 1}
)
FORMULAS: tuple[Formula, ...] = (
    _CHAIR,
    Ratio("cover", {"covered": 1}, {"objects": 1}, "no description with known objects"),
    Ratio("hal", {"wrong_descriptions": 1}, {"descriptions": 1}, "no descriptions"),
    Ratio("cog", {"fell_for": 1}, {"expected": 1}, "no description with expected objects"),
    Ratio("accuracy", {"correct": 1}, {"questions": 1}, "no questions"),
    Ratio("precision", {"right_no": 1}, {"said_no": 1}, "no answer is no"),
    Ratio("recall", {"right_no": 1}, {"gold_no": 1}, "no question has the label no"),
    _F1,
    Ratio("yes_ratio", {"said_yes": 1}, {"questions": 1}, "no questions"),
    Ratio("unparsed", {"unparsed": 1}, {"questions": 1}, "no questions"),
    *(
        Ratio(f"accuracy_{kind}", {f"{kind}_correct": 1}, {f"{kind}_questions": 1}, f"no {kind} questions")
        for kind in _KINDS
    ),
    AmberScore(),
)


@dataclass(frozen=True)
class WordLists:
    """What the benchmark knows about words: `associated` by object, and words that are never wrong."""

    associated: Mapping[str, Sequence[str]]
    safe: frozenset[str] = frozenset()

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word that counts as a noun."""
        return frozenset(self.associated).union(*self.associated.values())


@dataclass(frozen=True)
class Amber:
    """Scores descriptions and answers."""

    words: WordLists
    similarity: Similarity = lambda first, second: 0.0  # noqa: ARG005
    exact: bool = False
    """Whether an answer must be the very word `Yes` or `No`, as in the published script."""

    def empty(self) -> Tally:
        """Return the neutral state."""
        return Tally(COLUMNS)

    def describe(
        self, state: Tally, image: str, text: str, truth: Sequence[str], expected: Sequence[str]
    ) -> dict[str, Any]:
        """Count one description of an image that has the `truth` objects and lacks the `expected` ones."""
        known = self.words.known
        nouns = [word for token in tokenize(text.lower()) if (word := lemma(token.text)) in known]
        covered: set[int] = set()
        fell_for: set[int] = set()
        wrong = [noun for noun in nouns if self._is_wrong(noun, truth, expected, covered, fell_for)]
        counts = {
            "descriptions": 1,
            "wrong_descriptions": bool(wrong),
            "nouns": len(nouns),
            "hallucinated": len(wrong),
            "objects": len(truth),
            "covered": len(covered),
            "expected": len(expected),
            "fell_for": len(fell_for),
        }
        state.add(image, counts)
        return {"nouns": nouns, "hallucinated": wrong, "covered": [truth[index] for index in sorted(covered)]}

    def _is_wrong(
        self, noun: str, truth: Sequence[str], expected: Sequence[str], covered: set[int], fell_for: set[int]
    ) -> bool:
        if noun in self.words.safe:
            return False
        named = self._find(noun, truth, lambda a, b: a == b)
        if named is not None:
            covered.add(named)
            return False
        for matches in (lambda a, b: a == b, self._similar):
            tempted = self._find(noun, expected, matches)
            if tempted is not None:
                fell_for.add(tempted)
        similar = self._find(noun, truth, self._similar)
        if similar is not None:
            covered.add(similar)
        return similar is None

    def _find(self, noun: str, objects: Sequence[str], matches: Callable[[str, str], bool]) -> int | None:
        """Return the first object that the noun means: first by association, then by its own name."""
        for index, object_ in enumerate(objects):
            if any(matches(noun, word) for word in self.words.associated.get(object_, ())):
                return index
        return next((index for index, object_ in enumerate(objects) if matches(noun, object_)), None)

    def _similar(self, first: str, second: str) -> bool:
        # a word is like itself, also where the source of similarity says nothing of it
        return first == second or self.similarity(first, second) > SIMILAR_ABOVE

    def answer(self, state: Tally, image: str, text: str, label: str, kind: str) -> dict[str, Any]:
        """Count one answer to a question of a kind such as `existence`, with the label `yes` or `no`."""
        read = {"Yes": "yes", "No": "no"}.get(text) if self.exact else read_robust(text).answer
        counts = {
            "questions": 1,
            "correct": read == label,
            "said_yes": read == "yes",
            "said_no": read == "no",
            "gold_no": label == "no",
            "right_no": read == label == "no",
            "unparsed": read is None,
            f"{kind}_questions": 1,
            f"{kind}_correct": read == label,
        }
        state.add(image, counts)
        return {"kind": kind, "label": label, "answer": text, "read_as": read, "correct": read == label}
