"""Phase 1, holistic textualization: an MLLM writes the reference description of each image."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from PIL import Image
from pydantic import Field

from factory.errors import ReplyError
from factory.models import ChatConfig
from factory.models.protocols import Chat, ChatRequest, Reply
from factory.pictures import with_pictures
from factory.prompts import Prompt, load_prompt
from factory.records import Item, Rejection
from factory.stages.opening import Opening
from factory.stages.replies import prose
from recipes import Config


class DescribeConfig(Config):
    """Ask a chat model with sight for a detailed description."""

    kind: Literal["describe"] = "describe"
    model: ChatConfig
    """The MLLM."""
    prompt: str = "describe"
    """Prompt file, by bare name for a built-in one; it has no fields."""
    min_words: int = Field(default=2, ge=1)
    """Shorter replies are rejected."""

    def build(self) -> "Describe":
        """Return the stage."""
        return Describe(self.model.build(), load_prompt(self.prompt, ()), self.min_words)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        prompt = load_prompt(self.prompt, ())
        return {"version": str(Describe.version), "prompt": prompt.digest, **self.model.identity()}


class Describe(Opening):
    """Adds the reference description."""

    name = "describe"
    version = 1
    needs: tuple[str, ...] = ("image",)
    adds: tuple[str, ...] = ("reference",)

    def __init__(self, model: Chat, prompt: Prompt, min_words: int = 2) -> None:
        super().__init__(model)
        self._model, self._prompt, self._min_words = model, prompt, min_words

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its reference, or rejected for an empty or too short reply."""
        return with_pictures(self.name, items, self._describe)

    def _describe(self, items: list[Item], images: list[Image.Image]) -> list[Item | Rejection]:
        text = self._prompt.render({})
        replies = self.ask(self._model, [ChatRequest(text, image) for image in images])
        return [self._read(item, reply) for item, reply in zip(items, replies, strict=True)]

    def _read(self, item: Item, reply: Reply) -> Item | Rejection:
        try:
            reference = prose(reply)
        except ReplyError as error:
            return Rejection(item.id, self.name, str(error), reply.text)
        if len(reference.split()) < self._min_words:
            return Rejection(item.id, self.name, f"reply has fewer than {self._min_words} words", reference)
        return replace(item, reference=reference)
