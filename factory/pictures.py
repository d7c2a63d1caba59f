"""Decoding the images of a batch once, in threads, so that one broken image costs itself alone.

Within `shared` an image stays decoded for the next stage that looks at it.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

from PIL import Image

from factory.records import Item, Rejection

Outcome = Item | Rejection
Work = Callable[[list[Item], list[Image.Image]], list[Outcome]]

SHARED_BYTES = 256 * 2**20
"""Pixels that `shared` keeps at most; images beyond are decoded anew for each stage."""
_THREADS = 4
_WORTH_THREADS_PIXELS = 2**21


class Shelf:
    """Decoded images by their encoded bytes, up to a number of bytes of pixels."""

    def __init__(self, max_bytes: int) -> None:
        self._room = max_bytes
        self._kept: dict[int, tuple[bytes, Image.Image]] = {}

    def get(self, data: bytes) -> Image.Image | None:
        """Return the image that was made of these very bytes, if it was kept."""
        kept = self._kept.get(
            id(data)
        )  # the bytes are kept as well, so that their identity is not given anew
        return kept[1] if kept is not None and kept[0] is data else None

    def keep(self, data: bytes, image: Image.Image) -> None:
        """Keep an image while there is room."""
        size = 3 * image.width * image.height
        if size <= self._room and id(data) not in self._kept:
            self._room -= size
            self._kept[id(data)] = (data, image)


_SHELF: ContextVar[Shelf | None] = ContextVar("shelf", default=None)


@contextlib.contextmanager
def shared(max_bytes: int = SHARED_BYTES) -> Iterator[None]:
    """Keep what is decoded in this block for those who look at it later in the block."""
    token = _SHELF.set(Shelf(max_bytes))
    try:
        yield
    finally:
        _SHELF.reset(token)


def with_pictures(stage: str, items: Sequence[Item], work: Work) -> list[Outcome]:
    """Call `work` with the items that decode and their RGB images; the others come back rejected."""
    images = _all_decoded(items)
    good = [
        (item, image) for item, image in zip(items, images, strict=True) if isinstance(image, Image.Image)
    ]
    done = iter(work([item for item, _ in good], [image for _, image in good]) if good else [])
    return [
        next(done)
        if isinstance(image, Image.Image)
        else Rejection(item.id, stage, "image cannot be decoded", image)
        for item, image in zip(items, images, strict=True)
    ]


def decoded(item: Item) -> Image.Image | str:
    """Return the item's image in RGB, or why it cannot be had."""
    shelf = _SHELF.get()
    if shelf is None:
        return _decode(item)
    image = shelf.get(item.image) or _decode(item)
    if isinstance(image, Image.Image):
        shelf.keep(item.image, image)
    return image


def _all_decoded(items: Sequence[Item]) -> list[Image.Image | str]:
    shelf = _SHELF.get()
    found = [None if shelf is None else shelf.get(item.image) for item in items]
    missing = [item for item, image in zip(items, found, strict=True) if image is None]
    made = iter(_decode_all(missing))
    images: list[Image.Image | str] = [next(made) if image is None else image for image in found]
    for item, image in zip(items, images, strict=True):
        if shelf is not None and isinstance(image, Image.Image):
            shelf.keep(item.image, image)
    return images


def _decode_all(items: Sequence[Item]) -> list[Image.Image | str]:
    """Decode in threads, unless the images are so few and small that threads would cost more."""
    if sum(item.size_wh[0] * item.size_wh[1] for item in items) < _WORTH_THREADS_PIXELS:
        return [_decode(item) for item in items]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(_decode, items))


def _decode(item: Item) -> Image.Image | str:
    try:
        return Image.open(io.BytesIO(item.image)).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        return str(error)
