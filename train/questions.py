"""Yes/no questions that the factory's evidence answers: what the detector found, and what the draft invented.

A model tuned on descriptions alone forgets to answer questions: it describes, whatever it is asked. Every question
here was checked against the image when the dataset was built, and every "no" is a thing that the model itself had
wrongly seen. There are as many questions to answer with yes as with no, and each stands alone, so that no answer
gives away another.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from train.chat import Turn
from train.conversation import Conversation
from train.parquet import load_columns, stored_image
from train.recipe import QuestionsSource

_COLUMNS = ("id", "image", "entities")
_PLURAL_ENDING, _SINGULAR_ENDINGS = "s", ("ss", "us", "is")


class Asked(NamedTuple):
    """A thing asked for, the row of its image, and whether it is there."""

    row: int
    phrase: str
    is_there: bool


class QuestionRows:
    """One question each about things that were looked for in the images of a dataset."""

    def __init__(self, config: QuestionsSource, seed: int) -> None:
        self.weight = config.weight
        self._config = config
        self._rows = load_columns(Path(config.path).expanduser(), _COLUMNS)
        self._ids: list[str] = self._rows["id"][:]
        entities: list[list[dict[str, Any]]] = self._rows["entities"][:]
        self._asked = [
            asked for row, found in enumerate(entities) for asked in ask(row, self._ids[row], found, seed)
        ]

    def __len__(self) -> int:
        return len(self._asked)

    def sample_id(self, row: int) -> str:
        """Return the id of the image, with the thing that is asked for."""
        asked = self._asked[row]
        return f"{self._ids[asked.row]}?{asked.phrase}"

    def conversation(self, row: int) -> Conversation:
        """Return the question and its answer."""
        asked, config = self._asked[row], self._config
        question = config.question.replace("{object}", _with_article(asked.phrase))
        answer = config.when_there if asked.is_there else config.when_absent
        return Conversation(self.sample_id(row), (Turn(question, answer),), has_image=True)

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image that a question is about."""
        return stored_image(self._rows, self._asked[row].row)


def ask(row: int, image_id: str, entities: Sequence[dict[str, Any]], seed: int) -> Iterator[Asked]:
    """Yield, for every hallucinated entity, it and one that is there, alike in the number of words if possible.

    Plural phrases are left out, and so are entities that found no partner.
    """
    askable = [e for e in entities if not _is_plural(e["phrase"])]
    there = sorted(
        (str(e["phrase"]) for e in askable if e["grounded"]), key=lambda p: _hash(f"{seed}:{image_id}:{p}")
    )
    for phrase in (str(e["phrase"]) for e in askable if not e["grounded"]):
        if not there:
            return
        words = len(phrase.split())
        partner = min(there, key=lambda p: abs(len(p.split()) - words))
        there.remove(partner)
        yield Asked(row, phrase, is_there=False)
        yield Asked(row, partner, is_there=True)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _is_plural(phrase: str) -> bool:
    return phrase.endswith(_PLURAL_ENDING) and not phrase.endswith(_SINGULAR_ENDINGS)


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[:1].lower() in set('aeiou') else 'a'} {phrase}"
