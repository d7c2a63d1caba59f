"""Preference pairs for DPO: two texts on one image that differ in what is false, and in little else.

Chosen is the description. Rejected is, the first that is of like length: the text as the model wrote it before
verification refuted some of it; the description with invented things of the draft put back; the draft itself.
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
from factory.put_back import is_of_like_length, put_back

_FEATURES: Features = {
    "id": value("string"),
    "images": many(IMAGE),
    "prompt": MESSAGES,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "rejected_is": value("string"),
    "chosen_words": value("int32"),
    "rejected_words": value("int32"),
    "length_ratio": value("float32"),
    "hallucinated": many(value("string")),
}
_FALSE_ACTIONS = frozenset({"corrected", "rewritten", "from evidence", "dropped"})
_NOT_FALSE = frozenset({"inferred", "instruction", "other", "text"})


def write(source: Source, to: Path, prompt: str) -> Exported:
    """Write `data/train-*.parquet` as TRL's DPO reads it; rows without a false text of like length are skipped."""
    write_parquet(to / "data", _rows(source, prompt), _FEATURES)
    rows = source.rows - sum(source.skipped.values())
    if not rows:
        raise ExportError(f"no row has two texts to choose between: {dict(source.skipped)}")
    return Exported(rows, dict(source.skipped))


def rejected_of(row: dict[str, Any]) -> tuple[str, str] | None:
    """Return the false text of a row and what it is; None where there is none of like length."""
    description, reference = plain(row["description"]), plain(row["reference"] or "")
    written = plain(row["written"] or "")
    if written != description and _has_falsehood(row) and is_of_like_length(description, written):
        return written, "written"
    if (twin := put_back(description, _absent(row))) is not None:
        return twin, "put back"
    if row["hallucinated"] and reference != description and is_of_like_length(description, reference):
        return reference, "reference"
    return None


def _has_falsehood(row: dict[str, Any]) -> bool:
    return any(
        repair["action"] in _FALSE_ACTIONS and repair["kind"] not in _NOT_FALSE
        for repair in row["repairs"] or ()
    )


def _absent(row: dict[str, Any]) -> list[str]:
    """Return the invented phrases that are no part of what was found."""
    found = " ".join(thing["phrase"] for thing in row["objects"] or ()).split()
    return [
        phrase for phrase in row["hallucinated"] or () if not set(phrase.lower().split()[-1:]) & set(found)
    ]


def _rows(source: Source, prompt: str) -> Iterator[dict[str, Any]]:
    for row in source.described():
        chosen, found = plain(row["description"]), rejected_of(row)
        if found is None:
            false = row["hallucinated"] or _has_falsehood(row)
            source.skipped["no false text of like length" if false else "nothing false was written"] += 1
            continue
        rejected, what = found
        yield {
            "id": row["id"],
            "images": [row["image"]],
            "prompt": [user_turn(prompt)],
            "chosen": [assistant_turn(chosen)],
            "rejected": [assistant_turn(rejected)],
            "rejected_is": what,
            "chosen_words": words(chosen),
            "rejected_words": words(rejected),
            "length_ratio": words(chosen) / words(rejected),
            "hallucinated": row["hallucinated"],
        }
