"""Preference pairs for DPO: the description is chosen, the draft with its errors rejected.

Longer is not better: `length_ratio` (words chosen / words rejected) lets trainers select or weigh.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from factory.dataset import write_parquet
from factory.errors import ExportError
from factory.export.source import Exported, Source
from factory.export.text import plain, words
from factory.export.trl import MESSAGES, assistant_turn, user_turn
from factory.features import IMAGE, Features, many, value

_FEATURES: Features = {
    "id": value("string"),
    "images": many(IMAGE),
    "prompt": MESSAGES,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "chosen_words": value("int32"),
    "rejected_words": value("int32"),
    "length_ratio": value("float32"),
    "hallucinated": many(value("string")),
}


def write(source: Source, to: Path, prompt: str) -> Exported:
    """Write `data/train-*.parquet` as TRL's DPO reads it; rows with equal texts or no draft are skipped."""
    write_parquet(to / "data", _rows(source, prompt), _FEATURES)
    rows = source.rows - sum(source.skipped.values())
    if not rows:
        raise ExportError(f"no row has two texts to choose between: {dict(source.skipped)}")
    return Exported(rows, dict(source.skipped))


def _rows(source: Source, prompt: str) -> Iterator[dict[str, Any]]:
    for row in source.described():
        chosen, rejected = plain(row["description"]), plain(row["reference"] or "")
        if not rejected or chosen == rejected:
            source.skipped["no reference" if not rejected else "reference equals description"] += 1
            continue
        yield {
            "id": row["id"],
            "images": [row["image"]],
            "prompt": [user_turn(prompt)],
            "chosen": [assistant_turn(chosen)],
            "rejected": [assistant_turn(rejected)],
            "chosen_words": words(chosen),
            "rejected_words": words(rejected),
            "length_ratio": words(chosen) / words(rejected),
            "hallucinated": row["hallucinated"],
        }
