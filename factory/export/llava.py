"""LLaVA and ShareGPT4V: a JSON array of conversations beside a folder of images (`--image_folder DIR2`)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from factory.export.source import Exported, Source
from factory.export.target import ImageFolder
from factory.export.text import plain
from factory.storage import write_atomically


def write(source: Source, to: Path, prompt: str) -> Exported:
    """Write `llava.json` and `images/`."""
    return write_conversations(source, to, "llava.json", prompt)


def write_conversations(source: Source, to: Path, name: str, prompt: str) -> Exported:
    """Write conversations of one question and one answer, the image first."""
    images = ImageFolder(to)
    records = (_record(row, images.put(row), prompt) for row in source.described())
    count = 0

    def put(file: IO[bytes]) -> None:
        nonlocal count
        count = _write_array(file, records)

    write_atomically(to / name, put)
    return Exported(count, dict(source.skipped))


def _record(row: dict[str, Any], image: str, prompt: str) -> dict[str, Any]:
    question = {"from": "human", "value": f"<image>\n{plain(prompt)}"}
    answer = {"from": "gpt", "value": plain(row["description"])}
    return {"id": row["id"], "image": image, "conversations": [question, answer]}


def _write_array(file: IO[bytes], records: Iterable[dict[str, Any]]) -> int:
    count = 0
    for count, record in enumerate(records, start=1):
        file.write(b"[\n" if count == 1 else b",\n")
        file.write(json.dumps(record, ensure_ascii=False).encode("utf-8"))
    file.write(b"\n]\n" if count else b"[]\n")
    return count
