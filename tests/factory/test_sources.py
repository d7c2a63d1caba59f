"""Every kind of source lists the same images with the same names, in a fixed order."""

import functools
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory.errors import SourceError
from factory.recipe import SourceConfig
from factory.sources import Found, UnreadableError, find, library
from factory.sources.fetch import fetch
from tests.factory.fakes import encoded, fill, picture


def listed(path: Path, **config: object) -> Found:
    return find(path, SourceConfig.model_validate({"images": str(path), **config}))


def read(found: Found) -> list[bytes]:
    return [candidate.read() for candidate in found.candidates]


def test_a_folder_is_searched_below_and_in_order_without_hidden_files(tmp_path: Path) -> None:
    fill(tmp_path / "b", 1)
    fill(tmp_path / "a" / "deep", 1)
    fill(tmp_path / ".cache", 1)
    (tmp_path / "a" / "._img.jpg").touch()
    assert [c.key for c in listed(tmp_path).candidates] == ["a/deep/img-000.png", "b/img-000.png"]


def test_files_that_are_no_images_are_counted_not_taken(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "notes.md").touch()
    (tmp_path / "LICENSE").touch()
    assert listed(tmp_path).notes == ("left alone 2 files that are no images by name: .md 1, no suffix 1",)


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    fill(tmp_path / "a", 2)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(listed(tmp_path).candidates) == 2


def test_the_dataset_folder_inside_the_images_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    fill(tmp_path / "out", 1)
    found = find(tmp_path, SourceConfig(images="x"), excluded=tmp_path / "out")
    assert [c.key for c in found.candidates] == ["img-000.png"]


def test_a_list_of_paths_counts_from_its_own_folder(tmp_path: Path) -> None:
    fill(tmp_path / "images", 2)
    (tmp_path / "list.txt").write_text("images/img-001.png\n\nimages/img-000.png\n")
    assert read(listed(tmp_path / "list.txt")) == [encoded(picture(1)), encoded(picture(0))]


@pytest.mark.parametrize("key", ["image", "path", "file_name"])
def test_a_list_of_json_may_name_the_image_and_its_id(tmp_path: Path, key: str) -> None:
    fill(tmp_path, 1)
    (tmp_path / "list.jsonl").write_text(json.dumps({key: "img-000.png", "id": 7}) + '\n"img-000.png"\n')
    found = listed(tmp_path / "list.jsonl")
    assert [(c.key, c.wanted_id) for c in found.candidates] == [
        ("img-000.png", "7"),
        ("img-000.png#2", "img-000"),
    ]


def test_a_missing_file_of_a_list_is_a_candidate_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("gone.png\n")
    with pytest.raises(UnreadableError, match="file not found"):
        read(listed(tmp_path / "list.txt"))


@pytest.mark.parametrize("line", ["{", "[1]", '{"caption": "no image"}'])
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.jsonl").write_text('"a.png"\n' + line)
    with pytest.raises(SourceError, match="line 2"):
        listed(tmp_path / "list.jsonl")


def test_parquet_as_datasets_writes_it_gives_bytes_names_and_ids(tmp_path: Path) -> None:
    images = [{"bytes": encoded(picture(i)), "path": f"p{i}.png"} for i in range(5)]
    table = pa.table({"id": [f"id{i}" for i in range(5)], "image": images})
    pq.write_table(table, tmp_path / "train-00000-of-00001.parquet", row_group_size=2)
    found = listed(tmp_path)
    assert [(c.wanted_id, c.name) for c in found.candidates] == [(f"id{i}", f"p{i}.png") for i in range(5)]
    assert read(found) == [encoded(picture(i)) for i in range(5)]


def test_parquet_may_hold_bare_bytes_and_another_column_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"jpg": [encoded(picture(0)), None]}), tmp_path / "a.parquet")
    found = listed(tmp_path / "a.parquet", image_column="jpg")
    assert [c.wanted_id for c in found.candidates] == ["a-00000000", "a-00000001"]
    with pytest.raises(UnreadableError, match="no image bytes"):
        read(found)


def test_parquet_without_the_column_is_refused_with_those_there_are(tmp_path: Path) -> None:
    pq.write_table(pa.table({"picture": [b""]}), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"no column 'image'.*picture"):
        listed(tmp_path)


