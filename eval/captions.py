"""Caption predictions: one text per image, read from the usual shapes and joined by image key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import InputError, MismatchError
from eval.identity import image_key
from eval.jsonio import Record, read_records

_ID_FIELDS = ("image_id", "image", "question_id", "id")
_TEXT_FIELDS = ("caption", "description", "text", "answer")
_EXAMPLES = 5


@dataclass(frozen=True)
class Captions:
    """Texts by image key."""

    texts: Mapping[str, str]

    @property
    def empty(self) -> int:
        """How many texts say nothing at all; they are scored as texts that mention nothing."""
        return sum(not text.strip() for text in self.texts.values())


def read_captions(path: Path) -> Captions:
    """Read JSON Lines (or a JSON list) of `{"image_id", "caption"}`.

    Also read: `image`, `question_id` or `id` for the image; `description`, `text` or `answer` for the text.

    Raises:
        InputError: a record lacks its image or text, or an image has two texts.
    """
    texts: dict[str, str] = {}
    for number, record in enumerate(read_records(path), start=1):
        where = f"{path}, record {number}"
        key = image_key(_field(record, _ID_FIELDS, where))
        if key in texts:
            raise InputError(f"{where}: image {key} has a second text; each image must come once")
        texts[key] = _text(record, where)
    if not texts:
        raise InputError(f"{path} holds no predictions")
    return Captions(texts)


def require_known(images: Iterable[str], known: Iterable[str], what: str) -> None:
    """Check that every image of the predictions is in the truth.

    Raises:
        MismatchError: some are not; they could only be scored as if nothing were in them.
    """
    missing = sorted(set(images) - set(known))
    if missing:
        raise MismatchError(
            f"{len(missing)} images of the predictions are not in the {what} "
            f"(such as {missing[:_EXAMPLES]}): "
            "give the truth of these images, or leave them out of the predictions"
        )


def _field(record: Record, names: tuple[str, ...], where: str) -> Any:
    for name in names:
        if record.get(name) is not None:
            return record[name]
    raise InputError(
        f"{where}: none of the fields {', '.join(names)} (fields seen: {', '.join(record) or 'none'})"
    )


def _text(record: Record, where: str) -> str:
    text = _field(record, _TEXT_FIELDS, where)
    if not isinstance(text, str):
        raise InputError(f"{where}: the text is {type(text).__name__}, not a string")
    return text
