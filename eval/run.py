"""One evaluation: ask the model (or read what it said), score, write everything down."""

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.amber import load_similarity, score_amber
from eval.captions import Captions
from eval.describe import DescriptionScorer
from eval.entities.threshold import threshold_of
from eval.figure import Figure
from eval.generation import Answerer
from eval.generation.load import load_answerer
from eval.jsonio import sha256_of
from eval.material import Material, gather
from eval.measured import write_measured, write_metrics
from eval.metrics import pope
from eval.recipe import AmberTask, CaptionsModel, EntitiesTask, EvalRecipe
from eval.resolve import resolve
from eval.scoring import PopeSplit, Score, score_pope
from eval.statistics import Resampling
from eval.texts import Texts, ask_texts, read_texts, write_texts
from recipes import dump

__all__ = ["evaluate", "resolve"]


def evaluate(recipe: EvalRecipe, answerer: Answerer | None = None) -> dict[str, dict[str, Figure]]:
    """Run an evaluation whose paths are resolved; write its output folder and return its figures by metric.

    `answerer` stands in for the recipe's model.
    """
    started = time.monotonic()
    folder = Path(recipe.output)
    folder.mkdir(parents=True, exist_ok=True)
    material = gather(recipe)
    texts = _texts(recipe, material, answerer, folder)
    write_texts(folder, material, texts)
    scores = _score(recipe, material, texts, folder)
    how = Resampling(recipe.resamples, recipe.seed)
    figures = {metric: score.figures(how) for metric, score in scores.items()}
    write_measured(folder, material.names, texts.captions, scores)
    write_metrics(folder, figures, _settings(recipe, material, texts, time.monotonic() - started))
    dump(recipe, folder / "recipe.resolved.yaml")
    return figures


def _texts(recipe: EvalRecipe, material: Material, answerer: Answerer | None, folder: Path) -> Texts:
    if isinstance(recipe.model, CaptionsModel):
        return read_texts(recipe, recipe.model, material)
    return ask_texts(recipe, material, answerer or load_answerer(recipe.model), folder)


def _score(recipe: EvalRecipe, material: Material, texts: Texts, folder: Path) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    if recipe.describe is not None and texts.captions is not None:
        scores |= DescriptionScorer(recipe.describe, material.background)(texts.captions)
    if recipe.d2i is not None and texts.captions is not None:
        from eval.drawing import score_drawings

        scores["d2i"] = score_drawings(recipe.d2i, texts.captions, material.files, folder)
    if recipe.entities is not None and texts.captions is not None:
        scores["entities"] = _entities(recipe.entities, material, texts.captions)
    if recipe.pope is not None:
        splits = [
            PopeSplit(split, pope.join(members, texts.answers[split], partial=False))
            for split, members in material.pope.items()
        ]
        scores["pope"] = score_pope(splits, recipe.pope.parser)
    if recipe.amber is not None:
        scores["amber"] = _amber(recipe.amber, material, texts)
    return scores


def _entities(task: EntitiesTask, material: Material, captions: Captions) -> Score:
    from eval.entities.detector import load_detector
    from eval.entities.score import score_entities

    threshold = threshold_of(task)
    vocabulary = material.background.vocabulary
    return score_entities(captions, material.files, load_detector(task.detector), threshold, vocabulary)


def _amber(task: AmberTask, material: Material, texts: Texts) -> Score:
    assert material.amber is not None
    similarity = load_similarity(task.similarity) if task.similarity else None
    score = score_amber(
        material.amber, Captions(texts.responses), similarity, exact=task.parser == "reference"
    )
    by_image: dict[str, list[Any]] = {}
    for key, evidence in score.evidence.items():
        by_image.setdefault(material.amber.images[key], []).append({"id": key, **evidence})
    return Score(score.tally, score.formulas, by_image)


def _settings(recipe: EvalRecipe, material: Material, texts: Texts, wall_s: float) -> dict[str, Any]:
    resolved = json.dumps(recipe.model_dump(mode="json"), sort_keys=True)
    inputs = (*recipe.annotations, *(recipe.describe.references if recipe.describe else ()))
    return {
        "images": len(material.names),
        "vocabulary": material.background.vocabulary.name,
        "normaliser": recipe.describe.normaliser if recipe.describe else None,
        "tokenizer": recipe.describe.tokenizer if recipe.describe else None,
        "counting": recipe.describe.counting if recipe.describe else None,
        "parser": recipe.pope.parser if recipe.pope else None,
        "amber_parser": recipe.amber.parser if recipe.amber else None,
        "amber_similarity": recipe.amber.similarity if recipe.amber else None,
        "entities": _looking(recipe.entities),
        "drawing": recipe.d2i.model_dump(mode="json") if recipe.d2i else None,
        "empty_captions": texts.captions.empty if texts.captions else None,
        "empty_answers": texts.empty_answers,
        "resamples": recipe.resamples,
        "seed": recipe.seed,
        "truth": {path: sha256_of(Path(path)) for path in inputs},
        "recipe_sha256": hashlib.sha256(resolved.encode()).hexdigest(),
        "libraries": _versions(("torch", "transformers", "peft", "numpy")),
        "wall_s": round(wall_s, 2),
    }


def _looking(task: EntitiesTask | None) -> dict[str, Any] | None:
    if task is None:
        return None
    return {"detector": task.detector.model_dump(mode="json"), "threshold": threshold_of(task)}


def _versions(names: Sequence[str]) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
