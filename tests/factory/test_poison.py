"""A folder with twenty kinds of bad files: all others finish, each bad one is listed, `retry` touches those alone."""

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from factory.build import build
from factory.errors import SourceError
from factory.progress import Silent
from tests.factory.fakes import Calls, encoded, fake_recipe, fill, picture

LIMITS = {"max_bytes": 60_000, "max_pixels": 50_000, "min_side": 8}


def _png_of_size(width: int, height: int) -> bytes:
    """Return a tiny file that says it is large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\x00\x00\x00\x00IEND\xaeB`\x82"


def _damaged(data: bytes, at: float) -> bytes:
    middle = int(len(data) * at)
    return data[:middle] + bytes(64) + data[middle + 64 :]


JPEG, PNG = encoded(picture(500, (64, 48)), "JPEG"), encoded(picture(501, (64, 48)))
POISON: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", "empty file"),
    "one-byte.png": (b"\x89", "not an image"),
    "text.jpg": (b"no image at all", "not an image"),
    "html.png": (b"<!doctype html><p>404", "not an image"),
    "zip.jpg": (b"PK\x03\x04" + bytes(100), "not an image"),
    "pdf.png": (b"%PDF-1.7\n", "not an image"),
    "svg.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "zeros.jpg": (bytes(4096), "not an image"),
    "signature-only.png": (PNG[:8], "broken image|not an image|truncated image"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "truncated image"),
    "half.png": (PNG[: len(PNG) // 2], "truncated image|broken image"),
    "head.gif": (encoded(picture(502), "GIF")[:20], "truncated image|broken image|not an image"),
    "hole.png": (_damaged(PNG, 0.5), "broken image|truncated image"),
    "bomb.png": (_png_of_size(60_000, 60_000), "too many pixels"),
    "large.png": (encoded(Image.new("RGB", (300, 200))), "too many pixels"),
    "heavy.bmp": (encoded(picture(503, (200, 200)), "BMP"), "too many bytes"),
    "thin.png": (encoded(picture(504, (40, 2))), "too small"),
    "copy.png": (encoded(picture(0)), "duplicate"),
    "half.webp": (encoded(picture(505, (64, 48)), "WEBP")[:200], "truncated image|broken image|not an image"),
    "half.tif": (encoded(picture(506, (64, 48)), "TIFF")[:3000], "truncated image|broken image"),
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = fill(tmp_path / "images", 8)
    for name, (data, _) in POISON.items():
        (folder / f"x-{name}").write_bytes(data)
    return folder


def rejected(out: Path) -> dict[str, tuple[str, str]]:
    rows = [json.loads(line) for line in (out / "rejections.jsonl").read_text().splitlines()]
    return {row["id"]: (row["stage"], row["reason"]) for row in rows}


def test_twenty_kinds_of_bad_files_cost_themselves_alone(images: Path, tmp_path: Path) -> None:
    recipe = fake_recipe(images, tmp_path / "out", source=LIMITS, max_rejected_fraction=1.0)
    built = build(recipe, Path("r.yaml"), Silent())
    assert (len(POISON), built.summary["accepted"], built.rejected) == (20, 8, 20)
    found = rejected(built.out)
    by_stem: dict[str, set[str]] = {}
    for name, (_, reasons) in POISON.items():
        by_stem.setdefault(f"x-{Path(name).stem}", set()).update(reasons.split("|"))
    for name, (stage, reason) in found.items():
        stem = next(stem for stem in sorted(by_stem, key=len, reverse=True) if name.startswith(stem))
        assert stage == "intake" and reason in by_stem[stem], name


def test_retry_touches_the_bad_ones_alone(images: Path, tmp_path: Path) -> None:
    recipe = fake_recipe(images, tmp_path / "out", source=LIMITS, max_rejected_fraction=1.0)
    build(recipe, Path("r.yaml"), Silent())
    (images / "x-half.jpg").write_bytes(JPEG)
    Calls.clear()
    built = build(recipe, Path("r.yaml"), Silent(), retry=True)
    assert built.summary["accepted"] == 9
    assert [name for name in Calls.ids("say") if not name.startswith("x-half")] == []
    assert len(Calls.ids("say")) == 1


class Vanishing(Silent):
    """Moves the images away when intake has begun."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def begin(self, label: str, *_: int) -> None:
        if label == "intake":
            self._act()


def test_a_folder_that_vanishes_is_told_of_and_nothing_is_lost_when_it_comes_back(tmp_path: Path) -> None:
    images, away = fill(tmp_path / "images", 6), tmp_path / "away"
    recipe = fake_recipe(images, tmp_path / "out")
    with pytest.raises(SourceError, match=r"images .* has vanished"):
        build(recipe, Path("r.yaml"), Vanishing(lambda: shutil.move(images, away)))
    shutil.move(away, images)
    assert build(recipe, Path("r.yaml"), Silent()).summary["accepted"] == 6


def test_one_image_that_vanishes_costs_itself_alone(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 6)
    progress = Vanishing((images / "img-003.png").unlink)
    built = build(fake_recipe(images, tmp_path / "out"), Path("r.yaml"), progress)
    assert built.summary["rejected"] == {"file not found": 1}
