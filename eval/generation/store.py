"""Answers kept as they come: an append-only file, from which a run that was killed goes on."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from eval.errors import InputError


class Store:
    """Texts by key in a JSON Lines file; each batch is on disk before the next one starts.

    with Store(path) as store:
        store.put({key: text})
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts = _recover(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def put(self, texts: dict[str, str]) -> None:
        """Append a batch and wait until it is on disk."""
        for key, text in texts.items():
            self._stream.write(json.dumps({"key": key, "text": text}, ensure_ascii=False) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._texts |= texts


def _recover(path: Path) -> dict[str, str]:
    """Read what is there; a last line that was cut short by a kill is dropped from the file."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    texts: dict[str, str] = {}
    for number, line in enumerate(whole.decode("utf-8").split("\n"), start=1):
        if line:
            texts |= _entry(line, f"{path}, line {number}")
    return texts


def _entry(line: str, where: str) -> dict[str, str]:
    try:
        record = json.loads(line)
        return {str(record["key"]): str(record["text"])}
    except (json.JSONDecodeError, KeyError, TypeError):
        raise InputError(f"{where} is no stored answer: remove the file to ask everything anew") from None
