"""A language model as judge of two runs' descriptions, against reference texts. Nothing runs it by itself.

Each pair is asked twice with the sides exchanged; a verdict that follows the place and not the text is a tie. Longer
texts please judges, so beside the plain win rate there is one at equal length: a logistic regression of the verdict on
the difference in words, read off where that is zero (as AlpacaEval 2 does, Dubois et al. 2024, arXiv:2404.04475).
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp, tanh

import numpy as np

from eval.figure import Figure
from eval.statistics.bootstrap import percentile_interval
from eval.text import count_words

PROMPT = """Two descriptions of one image are to be compared. You do not see the image; the reference is true of it.

Reference: {reference}

Description A: {a}

Description B: {b}

Which description is more accurate and complete, judged by the reference? What the reference contradicts counts \
against a description; what the reference does not mention counts neither way. Length and style count neither way.
Answer with one word: A, B or tie."""
PROMPT_SHA256 = hashlib.sha256(PROMPT.encode()).hexdigest()
_VERDICT = re.compile(r"\b(A|B|tie)\b", re.IGNORECASE)
_SCORE = {"A": 1.0, "B": 0.0, "TIE": 0.5}
_RIDGE, _STEPS = 1e-3, 50
Ask = Callable[[str], str]


@dataclass(frozen=True)
class Battle:
    """One image, judged: `score` is 1 where the second run wins, 0 where the first does, 0.5 for a tie."""

    image: str
    score: float | None
    """None where the judge's answers cannot be read."""
    words: tuple[int, int]
    replies: tuple[str, str]


@dataclass(frozen=True)
class Judgement:
    """All battles, with the win rate of the second run, plain and at equal length."""

    battles: tuple[Battle, ...]
    win_rate: Figure
    win_rate_at_equal_length: Figure
    unread: int


def judge(
    ask: Ask,
    first: Mapping[str, str],
    second: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    in_flight: int,
    resamples: int = 2000,
    seed: int = 0,
) -> Judgement:
    """Let a judge compare the texts of each image that has a reference."""
    keys = [key for key in first if key in second and key in references]
    prompts = [
        PROMPT.format(reference=references[key][0], a=a, b=b)
        for key in keys
        for a, b in ((first[key], second[key]), (second[key], first[key]))
    ]
    with ThreadPoolExecutor(in_flight) as pool:
        replies = list(pool.map(ask, prompts))
    battles = tuple(
        _battle(key, (first[key], second[key]), (replies[2 * n], replies[2 * n + 1]))
        for n, key in enumerate(keys)
    )
    read = [battle for battle in battles if battle.score is not None]
    unread = len(battles) - len(read)
    return Judgement(battles, *_win_rates(read, resamples, seed), unread)


def read_verdict(reply: str) -> float | None:
    """Return 1 for A, 0 for B, 0.5 for a tie; None where the reply names none, or more than one."""
    found = {
        match.upper() for match in _VERDICT.findall(reply.strip().splitlines()[0] if reply.strip() else "")
    }
    return _SCORE[found.pop()] if len(found) == 1 else None


def _battle(key: str, texts: tuple[str, str], replies: tuple[str, str]) -> Battle:
    first_as_a, second_as_a = (read_verdict(reply) for reply in replies)
    words = (count_words(texts[0]), count_words(texts[1]))
    if first_as_a is None or second_as_a is None:
        return Battle(key, None, words, replies)
    # a judge that always says A gives 0 and 1 here, which is a tie
    return Battle(key, (1 - first_as_a + second_as_a) / 2, words, replies)


def _win_rates(battles: Sequence[Battle], resamples: int, seed: int) -> tuple[Figure, Figure]:
    if not battles:
        nothing = Figure(None, 0, reason="no verdict could be read")
        return nothing, nothing
    scores = np.array([battle.score for battle in battles], dtype=np.float64)
    gaps = np.array(
        [second - first for first, second in (battle.words for battle in battles)], dtype=np.float64
    )
    spread = float(gaps.std()) or 1.0
    lengths = np.array([tanh(gap / spread) for gap in gaps])
    drawn = np.random.default_rng(seed).integers(0, len(scores), size=(resamples, len(scores)))
    plain = scores[drawn].mean(axis=1)
    level = np.array([_at_equal_length(scores[rows], lengths[rows]) for rows in drawn[: min(resamples, 300)]])
    return (
        Figure(float(scores.mean()), len(scores), percentile_interval(plain)),
        Figure(_at_equal_length(scores, lengths), len(scores), percentile_interval(level)),
    )


def _at_equal_length(scores: np.ndarray, lengths: np.ndarray) -> float:  # type: ignore[type-arg]
    """Fit score ~ logistic(a + b * length) by Newton's method and return logistic(a)."""
    features = np.column_stack([np.ones_like(lengths), lengths])
    weights = np.zeros(2)
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (scores - expected) - _RIDGE * weights
        curve = (features * (expected * (1 - expected))[:, None]).T @ features + _RIDGE * np.eye(2)
        step = np.linalg.solve(curve, slope)
        weights += np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-8:
            break
    return 1 / (1 + exp(-float(weights[0])))
