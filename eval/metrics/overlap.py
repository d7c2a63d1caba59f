"""Overlap of a text with references: BLEU, ROUGE-L and CIDEr, digit for digit as in coco-caption.

DID-Bench (Pi et al. 2024) passes raw strings: no tokeniser, no lower-casing. Mode `raw` does that; mode `ptb`
does what COCO's captioning evaluation does, lower case and no punctuation. The two give different figures, so
each is named. CIDEr is the D variant, with document frequencies from the references at hand; for long texts
its length penalty leaves next to nothing unless lengths agree (a gap of 50 bigrams costs a factor of e^-34).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log

import numpy as np

from eval.formula import Formula, Ratio
from eval.tally import Matrix, Tally
from eval.text import tokenize

ORDERS = (1, 2, 3, 4)
_TINY, _SMALL = 1e-15, 1e-9
_BETA, SIGMA = 1.2, 6.0
Gram = tuple[str, ...]
Counts = dict[str, float]

TOKENIZERS: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "ptb": lambda text: " ".join(t.text for t in tokenize(text.lower()) if t.text[-1].isalnum()),
}
COLUMNS = (
    "texts", "length", "reference_length", "rouge_l", "cider",
    *(f"matched_{n}" for n in ORDERS), *(f"grams_{n}" for n in ORDERS),
)  # fmt: skip


@dataclass(frozen=True)
class Bleu:
    """Corpus BLEU up to `order`, brevity penalty on corpus totals (Papineni et al. 2002)."""

    order: int
    undefined: str = "no texts"
    independent: bool = False
    is_rate: bool = True

    @property
    def name(self) -> str:
        """`bleu_1` to `bleu_4`."""
        return f"bleu_{self.order}"

    def __call__(self, sums: Matrix, columns: tuple[str, ...]) -> Matrix:
        """Return BLEU with coco-caption's guards against zero."""
        of = {column: sums[..., index] for index, column in enumerate(columns)}
        product = np.ones_like(of["texts"])
        for n in ORDERS[: self.order]:
            product = product * (of[f"matched_{n}"] + _TINY) / (of[f"grams_{n}"] + _SMALL)
        ratio = (of["length"] + _TINY) / (of["reference_length"] + _SMALL)
        brevity = np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)
        return np.where(of["texts"] > 0, product ** (1 / self.order) * brevity, np.nan)

    def n(self, sums: Matrix, columns: tuple[str, ...]) -> int:
        """Return the number of texts."""
        return round(float(sums[..., columns.index("texts")]))


FORMULAS: tuple[Formula, ...] = (
    *(Bleu(order) for order in ORDERS),
    Ratio("rouge_l", {"rouge_l": 1}, {"texts": 1}, "no texts"),
    Ratio("cider", {"cider": 1}, {"texts": 1}, "no texts", is_rate=False),
)


@dataclass(frozen=True)
class Overlap:
    """Scores texts against references; the references of all images set CIDEr's document frequencies."""

    references: Mapping[str, Sequence[str]]
    tokenizer: str = "raw"
    _frequencies: Counter[Gram] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        prepare = TOKENIZERS[self.tokenizer]
        prepared = {key: tuple(prepare(text) for text in texts) for key, texts in self.references.items()}
        object.__setattr__(self, "references", prepared)
        found = (set().union(*(grams(text) for text in texts)) for texts in prepared.values())
        object.__setattr__(self, "_frequencies", Counter(gram for each in found for gram in each))

    def empty(self) -> Tally:
        """Return the neutral state."""
        return Tally(COLUMNS)

    def update(self, state: Tally, image: str, text: str) -> dict[str, float]:
        """Count one text and return its own ROUGE-L and CIDEr."""
        text = TOKENIZERS[self.tokenizer](text)
        references = self.references[image]
        own = {"rouge_l": rouge_l(text, references), "cider": self._cider(text, references)}
        state.add(image, {"texts": 1, **own, **_bleu_counts(text, references)})
        return own

    def _cider(self, text: str, references: Sequence[str]) -> float:
        vector = self._vector(text)
        return 10.0 * sum(_similarity(vector, self._vector(each)) for each in references) / len(references)

    def _vector(self, text: str) -> "_Vector":
        # with one image every logarithm would be zero
        images = log(len(self.references)) if len(self.references) > 1 else 1.0
        counted = grams(text)
        weights: list[dict[Gram, float]] = [{} for _ in ORDERS]
        for gram, count in counted.items():
            weights[len(gram) - 1][gram] = count * (images - log(max(1.0, self._frequencies[gram])))
        norms = [sum(weight**2 for weight in order.values()) ** 0.5 for order in weights]
        return _Vector(weights, norms, sum(count for gram, count in counted.items() if len(gram) == 2))


@dataclass(frozen=True)
class _Vector:
    weights: list[dict[Gram, float]]
    norms: list[float]
    length: int
    """Counted in bigrams, as the published code does."""


def grams(text: str) -> Counter[Gram]:
    """Return the n-grams of a text, n from 1 to 4, words split at white space."""
    words = text.split()
    return Counter(tuple(words[i : i + n]) for n in ORDERS for i in range(len(words) - n + 1))


def rouge_l(text: str, references: Sequence[str]) -> float:
    """Return ROUGE-L with the best precision and the best recall over the references (Lin 2004), beta 1.2.

    Words are split at single spaces, so that a doubled space makes an empty word.
    """
    words = text.split(" ")
    common = [(_lcs(words, reference.split(" ")), len(reference.split(" "))) for reference in references]
    precision = max(length / len(words) for length, _ in common)
    recall = max(length / total for length, total in common)
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _lcs(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence by bits (Hyyro 2004): an integer is a row."""
    places: dict[str, int] = {}
    for index, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << index
    everything = (1 << len(first)) - 1
    row = everything
    for word in second:
        hit = row & places.get(word, 0)
        row = (row + hit | row - hit) & everything
    return len(first) - row.bit_count()


def _bleu_counts(text: str, references: Sequence[str]) -> dict[str, float]:
    counted = grams(text)
    most: Counter[Gram] = Counter()
    for reference in references:
        most |= grams(reference)
    length = len(text.split())
    lengths = [len(reference.split()) for reference in references]
    counts: dict[str, float] = {
        "length": length,
        "reference_length": min((abs(each - length), each) for each in lengths)[1],
    }
    for n in ORDERS:
        counts[f"grams_{n}"] = max(0, length - n + 1)
        counts[f"matched_{n}"] = sum(min(c, most[gram]) for gram, c in counted.items() if len(gram) == n)
    return counts


def _similarity(one: _Vector, other: _Vector) -> float:
    """Return CIDEr-D's similarity, the mean over n of clipped cosines under a Gaussian length penalty."""
    cosines = []
    for mine, theirs, a, b in zip(one.weights, other.weights, one.norms, other.norms, strict=True):
        shared = sum(min(w, theirs[gram]) * theirs[gram] for gram, w in mine.items() if gram in theirs)
        cosines.append(shared / (a * b) if a and b else shared)
    penalty = exp(-((one.length - other.length) ** 2) / (2 * SIGMA**2))
    return penalty * sum(cosines) / len(cosines)
