from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.claims.read import parse
from factory.grammar import entities, leading_phrase, sentences
from factory.writer import write


def told(text: str) -> list[tuple[str, str, str, str]]:
    return [(s.kind, text[s.start : s.end], s.phrase, s.value) for s in parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (
            "A large red car is on the left, far away.",
            [
                ("existence", "A large red car", "red car", ""),
                ("size", "large red car", "red car", "large"),
                ("attribute", "red car", "car", "red"),
                ("position", "on the left", "red car", "on the left"),
                ("depth", "far away", "red car", "far away"),
            ],
        ),
        (
            "On the right there is a bus in the background.",
            [
                ("position", "On the right", "bus", "on the right"),
                ("existence", "a bus", "bus", ""),
                ("depth", "in the background", "bus", "far away"),
            ],
        ),
        (
            "There are two benches in total.",
            [("existence", "two benches", "bench", ""), ("count", "two benches", "bench", "2")],
        ),
        (
            "The dog is to the left of the green tree.",
            [("relation", "The dog is to the left of the green tree", "dog", "to the left of")],
        ),
        (
            "A fire hydrant stands near the camera.",  # a compound noun has no attribute
            [
                ("existence", "A fire hydrant", "fire hydrant", ""),
                ("depth", "near the camera", "fire hydrant", "close to the viewer"),
            ],
        ),
        (
            "A dog is in the middle of the picture.",
            [
                ("existence", "A dog", "dog", ""),
                ("position", "in the middle of the picture", "dog", "in the middle"),
            ],
        ),
        ("Everything looks calm.", [("other", "Everything looks calm.", "", "")]),
    ],
)
def test_statements(text: str, expected: list[Any]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "This is a beach.",
        "A photo of a beach.",
        "A beach.",
        "A beach with a crab.",
        "A photo of a beach with a crab.",
    ],
)
def test_the_opening_says_where_this_is(text: str) -> None:
    kinds = {kind: phrase for kind, _, phrase, _ in told(text)}
    assert kinds["setting"] == "beach"
    assert kinds.get("existence") == ("crab" if "crab" in text else None)


def test_another_needs_one_more_each_time() -> None:
    text = "A blue ball. Another blue ball is here. Another blue ball is there. Another cup."
    assert [s.at_least for s in parse(text) if s.kind == "existence"] == [
        2,
        3,
        2,
    ]  # the opening may be a setting


def test_each_place_belongs_to_the_nearest_thing_before_it() -> None:
    text = "A car is on the left and a bus is on the right."
    assert {(s.phrase, s.value) for s in parse(text) if s.kind == "position"} == {
        ("car", "on the left"),
        ("bus", "on the right"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("A beach with a red umbrella, two boats and a large ball.", ["red umbrella", "boats", "ball"]),
        ("This is a street. There is a car. The car is red.", ["car"]),
        ("A cup is on the left in the foreground of the picture.", ["cup"]),
        ("The scene has a calm atmosphere.", []),
        ("A Red Car and a red car.", ["Red Car"]),
    ],
)
def test_entities(text: str, expected: list[str]) -> None:
    assert entities(text) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("", ""),
        ("red car", "red car"),
        ("Red cars.", "red car"),
        ("a large blue bus, parked", "blue bus"),
        ("This is a red car on a road.", "red car"),
        ("An image of a wooden bench in a park", "wooden bench"),
        ("two dogs playing", "dog"),
        ("is", ""),
    ],
)
def test_the_thing_that_a_caption_names(caption: str, expected: str) -> None:
    assert leading_phrase(caption) == expected


@given(st.text(alphabet="aAtherdcsinlf two.,!?-\n3 ", max_size=80))
def test_any_text_can_be_read_and_every_sentence_is_accounted_for(text: str) -> None:
    found = parse(text)
    for start, end in sentences(text):
        assert any(start <= s.start < s.end <= end for s in found)
    assert [(s.start, s.end) for s in found] == sorted((s.start, s.end) for s in found) or len(
        sentences(text)
    ) > 0
    leading_phrase(text)
    entities(text)


PLACES = ("on the left", "in the middle", "on the right")
DISTANCES = ("close to the viewer", "halfway back", "far away")
PHRASES = ("red umbrella", "blue ball", "bench", "orange bus")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "large ", "small "]),
            st.sampled_from(PHRASES),
            st.sampled_from(PLACES),
            st.sampled_from(DISTANCES),
        ),
        max_size=5,
    )
)
def test_what_the_template_writes_is_read_back_in_full(objects: list[tuple[str, str, str, str]]) -> None:
    facts = [f"{size}{phrase} | {place} | {distance}" for size, phrase, place, distance in objects]
    statements = parse(write("This is a beach with a crab.", facts))
    assert [s.phrase for s in statements if s.kind == "existence"] == [phrase for _, phrase, _, _ in objects]
    assert [s.value for s in statements if s.kind == "position"] == [place for _, _, place, _ in objects]
    assert [s.value for s in statements if s.kind == "depth"] == [distance for _, _, _, distance in objects]
    assert [s.value for s in statements if s.kind == "size"] == [size.strip() for size, *_ in objects if size]
    assert not any(s.kind == "other" for s in statements)
