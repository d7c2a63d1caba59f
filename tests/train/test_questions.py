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
from train.questions import QuestionRows, ask
from train.reader import Reader
from train.recipe import QuestionsSource, TrainRecipe
from train.sources import open_sources


def entity(phrase: str, grounded: bool) -> dict[str, Any]:
    return {"phrase": phrase, "score": 0.5, "grounded": grounded}


def dataset(folder: Path, *found: list[dict[str, Any]]) -> Path:
    image = {"bytes": tiny.png("red"), "path": "a.png"}
    rows = {
        "id": [f"i{k}" for k in range(len(found))],
        "image": [image] * len(found),
        "entities": list(found),
    }
    (folder / "data").mkdir(parents=True)
    datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image()).to_parquet(
        folder / "data" / "train-00000-of-00001.parquet"
    )
    return folder


def source(folder: Path, **more: Any) -> QuestionsSource:
    return QuestionsSource(kind="questions", path=str(folder), **more)


def test_yes_and_no_are_asked_for_equally_often() -> None:
    found = [entity("cat", True), entity("dog", False), entity("bus", True), entity("cup", False)]
    answers = Counter(asked.is_there for asked in ask(0, "a", found, seed=0))
    assert answers == {True: 2, False: 2}


def test_what_is_there_is_answered_yes_and_what_was_invented_no() -> None:
    found = [entity("cat", True), entity("dog", False)]
    assert {a.phrase: a.is_there for a in ask(0, "a", found, seed=0)} == {"cat": True, "dog": False}


@pytest.mark.parametrize("found", [[], [entity("cat", True)], [entity("dog", False)]])
def test_an_entity_without_its_opposite_is_not_asked_for(found: list[dict[str, Any]]) -> None:
    assert list(ask(0, "a", found, seed=0)) == []


def test_the_partner_is_as_long_as_the_invented_phrase_where_there_is_one() -> None:
    found = [entity("red cat", True), entity("bus", True), entity("blue dog", False), entity("cup", False)]
    phrases = [a.phrase for a in ask(0, "a", found, seed=0)]
    assert phrases == ["blue dog", "red cat", "cup", "bus"]


@pytest.mark.parametrize(("phrase", "asked"), [("dogs", 0), ("bus", 2), ("glass", 2), ("tennis", 2)])
def test_plural_phrases_are_left_out(phrase: str, asked: int) -> None:
    assert len(list(ask(0, "a", [entity("cat", True), entity(phrase, False)], seed=0))) == asked


def test_the_same_seed_asks_the_same() -> None:
    found = [entity(name, True) for name in "abcdefgh"] + [entity("dog", False)]
    assert list(ask(0, "x", found, seed=1)) == list(ask(0, "x", found, seed=1))
    assert len({tuple(ask(0, "x", found, seed=seed)) for seed in range(20)}) > 1


def test_each_question_is_a_conversation_of_its_own_about_its_image(tmp_path: Path) -> None:
    folder = dataset(tmp_path, [], [entity("orange cat", True), entity("dog", False)])
    rows = QuestionRows(
        source(folder, question="Is there {object}?", when_there="Yes.", when_absent="No."), seed=0
    )
    assert [rows.conversation(i).turns[0] for i in range(len(rows))] == [
        ("Is there a dog?", "No."),
        ("Is there an orange cat?", "Yes."),
    ]
    assert rows.sample_id(0) == "i1?dog" and rows.image_bytes(0) == tiny.png("red")


def test_a_dataset_without_entities_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="entities"):
        QuestionRows(source(tiny.save_dataset(tmp_path)), seed=0)


def test_a_question_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"must contain \{object\} once"):
        QuestionsSource(kind="questions", path="x", question="What is this?")


def test_questions_are_trained_on_beside_descriptions(
    tmp_path: Path, recipe: TrainRecipe, reader: Reader
) -> None:
    folder = dataset(tmp_path / "q", [entity("cat", True), entity("dog", False)])
    mixed = recipe.model_copy(update={"data": (*recipe.data, source(folder))})
    samples = prepare(open_sources(mixed), reader.chat(mixed)).samples
    assert Counter(sample.source for sample in samples) == {0: 12, 1: 2}
