"""Comparison at matched length: longer text says more that can be wrong, so both are cut alike."""

from collections.abc import Mapping
from pathlib import Path

from eval.captions import Captions
from eval.describe import DescriptionScorer
from eval.errors import MismatchError
from eval.material import read_background
from eval.measured import Measured
from eval.metrics import entities
from eval.recipe import DescribeTask, EvalRecipe
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
    """Score both runs' texts again at matched length, as a recipe says; answers stay as they are."""
    texts = match_lengths(first.captions.texts, second.captions.texts)
    score = DescriptionScorer(recipe.describe or DescribeTask(), read_background(recipe))
    scored = [{metric: each.tally for metric, each in score(Captions(side)).items()} for side in texts]
    for tallies, run, side in zip(scored, (first, second), texts, strict=True):
        if "entities" in run.tallies:
            tallies["entities"] = _entities_of(run, side)
        # images that were drawn from the whole text say nothing about the text that was cut
        kept = set(run.tallies) - set(tallies) - {"d2i"}
        tallies |= {metric: run.tallies[metric] for metric in run.tallies if metric in kept}
    return scored[0], scored[1]


def _entities_of(run: Measured, texts: Mapping[str, str]) -> Tally:
    """Count again from the evidence: what was found in an image does not change with the text's length."""
    tally = Tally(entities.COLUMNS)
    for key, text in texts.items():
        tally.add(key, entities.cut(run.records[key]["evidence"]["entities"], len(text)))
    return tally


def recipe_of(folder: Path) -> EvalRecipe:
    """Return the resolved recipe of a run's folder."""
    return load(folder / "recipe.resolved.yaml", EvalRecipe)
