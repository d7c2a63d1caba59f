"""Phase 2, from the text: the phrases of the reference description that name visible things."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from factory import grammar
from factory.english import singular
from factory.errors import ReplyError
from factory.models import OpenAIChatConfig, TransformersChatConfig, VllmChatConfig
from factory.models.protocols import Chat, ChatRequest
from factory.prompts import Prompt, load_prompt
from factory.records import Entity, Item, Rejection
from factory.replies import phrases
from factory.stages.opening import Opening
from recipes import Config

FIELDS = ("reference",)
SCHEMA = {
    "type": "object",
    "properties": {"entities": {"type": "array", "items": {"type": "string"}}},
    "required": ["entities"],
    "additionalProperties": False,
}
_WORD = re.compile(r"\w+")
_REMINDER = "\n\nYour last answer could not be read ({problem}). Answer with the JSON alone."


class GrammarConfig(Config):
    """No model: noun phrases by rule, good for simple English only."""

    kind: Literal["grammar"] = "grammar"

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {"model": "grammar"}


ExtractorConfig = Annotated[
    TransformersChatConfig | OpenAIChatConfig | VllmChatConfig | GrammarConfig, Field(discriminator="kind")
]


class ExtractConfig(Config):
    """Ask a chat model for the entities of the reference description."""

    kind: Literal["extract"] = "extract"
    model: ExtractorConfig
    """The LLM, or `kind: grammar` for simple English without a model."""
    prompt: str = "extract"
    """Prompt file, by bare name for a built-in one; field: reference."""
    max_attempts: int = Field(default=2, ge=1)
    """How often an image is asked about until the answer can be read; then it is rejected."""
    max_entities: int = Field(default=40, ge=1)
    """Phrases kept per image, in the order of the text."""

    def build(self) -> "Extract":
        """Return the stage."""
        model = None if isinstance(self.model, GrammarConfig) else self.model.build()
        return Extract(model, load_prompt(self.prompt, FIELDS), self.max_attempts, self.max_entities)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        prompt = (
            {}
            if isinstance(self.model, GrammarConfig)
            else {"prompt": load_prompt(self.prompt, FIELDS).digest}
        )
        return {"version": str(Extract.version), **prompt, **self.model.identity()}


class Extract(Opening):
    """Adds the entities. A phrase that does not occur in the reference is dropped and counted in `counts`."""

    name = "extract"
    version = 1
    needs: tuple[str, ...] = ("reference",)
    adds: tuple[str, ...] = ("entities",)

    def __init__(
        self, model: Chat | None, prompt: Prompt, max_attempts: int = 2, max_entities: int = 40
    ) -> None:
        super().__init__(model)
        self._model, self._prompt = model, prompt
        self._max_attempts, self._max_entities = max_attempts, max_entities

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its entities, maybe none, or rejected for an unreadable reply."""
        texts = [item.reference or "" for item in items]
        found = (
            [grammar.entities(text) for text in texts]
            if self._model is None
            else self._ask(self._model, texts)
        )
        return [self._read(item, answer) for item, answer in zip(items, found, strict=True)]

    def _ask(self, model: Chat, texts: Sequence[str]) -> list[list[str] | ReplyError]:
        prompts = [self._prompt.render({"reference": text}) for text in texts]
        found: list[list[str] | ReplyError] = [ReplyError("not asked")] * len(texts)
        open_ = list(range(len(texts)))
        for attempt in range(self._max_attempts):
            self.counts["retried"] += len(open_) if attempt else 0
            asked = [prompts[i] + (_REMINDER.format(problem=found[i]) if attempt else "") for i in open_]
            for i, reply in zip(
                open_, self.ask(model, [ChatRequest(text, schema=SCHEMA) for text in asked]), strict=True
            ):
                try:
                    found[i] = phrases(reply)
                except ReplyError as error:
                    found[i] = ReplyError(str(error), reply.text)
            open_ = [i for i in open_ if isinstance(found[i], ReplyError)]
            if not open_:
                break
        return found

    def _read(self, item: Item, answer: list[str] | ReplyError) -> Item | Rejection:
        if isinstance(answer, ReplyError):
            return Rejection(item.id, self.name, str(answer), answer.text)
        there = [phrase for phrase in answer if occurs(phrase, item.reference or "")]
        self.counts["dropped: not in the reference"] += len(answer) - len(there)
        once = list({phrase.lower(): phrase for phrase in reversed(there)}.values())[::-1]
        return replace(item, entities=tuple(Entity(phrase) for phrase in once[: self._max_entities]))


def occurs(phrase: str, text: str) -> bool:
    """Tell whether the words of a phrase stand in a text in this order; case and number do not matter."""
    wanted, words = _stems(phrase), _stems(text)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(words)} "


def _stems(text: str) -> list[str]:
    return [singular(word) for word in _WORD.findall(text.lower())]
