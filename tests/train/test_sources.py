"""Sources: what becomes a sample, and why the rest does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.train import tiny
from train.chat import Turn
from train.data import prepare
from train.error import DataError, Unusable
from train.reader import Reader
from train.recipe import LlavaSource, TrainRecipe
from train.sources import LlavaRows, open_sources

HUMAN, GPT = {"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A square."}


def llava_rows(folder: Path, *entries: Any) -> LlavaRows:
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "a.png").write_bytes(tiny.png("red"))
    (folder / "secret.png").write_bytes(tiny.png("red"))
    (folder / "data.json").write_text(json.dumps(entries))
    return LlavaRows(LlavaSource(kind="llava", path=str(folder / "data.json"), images=str(folder / "images")))


def test_factory_rows_are_read_lazily_and_in_order(recipe: TrainRecipe) -> None:
    (rows,) = open_sources(recipe)
    assert len(rows) == 12
    sample = rows.conversation(3)
    assert sample.id == "000000000003" and sample.turns[0].answer == tiny.description(3)
    assert rows.image_bytes(3).startswith(b"\x89PNG")


def test_a_missing_dataset_says_what_to_do(recipe: TrainRecipe, tmp_path: Path) -> None:
    source = recipe.data[0].model_copy(update={"path": str(tmp_path)})
    with pytest.raises(DataError, match="build the dataset first"):
        open_sources(recipe.model_copy(update={"data": (source,)}))


def test_llava_conversations_keep_their_turns_and_lose_the_image_mark(tmp_path: Path) -> None:
    more = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "It is."}]
    rows = llava_rows(tmp_path, {"id": 7, "image": "a.png", "conversations": [HUMAN, GPT, *more]})
    sample = rows.conversation(0)
    assert sample.id == "7" and sample.has_image
    assert sample.turns == (Turn("What?", "A square."), Turn("Why?", "It is."))
    assert rows.image_bytes(0).startswith(b"\x89PNG")


def test_an_entry_without_an_image_is_text_only(tmp_path: Path) -> None:
    assert not llava_rows(tmp_path, {"conversations": [HUMAN, GPT]}).conversation(0).has_image


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "not_an_entry"),
        ({"image": "a.png"}, "turns_not_in_pairs"),
        ({"conversations": []}, "turns_not_in_pairs"),
        ({"conversations": [HUMAN]}, "turns_not_in_pairs"),
        ({"conversations": [GPT, HUMAN]}, "turns_out_of_order"),
        ({"conversations": [None, None]}, "turns_out_of_order"),
        ({"image": ["a.png", "b.png"], "conversations": [HUMAN, GPT]}, "several_images"),
    ],
)
def test_a_broken_entry_has_a_reason(tmp_path: Path, entry: Any, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        llava_rows(tmp_path, entry).conversation(0)


def test_a_path_cannot_leave_the_image_folder(tmp_path: Path) -> None:
    rows = llava_rows(
        tmp_path, {"image": "../secret.png"}, {"image": str(tmp_path / "secret.png")}, {"image": "b"}
    )
    for row, reason in enumerate(["image_outside_folder", "image_outside_folder", "image_missing"]):
        with pytest.raises(Unusable, match=reason):
            rows.image_bytes(row)


def test_what_is_dropped_is_named_and_counted(reader: Reader, recipe: TrainRecipe, tmp_path: Path) -> None:
    good = {"id": "good", "image": "a.png", "conversations": [HUMAN, GPT]}
    rows = llava_rows(
        tmp_path, good, {"id": "bad", "conversations": [HUMAN, {"from": "gpt", "value": " "}]}, "text"
    )
    prepared = prepare([rows], reader.chat(recipe))
    assert [sample.id for sample in prepared.samples] == ["good"]
    assert [(drop.id, drop.reason) for drop in prepared.dropped] == [
        ("bad", "empty_answer"),
        ("2", "not_an_entry"),
    ]
    assert prepared.reasons == {"empty_answer": 1, "not_an_entry": 1}


def test_nothing_to_train_on_is_an_error_with_the_reasons(
    reader: Reader, recipe: TrainRecipe, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"not_an_entry.: 1"):
        prepare([llava_rows(tmp_path, "text")], reader.chat(recipe))
