"""What a model said: its descriptions and its answers, asked of it now or read from files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.captions import Captions, read_captions
from eval.generation import Answerer, Request, Store, ask
from eval.identity import key_order
from eval.jsonio import write_jsonl
from eval.material import Material
from eval.metrics import pope
from eval.progress import progress
from eval.questions import draw_questions, write_questions
from eval.recipe import CaptionsModel, EvalRecipe

PREDICTIONS, ANSWERS, GENERATIONS = "predictions.jsonl", "answers.jsonl", "generations.jsonl"


@dataclass(frozen=True)
class Texts:
    """Descriptions by image, questions by split, answers by question id."""

    captions: Captions | None
    questions: Mapping[str, Sequence[pope.Question]]
    answers: Mapping[str, str]


def ask_texts(recipe: EvalRecipe, material: Material, answerer: Answerer, folder: Path) -> Texts:
    """Ask the model for everything that the recipe wants and that the folder's store does not have yet."""
    questions = _questions(recipe, material)
    asked = sorted((q for members in questions.values() for q in members), key=lambda q: key_order(q.image))
    requests = [*_describe_requests(recipe, material), *_pope_requests(recipe, material, asked)]
    with Store(folder / GENERATIONS) as store, progress("answers", len(requests)) as tick:
        texts = ask(answerer, requests, store, tick)
    described = texts[: len(texts) - len(asked)]
    captions = Captions(dict(zip(material.keys, described, strict=True))) if recipe.describe else None
    answers = {question.id: text for question, text in zip(asked, texts[len(described) :], strict=True)}
    return Texts(captions, questions, answers)


def read_texts(recipe: EvalRecipe, model: CaptionsModel, material: Material) -> Texts:
    """Read descriptions and answers that were made elsewhere."""
    captions = None
    if recipe.describe is not None:
        found = read_captions(Path(model.file)).texts
        captions = Captions({key: found[key] for key in material.keys})
    answers = pope.read_answers(Path(model.answers)) if recipe.pope and model.answers else {}
    return Texts(captions, _questions(recipe, material), answers)


def write_texts(folder: Path, texts: Texts) -> None:
    """Write descriptions, questions in the public format, and answers."""
    if texts.captions is not None:
        pairs = texts.captions.texts.items()
        write_jsonl(folder / PREDICTIONS, ({"image_id": key, "caption": caption} for key, caption in pairs))
    for split, members in texts.questions.items():
        write_questions(folder / f"pope_{split}.jsonl", members)
    if texts.questions:
        write_jsonl(folder / ANSWERS, _answer_records(texts))


def _answer_records(texts: Texts) -> Iterator[dict[str, Any]]:
    for split, members in texts.questions.items():
        for question in members:
            answer = texts.answers[question.id]
            yield {
                "question_id": int(question.id),
                "split": split,
                "question": question.text,
                "answer": answer,
            }


def _questions(recipe: EvalRecipe, material: Material) -> dict[str, list[pope.Question]]:
    task = recipe.pope
    if task is None:
        return {}
    return draw_questions(material.truth, material.keys, task, recipe.seed)


def _describe_requests(recipe: EvalRecipe, material: Material) -> list[Request]:
    task = recipe.describe
    if task is None:
        return []
    return [Request(material.files[key], task.question, task.max_new_tokens) for key in material.keys]


def _pope_requests(recipe: EvalRecipe, material: Material, asked: Sequence[pope.Question]) -> list[Request]:
    """Return the requests grouped by image, so that a batch looks at few images."""
    task = recipe.pope
    if task is None:
        return []
    return [Request(material.files[question.image], question.text, task.max_new_tokens) for question in asked]
