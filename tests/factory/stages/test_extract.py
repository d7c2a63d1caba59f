from collections.abc import Iterator

import pytest

from factory.models.protocols import ChatRequest
from factory.prompts import Prompt
from factory.records import Item, Rejection
from factory.stages.extract import Extract
from tests.factory.stages.fakes import FakeChat, item

PROMPT = Prompt("Entities: {{ reference }}", "test")


def phrases(outcome: Item | Rejection) -> list[str]:
    assert isinstance(outcome, Item), outcome
    return [entity.phrase for entity in outcome.entities or ()]


def extract(answer: str, reference: str = "A red car and two boats.") -> Item | Rejection:
    return Extract(FakeChat(lambda _: answer), PROMPT).run([item(reference=reference)])[0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[]", []),  # nothing to name is an answer
        ('["red car", "boats"]', ["red car", "boats"]),
        ('{"entities": ["red car"]}', ["red car"]),  # the form of JSON-schema servers
        ('```json\n["red car"]\n```', ["red car"]),
        ('["Red Car"]', ["Red Car"]),  # case does not matter
        ('["red car", "red car", "RED CAR"]', ["red car"]),  # each once
        ('["blue car", "red car"]', ["red car"]),  # not in the reference
        ('["boat", "oat"]', ["boat"]),  # number does not matter, whole words do
        ('["car red"]', []),  # order does
    ],
)
def test_phrases_of_the_reference_are_kept(answer: str, expected: list[str]) -> None:
    assert phrases(extract(answer)) == expected


@pytest.mark.parametrize("answer", ["", "red car. boat", '["a", 3]', '{"a": [], "b": []}', '["red car", "bo'])
def test_an_unreadable_answer_is_rejected(answer: str) -> None:
    assert isinstance(extract(answer), Rejection)


def test_an_unreadable_answer_is_asked_for_once_more_and_alone() -> None:
    answers: Iterator[str] = iter(["nonsense", '["boat"]', '["car"]'])
    chat = FakeChat(lambda _: next(answers))
    outcomes = Extract(chat, PROMPT).run([item("a", reference="A car."), item("b", reference="A boat.")])
    assert [phrases(outcome) for outcome in outcomes] == [["car"], ["boat"]]
    assert len(chat.asked) == 3
    assert chat.asked[2].text.startswith("Entities: A car.") and "could not be read" in chat.asked[2].text


def test_dropped_phrases_are_counted() -> None:
    stage = Extract(FakeChat(lambda _: '["car", "unicorn", "ghost"]'), PROMPT)
    stage.run([item(reference="A car.")])
    assert stage.counts["dropped: not in the reference"] == 2


def test_a_schema_goes_with_the_request() -> None:
    chat = FakeChat(lambda _: "[]")
    Extract(chat, PROMPT).run([item(reference="A car.")])
    request: ChatRequest = chat.asked[0]
    assert request.schema is not None and request.schema["required"] == ["entities"]


def test_grammar_needs_no_model() -> None:
    done = Extract(None, PROMPT).run(
        [item(reference="A beach with a red umbrella, two boats and a large ball.")]
    )[0]
    assert phrases(done) == ["red umbrella", "boats", "ball"]


def test_a_reply_that_cannot_be_read_is_kept_with_its_rejection() -> None:
    outcome = extract("Sure, there is a car.")
    assert isinstance(outcome, Rejection)
    assert (outcome.reason, outcome.detail) == ("reply is not JSON", "Sure, there is a car.")
