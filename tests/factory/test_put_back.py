"""A false twin differs from its text in what is false, and in little else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.claims.read import parse
from factory.export.preference import rejected_of
from factory.put_back import MAX_RATIO, MIN_RATIO, put_back

LONG = (
    "This is a beach. A large red umbrella is on the left, close to the viewer. A blue ball is in the middle, "
    "far away. A green crab is on the right, halfway back. There are two balls in total."
)


@pytest.mark.parametrize(
    ("text", "phrase", "false"),
    [
        ("A beach with a crab, a cup and a ball.", "boats", "A beach with a crab, a cup, a ball and a boat."),
        (LONG, "boat", LONG.replace(" There are", " A boat is on the right, halfway back. There are")),
        ("A ball is on the left, far away.", "orange boat", None),
        ("This is a beach. There is a ball.", "boat", "This is a beach. There is a boat."),
        (LONG, "red ball", None),  # a ball is named already
        ("Nothing.", "boat", None),
        ("", "boat", None),
    ],
)
def test_an_invented_thing_is_put_back_in_the_style_of_the_text(
    text: str, phrase: str, false: str | None
) -> None:
    assert put_back(text, [phrase]) == false


@given(st.lists(st.sampled_from(["boat", "two dogs", "green kite", "ball", "", "<b>"]), max_size=5))
def test_the_twin_is_of_like_length_and_names_a_thing_more(phrases: list[str]) -> None:
    twin = put_back(LONG, phrases)
    if twin is not None:
        assert MIN_RATIO <= len(LONG.split()) / len(twin.split()) <= MAX_RATIO
        assert {s.phrase for s in parse(twin)} - {s.phrase for s in parse(LONG)}


def row(**given: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "description": LONG, "reference": "A beach with a boat.", "written": LONG, "repairs": [],
        "hallucinated": [], "objects": [{"phrase": "blue ball"}],
    }  # fmt: skip
    return {**plain, **given}


def test_what_the_model_wrote_itself_comes_before_what_is_put_back() -> None:
    false = LONG.replace("red", "green")
    mended = [{"action": "corrected", "kind": "attribute", "before": "", "after": ""}]
    assert rejected_of(row(written=false, repairs=mended, hallucinated=["boat"])) == (false, "written")
    mood = [{"action": "dropped", "kind": "inferred", "before": "", "after": ""}]
    assert rejected_of(row(written=f"{LONG} So nice.", repairs=mood)) is None  # a mood is not false


def test_what_the_image_does_show_is_never_put_back() -> None:
    assert rejected_of(row(hallucinated=["red ball"])) is None
    assert rejected_of(row(hallucinated=["boat"], objects=[{"phrase": "boat"}])) is None


def test_a_draft_of_like_length_serves_where_nothing_can_be_put_back() -> None:
    draft = {
        "description": "Some waves roll in.",
        "written": "Some waves roll in.",
        "reference": "A boat rolls in.",
    }
    assert rejected_of(row(**draft, hallucinated=["boat"])) == ("A boat rolls in.", "reference")
