"""What a chat model wraps around its answer is taken off; what it says is kept."""

import pytest

from factory.models.protocols import Reply
from factory.replies import prose


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A beach.\n1. A crab is near.\n2. A boat is far.", "A beach. A crab is near. A boat is far."),
        ("- A crab.\n- A boat.", "A crab. A boat."),
        ("A beach.\n\nA crab is near.", "A beach.\n\nA crab is near."),
        ("Room 12. is far away.", "Room 12. is far away."),
    ],
    ids=["numbered sentences", "bullets", "paragraphs stay", "a number within a sentence stays"],
)
def test_a_list_of_sentences_becomes_running_text(text: str, expected: str) -> None:
    assert prose(Reply(text, True, 1, 1)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. A crab is near.\n2. A boat is far.\n3.", "A crab is near. A boat is far."),
        ("A beach. A crab is near. 3. ", "A beach. A crab is near."),
        ("- A crab.\n- A boat.\n-", "A crab. A boat."),
        ("A crab is near. A boat is", "A crab is near."),
        ("The year was 12.", "The year was 12."),
    ],
    ids=["lines", "one line", "bullets", "half a sentence", "a number that ends a sentence stays"],
)
def test_of_a_reply_cut_off_the_whole_sentences_are_kept(text: str, expected: str) -> None:
    assert prose(Reply(text, finished=False)) == expected


def test_a_finished_reply_may_end_with_a_number() -> None:
    assert prose(Reply("There are so many dogs. 3.")) == "There are so many dogs. 3."
