"""A whole build through a proxy of which a fifth of all calls goes wrong: no row is lost, little is asked twice."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
import pytest
from pydantic import Field

from factory.build import build
from factory.progress import Silent
from factory.recipe import FactoryRecipe
from factory.records import Item, Rejection
from factory.stages import DescribeConfig, ExtractConfig, RecaptionConfig
from recipes import Config
from tests.factory.chat_server import CONTENT, TRANSPORT, ChatServer, FaultyProxy
from tests.factory.fakes import fill

IMAGES = 240
THINGS = ("red car", "wooden bench", "dog", "boat", "lamp", "woman", "blue cup", "kite")


class LookConfig(Config):
    """Finds the first thing of each text, and facts."""

    kind: Literal["look"] = "look"

    def build(self) -> "Look":
        return Look()

    def identity(self) -> dict[str, str]:
        return {"model": "fake"}


class Look:
    """Grounds what is drafted, but for the last."""

    name = "look"
    version = 1
    needs: tuple[str, ...] = ("entities",)
    adds: tuple[str, ...] = ("objects", "hallucinated", "facts")

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Item:
        phrases = [entity.phrase for entity in item.entities or ()]
        facts = tuple(f"{phrase} | on the left" for phrase in phrases[:-1])
        return replace(item, objects=(), hallucinated=tuple(phrases[-1:]), facts=facts)


class Recipe(FactoryRecipe):
    """A recipe of which every stage with a language model asks a server."""

    stages: list[
        Annotated[DescribeConfig | ExtractConfig | LookConfig | RecaptionConfig, Field(discriminator="kind")]
    ]


def answer(asked: dict[str, Any]) -> str:
    """Describe an image by its bytes, list the things of a text, rewrite what is given: always in the same way."""
    content = asked["messages"][-1]["content"]
    if not isinstance(content, str):
        digest = hashlib.sha256(content[0]["image_url"]["url"].encode()).digest()
        things = dict.fromkeys(THINGS[byte % len(THINGS)] for byte in digest[:4])
        return f"A street {digest.hex()[:8]} with a {', a '.join(things)}."
    if "response_format" in asked:
        draft = content.rpartition("Description: A ")[2]
        return json.dumps({"entities": [thing for thing in THINGS if thing in draft]})
    return f"This text stands for {hashlib.sha256(content.encode()).hexdigest()[:12]}."


@pytest.fixture
def server() -> Iterator[ChatServer]:
    started = ChatServer(answer)
    yield started
    started.stop()


def rows_of(out: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted((out / "data").glob("*.parquet"))]
    return [{**row, "provenance": ""} for table in tables for row in table.to_pylist()]


def build_through(url: str, images: Path, out: Path) -> dict[str, Any]:
    model = {
        "kind": "openai", "base_url": url, "model": "m", "timeout_s": 1.5, "max_in_flight": 24,
        "image_format": "png",
    }  # fmt: skip
    asking = [{"kind": kind, "model": model} for kind in ("describe", "extract", "recaption")]
    stages = [*asking[:2], {"kind": "look"}, asking[2]]
    tree = {"source": {"images": str(images)}, "stages": stages, "out": str(out)}
    recipe = Recipe.model_validate({**tree, "engine": {"shard_size": IMAGES, "batch_size": IMAGES}})
    return dict(build(recipe, Path("recipe.yaml"), Silent()).summary)


def test_a_build_through_faults_gives_the_rows_of_a_clean_one(server: ChatServer, tmp_path: Path) -> None:
    images = fill(tmp_path / "images", IMAGES)
    build_through(server.url, images, tmp_path / "clean")
    clean_calls = server.calls
    proxy = FaultyProxy(server.url, seed=7)
    try:
        summary = build_through(proxy.url, images, tmp_path / "faulty")
    finally:
        proxy.stop()
    assert (summary["accepted"], summary["rejected"]) == (IMAGES, {})
    rows = rows_of(tmp_path / "faulty")
    assert rows == rows_of(tmp_path / "clean")
    assert len({row["description"] for row in rows}) == len(rows) == IMAGES
    assert set(proxy.faults) == {*TRANSPORT, *CONTENT}
    assert proxy.faults.total() > 0.15 * proxy.calls
    assert clean_calls == 3 * IMAGES
    assert proxy.calls <= 1.3 * clean_calls
