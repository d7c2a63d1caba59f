"""Opening images."""

from pathlib import Path

from PIL import Image

from eval.errors import InputError


def open_rgb(path: Path) -> Image.Image:
    """Return an image in RGB.

    Raises:
        InputError: the file is no readable image.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise InputError(f"{path} is no readable image: {error}") from None
