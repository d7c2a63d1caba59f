"""One evaluation: ask the model (or read what it said), score, write everything down."""

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.figure import Figure
from eval.generation import Answerer
from eval.jsonio import sha256_of
from eval.material import Material, gather
from eval.measured import write_measured, write_metrics
from eval.metrics import pope
from eval.metrics.chair import Chair
from eval.metrics.claims import Claims
from eval.metrics.mentions import MentionFinder
from eval.recipe import DescribeTask, EvalRecipe, LlavaModel
from eval.scoring import PopeSplit, Score, score_chair, score_claims, score_pope
from eval.statistics import Resampling
from eval.texts import Texts, ask_texts, read_texts, write_texts
from recipes import Config, dump, resolve_path


def resolve(recipe: EvalRecipe, recipe_path: Path) -> EvalRecipe:
    """Return the recipe with each path found under the working directory or beside the recipe."""

    def found(value: str | None) -> str | None:
        return None if value is None else str(resolve_path(value, recipe_path))

    model: Config = recipe.model
    names = ("checkpoint", "adapter") if isinstance(model, LlavaModel) else ("file", "answers")
    model = model.model_copy(update={name: found(getattr(model, name)) for name in names})
    paths = {"images": found(recipe.images), "synonyms": found(recipe.synonyms)}
    annotations = tuple(str(resolve_path(path, recipe_path)) for path in recipe.annotations)
    return recipe.model_copy(update={"model": model, "annotations": annotations, **paths})


def evaluate(recipe: EvalRecipe, answerer: Answerer | None = None) -> dict[str, dict[str, Figure]]:
    """Run an evaluation whose paths are resolved; write its output folder and return its figures by metric.

    `answerer` stands in for the recipe's model.
    """
    started = time.monotonic()
    folder = Path(recipe.output)
    folder.mkdir(parents=True, exist_ok=True)
    material = gather(recipe)
    texts = _texts(recipe, material, answerer, folder)
    scores = _score(recipe, material, texts)
    how = Resampling(recipe.resamples, recipe.seed)
    figures = {metric: score.figures(how) for metric, score in scores.items()}
    write_texts(folder, texts)
    file_names = {key: material.truth[key].file_name for key in material.keys}
    write_measured(folder, file_names, texts.captions, scores)
    write_metrics(folder, figures, _settings(recipe, material, texts, time.monotonic() - started))
    dump(recipe, folder / "recipe.resolved.yaml")
    return figures


def _texts(recipe: EvalRecipe, material: Material, answerer: Answerer | None, folder: Path) -> Texts:
    if not isinstance(recipe.model, LlavaModel):
        return read_texts(recipe, recipe.model, material)
    return ask_texts(recipe, material, answerer or _load(recipe.model), folder)


def _load(config: LlavaModel) -> Answerer:
    from eval.generation.llava import load_llava

    return load_llava(config)


def _score(recipe: EvalRecipe, material: Material, texts: Texts) -> dict[str, Score]:
    scores = _score_descriptions(recipe.describe, material, texts)
    if recipe.pope is not None:
        splits = [
            PopeSplit(split, pope.join(members, _answers_to(members, texts), partial=False))
            for split, members in texts.questions.items()
        ]
        scores["pope"] = score_pope(splits, recipe.pope.parser)
    return scores


def _score_descriptions(task: DescribeTask | None, material: Material, texts: Texts) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    if task is None or texts.captions is None:
        return scores
    if "chair" in task.metrics:
        chair = Chair(MentionFinder(material.vocabulary, task.normaliser))
        scores["chair"] = score_chair(chair, texts.captions, material.truth)
    if "claims" in task.metrics:
        claims = Claims.against(material.truth, material.vocabulary)
        scores["claims"] = score_claims(claims, texts.captions, material.truth)
    return scores


def _answers_to(members: Sequence[pope.Question], texts: Texts) -> dict[str, str]:
    return {question.id: texts.answers[question.id] for question in members if question.id in texts.answers}


def _settings(recipe: EvalRecipe, material: Material, texts: Texts, wall_s: float) -> dict[str, Any]:
    resolved = json.dumps(recipe.model_dump(mode="json"), sort_keys=True)
    return {
        "images": len(material.keys),
        "vocabulary": material.vocabulary.name,
        "normaliser": recipe.describe.normaliser if recipe.describe else None,
        "parser": recipe.pope.parser if recipe.pope else None,
        "empty_captions": texts.captions.empty if texts.captions else None,
        "empty_answers": sum(not answer.strip() for answer in texts.answers.values()),
        "resamples": recipe.resamples,
        "seed": recipe.seed,
        "truth": {path: sha256_of(Path(path)) for path in recipe.annotations},
        "recipe_sha256": hashlib.sha256(resolved.encode()).hexdigest(),
        "libraries": _versions(("torch", "transformers", "peft", "numpy")),
        "wall_s": round(wall_s, 2),
    }


def _versions(names: Sequence[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
