"""Public files are fetched whole or not at all, and an interruption costs only what was in flight."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.fetch_benchmarks import SETS, Download, FetchError, fetch, main

CONTENT = bytes(range(256)) * 40


@dataclass
class Served:
    """A server's address, and the ranges it was asked for."""

    url: str
    ranges: list[str | None] = field(default_factory=list)


@contextmanager
def serve(content: bytes, stops_after: int | None = None, knows_ranges: bool = True) -> Iterator[Served]:
    """Serve one file; the first answer may break off."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/gone":
                self.send_error(404)
                return
            wanted = self.headers.get("Range")
            served.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and knows_ranges else 0
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:stops_after] if len(served.ranges) == 1 else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _download(
    served: Served, content: bytes, path: str = "a/b.bin", unpack_to: str | None = None
) -> Download:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Download(f"{served.url}/file", path, len(content), digest, unpack_to)


def test_what_is_there_and_right_is_not_fetched_again(tmp_path: Path) -> None:
    with serve(CONTENT) as served:
        assert fetch(_download(served, CONTENT), tmp_path) is True
        assert fetch(_download(served, CONTENT), tmp_path) is False
        assert len(served.ranges) == 1
        (tmp_path / "a/b.bin").write_bytes(b"spoilt")
        assert fetch(_download(served, CONTENT), tmp_path) is True
    assert (tmp_path / "a/b.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["the rest alone", "anew where it must"])
def test_a_download_that_broke_off_goes_on(tmp_path: Path, knows_ranges: bool) -> None:
    with serve(CONTENT, stops_after=1000, knows_ranges=knows_ranges) as served:
        download = _download(served, CONTENT)
        with pytest.raises(FetchError, match="goes on from there"):
            fetch(download, tmp_path)
        assert not (tmp_path / "a/b.bin").exists()
        assert fetch(download, tmp_path) is True
        assert served.ranges == [None, "bytes=1000-"]
    assert (tmp_path / "a/b.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.bin"]


def test_another_file_under_the_same_name_is_refused_and_removed(tmp_path: Path) -> None:
    with (
        serve(CONTENT[::-1]) as served,
        pytest.raises(FetchError, match="not the file this benchmark is made of"),
    ):
        fetch(_download(served, CONTENT), tmp_path)
    assert list((tmp_path / "a").iterdir()) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with serve(CONTENT) as served, pytest.raises(FetchError, match="/gone answered 404"):
        fetch(Download(f"{served.url}/gone", "a", 1, "sha256:0"), tmp_path)


def _zip(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "an image")
    return stream.getvalue()


def test_an_archive_is_unpacked_once_and_removed(tmp_path: Path) -> None:
    content = _zip("val2014/1.jpg")
    with serve(content) as served:
        download = _download(served, content, "coco/val.zip", unpack_to="coco")
        assert fetch(download, tmp_path) is True
        assert (tmp_path / "coco/val2014/1.jpg").read_text() == "an image"
        assert not (tmp_path / "coco/val.zip").exists()
        assert fetch(download, tmp_path) is False


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    content = _zip("../../out.txt")
    with serve(content) as served, pytest.raises(FetchError, match="points outside"):
        fetch(_download(served, content, "coco/val.zip", unpack_to="coco"), tmp_path / "data")
    assert not (tmp_path / "out.txt").exists()


def test_the_list_and_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in SETS)
    with pytest.raises(SystemExit) as stopped:
        main(["pop"])
    assert stopped.value.code == 2
    assert "there is no pop" in capsys.readouterr().err


def test_the_digests_are_those_of_the_public_files() -> None:
    """Where the public files lie beside the repository, they are the ones that would be fetched."""
    reference = Path(__file__).resolve().parents[3] / "shared" / "reference"
    if not reference.is_dir():
        pytest.skip("no reference data at ../shared/reference")
    checked = 0
    for download in (each for group in SETS.values() for each in group):
        path = reference / download.path
        if path.is_file():
            assert f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" == download.digest
            assert path.stat().st_size == download.bytes
            checked += 1
    assert checked == 13
