"""Phase 1, holistic textualization: an MLLM writes the reference description of each image, or it is there already."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from PIL import Image
from pydantic import Field

from factory.captions import caption_of, digest_of, read_captions
from factory.claims.clean import clean, looks_english
from factory.errors import ReplyError
from factory.models import OpenAIChatConfig, TransformersChatConfig, VllmChatConfig
from factory.models.protocols import Chat, ChatRequest, Reply
from factory.pictures import with_pictures
from factory.prompts import Prompt, load_prompt
from factory.records import Item, Rejection
from factory.replies import prose
from factory.stages.opening import Opening
from recipes import Config


class ExistingConfig(Config):
    """No model: captions that somebody has written already, to be verified and mended.

    Each becomes reference and description, so that `recaption` may follow or be left out.
    """

    kind: Literal["existing"] = "existing"
    captions: str = ""
    """A parquet, JSONL or JSON file (a list, or COCO captions), or a folder of parquet; empty: the source itself."""
    column: str = "caption"
    """The column or key that holds the caption."""
    id_column: str = "id"
    """The column or key with the image's id; where it is absent the file name of the image counts."""
    max_words: int = Field(default=1500, ge=1)
    """Longer captions are cut after a whole sentence."""

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {"model": "existing", "revision": digest_of(self.captions, self.column, self.id_column)}


DescriberConfig = Annotated[
    TransformersChatConfig | OpenAIChatConfig | VllmChatConfig | ExistingConfig, Field(discriminator="kind")
]


class DescribeConfig(Config):
    """Ask a chat model with sight for a detailed description, or take the captions that there are."""

    kind: Literal["describe"] = "describe"
    model: DescriberConfig
    """The MLLM, or `kind: existing` for captions that there are."""
    prompt: str = "describe"
    """Prompt file, by bare name for a built-in one; it has no fields."""
    min_words: int = Field(default=2, ge=1)
    """Shorter replies and captions are rejected."""

    def build(self) -> "Describe | Existing":
        """Return the stage."""
        if isinstance(self.model, ExistingConfig):
            return Existing(self.model, self.min_words)
        return Describe(self.model.build(), load_prompt(self.prompt, ()), self.min_words)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        if isinstance(self.model, ExistingConfig):
            return {"version": str(Existing.version), **self.model.identity()}
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


class Existing(Opening):
    """Adds captions that there are, as reference and as description, made plain; what was taken out is recorded."""

    name = "describe"
    version = 1
    needs: tuple[str, ...] = ("image",)
    adds: tuple[str, ...] = ("reference", "description")

    def __init__(self, config: ExistingConfig, min_words: int = 2) -> None:
        super().__init__()
        self._config, self._min_words = config, min_words
        self._captions: Mapping[str, str] = {}

    def open(self) -> None:
        """Read the captions."""
        config = self._config
        self._captions = read_captions(config.captions, config.column, config.id_column)

    def close(self) -> None:
        """Forget the captions."""
        self._captions = {}

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its caption, or rejected if it has none that says anything."""
        return [self._take(item) for item in items]

    def _take(self, item: Item) -> Item | Rejection:
        caption = caption_of(self._captions, item.id, item.name)
        if caption is None:
            return Rejection(item.id, self.name, "no caption")
        if not caption.strip():
            return Rejection(item.id, self.name, "empty caption")
        cleaned = clean(caption, self._config.max_words)
        self.counts.update(f"captions {one.action}: {one.kind}" for one in cleaned.repairs)
        if not cleaned.text:
            return Rejection(item.id, self.name, "caption says nothing of an image", caption)
        if len(cleaned.text.split()) < self._min_words:
            return Rejection(
                item.id, self.name, f"caption has fewer than {self._min_words} words", cleaned.text
            )
        self.counts["captions not in English"] += not looks_english(cleaned.text)
        return replace(item, reference=cleaned.text, description=cleaned.text, repairs=cleaned.repairs)
