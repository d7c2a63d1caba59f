"""Images as data URIs, small enough for one page."""

import base64
import io

from PIL import Image

from eval.errors import InputError

_MAX_SIDE_PX = 560
_MAX_RAW_BYTES = 60_000
_KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def data_uri(data: bytes, name: str) -> tuple[str, int, int]:
    """Return an image as a data URI with its own width and height; large ones are shrunk for display.

    Raises:
        InputError: the bytes are no image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            kind = _KINDS.get(image.format or "")
            if kind is None or len(data) > _MAX_RAW_BYTES:
                data, kind = _shrunk(image), "image/jpeg"
    except OSError as error:
        raise InputError(f"{name} is no readable image: {error}") from None
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}", width, height


def _shrunk(image: Image.Image) -> bytes:
    small = image.convert("RGB")
    small.thumbnail((_MAX_SIDE_PX, _MAX_SIDE_PX))
    stream = io.BytesIO()
    small.save(stream, format="JPEG", quality=85)
    return stream.getvalue()
