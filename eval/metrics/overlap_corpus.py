"""BLEU, ROUGE-L and CIDEr of many texts at once: `eval.metrics.overlap` with arrays in the place of counters.

Words and n-grams become numbers, and all texts are counted together by sorting; the figures are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.metrics.overlap import ORDERS, SIGMA, Counts, rouge_l

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Occurrences:
    """How often each n-gram of one order is in each text: three aligned arrays, sorted by text, then gram."""

    text: Ints
    gram: Ints
    count: Ints
    n_grams: int


def corpus_counts(texts: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> dict[str, Counts]:
    """Return the counts of each text's image; references of images without a text still weigh words."""
    images = list(texts)
    others = [key for key in references if key not in texts]
    groups = [references[key] for key in (*images, *others)]
    n = len(images)
    # texts 0 to n-1 are the candidates; the references follow, image by image
    image = np.concatenate(
        [np.arange(n), np.repeat(np.arange(len(groups)), [len(group) for group in groups])]
    )
    words = [text.split() for text in chain(texts.values(), *groups)]
    length = np.array([len(each) for each in words])
    is_own = image < n
    similarity = np.zeros(len(words))
    columns: dict[str, Any] = {"texts": np.ones(n), "length": length[:n]}
    for order, found in zip(ORDERS, _occurrences(words, length), strict=True):
        columns[f"grams_{order}"] = np.maximum(0, length[:n] - order + 1)
        columns[f"matched_{order}"] = _matched(found, image, n)
        similarity += _cosines(found, image, n, len(groups)) / len(ORDERS)
    bigrams = np.maximum(0, length - 1)
    similarity *= np.exp(-((bigrams - bigrams[image * is_own]) ** 2) / (2 * SIGMA**2))
    rows = np.arange(n, len(words))[is_own[n:]]
    sums = np.bincount(image[rows], similarity[rows], n)
    columns["cider"] = 10.0 * sums / np.bincount(image[rows], minlength=n)
    columns["reference_length"] = _closest(length, image, rows, n)
    columns["rouge_l"] = [rouge_l(texts[key], references[key]) for key in images]
    table = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()]).tolist()
    return {key: dict(zip(columns, row, strict=True)) for key, row in zip(images, table, strict=True)}


def _occurrences(words: Sequence[Sequence[str]], length: Ints) -> list[_Occurrences]:
    """Number the n-grams of each order, and count them by text."""
    numbers: dict[str, int] = {}
    flat = np.array(
        [numbers.setdefault(word, len(numbers)) for text in words for word in text], dtype=np.int64
    )
    text = np.repeat(np.arange(len(words)), length)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(length) - length, length)
    left = np.repeat(length, length) - place  # words from here to the end of the text
    gram, n_grams = flat, len(numbers)
    counted = []
    for order in ORDERS:
        if order > 1:
            at = np.flatnonzero(left >= order)
            longer = np.full(len(flat), -1, dtype=np.int64)
            distinct, longer[at] = np.unique(
                gram[at] * len(numbers) + flat[at + order - 1], return_inverse=True
            )
            gram, n_grams = longer, len(distinct)
        at = np.flatnonzero(left >= order)
        pairs, count = np.unique(text[at] * max(1, n_grams) + gram[at], return_counts=True)
        counted.append(_Occurrences(pairs // max(1, n_grams), pairs % max(1, n_grams), count, n_grams))
    return counted


def _matched(found: _Occurrences, image: Ints, n: int) -> Floats:
    """Return how many n-grams of each candidate are in its references, each as often as in the best of them."""
    own = found.text < n
    keys = image[found.text] * max(1, found.n_grams) + found.gram
    theirs, their_count = keys[~own], found.count[~own]
    order = np.argsort(theirs, kind="stable")
    theirs, starts = np.unique(theirs[order], return_index=True)
    most = np.maximum.reduceat(their_count[order], starts) if len(theirs) else their_count
    hit, at = _lookup(theirs, keys[own])
    shared = np.minimum(found.count[own][hit], most[at])
    return np.bincount(found.text[own][hit], shared, n).astype(np.float64)


def _cosines(found: _Occurrences, image: Ints, n: int, n_images: int) -> Floats:
    """Return the clipped cosine of each reference with its candidate, 0 for the candidates themselves."""
    weight = found.count * _rarity(found, image, n, n_images)
    norm = np.sqrt(np.bincount(found.text, weight**2, len(image)))
    own = found.text < n
    keys = image[found.text] * max(1, found.n_grams) + found.gram
    hit, at = _lookup(keys[own], keys[~own])
    text, theirs, mine = found.text[~own][hit], weight[~own][hit], weight[own][at]
    shared = np.bincount(text, np.minimum(mine, theirs) * theirs, len(image)).astype(np.float64)
    both = norm * norm[np.where(image < n, image, 0)]
    both[:n] = 0.0
    cosines: Floats = np.divide(shared, both, out=shared, where=both > 0)
    return cosines


def _rarity(found: _Occurrences, image: Ints, n: int, n_images: int) -> Floats:
    """Return the weight of the n-gram of each occurrence: the fewer images have it in a reference, the more."""
    theirs = found.text >= n
    pairs = np.unique(image[found.text[theirs]] * max(1, found.n_grams) + found.gram[theirs])
    frequency = np.bincount(pairs % max(1, found.n_grams), minlength=found.n_grams)
    # with one image every logarithm would be zero
    images = np.log(n_images) if n_images > 1 else 1.0
    rarity: Floats = (images - np.log(np.maximum(1, frequency)))[found.gram]
    return rarity


def _lookup(among: Ints, keys: Ints) -> tuple[NDArray[np.bool_], Ints]:
    """Return which keys are among sorted ones, and where those are."""
    at = np.searchsorted(among, keys)
    hit = np.zeros(len(keys), dtype=bool)
    inside = at < len(among)
    hit[inside] = among[at[inside]] == keys[inside]
    return hit, at[hit]


def _closest(length: Ints, image: Ints, rows: Ints, n: int) -> Ints:
    """Return the length of the reference nearest in length, the shorter of two equally near."""
    gap = np.abs(length[rows] - length[image[rows]])
    order = np.lexsort((length[rows], gap, image[rows]))
    first = np.unique(image[rows][order], return_index=True)[1]
    closest: Ints = length[rows][order][first]
    return closest[:n]
