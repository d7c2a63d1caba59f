from pathlib import Path

import pytest

from factory.errors import FactoryError
from factory.prompts import load_prompt
from factory.records import Item, Rejection
from factory.stages.recaption import FIELDS, Recaption
from tests.factory.stages.fakes import FakeChat, item

FACTS = (
    "large red umbrella | on the left | close to the viewer",
    "ball | in the middle | far away",
    "ball | on the right | far away",
    "count | two balls",
    "relation | the red umbrella | in front of | the cup",
)
SMALL_WORLD = "recipes/picturebook/prompts/recaption.j2"


def asked(prompt: str, **made: object) -> str:
    chat = FakeChat(lambda _: "A text.")
    Recaption(chat, load_prompt(prompt, FIELDS)).run([item(**made)])
    return chat.asked[0].text


def test_the_small_world_asks_exactly_what_its_writer_was_trained_on() -> None:
    text = asked(SMALL_WORLD, reference="A beach.", hallucinated=("boat", "red crab"), facts=FACTS[:2])
    assert text == (
        "Draft: A beach.\nNot there: boat, red crab\nFacts:\n"
        "1. large red umbrella | on the left | close to the viewer\n2. ball | in the middle | far away"
    )


def test_an_image_without_facts_is_asked_about_all_the_same() -> None:
    text = asked(SMALL_WORLD, reference="A beach.", hallucinated=("boat",), facts=())
    assert text == "Draft: A beach.\nNot there: boat\nFacts:"


def test_nothing_hallucinated_is_said_so() -> None:
    assert "\nNot there: nothing\n" in asked(SMALL_WORLD, reference="A beach.", hallucinated=(), facts=())


def test_what_never_changes_stands_first() -> None:
    one = asked("recaption", reference="A beach.", hallucinated=(), facts=())
    other = asked("recaption", reference="B street.", hallucinated=("car",), facts=FACTS)
    same = next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    assert same > 0.9 * len(one)


def test_hallucinations_reach_the_writer_even_without_any_object() -> None:
    # the published pipeline keeps the hallucinations of images with fewer than two objects
    assert "Not there: boat" in asked("recaption", reference="A boat.", hallucinated=("boat",), facts=())


def test_an_empty_reply_is_rejected() -> None:
    stage = Recaption(FakeChat(lambda _: ""), load_prompt(SMALL_WORLD, FIELDS))
    done = stage.run([item(reference="A beach.")])[0]
    assert isinstance(done, Rejection) and done.reason == "empty reply"


def test_the_template_writes_one_sentence_per_fact() -> None:
    done = Recaption(None, load_prompt("recaption", FIELDS)).run(
        [item(reference="A beach with a boat.", facts=FACTS)]
    )[0]
    assert isinstance(done, Item)
    assert done.description == (
        "A beach. A large red umbrella is on the left, close to the viewer. "
        "A ball is in the middle, far away. "
        "Another ball is on the right, far away. There are two balls in total. "
        "The red umbrella is in front of the cup."
    )


def test_a_prompt_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.j2").write_text("Draft: {{ refrence }}")
    with pytest.raises(FactoryError, match="uses 'refrence'; this stage offers: reference"):
        load_prompt(str(tmp_path / "p.j2"), FIELDS)


def test_an_unknown_prompt_is_refused_with_those_there_are() -> None:
    with pytest.raises(FactoryError, match="describe, extract, recaption, region"):
        load_prompt("nowhere", FIELDS)
