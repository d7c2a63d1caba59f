"""Where samples come from: factory parquet and LLaVA JSON, both read lazily."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from train.chat import Turn, pick_prompt
from train.conversation import Conversation
from train.error import DataError, Unusable
from train.parquet import load_columns, stored_image
from train.questions import QuestionRows
from train.recipe import FactorySource, LlavaSource, Source, TrainRecipe

_SPEAKERS = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}


class SampleSource(Protocol):
    """A list of conversations and, by the same index, their images."""

    weight: float

    def __len__(self) -> int: ...

    def conversation(self, row: int) -> Conversation:
        """Return the text of a row.

        Raises:
            Unusable: the row cannot be trained on.
        """

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image of a row that has one."""

    def sample_id(self, row: int) -> str:
        """Return the id that a rejection names."""


def open_sources(recipe: TrainRecipe) -> list[SampleSource]:
    """Open every source of a recipe without reading an image."""
    return [_open(source, recipe) for source in recipe.data]


def _open(source: Source, recipe: TrainRecipe) -> SampleSource:
    if source.kind == "factory":
        return FactoryRows(source, recipe.prompts, recipe.seed)
    if source.kind == "questions":
        return QuestionRows(source, recipe.seed)
    return LlavaRows(source)


class FactoryRows:
    """Rows of a dataset that the factory wrote: an image and its description."""

    def __init__(self, config: FactorySource, prompts: Sequence[str], seed: int) -> None:
        self.weight = config.weight
        self._rows = load_columns(Path(config.path).expanduser(), ("id", "image", "description"))
        self._ids: list[str] = self._rows["id"][:]
        self._descriptions: list[str | None] = self._rows["description"][:]
        self._prompts, self._seed = prompts, seed

    def __len__(self) -> int:
        return len(self._ids)

    def sample_id(self, row: int) -> str:
        """Return the id of a row."""
        return self._ids[row]

    def conversation(self, row: int) -> Conversation:
        """Return the question picked for it and the description of a row."""
        question = pick_prompt(self._prompts, self._seed, self._ids[row])
        return Conversation(self._ids[row], (Turn(question, self._descriptions[row] or ""),), has_image=True)

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image of a row."""
        return stored_image(self._rows, row)


class LlavaRows:
    """Entries of a LLaVA JSON file; several turns are kept, all answers supervised."""

    def __init__(self, config: LlavaSource) -> None:
        self.weight = config.weight
        self._folder = Path(config.images).expanduser()
        self._entries = _read_entries(Path(config.path).expanduser())

    def __len__(self) -> int:
        return len(self._entries)

    def sample_id(self, row: int) -> str:
        """Return the id of a row."""
        entry = self._entries[row]
        return str(entry.get("id", row)) if isinstance(entry, dict) else str(row)

    def conversation(self, row: int) -> Conversation:
        """Return the questions and answers of a row."""
        entry = self._entries[row]
        if not isinstance(entry, dict):
            raise Unusable("not_an_entry")
        image = entry.get("image")
        if isinstance(image, list):
            raise Unusable("several_images")
        turns = tuple(_turns(entry.get("conversations")))
        return Conversation(self.sample_id(row), turns, has_image=image is not None)

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image of a row."""
        path = (self._folder / str(self._entries[row]["image"])).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise Unusable("image_outside_folder")
        try:
            return path.read_bytes()
        except OSError:
            raise Unusable("image_missing") from None


def _read_entries(path: Path) -> list[Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise DataError(f"no LLaVA JSON at {path}") from None
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path} holds no list of entries")
    return entries


def _turns(messages: Any) -> Iterator[Turn]:
    if not isinstance(messages, list) or not messages or len(messages) % 2:
        raise Unusable("turns_not_in_pairs")
    for question, answer in zip(messages[::2], messages[1::2], strict=True):
        if (_speaker(question), _speaker(answer)) != ("user", "assistant"):
            raise Unusable("turns_out_of_order")
        yield Turn(
            str(question.get("value", "")).replace("<image>", "").strip(), str(answer.get("value", ""))
        )


def _speaker(message: Any) -> str | None:
    return _SPEAKERS.get(str(message.get("from"))) if isinstance(message, dict) else None
