from factory.models.protocols import Reply
from factory.prompts import Prompt
from factory.records import Item, Rejection
from factory.stages.describe import Describe
from tests.factory.stages.fakes import FakeChat, item


def describe(answer: str | Reply) -> Item | Rejection:
    return Describe(FakeChat(lambda _: answer), Prompt("Describe.", "test")).run([item()])[0]


def test_the_reply_becomes_the_reference() -> None:
    done = describe("A beach with a boat.")
    assert isinstance(done, Item) and done.reference == "A beach with a boat."


def test_wrappers_around_the_text_are_taken_off() -> None:
    done = describe('Here is the description:\n"A beach with a boat."')
    assert isinstance(done, Item) and done.reference == "A beach with a boat."


def test_an_empty_reply_is_rejected() -> None:
    assert describe("  ") == Rejection("a", "describe", "empty reply", "  ")


def test_a_failed_request_is_rejected_with_its_reason() -> None:
    done = describe(Reply("", error="server answered 400"))
    assert isinstance(done, Rejection) and done.reason == "no reply: server answered 400"


def test_a_reply_cut_off_keeps_its_whole_sentences() -> None:
    done = describe(Reply("A beach with a boat. The boat is re", finished=False))
    assert isinstance(done, Item) and done.reference == "A beach with a boat."


def test_a_reply_cut_off_in_its_first_sentence_is_rejected() -> None:
    done = describe(Reply("A beach with a bo", finished=False))
    assert isinstance(done, Rejection) and done.reason == "reply cut off at its token limit"


def test_an_image_that_does_not_decode_costs_itself_alone() -> None:
    broken = Item("b", b"no image", "b.png", (1, 1))
    stage = Describe(FakeChat(lambda _: "A beach."), Prompt("Describe.", "test"))
    first, second, third = stage.run([item("a"), broken, item("c")])
    assert isinstance(second, Rejection) and second.reason == "image cannot be decoded"
    assert (first.id, third.id) == ("a", "c") and isinstance(third, Item)


def test_no_items_ask_nothing() -> None:
    chat = FakeChat(lambda _: "A beach.")
    assert Describe(chat, Prompt("Describe.", "test")).run([]) == []
    assert chat.asked == []


def test_models_are_opened_and_closed_once() -> None:
    chat = FakeChat(lambda _: "A beach.")
    stage = Describe(chat, Prompt("Describe.", "test"))
    stage.open()
    stage.close()
    assert (chat.opened, chat.closed) == (1, 1)
