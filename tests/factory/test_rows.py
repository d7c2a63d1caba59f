"""What the ledger writes it reads back as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest

from factory.records import Claim, Entity, Item, Object, Rejection, Rle
from factory.rows import Row, line_of, restored, row_of

ITEM = Item("a", b"bytes", "a.png", (8, 9))
BOX = (0.5, 1.0, 2.0, 3.25)
FULL = replace(
    ITEM,
    reference="A dog.\n<b>",
    entities=(Entity("dog"), Entity("cat", 0.1, False, BOX)),
    hallucinated=(),
    objects=(
        Object("o1", "dog", BOX, 0.5, "c", Rle((9, 8), "PPY"), 0.25, 0.5, "p", "d", "s"),
        Object("o2", "x", BOX, 0.1),
    ),
    facts=("f",),
    description="é",
    claims=(Claim("count", "t", (0, 1), "unknown", ("o1",)),),
)


@pytest.mark.parametrize("after", [ITEM, replace(ITEM, reference=""), FULL])
def test_a_row_restores_the_item(after: Item) -> None:
    row = row_of(ITEM, "digest", after)
    assert isinstance(row, Row) and row.item == after
    read = json.loads(line_of(row))
    assert restored(ITEM, read["add"]) == after
    assert {**row, "add": read["add"]} == read


def test_only_what_a_stage_added_is_kept() -> None:
    row = json.loads(line_of(row_of(FULL, "digest", replace(FULL, description="new"))))
    assert row["add"] == {"description": "new"}


def test_a_rejection_is_kept_whole() -> None:
    rejection = Rejection("a", "say", "no reply", "silence")
    row = row_of(ITEM, "digest", rejection)
    assert Rejection(**json.loads(line_of(row))["rejection"]) == rejection
    assert "out" not in row


def test_the_hash_after_depends_on_the_hash_before_and_on_what_was_added() -> None:
    one, two = replace(ITEM, reference="1"), replace(ITEM, reference="2")
    outs = {row_of(ITEM, before, after)["out"] for before in "xy" for after in (one, two)}
    assert len(outs) == 4


def test_numpy_numbers_become_those_that_are_read_back() -> None:
    after = replace(ITEM, entities=(Entity("x", np.float32(0.1), np.bool_(True)),))  # type: ignore[arg-type]
    row = row_of(ITEM, "d", after)
    assert isinstance(row, Row) and row.item == restored(ITEM, json.loads(line_of(row))["add"])
    (entity,) = row.item.entities or ()
    assert (type(entity.score), type(entity.grounded)) == (float, bool)
    assert entity.score == float(np.float32(0.1))


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="set cannot be kept"):
        row_of(ITEM, "d", replace(ITEM, facts=({"a"},)))  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        row_of(ITEM, "d", replace(ITEM, entities=(Entity("x", bad),)))


def test_a_stage_cannot_change_the_image() -> None:
    with pytest.raises(ValueError, match="may not change"):
        row_of(ITEM, "d", replace(ITEM, image=b"other"))
