"""Yes/no questions that the factory's evidence answers: what the detector found, and what it did not.

A model tuned on descriptions alone forgets to answer questions: it describes, whatever it is asked. Every question
here was checked against the image when the dataset was built: things that the draft named, rightly or not, and
things that the recipe had looked for besides. Each phrase is asked for as often where it is as where it is not, for
one that were always there would be answered without a look. The questions about an image are one conversation, as in
the data of LLaVA-1.5 (Liu et al. 2023, arXiv:2310.03744), so that the image is read once for all of them.
"""

import hashlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from train.chat import Turn
from train.conversation import Conversation
from train.parquet import load_columns, stored_image
from train.recipe import QuestionsSource

_COLUMNS = ("id", "image", "entities", "probes")
_PLURAL_ENDING, _SINGULAR_ENDINGS = "s", ("ss", "us", "is")


class Asked(NamedTuple):
    """A thing asked for, the row of its image, and whether it is there."""

    row: int
    phrase: str
    is_there: bool


class QuestionRows:
    """Questions about what was looked for in each image of a dataset; an image without any has no row."""

    def __init__(self, config: QuestionsSource, seed: int) -> None:
        self.weight = config.weight
        self._config = config
        self._rows = load_columns(Path(config.path).expanduser(), _COLUMNS)
        self._ids: list[str] = self._rows["id"][:]
        looked_for = zip(self._rows["entities"][:], self._rows["probes"][:], strict=True)
        asked = balanced(self._ids, [[*named, *probed] for named, probed in looked_for], seed)
        asked.sort(key=lambda one: (one.row, _hash(f"{seed}:{one.row}:{one.phrase}")))
        self._talks = [list(talk) for _, talk in groupby(asked, key=lambda one: one.row)]

    def __len__(self) -> int:
        return len(self._talks)

    def sample_id(self, row: int) -> str:
        """Return the id of the image, marked as questions about it."""
        return f"{self._ids[self._talks[row][0].row]}?"

    def conversation(self, row: int) -> Conversation:
        """Return the questions and their answers, in an order that says nothing about either."""
        asked = self._talks[row][: self._config.max_turns]
        return Conversation(self.sample_id(row), tuple(self._turn(one) for one in asked), has_image=True)

    def _turn(self, asked: Asked) -> Turn:
        question = self._config.question.replace("{object}", _with_article(asked.phrase))
        return Turn(question, self._config.when_there if asked.is_there else self._config.when_absent)

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image that the questions are about."""
        return stored_image(self._rows, self._talks[row][0].row)


def balanced(ids: Sequence[str], entities: Sequence[Sequence[dict[str, Any]]], seed: int) -> list[Asked]:
    """Return questions about the entities of each image, for every phrase as many with yes as with no.

    Of the more frequent answer those are kept that a hash of seed, image and phrase puts first. Plural phrases are
    left out.
    """
    by_phrase: dict[str, tuple[list[int], list[int]]] = {}
    for row, found in enumerate(entities):
        for entity in found:
            if not _is_plural(entity["phrase"]):
                by_phrase.setdefault(entity["phrase"], ([], []))[bool(entity["grounded"])].append(row)
    return sorted(
        Asked(row, phrase, bool(answer))
        for phrase, rows in by_phrase.items()
        for answer in (0, 1)
        for row in sorted(rows[answer], key=lambda r: _hash(f"{seed}:{ids[r]}:{phrase}"))[
            : min(map(len, rows))
        ]
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _is_plural(phrase: str) -> bool:
    return phrase.endswith(_PLURAL_ENDING) and not phrase.endswith(_SINGULAR_ENDINGS)


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[:1].lower() in set('aeiou') else 'a'} {phrase}"
