"""The dataset loads with `datasets` to the declared features, from either folder, wherever it lies."""

import json
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import yaml

from factory import dataset as writing
from factory.build import build
from factory.dataset import dataset_row, write_parquet
from factory.features import FEATURES, arrow_schema, card_features
from factory.progress import Silent
from factory.records import Item
from tests.factory.fakes import encoded, fake_recipe, fill, picture


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    images = fill(folder / "images", 7)
    (images / "grey.png").write_bytes(encoded(picture(50, mode="L")))
    (images / "broken.png").write_bytes(b"|broken|")
    recipe = fake_recipe(images, folder / "out", card={"title": "Dogs: a <set>", "licence": "cc0-1.0"})
    build(recipe, Path("recipe.yaml"), Silent())
    return folder / "out"


def test_the_declared_features_are_those_of_datasets() -> None:
    features = datasets.Features.from_dict(FEATURES)
    assert arrow_schema(FEATURES) == features.arrow_schema
    assert arrow_schema(FEATURES).metadata == features.arrow_schema.metadata
    assert datasets.Features._from_yaml_list(card_features(FEATURES)) == features


@pytest.mark.parametrize("inner", ["", "data"])
def test_it_loads_from_the_folder_and_from_its_data_folder(out: Path, inner: str, tmp_path: Path) -> None:
    loaded = datasets.load_dataset("parquet", data_dir=str(out / inner), cache_dir=str(tmp_path))
    assert list(loaded) == ["train"]
    train = loaded["train"]
    assert train.features == datasets.Features.from_dict(FEATURES)
    assert len(train) == 8
    assert [set(thing) for thing in train[0]["objects"]] == [set(FEATURES["objects"]["feature"])] * 2
    assert (train[0]["objects"][0]["mask"]["size"], train[0]["objects"][1]["mask"]) == ([16, 24], None)


def test_it_loads_by_its_card(out: Path, tmp_path: Path) -> None:
    train = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path))
    assert train.features == datasets.Features.from_dict(FEATURES)
    assert len(train) == 8


def test_images_are_bytes_with_a_base_name(out: Path, tmp_path: Path) -> None:
    train = datasets.load_dataset("parquet", data_dir=str(out), split="train", cache_dir=str(tmp_path))
    plain = train.cast_column("image", datasets.Image(decode=False))
    assert plain["image"][1] == {"bytes": encoded(picture(0)), "path": "img-000.png"}
    assert train[0]["image"].mode == "RGB"


def test_provenance_tells_stages_models_and_what_was_done_to_the_image(out: Path, tmp_path: Path) -> None:
    train = datasets.load_dataset("parquet", data_dir=str(out), split="train", cache_dir=str(tmp_path))
    provenance = json.loads(train[0]["provenance"])
    assert provenance["intake"]["changes"] == ["L to RGB", "encoded as PNG"]
    assert {name: stage["model"] for name, stage in provenance.items() if name != "intake"} == {
        "say": "fake-mllm",
        "find": "fake-detector",
        "write": "fake-llm",
    }
    assert len(provenance["write"]["fingerprint"]) == 16


def test_files_are_cut_by_size_and_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 3000)
    item = Item("a", encoded(picture()), "a.png", (24, 16))
    rows = (dataset_row(item, "{}") for _ in range(7))
    names = [path.name for path in write_parquet(tmp_path / "data", rows, FEATURES)]
    assert names == [f"train-{i:05d}-of-{len(names):05d}.parquet" for i in range(len(names))]
    assert len(names) > 1
    loaded = datasets.load_dataset(
        "parquet", data_dir=str(tmp_path), split="train", cache_dir=str(tmp_path / "c")
    )
    assert len(loaded) == 7


def test_no_rows_still_make_a_file_with_the_features(tmp_path: Path) -> None:
    (path,) = write_parquet(tmp_path / "data", iter(()), FEATURES)
    assert datasets.Features.from_arrow_schema(pq.read_schema(path)) == datasets.Features.from_dict(FEATURES)


def test_the_card_tells_counts_models_thresholds_prompts_and_licences(out: Path) -> None:
    text = (out / "README.md").read_text()
    _, matter, body = text.split("---\n", 2)
    front = yaml.safe_load(matter)
    assert (front["license"], front["pretty_name"]) == ("cc0-1.0", "Dogs: a <set>")
    assert front["dataset_info"]["splits"][0]["num_examples"] == 8
    for told in (
        "9 images came in, 8 are described, 1 were rejected",
        "| not an image | 1 |",
        "| say | fake-mllm at r1 |",
        "| `find.min_score` | 0.3 |",
        "not calibrated",
        "### write",
        "L to RGB: 1",
        "Dataset: cc0-1.0.",
        "have not been stated",
    ):
        assert told in body, told


def test_nothing_that_is_published_names_a_folder_of_this_machine(out: Path) -> None:
    published = [path for path in out.rglob("*") if path.is_file() and ".work" not in path.parts]
    assert {path.name for path in published} >= {
        "README.md",
        "summary.json",
        "recipe.resolved.yaml",
        "rejections.jsonl",
    }
    for path in published:
        data = path.read_bytes()
        assert str(out.parent).encode() not in data, path
        assert b"/models/" not in data, path


def test_the_resolved_recipe_spells_out_every_default(out: Path) -> None:
    tree = yaml.safe_load((out / "recipe.resolved.yaml").read_text())
    assert tree["source"]["images"] == "images"
    assert tree["stages"][1] == {"kind": "find", "min_score": 0.3}
    assert tree["engine"]["decode_workers"] == 2


def test_the_summary_adds_up_and_tells_throughput(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    assert summary["images"] == summary["accepted"] + sum(summary["rejected"].values()) == 9
    assert list(summary["stages"]) == ["intake", "say", "find", "write"]
    assert summary["stages"]["find"]["items"] == 8
    assert summary["stages"]["find"]["items_per_s"] > 0
    assert summary["wall_s"] > 0
    assert summary["peak_rss_mb"] > 10
