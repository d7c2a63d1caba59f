"""The training set: texts encoded once at the start, images decoded when their turn comes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from train.chat import Chat, Encoded
from train.collate import Dropped, Example
from train.error import DataError, Unusable
from train.images import decode, pixel_values
from train.sources import SampleSource


@dataclass(frozen=True)
class Sample:
    """One conversation as token ids, and where its image is."""

    id: str
    source: int
    row: int
    ids: npt.NDArray[np.int32]
    """(length,), the image as its full number of tokens."""
    spans: tuple[tuple[int, int], ...]
    has_image: bool
    cut: bool

    @property
    def length(self) -> int:
        """Return the tokens that training on it takes."""
        return len(self.ids)

    @property
    def labels(self) -> list[int]:
        """Return the supervised ids in place, `IGNORED_LABEL` elsewhere."""
        return Encoded(tuple(self.ids.tolist()), self.spans).labels


S_co = TypeVar("S_co", bound=Sample, covariant=True)


@dataclass(frozen=True)
class Prepared(Generic[S_co]):
    """What can be trained on, and what cannot with the reason."""

    samples: Sequence[S_co]
    dropped: Sequence[Dropped]

    @property
    def reasons(self) -> dict[str, int]:
        """Return the number of dropped samples by reason."""
        return dict(Counter(drop.reason for drop in self.dropped))


def prepare(sources: Sequence[SampleSource], chat: Chat) -> Prepared[Sample]:
    """Encode the text of every row of every source.

    Raises:
        DataError: nothing is left to train on.
    """
    samples: list[Sample] = []
    dropped: list[Dropped] = []
    for item in _encode_all(sources, chat):
        if isinstance(item, Sample):
            samples.append(item)
        else:
            dropped.append(item)
    prepared = Prepared(samples, dropped)
    if not samples:
        raise DataError(
            f"no sample can be trained on; dropped: {prepared.reasons or 'none, the sources are empty'}"
        )
    return prepared


def _encode_all(sources: Sequence[SampleSource], chat: Chat) -> Iterator[Sample | Dropped]:
    for number, source in enumerate(sources):
        for row in range(len(source)):
            try:
                text = source.conversation(row)
                encoded = chat.encode(text.turns, text.has_image)
            except Unusable as error:
                yield Dropped(source.sample_id(row), str(error))
                continue
            ids = np.asarray(encoded.ids, dtype=np.int32)
            yield Sample(text.id, number, row, ids, encoded.spans, text.has_image, encoded.cut)


class ImageSource(Protocol):
    """Where the images of samples are, by row."""

    @property
    def weight(self) -> float:
        """Return the copies of each sample per epoch."""

    def image_bytes(self, row: int) -> bytes:
        """Return the encoded image of a row."""


@dataclass(frozen=True)
class ImageReader:
    """Read, decode and normalise the image of a sample."""

    sources: Sequence[ImageSource]
    processor: Any
    max_pixels: int
    size_px: int
    """Side of the square that the vision tower takes."""

    def __call__(self, sample: Sample) -> torch.Tensor:
        """Return pixel values, (3, size, size).

        Raises:
            Unusable: the image is missing or unreadable.
        """
        content = self.sources[sample.source].image_bytes(sample.row)
        pixels = pixel_values(self.processor, decode(content, self.max_pixels))
        if pixels.shape != (3, self.size_px, self.size_px):
            raise Unusable(f"image_shape_{'x'.join(map(str, pixels.shape))}")
        return pixels


@dataclass(frozen=True)
class Features:
    """Features of the vision tower by sample."""

    by_sample: dict[int, torch.Tensor] = field(default_factory=dict)
    """(image tokens, hidden) each, in host memory."""
    unreadable: dict[int, str] = field(default_factory=dict)
    """The reason for each sample whose image could not be read."""


class TrainingSet(Dataset[Example | Dropped]):
    """Examples by index; where `features` are known the images are not read."""

    def __init__(
        self, samples: Sequence[Sample], read: ImageReader, features: Features | None = None
    ) -> None:
        self.features = features
        self._samples, self._read = samples, read

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Example | Dropped:
        sample = self._samples[index]
        ids = torch.from_numpy(sample.ids.astype(np.int64))
        labels = torch.tensor(sample.labels)
        if not sample.has_image:
            return Example(sample.id, ids, labels)
        if self.features is not None:
            return self._seen(index, ids, labels, self.features)
        try:
            return Example(sample.id, ids, labels, pixels=self._read(sample))
        except Unusable as error:
            return Dropped(sample.id, str(error))

    def _seen(
        self, index: int, ids: torch.Tensor, labels: torch.Tensor, features: Features
    ) -> Example | Dropped:
        if index in features.unreadable:
            return Dropped(self._samples[index].id, features.unreadable[index])
        return Example(self._samples[index].id, ids, labels, features=features.by_sample[index])


def show(sample: Sample, tokenizer: Any, image_token: str) -> str:
    """Return a sample as text, what is supervised in [[brackets]], its image as one token and a count."""
    text, position = "", 0
    for start, stop in sample.spans:
        text += tokenizer.decode(sample.ids[position:start].tolist())
        text += "[[" + tokenizer.decode(sample.ids[start:stop].tolist()) + "]]"
        position = stop
    count = text.count(image_token)
    return text.replace(image_token * count, f"{image_token} x{count}") if count > 1 else text
