"""A language model's claims count only where their words stand in the text."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.claims.read import parse
from factory.claims.reader import FIELDS, SCHEMA, ChatReader
from factory.claims.statement import KINDS, Statement
from factory.models.protocols import Reply
from factory.prompts import load_prompt
from tests.factory.stages.fakes import FakeChat

TEXT = "A red car stands in the foreground. A man waves at it. Nothing else."


def claim(kind: str, quote: str, subject: str = "", value: str = "", other: str = "") -> dict[str, str]:
    return {"kind": kind, "quote": quote, "subject": subject, "value": value, "other": other}


def read(answer: str | Reply, text: str = TEXT) -> tuple[list[Statement], Counter[str]]:
    counts: Counter[str] = Counter()
    model = FakeChat(lambda _: answer)
    reader = ChatReader(model, load_prompt("claims", FIELDS), lambda chat, asked: chat.reply(asked), counts)
    found = reader([text])[0]
    assert [request.schema for request in model.asked] == [SCHEMA]
    return found, counts


def answer(*claims: dict[str, str]) -> str:
    return json.dumps({"claims": claims})


def test_claims_are_placed_at_their_words_with_the_values_that_geometry_knows() -> None:
    found, counts = read(
        answer(
            claim("attribute", "red car", "cars", "red"),
            claim("depth", "in the foreground", "a red car", "in the foreground"),
            claim("relation", "A man waves at it", "man", "waves at", "car"),
        )
    )
    told = [(s.kind, TEXT[s.start : s.end], s.phrase, s.value, s.other) for s in found]
    assert told == [
        ("attribute", "red car", "car", "red", ""),
        ("depth", "in the foreground", "red car", "close to the viewer", ""),
        ("relation", "A man waves at it", "man", "waves at", "car"),
        ("other", "Nothing else.", "", "", ""),  # read by rule, since nothing was quoted of it
    ]
    assert not +counts


@pytest.mark.parametrize("reply", ["", "Sure!", "[1, 2]", '{"a": 1, "b": 2}', Reply("", error="no answer")])
def test_a_reply_that_cannot_be_read_is_made_up_for_by_rule(reply: str | Reply) -> None:
    found, counts = read(reply)
    assert found == parse(TEXT)
    assert counts["texts read by rule"] == 1


def test_claims_about_what_the_text_does_not_say_are_left_out_and_counted() -> None:
    found, counts = read(answer(claim("existence", "a boat", "boat"), claim("nonsense", "red car")))
    assert found == parse(TEXT)
    assert counts["claims not in the text"] == 2


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from([*KINDS, "x"]), "quote": st.sampled_from(["car", "A man", "", "zzz", "."]),
                "subject": st.text(max_size=5), "value": st.text(max_size=5), "other": st.none() | st.text(max_size=3),
            }
        ),
        max_size=6,
    )
)  # fmt: skip
def test_whatever_it_answers_every_claim_stands_in_the_text(claims: list[dict[str, Any]]) -> None:
    found, _ = read(json.dumps({"claims": claims}))
    assert all(0 <= s.start < s.end <= len(TEXT) and s.kind in KINDS for s in found)
    assert [s.start for s in found] == sorted(s.start for s in found)
