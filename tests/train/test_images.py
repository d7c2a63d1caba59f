"""Images: padded, not cropped; limits before decoding."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.train.tiny import png
from train.error import Unusable
from train.images import decode, padding_processor, pixel_values
from train.reader import Reader


def test_a_wide_image_is_padded_with_the_mean_colour_and_keeps_its_edges(reader: Reader) -> None:
    image = Image.new("RGB", (60, 20), "red")
    image.paste("blue", (0, 0, 6, 20))  # at the left edge: a centre crop would lose it
    pixels = pixel_values(padding_processor(reader.processor.image_processor), image)  # (3, 28, 28)
    assert pixels.shape == (3, 28, 28)
    assert np.allclose(pixels[:, 0, :], 0.0, atol=0.02)  # the mean, normalised
    left, middle = pixels[:, 14, 0], pixels[:, 14, 14]
    assert left[2] > left[0] and middle[0] > middle[2]


def test_square_images_are_the_same_padded_or_not(reader: Reader) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    plain = padding_processor(reader.processor.image_processor)
    plain.do_pad = False
    assert pixel_values(plain, image).equal(pixel_values(reader.processor.image_processor, image))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "image_unreadable"),
        (b"not an image", "image_unreadable"),
        (png("red", (200, 200))[:-60], "image_unreadable"),  # cut short
        (png("red", (200, 200)), "image_too_large"),
    ],
)
def test_an_unusable_image_has_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        decode(content, max_pixels=10_000 if reason == "image_too_large" else 100_000)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_mode_becomes_rgb(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (8, 8)).save(stream, "TIFF" if mode == "CMYK" else "PNG")
    assert decode(stream.getvalue(), 100).mode == "RGB"
