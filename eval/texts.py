"""What a model said: its descriptions and its answers, asked of it now or read from files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.amber import Benchmark
from eval.captions import Captions, read_captions
from eval.generation import Answerer, Request, Store, ask
from eval.identity import key_order
from eval.jsonio import write_jsonl
from eval.material import Material
from eval.metrics import pope
from eval.progress import progress
from eval.questions import write_questions
from eval.recipe import AmberTask, CaptionsModel, EvalRecipe

PREDICTIONS, ANSWERS, GENERATIONS = "predictions.jsonl", "answers.jsonl", "generations.jsonl"
AMBER = "amber_responses.jsonl"
Slot = tuple[str, str]
"""What an answer is for: `describe` and an image, a split and a question's id, `amber` and an item's id."""


@dataclass(frozen=True)
class Texts:
    """Descriptions by image, answers by split and question id, responses by AMBER's ids."""

    captions: Captions | None
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    responses: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty_answers(self) -> int:
        """How many answers to yes/no questions say nothing at all."""
        return sum(not answer.strip() for by_id in self.answers.values() for answer in by_id.values())


def ask_texts(recipe: EvalRecipe, material: Material, answerer: Answerer, folder: Path) -> Texts:
    """Ask the model for everything that the recipe wants and that the folder's store does not have yet."""
    asked = list(_requests(recipe, material))
    with Store(folder / GENERATIONS) as store, progress("answers", len(asked)) as tick:
        said = ask(answerer, [request for _, request in asked], store, tick)
    by_slot: dict[str, dict[str, str]] = {}
    for (group, name), text in zip((slot for slot, _ in asked), said, strict=True):
        by_slot.setdefault(group, {})[name] = text
    captions = Captions(by_slot.get("describe", {})) if recipe.describe else None
    return Texts(
        captions, {split: by_slot.get(split, {}) for split in material.pope}, by_slot.get("amber", {})
    )


def read_texts(recipe: EvalRecipe, model: CaptionsModel, material: Material) -> Texts:
    """Read descriptions and answers that were made elsewhere.

    Raises:
        MismatchError: answers belong to no question.
    """
    captions = None
    if recipe.describe is not None:
        found = read_captions(Path(model.file)).texts
        captions = Captions({key: found[key] for key in material.keys})
    answers = (
        pope.read_split_answers(Path(model.answers), material.pope) if recipe.pope and model.answers else {}
    )
    return Texts(captions, answers)


def write_texts(folder: Path, material: Material, texts: Texts) -> None:
    """Write descriptions, questions in the public format, and answers."""
    if texts.captions is not None:
        pairs = texts.captions.texts.items()
        write_jsonl(folder / PREDICTIONS, ({"image_id": key, "caption": caption} for key, caption in pairs))
    for split, members in material.pope.items():
        write_questions(folder / f"pope_{split}.jsonl", members)
    if material.pope:
        write_jsonl(folder / ANSWERS, _answer_records(material, texts))
    if texts.responses:
        responses = texts.responses.items()
        write_jsonl(folder / AMBER, ({"id": int(key), "response": text} for key, text in responses))


def _answer_records(material: Material, texts: Texts) -> Iterator[dict[str, Any]]:
    for split, members in material.pope.items():
        answers = texts.answers[split]
        for question in members:
            if question.id in answers:
                yield {
                    "question_id": int(question.id),
                    "split": split,
                    "question": question.text,
                    "answer": answers[question.id],
                }


def _requests(recipe: EvalRecipe, material: Material) -> Iterator[tuple[Slot, Request]]:
    """Yield all requests; those about one image stand together, so that a batch looks at few images."""
    yield from _describe_requests(recipe, material)
    yield from _pope_requests(recipe, material)
    if recipe.amber is not None:
        yield from _amber_requests(recipe.amber, material)


def _describe_requests(recipe: EvalRecipe, material: Material) -> Iterator[tuple[Slot, Request]]:
    task = recipe.describe
    if task is None:
        return
    for key in material.keys:
        question = material.own_questions.get(key, task.question)
        yield ("describe", key), Request(material.files[key], question, task.max_new_tokens)


def _pope_requests(recipe: EvalRecipe, material: Material) -> Iterator[tuple[Slot, Request]]:
    task = recipe.pope
    if task is None:
        return
    members = [(split, question) for split, asked in material.pope.items() for question in asked]
    for split, question in sorted(members, key=lambda pair: key_order(pair[1].image)):
        # questions drawn from the truth have their wording already
        text = task.template.replace("{question}", question.text) if task.files else question.text
        yield (split, question.id), Request(material.files[question.image], text, task.max_new_tokens)


def _amber_requests(task: AmberTask, material: Material) -> Iterator[tuple[Slot, Request]]:
    amber = material.amber or Benchmark()
    for key, image in sorted(amber.images.items(), key=lambda pair: key_order(pair[1])):
        describes = amber.items.get(key, {}).get("type") == "generative"
        tokens = task.max_new_tokens if describes else task.max_answer_tokens
        text = task.question.replace("{question}", amber.queries[key])
        yield ("amber", key), Request(material.files[image], text, tokens)
