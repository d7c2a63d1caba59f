"""Comparison at matched length: longer text says more that can be wrong, so both are cut alike."""

from collections.abc import Mapping
from pathlib import Path

from eval.captions import Captions
from eval.errors import MismatchError
from eval.material import gather
from eval.measured import Measured
from eval.metrics.chair import Chair
from eval.metrics.claims import Claims
from eval.metrics.mentions import MentionFinder
from eval.recipe import DescribeTask, EvalRecipe
from eval.scoring import score_chair, score_claims
from eval.tally import Tally
from eval.text import count_words, cut_to_words
from recipes import load


def match_lengths(
    first: Mapping[str, str], second: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Cut the longer text of each image at a sentence's end.

    What is kept are the whole sentences from the start whose word count comes nearest to the shorter text's,
    at least one sentence; the shorter text stays whole. Nearest, not below: always cutting below would leave
    the more detailed text shorter than the other throughout.

    Raises:
        MismatchError: the texts are not about the same images.
    """
    if set(first) != set(second):
        raise MismatchError(f"{len(set(first) ^ set(second))} images have a text on one side only")
    pairs = {key: _match(first[key], second[key]) for key in first}
    return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}


def _match(first: str, second: str) -> tuple[str, str]:
    limit = min(count_words(first), count_words(second))
    return tuple(
        text if count_words(text) <= limit else cut_to_words(text, limit) for text in (first, second)
    )  # type: ignore[return-value]


def matched_tallies(
    first: Measured, second: Measured, recipe: EvalRecipe
) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """Score both runs' texts again at matched length, against a recipe's truth; answers stay as they are."""
    texts = match_lengths(first.captions.texts, second.captions.texts)
    scored = [_score(Captions(side), recipe) for side in texts]
    for tallies, run in zip(scored, (first, second), strict=True):
        tallies |= {metric: tally for metric, tally in run.tallies.items() if metric not in tallies}
    return scored[0], scored[1]


def recipe_of(folder: Path) -> EvalRecipe:
    """Return the resolved recipe of a run's folder."""
    return load(folder / "recipe.resolved.yaml", EvalRecipe)


def _score(captions: Captions, recipe: EvalRecipe) -> dict[str, Tally]:
    material = gather(recipe.model_copy(update={"images": None, "describe": None}))
    task = recipe.describe or DescribeTask()
    chair = Chair(MentionFinder(material.vocabulary, task.normaliser))
    claims = Claims.against(material.truth, material.vocabulary)
    return {
        "chair": score_chair(chair, captions, material.truth).tally,
        "claims": score_claims(claims, captions, material.truth).tally,
    }
