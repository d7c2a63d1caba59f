"""Scoring descriptions by every metric of a recipe that needs nothing but the texts."""

from collections.abc import Callable
from dataclasses import dataclass

from eval.captions import Captions
from eval.material import Background
from eval.metrics.chair import Chair
from eval.metrics.claims import Claims
from eval.metrics.mentions import MentionFinder
from eval.recipe import DescribeTask
from eval.references import Extras, score_linguistic, score_overlap
from eval.scoring import Score, score_chair, score_claims


@dataclass(frozen=True)
class DescriptionScorer:
    """Scores descriptions as a recipe asks, as often as wanted: whole, or cut to some length."""

    task: DescribeTask
    background: Background

    def __call__(self, captions: Captions) -> dict[str, Score]:
        """Return the scores by metric, in the recipe's order."""
        by_name: dict[str, Callable[[Captions], Score]] = {
            "chair": self._chair,
            "claims": self._claims,
            "did": self._did,
            "lin": self._lin,
        }
        return {metric: by_name[metric](captions) for metric in self.task.metrics}

    def _chair(self, captions: Captions) -> Score:
        chair = Chair(MentionFinder(self.background.vocabulary, self.task.normaliser))
        return score_chair(chair, captions, self.background.truth)

    def _claims(self, captions: Captions) -> Score:
        truth = self.background.truth
        return score_claims(Claims.against(truth, self.background.vocabulary), captions, truth)

    def _did(self, captions: Captions) -> Score:
        extras = Extras(self.task.meteor_jar, self.task.spice_jar, self.task.word_vectors)
        return score_overlap(captions, self.background.references, self.task.tokenizer, extras)

    def _lin(self, captions: Captions) -> Score:
        return score_linguistic(captions, self.task.counting, self.task.spacy_model)
