"""The probability of yes is that of the first token, whichever way yes and no are written."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from factory.models import TransformersChatConfig
from factory.models.protocols import ChatRequest
from factory.models.yes_no import share_of_yes, variants

Checkpoint = Callable[[str], str]


@pytest.mark.parametrize(
    ("tokens", "share"),
    [
        ([("Yes", 0.6), ("No", 0.2)], 0.75),
        ([(" yes", 0.3), ("Yes", 0.3), ("no", 0.2), ("maybe", 0.2)], 0.75),
        ([("No", 0.4)], 0.0),
        ([("The", 1.0)], None),
        ([("yes", 0.0)], None),
        ([], None),
    ],
)
def test_share_of_yes(tokens: list[tuple[str, float]], share: float | None) -> None:
    assert share_of_yes(tokens) == (share if share is None else pytest.approx(share))


@given(st.lists(st.tuples(st.sampled_from([*variants("yes"), *variants("no"), "x"]), st.floats(0, 1))))
def test_the_share_is_a_probability(tokens: list[tuple[str, float]]) -> None:
    share = share_of_yes(tokens)
    assert share is None or 0 <= share <= 1


def test_questions_asked_together_are_answered_as_each_alone(
    checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    chat = TransformersChatConfig(checkpoint=checkpoint("llava"), batch_size=3).build()
    chat.open()
    asked = [
        ChatRequest(text, image, asks_yes_no=True)
        for text, image in zip(("what is", "describe", "dog"), images, strict=True)
    ]
    mixed = [asked[0], ChatRequest("dog", images[0]), *asked[1:]]
    together = [reply.yes for reply in chat.reply(mixed)]
    assert together[1] is None
    alone = [chat.reply([request])[0].yes for request in asked]
    given_ = [together[0], *together[2:]]
    assert [None if y is None else round(y, 4) for y in given_] == [
        None if y is None else round(y, 4) for y in alone
    ]