def test_a_path_in_parquet_is_never_followed(tmp_path: Path) -> None:
    secret = fill(tmp_path / "home", 1) / "img-000.png"
    pq.write_table(
        pa.table({"image": [{"bytes": None, "path": str(secret)}]}, schema=None), tmp_path / "a.parquet"
    )
    with pytest.raises(UnreadableError, match="no image bytes"):
        read(listed(tmp_path / "a.parquet"))


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_tars_give_their_images_and_leave_masks_and_texts_alone(tmp_path: Path) -> None:
    data = encoded(picture(3))
    tar(
        tmp_path / "a.tar",
        {"x/001.png": data, "x/001.txt": b"text", "x/001.seg.png": b"mask", "x/002.JPG": data},
    )
    found = listed(tmp_path)
    assert [(c.key, c.wanted_id) for c in found.candidates] == [
        ("a.tar/x/001.png", "001"),
        ("a.tar/x/002.JPG", "002"),
    ]
    assert read(found) == [data, data]


def test_a_tar_cut_short_is_refused(tmp_path: Path) -> None:
    whole = tar(tmp_path / "a.tar", {"1.png": bytes(9000), "2.png": bytes(9000)}).read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[:10_200])
    with pytest.raises(SourceError, match="no whole, uncompressed tar"):
        listed(tmp_path)


@pytest.mark.parametrize("name", ["absent", "empty", "odd.csv"])
def test_no_images_is_an_error_that_names_the_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.csv").touch()
    with pytest.raises(SourceError, match=name):
        listed(tmp_path / name)


def test_a_folder_of_both_parquet_and_tars_wants_to_be_told(tmp_path: Path) -> None:
    tar(tmp_path / "a.tar", {})
    (tmp_path / "a.parquet").touch()
    with pytest.raises(SourceError, match=r"source\.kind"):
        listed(tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    fill(tmp_path, 1)
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_urls_are_fetched_within_their_size(tmp_path: Path, site: str) -> None:
    (tmp_path / "urls.txt").write_text(f"{site}/img-000.png?w=1\n")
    found = listed(tmp_path / "urls.txt")
    assert [(c.name, c.wanted_id) for c in found.candidates] == [("img-000.png", "img-000")]
    assert read(found) == [encoded(picture(0))]
    assert len(fetch(f"{site}/img-000.png", 5.0, max_bytes=10)) == 11


@pytest.mark.parametrize("path", ["/absent.png", "/\x00"])
def test_an_url_that_gives_nothing_cannot_be_read(site: str, path: str) -> None:
    with pytest.raises(UnreadableError, match="not fetched"):
        fetch(site + path, 2.0, 100, pause_s=0.01)


def test_a_silent_server_is_given_up_on() -> None:
    with pytest.raises(UnreadableError, match="not fetched"):
        fetch("http://127.0.0.1:9/", 0.3, 100, pause_s=0.01)


def test_a_dataset_saved_by_the_library_is_read_with_its_ids(tmp_path: Path) -> None:
    rows = {"id": ["x", "y"], "image": [{"bytes": encoded(picture(i)), "path": None} for i in range(2)]}
    features = datasets.Features({"id": datasets.Value("string"), "image": datasets.Image()})
    made = datasets.Dataset.from_dict(rows, features=features)
    made.save_to_disk(tmp_path / "saved")
    found = listed(tmp_path / "saved")
    assert [c.wanted_id for c in found.candidates] == ["x", "y"]
    assert read(found) == [encoded(picture(0)), encoded(picture(1))]


def test_a_dataset_may_be_whatever_the_library_understands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    fill(tmp_path / "pictures", 3)
    found = listed(tmp_path / "pictures", kind="dataset", max_images=2)
    assert read(found) == [encoded(picture(0)), encoded(picture(1))]
    with pytest.raises(SourceError, match="cannot load dataset"):
        listed(tmp_path / "pictures", kind="dataset", split="absent")


def test_a_dataset_cannot_name_files_outside_itself(tmp_path: Path) -> None:
    secret = fill(tmp_path / "home", 1) / "img-000.png"
    with pytest.raises(UnreadableError, match="outside the dataset"):
        library._file(secret, (tmp_path / "saved",))
    assert library._file(secret, (tmp_path / "home",)) == encoded(picture(0))
