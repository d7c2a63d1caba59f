"""TRL supervised fine-tuning with images: parquet with the columns `images` and `messages`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from factory.dataset import write_parquet
from factory.export.source import Exported, Source
from factory.export.text import plain
from factory.features import IMAGE, Features, many, value

MESSAGES: Features = many(
    {"role": value("string"), "content": many({"type": value("string"), "text": value("string")})}
)
_FEATURES: Features = {"id": value("string"), "images": many(IMAGE), "messages": MESSAGES}


def write(source: Source, to: Path, prompt: str) -> Exported:
    """Write `data/train-*.parquet`; train with `max_length=None`, so that no image token is cut off."""
    write_parquet(to / "data", _rows(source, prompt), _FEATURES)
    return Exported(source.rows - sum(source.skipped.values()), dict(source.skipped))


def user_turn(prompt: str) -> dict[str, Any]:
    """Return the question with the image in front of it."""
    return {
        "role": "user",
        "content": [{"type": "image", "text": None}, {"type": "text", "text": plain(prompt)}],
    }


def assistant_turn(text: str) -> dict[str, Any]:
    """Return the answer."""
    return {"role": "assistant", "content": [{"type": "text", "text": plain(text)}]}


def _rows(source: Source, prompt: str) -> Iterator[dict[str, Any]]:
    for row in source.described():
        messages = [user_turn(prompt), assistant_turn(row["description"])]
        yield {"id": row["id"], "images": [row["image"]], "messages": messages}
