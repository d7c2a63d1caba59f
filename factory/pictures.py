"""Decoding the images of a batch once, in threads, so that one broken image costs itself alone."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from factory.records import Item, Rejection

Outcome = Item | Rejection
Work = Callable[[list[Item], list[Image.Image]], list[Outcome]]

_THREADS = 4


def with_pictures(stage: str, items: Sequence[Item], work: Work) -> list[Outcome]:
    """Call `work` with the items that decode and their RGB images; the others come back rejected."""
    with ThreadPoolExecutor(_THREADS) as pool:
        images = list(pool.map(decoded, items))
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
    try:
        return Image.open(io.BytesIO(item.image)).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        return str(error)
