"""Whatever can be opened comes out as upright RGB; the rest is refused with a reason that can be counted."""

import io

import numpy as np
import pytest
from PIL import Image

from factory.intake import Picture, Refusal, take_in
from factory.recipe import SourceConfig
from tests.factory.fakes import encoded, picture

LIMITS = SourceConfig(images="x")


def taken(data: bytes, name: str = "a.png", limits: SourceConfig = LIMITS) -> Picture:
    result = take_in(data, name, limits)
    assert isinstance(result, Picture), result
    return result


def pixels(taken_in: Picture) -> np.ndarray:
    image = Image.open(io.BytesIO(taken_in.image))
    assert (image.mode, image.size) == ("RGB", taken_in.size_wh)
    return np.asarray(image)


@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.png"), ("JPEG", "a.jpg"), ("JPEG", "A.JPEG")])
def test_plain_rgb_keeps_its_bytes_and_name(kind: str, name: str) -> None:
    data = encoded(picture(), kind)
    assert taken(data, name) == Picture(data, name, (24, 16), ())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_of_png_becomes_rgb_and_says_so(mode: str) -> None:
    result = taken(encoded(picture(mode=mode)))
    assert f"{mode} to RGB" in result.changes
    pixels(result)


def test_greyscale_keeps_its_values() -> None:
    grey = picture(mode="L")
    assert np.array_equal(pixels(taken(encoded(grey)))[..., 1], np.asarray(grey))


def test_cmyk_becomes_rgb() -> None:
    result = taken(encoded(picture(mode="CMYK"), "JPEG"), "a.jpg")
    assert result.changes == ("CMYK to RGB", "encoded as JPEG")
    pixels(result)


def test_sixteen_bit_grey_is_scaled_not_cut_off() -> None:
    deep = Image.fromarray(np.linspace(0, 65535, 16 * 16).reshape(16, 16).astype(np.uint16))
    seen = pixels(taken(encoded(deep)))[..., 0].reshape(-1).astype(int)
    assert (seen[0], seen[-1]) == (0, 255)
    assert abs(seen[128] - 128) <= 1


def test_floating_point_is_scaled_by_its_own_range() -> None:
    deep = Image.fromarray(np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16))
    seen = pixels(taken(encoded(deep, "TIFF"), "a.tiff"))
    assert (seen.min(), seen.max()) == (0, 255)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (pixels(taken(encoded(clear))) == 255).all()


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_applied_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = taken(encoded(picture(), "PNG", exif=exif))
    assert result.size_wh == ((16, 24) if orientation >= 5 else (24, 16))
    assert f"turned upright (EXIF orientation {orientation})" in result.changes
    again = taken(result.image)
    assert again.changes == ()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    result = taken(encoded(first, kind, save_all=True, append_images=[second]))
    assert "first of 2 frames" in result.changes
    assert abs(pixels(result)[0, 0].astype(int) - (255, 0, 0)).max() <= 3


def test_a_small_lossless_source_stays_lossless_and_a_large_one_becomes_jpeg() -> None:
    small, large = picture(size_wh=(512, 512)), picture(size_wh=(513, 512))
    assert taken(encoded(small, "BMP"), "a.bmp").name == "a.png"
    assert taken(encoded(large, "BMP"), "a.bmp").name == "a.jpg"
    assert np.array_equal(pixels(taken(encoded(small, "BMP"), "a.bmp")), np.asarray(small))


def test_a_name_that_lies_about_its_format_is_set_right() -> None:
    assert taken(encoded(picture()), "a.jpg").name == "a.png"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"<html>404</html>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),  # EPS would start a program
        (encoded(picture(size_wh=(200, 200)), "JPEG")[:3000], "truncated image"),
        (encoded(picture(size_wh=(200, 200)), "PNG")[:3000], "truncated image"),
        (encoded(picture(size_wh=(7, 99))), "too small"),
        (encoded(picture(size_wh=(101, 100))), "too many pixels"),
        (encoded(picture(size_wh=(99, 99)), "BMP") + bytes(90_000), "too many bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    limits = SourceConfig(images="x", max_pixels=10_000, max_bytes=100_000)
    limits = limits.model_copy(update={"max_pixels": 40_000}) if reason == "truncated image" else limits
    result = take_in(data, "a.png", limits)
    assert isinstance(result, Refusal), result
    assert result.reason == reason


def test_a_bomb_of_pixels_is_refused_before_it_is_decoded() -> None:
    header = encoded(Image.new("1", (1, 1)))
    bomb = header[:16] + (100_000).to_bytes(4) * 2 + header[24:]
    crc = __import__("zlib").crc32(bomb[12:29]).to_bytes(4)
    result = take_in(bomb[:29] + crc + bomb[33:], "a.png", LIMITS)
    assert isinstance(result, Refusal)
    assert result.reason == "too many pixels"


def test_no_prefix_of_a_file_raises() -> None:
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP"):
        data = encoded(picture(), kind)
        for length in range(0, len(data), 37):
            take_in(data[:length], "a", LIMITS)
