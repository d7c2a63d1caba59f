"""Yes/no questions from the factory's evidence."""

from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest
from pydantic import ValidationError

from tests.train import tiny
from train.data import prepare
from train.error import DataError
from train.questions import Asked, QuestionRows, balanced
from train.reader import Reader
from train.recipe import QuestionsSource, TrainRecipe
from train.sources import open_sources


def entity(phrase: str, grounded: bool) -> dict[str, Any]:
    return {"phrase": phrase, "score": 0.5, "grounded": grounded}


def dataset(folder: Path, *found: list[dict[str, Any]], probes: tuple[list[Any], ...] = ()) -> Path:
    image = {"bytes": tiny.png("red"), "path": "a.png"}
    rows = {
        "id": [f"i{k}" for k in range(len(found))],
        "image": [image] * len(found),
        "entities": list(found),
        "probes": list(probes) or [[]] * len(found),
    }
    (folder / "data").mkdir(parents=True)
    datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image()).to_parquet(
        folder / "data" / "train-00000-of-00001.parquet"
    )
    return folder


def source(folder: Path, **more: Any) -> QuestionsSource:
    return QuestionsSource(kind="questions", path=str(folder), **more)


def asked(*found: list[dict[str, Any]], seed: int = 0) -> list[Asked]:
    return balanced([f"i{k}" for k in range(len(found))], found, seed)


def test_every_phrase_is_there_as_often_as_not() -> None:
    found = [[entity("cat", k % 3 == 0), entity("bus", k % 2 == 0), entity("cup", True)] for k in range(30)]
    answers = Counter((a.phrase, a.is_there) for a in asked(*found))
    assert answers == {("cat", True): 10, ("cat", False): 10, ("bus", True): 15, ("bus", False): 15}


def test_what_is_there_is_answered_yes_and_what_was_invented_no() -> None:
    assert asked([entity("cat", True)], [entity("cat", False)]) == [(0, "cat", True), (1, "cat", False)]


@pytest.mark.parametrize("grounded", [True, False])
def test_a_phrase_with_one_answer_only_is_not_asked_for(grounded: bool) -> None:
    assert asked([entity("cat", grounded)], [entity("cat", grounded)]) == []


@pytest.mark.parametrize(("phrase", "count"), [("dogs", 0), ("bus", 2), ("glass", 2), ("tennis", 2)])
def test_plural_phrases_are_left_out(phrase: str, count: int) -> None:
    assert len(asked([entity(phrase, True)], [entity(phrase, False)])) == count


def test_the_same_seed_asks_the_same_and_another_asks_of_other_images() -> None:
    found = [[entity("cat", k > 0)] for k in range(30)]
    assert asked(*found, seed=1) == asked(*found, seed=1)
    assert len({tuple(asked(*found, seed=seed)) for seed in range(20)}) > 1


def test_the_questions_about_an_image_are_one_conversation(tmp_path: Path) -> None:
    both = (
        [entity("orange cat", True), entity("dog", False)],
        [entity("orange cat", False), entity("dog", True)],
    )
    folder = dataset(tmp_path, [], *both)
    config = source(folder, question="Is there {object}?", when_there="Yes.", when_absent="No.")
    rows = QuestionRows(config, seed=0)
    assert [set(rows.conversation(i).turns) for i in range(len(rows))] == [
        {("Is there an orange cat?", "Yes."), ("Is there a dog?", "No.")},
        {("Is there an orange cat?", "No."), ("Is there a dog?", "Yes.")},
    ]
    assert rows.sample_id(0) == "i1?" and rows.image_bytes(0) == tiny.png("red")


def test_a_conversation_has_no_more_turns_than_asked_for(tmp_path: Path) -> None:
    folder = dataset(tmp_path, *([entity(name, there) for name in "abcde"] for there in (True, False)))
    rows = QuestionRows(source(folder, max_turns=3), seed=0)
    assert [len(rows.conversation(i).turns) for i in range(len(rows))] == [3, 3]


def test_the_order_of_questions_says_nothing_about_the_answers(tmp_path: Path) -> None:
    found = [[entity("a", k % 2 == 0), entity("b", k % 2 == 1)] for k in range(60)]
    rows = QuestionRows(source(dataset(tmp_path, *found)), seed=0)
    firsts = Counter(rows.conversation(i).turns[0].answer for i in range(len(rows)))
    assert set(firsts) == {"Yes", "No"} and min(firsts.values()) > 15


def test_probes_are_asked_for_like_entities(tmp_path: Path) -> None:
    folder = dataset(tmp_path, [entity("cat", True)], [], probes=([], [entity("cat", False)]))
    rows = QuestionRows(source(folder), seed=0)
    assert [rows.sample_id(i) for i in range(len(rows))] == ["i0?", "i1?"]


def test_a_dataset_without_entities_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="entities"):
        QuestionRows(source(tiny.save_dataset(tmp_path)), seed=0)


def test_a_question_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"must contain \{object\} once"):
        QuestionsSource(kind="questions", path="x", question="What is this?")


def test_questions_are_trained_on_beside_descriptions(
    tmp_path: Path, recipe: TrainRecipe, reader: Reader
) -> None:
    folder = dataset(tmp_path / "q", [entity("cat", True)], [entity("cat", False)])
    mixed = recipe.model_copy(update={"data": (*recipe.data, source(folder))})
    samples = prepare(open_sources(mixed), reader.chat(mixed)).samples
    assert Counter(sample.source for sample in samples) == {0: 12, 1: 2}
