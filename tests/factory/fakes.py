"""Stages without models that keep the promises of real ones, and recipes made of them."""

import io
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import yaml
from PIL import Image
from pydantic import Field

from factory.errors import ModelError
from factory.models.extras import Extra
from factory.recipe import FactoryRecipe
from factory.records import Claim, Entity, Item, Object, Rejection, Rle
from recipes import Config


class Calls:
    """What the fake stages have been asked, by stage name; tests clear it."""

    opened: ClassVar[list[str]] = []
    batches: ClassVar[list[tuple[str, list[str]]]] = []

    @classmethod
    def clear(cls) -> None:
        cls.opened.clear()
        cls.batches.clear()

    @classmethod
    def ids(cls, stage: str) -> list[str]:
        """Return the ids that a stage has been given, in order."""
        return [name for called, ids in cls.batches if called == stage for name in ids]


class _Fake:
    name = ""
    version = 1
    needs: tuple[str, ...] = ("image",)
    adds: tuple[str, ...] = ()

    def __init__(self, config: Any) -> None:
        self.config = config
        self.counts: Counter[str] = Counter()

    def open(self) -> None:
        Calls.opened.append(self.name)

    def close(self) -> None:
        Calls.opened.append(f"closed {self.name}")

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        Calls.batches.append((self.name, [item.id for item in items]))
        return [self.one(item) for item in items]

    def one(self, item: Item) -> Item | Rejection:
        raise AssertionError(item)


class SayConfig(Config):
    """Writes a draft and entities."""

    kind: Literal["say"] = "say"
    text: str = "A picture of a dog and a <cat>."
    reject: list[str] = Field(default_factory=list)
    """Ids that are rejected unless the file `pardon` exists."""
    pardon: str = ""
    memory: int = 10**9
    """Items that fit into memory together."""
    breaks_on: str = ""
    """The id at which the stage has a bug."""
    interrupt_on: str = ""
    """The id at which the user presses Ctrl-C."""
    kill_on: str = ""
    """The id at which the process dies; `*` for any."""
    fuse: str = ""
    """A file that goes with the first death; without it there is none."""
    micro_usd: int = 0
    """What each item costs in tokens, of which a server keeps three quarters."""
    refuses: str = ""
    """What the model says when it is loaded and cannot be."""
    package: str = ""
    """A package beyond the base that the model needs."""
    device: str = "cpu"
    model: str = "/models/fake-mllm"

    @property
    def extra(self) -> Extra | None:
        return Extra(self.package, "kind: say", f"pip install {self.package}") if self.package else None

    def build(self) -> "Say":
        return Say(self)

    def identity(self) -> dict[str, str]:
        return {"model": self.model, "revision": "r1"}


class Say(_Fake):
    name = "say"
    adds = ("reference", "entities")

    def open(self) -> None:
        super().open()
        if self.config.refuses:
            raise ModelError(self.config.refuses)

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        if len(items) > self.config.memory:
            Calls.batches.append(("too many", [item.id for item in items]))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().run(items)

    def one(self, item: Item) -> Item | Rejection:
        config = self.config
        if item.id == config.breaks_on:
            raise KeyError("nobody thought of this")
        if item.id == config.interrupt_on:
            raise KeyboardInterrupt
        if config.kill_on in (item.id, "*") and (not config.fuse or Path(config.fuse).exists()):
            Path(config.fuse or "/nonexistent").unlink(missing_ok=True)
            os._exit(137)
        if item.id in config.reject and not (config.pardon and Path(config.pardon).exists()):
            return Rejection(item.id, self.name, "no reply", "the model kept silent")
        if config.micro_usd:
            self.counts.update({"micro_usd": config.micro_usd, "tokens_in": 40, "tokens_cached": 30})
        text = os.path.expandvars(config.text)
        return replace(item, reference=text, entities=(Entity("dog"), Entity("<cat>")))


class FindConfig(Config):
    """Grounds the entities and adds an object."""

    kind: Literal["find"] = "find"
    min_score: float = 0.3

    def build(self) -> "Find":
        return Find(self)

    def identity(self) -> dict[str, str]:
        return {"model": "fake-detector", "revision": "r2"}


class Find(_Fake):
    name = "find"
    needs = ("image", "entities")
    adds = ("objects", "hallucinated", "facts")

    def one(self, item: Item) -> Item | Rejection:
        width, height = item.size_wh
        box = (1.0, 2.0, width - 1.0, height - 2.0)
        mask = Rle((height, width), "PPYo1")
        dog = Object(
            "o1", "dog", box, float(np.float32(0.75)), "a dog", mask, 0.5, 0.25, "in the middle", "", "large"
        )
        entities = (Entity("dog", 0.75, True, box), Entity("<cat>", 0.1, False))
        return replace(
            item,
            entities=entities,
            objects=(dog, replace(dog, id="o2", mask=None)),
            hallucinated=("<cat>",),
            facts=("A dog.",),
        )


class WriteConfig(Config):
    """Writes the description and one claim."""

    kind: Literal["write"] = "write"
    opening: str = "This is a dog"
    prompt: str = "describe"

    def build(self) -> "Write":
        return Write(self)

    def identity(self) -> dict[str, str]:
        return {"model": "fake-llm", "revision": "r3", "prompt": "sha256:0"}


class Write(_Fake):
    name = "write"
    needs = ("reference", "objects", "facts")
    adds = ("description", "claims")

    def one(self, item: Item) -> Item | Rejection:
        text = f"{self.config.opening} in {item.name}."
        claims = (
            Claim("existence", "dog", (10, 13), "supported", ("o1",)),
            Claim("place", "in", (14, 16), "unknown"),
        )
        return replace(item, description=text, claims=claims)


FakeStage = Annotated[SayConfig | FindConfig | WriteConfig, Field(discriminator="kind")]


class FakeRecipe(FactoryRecipe):
    """A factory recipe of fake stages."""

    stages: list[FakeStage]


def fake_recipe(images: Path, out: Path, stages: Sequence[dict[str, Any]] = (), **rest: Any) -> FakeRecipe:
    """Return a recipe with small shards; `stages` replaces say, find, write."""
    return FakeRecipe.model_validate(recipe_tree(images, out, stages, **rest))


def recipe_tree(
    images: Path, out: Path, stages: Sequence[dict[str, Any]] = (), **rest: Any
) -> dict[str, Any]:
    """Return the recipe as it would stand in YAML."""
    rest.setdefault("engine", {"shard_size": 4, "batch_size": 2, "decode_workers": 2})
    rest.setdefault("max_rejected_fraction", 0.5)
    chosen = list(stages) or [{"kind": "say"}, {"kind": "find"}, {"kind": "write"}]
    source = {"images": str(images), **rest.pop("source", {})}
    return {"source": source, "stages": chosen, "out": str(out), **rest}


def write_recipe(path: Path, tree: dict[str, Any]) -> Path:
    """Write a recipe file."""
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def picture(seed: int = 0, size_wh: tuple[int, int] = (24, 16), mode: str = "RGB") -> Image.Image:
    """Return a small picture of noise, different for each seed."""
    width, height = size_wh
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def fill(folder: Path, count: int) -> Path:
    """Put `count` different images into a folder: img-000.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"img-{number:03d}.png").write_bytes(encoded(picture(number)))
    return folder
