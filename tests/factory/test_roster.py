"""Ids are safe, unique and stable; exact duplicates are found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.roster import Arrival, call_roll, safe_id


def arrival(wanted: str, sha256: str, reason: str = "") -> Arrival:
    return Arrival(f"key/{wanted}", wanted, wanted, sha256, (9, 9), (), reason, "")


@pytest.mark.parametrize(
    ("wanted", "safe"),
    [
        ("000000002239", "000000002239"),
        ("COCO_val2014_000000002239", "COCO_val2014_000000002239"),
        ("../../etc/passwd", "_._etc_passwd"),
        ("a b:c", "a_b_c"),
        ("..", "image"),
        ("", "image"),
        ("été", "été"),
        ("x" * 300, "x" * 100),
    ],
)
def test_ids_keep_what_is_harmless(wanted: str, safe: str) -> None:
    assert safe_id(wanted) == safe


@given(st.text())
def test_no_text_becomes_an_id_that_leads_elsewhere(wanted: str) -> None:
    name = safe_id(wanted)
    assert re.fullmatch(r"[\w-][\w.-]*", name)
    assert ".." not in name


def test_the_first_of_a_name_keeps_it_and_later_ones_get_their_hash() -> None:
    roll = call_roll([[arrival("a", "11" * 32)], [arrival("A", "22" * 32), arrival("a", "33" * 32)]])
    assert [[e.id for e in shard] for shard in roll] == [["a"], ["A-22222222", "a-33333333"]]


def test_a_duplicate_names_the_first() -> None:
    roll = call_roll([[arrival("a", "11" * 32), arrival("b", "11" * 32)]])
    rejection = roll[0][1].rejection
    assert rejection is not None
    assert (rejection.reason, rejection.detail) == ("duplicate", "duplicate of a")


def test_a_refused_image_is_no_original() -> None:
    roll = call_roll([[arrival("a", "11" * 32, "too small"), arrival("b", "11" * 32)]])
    assert roll[0][1].rejection is None


@given(st.lists(st.tuples(st.sampled_from("aAb."), st.sampled_from(["", "11" * 32, "22" * 32])), max_size=12))
def test_ids_are_unique_even_without_regard_to_case(arrivals: list[tuple[str, str]]) -> None:
    roll = call_roll([[arrival(name, sha) for name, sha in arrivals]])
    ids = [entry.id.casefold() for entry in roll[0]]
    assert len(set(ids)) == len(ids)
