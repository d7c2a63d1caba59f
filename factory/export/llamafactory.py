"""LLaMA-Factory: conversations with a `dataset_info.json` (`dataset_dir: DIR2`)."""

from pathlib import Path

from factory.export.llava import write_conversations
from factory.export.source import Exported, Source
from factory.storage import write_json

NAME = "image_textualization"


def write(source: Source, to: Path, prompt: str) -> Exported:
    """Write `image_textualization.json`, `images/`, `dataset_info.json`; `media_dir` is DIR2, the default."""
    exported = write_conversations(source, to, f"{NAME}.json", prompt)
    columns = {"messages": "conversations", "images": "image"}
    entry = {"file_name": f"{NAME}.json", "formatting": "sharegpt", "columns": columns}
    write_json(to / "dataset_info.json", {NAME: entry})
    return exported
