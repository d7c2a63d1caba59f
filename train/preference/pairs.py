"""Preference pairs as the factory exports them: an image, a question, a better and a worse answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from train.chat import Chat, Encoded, Turn
from train.collate import Dropped
from train.data import ImageReader, Prepared, Sample
from train.error import DataError, Unusable
from train.preference.collate import PairExample
from train.preference.columns import COLUMNS, check_columns
from train.preference.recipe import DpoConfig

OTHER_LENGTH = "length_ratio"
"""Why a pair is left out whose answers differ too much in length: a choice of the recipe, not a fault."""


class PairRows:
    """The rows of one folder of pairs; a source of images by row, like those of fine-tuning."""

    weight = 1.0

    def __init__(self, folder: Path) -> None:
        import datasets

        datasets.disable_progress_bars()
        files = [str(file) for file in check_columns(folder)]
        rows = datasets.load_dataset("parquet", data_files=files, split="train", columns=list(COLUMNS))
        self._rows = rows.cast_column("images", datasets.List(datasets.Image(decode=False)))
        self._texts = self._rows.remove_columns("images")

    def __len__(self) -> int:
        return len(self._rows)

    def sample_id(self, row: int) -> str:
        """Return the id of a pair."""
        return str(self._texts[row]["id"])

    def texts(self, row: int) -> tuple[str, str, str]:
        """Return question, chosen and rejected answer."""
        found = self._texts[row]
        return _text(found["prompt"]), _text(found["chosen"]), _text(found["rejected"])

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image of a pair."""
        images = self._rows[row]["images"]
        if len(images) != 1 or not images[0] or not images[0]["bytes"]:
            raise Unusable("image_missing")
        content: bytes = images[0]["bytes"]
        return content


@dataclass(frozen=True)
class PairSample(Sample):
    """A pair as token ids: `ids` and `spans` are of the chosen answer."""

    rejected_ids: npt.NDArray[np.int32]
    rejected_spans: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """Return the tokens of both texts."""
        return len(self.ids) + len(self.rejected_ids)


def prepare_pairs(sources: Sequence[PairRows], chat: Chat, config: DpoConfig) -> Prepared[PairSample]:
    """Encode every pair, leaving out those whose answers differ too much in length.

    Raises:
        DataError: nothing is left to train on.
    """
    samples: list[PairSample] = []
    dropped: list[Dropped] = []
    for number, source in enumerate(sources):
        for row in range(len(source)):
            try:
                samples.append(_encode(number, row, source, chat, config))
            except Unusable as error:
                dropped.append(Dropped(source.sample_id(row), str(error), str(error) == OTHER_LENGTH))
    prepared = Prepared(samples, dropped)
    if not samples:
        raise DataError(
            f"no pair can be trained on; dropped: {prepared.reasons or 'none, there are no pairs'}. Pairs whose "
            "answers differ in length are better made from the tuned model's own descriptions; "
            "dpo.length_ratio sets what is allowed"
        )
    return prepared


def _encode(number: int, row: int, source: PairRows, chat: Chat, config: DpoConfig) -> PairSample:
    question, chosen, rejected = source.texts(row)
    if not rejected.split() or not chosen.split():
        raise Unusable("empty_answer")
    if chosen.strip() == rejected.strip():
        raise Unusable("equal_answers")
    shortest, longest = config.length_ratio
    if not shortest <= len(chosen.split()) / len(rejected.split()) <= longest:
        raise Unusable(OTHER_LENGTH)
    better, worse = (chat.encode([Turn(question, answer)], has_image=True) for answer in (chosen, rejected))
    ids, other = (np.asarray(text.ids, dtype=np.int32) for text in (better, worse))
    return PairSample(
        id=source.sample_id(row), source=number, row=row, ids=ids, spans=better.spans, has_image=True,
        cut=better.cut or worse.cut, rejected_ids=other, rejected_spans=worse.spans,
    )  # fmt: skip


def _text(messages: Sequence[dict[str, Any]]) -> str:
    parts = [part["text"] for part in messages[0]["content"] if part["type"] == "text"]
    return " ".join(part for part in parts if part).strip()


class PairSet(Dataset[PairExample | Dropped]):
    """Pairs by index, images decoded when their turn comes."""

    def __init__(self, samples: Sequence[PairSample], read: ImageReader) -> None:
        self.reference: torch.Tensor | None = None
        """(pairs, 2): log-probabilities of the answers under the reference, once they are known."""
        self._samples, self._read = samples, read

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> PairExample | Dropped:
        sample = self._samples[index]
        try:
            pixels = self._read(sample)
        except Unusable as error:
            return Dropped(sample.id, str(error))
        texts = [Encoded(tuple(ids.tolist()), spans) for ids, spans in (
            (sample.ids, sample.spans), (sample.rejected_ids, sample.rejected_spans)
        )]  # fmt: skip
        ids = tuple(torch.tensor(text.ids) for text in texts)
        labels = tuple(torch.tensor(text.labels) for text in texts)
        known = None if self.reference is None else self.reference[index]
        return PairExample(sample.id, index, ids, labels, pixels, known)
