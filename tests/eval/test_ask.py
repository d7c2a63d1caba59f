from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eval.errors import InputError
from eval.generation import Request, Store, ask


@dataclass
class Parrot:
    """Answers with the question, and remembers the batches; breaks after some."""

    batch_size: int = 2
    fingerprint: str = "parrot"
    breaks_after: int = 1000
    batches: list[list[str]] = field(default_factory=list)

    def __call__(self, requests: Sequence[Request]) -> list[str]:
        if len(self.batches) == self.breaks_after:
            raise KeyboardInterrupt
        assert len({request.max_new_tokens for request in requests}) == 1
        self.batches.append([request.question for request in requests])
        return [request.question.upper() for request in requests]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    path.write_bytes(b"an image")
    return path


def _ask(answerer: Parrot, requests: list[Request], path: Path) -> list[str]:
    with Store(path) as store:
        return ask(answerer, requests, store)


def test_answers_come_in_the_order_of_the_requests(image: Path, tmp_path: Path) -> None:
    requests = [
        Request(image, question, tokens)
        for question, tokens in (("a", 9), ("b", 4), ("c", 9), ("d", 4), ("e", 9))
    ]
    parrot = Parrot()
    assert _ask(parrot, requests, tmp_path / "s.jsonl") == ["A", "B", "C", "D", "E"]
    assert parrot.batches == [["b", "d"], ["a", "c"], ["e"]]


def test_the_same_question_is_asked_once(image: Path, tmp_path: Path) -> None:
    parrot = Parrot()
    ticks: list[int] = []
    with Store(tmp_path / "s.jsonl") as store:
        ask(parrot, [Request(image, "a", 4)] * 3, store, ticks.append)
    assert (parrot.batches, sum(ticks)) == ([["a"]], 3)


def test_a_killed_run_goes_on_where_it_was(image: Path, tmp_path: Path) -> None:
    requests = [Request(image, question, 4) for question in "abcdef"]
    with pytest.raises(KeyboardInterrupt):
        _ask(Parrot(breaks_after=2), requests, tmp_path / "s.jsonl")
    second = Parrot()
    assert _ask(second, requests, tmp_path / "s.jsonl") == list("ABCDEF")
    assert second.batches == [["e", "f"]]


def test_a_line_cut_short_by_a_kill_is_asked_again(image: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    requests = [Request(image, question, 4) for question in "ab"]
    _ask(Parrot(), requests, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    second = Parrot()
    assert _ask(second, requests, path) == ["A", "B"]
    assert second.batches == [["b"]]
    assert path.read_bytes() == whole


def test_a_foreign_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"other": 1}\n')
    with pytest.raises(InputError, match="line 1 is no stored answer"):
        Store(tmp_path / "s.jsonl")


@pytest.mark.parametrize("change", ["question", "tokens", "model", "image"])
def test_whatever_an_answer_depends_on_makes_it_be_asked_anew(
    image: Path, tmp_path: Path, change: str
) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"another image")
    _ask(Parrot(), [Request(image, "a", 4)], tmp_path / "s.jsonl")
    request = Request(
        other if change == "image" else image,
        "b" if change == "question" else "a",
        5 if change == "tokens" else 4,
    )
    second = Parrot(fingerprint="other" if change == "model" else "parrot")
    _ask(second, [request], tmp_path / "s.jsonl")
    assert len(second.batches) == 1
