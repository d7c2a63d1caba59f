"""Scoring texts and answers: from files' contents to counts, figures and evidence. No model is needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.captions import Captions, require_known
from eval.figure import Figure
from eval.formula import Formula
from eval.identity import key_order
from eval.metrics import pope
from eval.metrics.chair import FORMULAS as CHAIR_FORMULAS
from eval.metrics.chair import Chair
from eval.metrics.claims import FORMULAS as CLAIMS_FORMULAS
from eval.metrics.claims import Claims
from eval.statistics import Resampling, estimate
from eval.tally import Tally
from eval.truth import Truth, TruthImage

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Score:
    """What a metric counted, the formulas over it, and the evidence by image."""

    tally: Tally
    formulas: tuple[Formula, ...]
    evidence: Mapping[str, Any]

    def figures(self, how: Resampling) -> dict[str, Figure]:
        """Return the figures with their intervals."""
        return estimate(self.tally, self.formulas, how)


def score_chair(metric: Chair, captions: Captions, truth: Truth) -> Score:
    """Score captions by CHAIR."""
    metric.find.vocabulary.require(truth.categories)
    return _score_texts(metric.empty(), metric.update, CHAIR_FORMULAS, captions, truth)


def score_claims(metric: Claims, captions: Captions, truth: Truth) -> Score:
    """Score captions claim by claim."""
    return _score_texts(metric.empty(), metric.update, CLAIMS_FORMULAS, captions, truth)


def _score_texts(
    state: Tally,
    update: Callable[[Tally, TruthImage, str], Evidence],
    formulas: tuple[Formula, ...],
    captions: Captions,
    truth: Truth,
) -> Score:
    require_known(captions.texts, truth.images, "truth")
    evidence = {
        key: update(state, truth[key], captions.texts[key]) for key in sorted(captions.texts, key=key_order)
    }
    return Score(state, formulas, evidence)


@dataclass(frozen=True)
class PopeSplit:
    """The questions of a split, each with the answer given to it."""

    name: str
    answered: Sequence[tuple[pope.Question, str]]


def score_pope(splits: Sequence[PopeSplit], parser: str) -> Score:
    """Score yes/no answers: figures `<split>.<figure>`, and `pope_f1`, the mean F1 over the splits."""
    names = [split.name for split in splits]
    state = Tally(pope.columns(names))
    evidence: dict[str, list[Evidence]] = {}
    for split in splits:
        for question, answer in split.answered:
            outcome = pope.update(state, split.name, question, answer, parser)
            evidence.setdefault(question.image, []).append(outcome)
    by_split = tuple(formula for name in names for formula in pope.formulas(name, prefix=f"{name}."))
    return Score(state, (pope.mean_f1(names), *by_split), evidence)
