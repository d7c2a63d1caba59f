"""Every export is read back the way its trainer reads it."""

import io
import json
import tarfile
from pathlib import Path

import datasets
import pytest
from PIL import Image

from factory.build import build
from factory.errors import ExportError
from factory.export import export
from factory.progress import Silent
from tests.factory.fakes import encoded, fake_recipe, fill, picture

ROWS = 5


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    images = fill(folder / "images", ROWS - 1)
    (images / "v1.2 photo.jpg").write_bytes(encoded(picture(9), "JPEG"))
    stages = [{"kind": "say"}, {"kind": "find"}, {"kind": "write", "opening": "There is a dog"}]
    build(fake_recipe(images, folder / "out", stages), Path("recipe.yaml"), Silent())
    return folder / "out"


def load(folder: Path, cache: Path) -> datasets.Dataset:
    return datasets.load_dataset("parquet", data_dir=str(folder), split="train", cache_dir=str(cache))


def test_llava_has_one_image_tag_and_an_image_that_opens(out: Path, tmp_path: Path) -> None:
    assert export(out, "llava", tmp_path / "x", "What is it?").rows == ROWS
    records = json.loads((tmp_path / "x" / "llava.json").read_text())
    assert [record["id"] for record in records] == [f"img-{i:03d}" for i in range(ROWS - 1)] + ["v1.2_photo"]
    for record in records:
        human, answer = record["conversations"]
        assert (human["from"], answer["from"]) == ("human", "gpt")
        assert human["value"] == "<image>\nWhat is it?"
        assert answer["value"].startswith("There is a dog in ")
        with Image.open(tmp_path / "x" / record["image"]) as image:
            image.load()


def test_llama_factory_finds_columns_and_as_many_images_as_tags(out: Path, tmp_path: Path) -> None:
    export(out, "llamafactory", tmp_path / "x")
    info = json.loads((tmp_path / "x" / "dataset_info.json").read_text())["image_textualization"]
    assert info["formatting"] == "sharegpt"
    files = str(tmp_path / "x" / info["file_name"])
    records = datasets.load_dataset("json", data_files=files, split="train", cache_dir=str(tmp_path / "c"))
    for record in records:
        medias = [record[info["columns"]["images"]]]
        turns = record[info["columns"]["messages"]]
        assert sum(turn["value"].count("<image>") for turn in turns) == len(medias)
        assert (tmp_path / "x" / medias[0]).is_file()


def test_trl_has_as_many_image_parts_as_images_and_no_tag_in_the_text(out: Path, tmp_path: Path) -> None:
    export(out, "trl", tmp_path / "x")
    loaded = load(tmp_path / "x", tmp_path / "c")
    assert len(loaded) == ROWS
    for row in loaded:
        parts = [part for message in row["messages"] for part in message["content"]]
        assert sum(part["type"] == "image" for part in parts) == len(row["images"]) == 1
        assert not any("<image>" in (part["text"] or "") for part in parts)
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert row["images"][0].size == (24, 16)


def test_preference_pairs_differ_in_what_was_invented(out: Path, tmp_path: Path) -> None:
    assert export(out, "preference", tmp_path / "x").rows == ROWS
    row = load(tmp_path / "x", tmp_path / "c")[0]
    assert row["chosen"][0]["content"][0]["text"] == "There is a dog in img-000.png."
    assert row["rejected"][0]["content"][0]["text"] == "There is a <cat> in img-000.png."
    assert (row["chosen_words"], row["rejected_words"], row["length_ratio"]) == (6, 6, 1.0)
    assert (row["rejected_is"], row["hallucinated"]) == ("put back", ["<cat>"])
    assert [part["type"] for part in row["prompt"][0]["content"]] == ["image", "text"]


def test_preference_pairs_are_what_trl_takes_for_a_conversation(out: Path, tmp_path: Path) -> None:
    """The conditions of `trl.data_utils`: messages of role and content, as many image parts as images."""
    export(out, "preference", tmp_path / "x")
    for row in load(tmp_path / "x", tmp_path / "c"):
        for column, role in (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant")):
            assert [message["role"] for message in row[column]] == [role]
            assert all(part["type"] in ("image", "text") for part in row[column][0]["content"])
            assert "<image>" not in "".join(part["text"] or "" for part in row[column][0]["content"])
        parts = [part["type"] for message in row["prompt"] for part in message["content"]]
        assert parts.count("image") == len(row["images"]) == 1


def test_webdataset_groups_files_by_key(out: Path, tmp_path: Path) -> None:
    export(out, "webdataset", tmp_path / "x")
    folder, cache = str(tmp_path / "x"), str(tmp_path / "c")
    loaded = datasets.load_dataset("webdataset", data_dir=folder, split="train", cache_dir=cache)
    assert [row["jpg"].size for row in loaded] == [(24, 16)] * ROWS
    with tarfile.open(tmp_path / "x" / "train-000000.tar") as archive:
        names = archive.getnames()
        assert names[-3:] == [f"000000004-v1_2_photo.{kind}" for kind in ("jpg", "txt", "json")]
        image = archive.extractfile(names[0])
        assert image is not None
        assert image.read() == encoded(picture(0))
        rest = archive.extractfile(names[2])
        assert rest is not None
        assert json.load(io.BytesIO(rest.read()))["objects"][0]["phrase"] == "dog"


@pytest.mark.parametrize("name", ["llava", "llamafactory", "trl", "webdataset", "preference"])
def test_an_export_is_the_same_every_time_and_replaces_the_last(out: Path, tmp_path: Path, name: str) -> None:
    def contents() -> dict[str, bytes]:
        files = [path for path in (tmp_path / "x").rglob("*") if path.is_file()]
        return {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in files}

    export(out, name, tmp_path / "x")
    first = contents()
    (tmp_path / "x" / "stale.txt").touch()
    export(out, name, tmp_path / "x")
    assert contents() == first
    assert json.loads(first["x/export.json"])["rows"] == ROWS


def test_an_export_touches_no_folder_of_other_things(out: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ExportError, match="no export has put there"):
        export(out, "llava", tmp_path)
    with pytest.raises(ExportError, match="lie in one another"):
        export(out, "llava", out / "x")


def test_a_dataset_without_descriptions_says_what_is_missing(tmp_path: Path) -> None:
    images = fill(tmp_path / "images", 2)
    build(fake_recipe(images, tmp_path / "out", [{"kind": "say"}]), Path("recipe.yaml"), Silent())
    with pytest.raises(ExportError, match="recaption"):
        export(tmp_path / "out", "trl", tmp_path / "x")
