"""Phase 3, textualized recaptioning: the reference anew, without its hallucinations and with the facts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from factory.errors import ReplyError
from factory.models import OpenAIChatConfig, TransformersChatConfig, VllmChatConfig
from factory.models.protocols import Chat, ChatRequest, Reply
from factory.prompts import Prompt, load_prompt
from factory.records import Item, Rejection
from factory.replies import prose
from factory.stages.opening import Opening
from factory.writer import write
from recipes import Config

FIELDS = ("reference", "hallucinated", "facts")


class TemplateConfig(Config):
    """No model: one plain sentence per fact."""

    kind: Literal["template"] = "template"

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {"model": "template"}


WriterConfig = Annotated[
    TransformersChatConfig | OpenAIChatConfig | VllmChatConfig | TemplateConfig, Field(discriminator="kind")
]


class RecaptionConfig(Config):
    """Have a chat model rewrite the reference: hallucinations out, facts in."""

    kind: Literal["recaption"] = "recaption"
    model: WriterConfig
    """The LLM, or `kind: template` for plain sentences without a model."""
    prompt: str = "recaption"
    """Prompt file, by bare name for a built-in one; fields: reference, hallucinated (list), facts (list)."""

    def build(self) -> "Recaption":
        """Return the stage."""
        model = None if isinstance(self.model, TemplateConfig) else self.model.build()
        return Recaption(model, load_prompt(self.prompt, FIELDS))

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        prompt = (
            {}
            if isinstance(self.model, TemplateConfig)
            else {"prompt": load_prompt(self.prompt, FIELDS).digest}
        )
        return {"version": str(Recaption.version), **prompt, **self.model.identity()}


class Recaption(Opening):
    """Adds the final description."""

    name = "recaption"
    version = 1
    needs: tuple[str, ...] = ("reference", "hallucinated", "facts")
    adds: tuple[str, ...] = ("description",)

    def __init__(self, model: Chat | None, prompt: Prompt) -> None:
        super().__init__(model)
        self._model, self._prompt = model, prompt

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its description, or rejected for an empty reply."""
        if self._model is None:
            replies = [Reply(write(item.reference or "", item.facts or ())) for item in items]
        else:
            requests = [ChatRequest(self._prompt.render(_fields(item))) for item in items]
            replies = self.ask(self._model, requests)
        return [self._read(item, reply) for item, reply in zip(items, replies, strict=True)]

    def _read(self, item: Item, reply: Reply) -> Item | Rejection:
        try:
            return replace(item, description=prose(reply))
        except ReplyError as error:
            return Rejection(item.id, self.name, str(error), reply.text)


def _fields(item: Item) -> dict[str, object]:
    return {
        "reference": item.reference,
        "hallucinated": list(item.hallucinated or ()),
        "facts": list(item.facts or ()),
    }
