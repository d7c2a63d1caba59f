"""From a built dataset and two runs to the summary and the page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval.cli import main
from tests.eval.test_compare import BASE, TUNED, describe
from tests.eval.tiny import CLASSES, write_jsonl


def write_dataset(folder: Path, images: Path, **changes: Any) -> Path:
    """Write a dataset of six rows: each reference names something absent, each description is true."""
    rows = []
    for number, path in enumerate(sorted(images.iterdir())):
        there, also, absent = (CLASSES[(number + step) % 6] for step in (0, 1, 3))
        description = f"A red {there} is on the left. A blue {also} is on the right."
        rows.append(
            {
                "id": path.stem,
                "image": {"bytes": path.read_bytes(), "path": path.name},
                "width": 24,
                "height": 24,
                "reference": f"A {there} & a {absent} <b>.",
                "description": description,
                "hallucinated": [absent],
                "objects": [
                    {
                        "id": "o1",
                        "phrase": there,
                        "caption": f"red {there}",
                        "box_xyxy": [1.0, 8.0, 8.0, 17.0],
                    },
                    {
                        "id": "o2",
                        "phrase": also,
                        "caption": f"blue {also}",
                        "box_xyxy": [15.0, 4.0, 20.0, 8.0],
                    },
                ],
                "claims": [{"kind": "existence", "span": [0, 10], "evidence": ["o1"]}],
            }
            | changes
        )
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-00000-of-00001.parquet")
    write_jsonl(folder / "rejections.jsonl", [{"id": "x", "stage": "describe", "reason": "empty"}])
    return folder


@pytest.fixture
def loop(world: tuple[Path, Path], tmp_path: Path) -> Path:
    """Return a folder with a judged dataset, two runs and their summary."""
    dataset = write_dataset(tmp_path / "dataset", world[0])
    describe(world, tmp_path / "base", BASE, "Yes")
    describe(world, tmp_path / "tuned", TUNED, "No")
    (tmp_path / "timings.json").write_text(
        '{"wall_s": {"build": 1, "train": 2, "eval": 3.5}, "peak_rss_mb": 99}'
    )
    judged = ["dataset", str(dataset), "--annotations", str(world[1]), "--out", str(tmp_path / "judged")]
    assert main([*judged, "--resamples", "50"]) == 0
    made = [
        "--recipe",
        "recipes/x",
        "--seed",
        "3",
        "--code",
        "abc",
        "--timings",
        str(tmp_path / "timings.json"),
    ]
    out = ["--out", str(tmp_path / "summary.json"), "--resamples", "50"]
    assert main(["summary", *_folders(tmp_path), *made, *out]) == 0
    return tmp_path


def _folders(root: Path) -> list[str]:
    return ["--dataset", str(root / "dataset"), "--dataset-eval", str(root / "judged"),
            "--base", str(root / "base" / "run"), "--tuned", str(root / "tuned" / "run")]  # fmt: skip


def test_a_dataset_is_judged_before_and_after(loop: Path) -> None:
    metrics = json.loads((loop / "judged" / "metrics.json").read_text())
    assert metrics["holistic"]["claim_precision"]["value"] == 0.5
    assert metrics["textualized"]["claim_precision"]["value"] == 1.0
    assert metrics["difference"]["coverage"]["value"] == 0.5
    first = json.loads((loop / "judged" / "per_image.jsonl").read_text().splitlines()[0])
    assert first["image_id"] == "0"
    assert [claim["true"] for claim in first["holistic"]["claims"]] == [True, False]


def test_the_summary_has_the_agreed_shape(loop: Path) -> None:
    summary = json.loads((loop / "summary.json").read_text())
    assert (summary["recipe"], summary["seed"], summary["code"], summary["peak_rss_mb"]) == (
        "recipes/x",
        3,
        "abc",
        99,
    )
    assert summary["wall_s"] == {"build": 1, "train": 2, "eval": 3.5, "total": 6.5}
    dataset = summary["dataset"]
    assert (dataset["images"], dataset["accepted"], dataset["rejected"]) == (7, 6, {"empty": 1})
    for side in ("holistic", "textualized"):
        assert set(dataset[side]) == {"claim_precision", "coverage", "words"}
    names = {"chair_i", "chair_s", "coverage", "claim_precision", "pope_f1", "words"}
    model = summary["model"]
    for side in ("base", "tuned", "difference"):
        assert set(model[side]) == set(model["matched_length"][side]) == names
        assert all({"value", "n", "ci95", "reason"} <= set(figure) for figure in model[side].values())
    assert names <= set(model["matched_length"])
    assert model["images"] == 6
    assert "p" in model["difference"]["chair_i"]


def _page(loop: Path, world: tuple[Path, Path], *options: str) -> str:
    out = loop / "report" / "index.html"
    command = ["report", "--summary", str(loop / "summary.json"), *_folders(loop), "--images", str(world[0])]
    assert main([*command, "--out", str(out), *options]) == 0
    return out.read_text(encoding="utf-8")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.evidence: set[str] = set()
        self.boxes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.evidence |= set(given.get("data-evidence", "").split())
        self.boxes |= {given["data-id"]} if "data-id" in given else set()
        if tag not in {"meta", "br", "line", "circle", "rect", "image", "link"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(loop: Path, world: tuple[Path, Path]) -> None:
    tags = _Tags()
    tags.feed(_page(loop, world))
    assert tags.open == []
    assert tags.links
    assert all(link.startswith("data:image/") for link in tags.links)
    assert not re.search(r"https?://(?!www\.w3\.org)", _page(loop, world))


def test_sentences_point_at_boxes_that_are_there(loop: Path, world: tuple[Path, Path]) -> None:
    tags = _Tags()
    tags.feed(_page(loop, world))
    assert tags.evidence == {"o1"}
    assert tags.evidence <= tags.boxes == {"o1", "o2"}


def test_the_page_shows_what_is_false_struck_and_added(loop: Path, world: tuple[Path, Path]) -> None:
    page = _page(loop, world)
    assert re.search(r'<mark class="struck false"[^>]*title="[^"]*there is no tree[^"]*">tree</mark>', page)
    assert 'class="line added"' in page
    assert "A scale model" not in page
    assert "A scale model" in _page(loop, world, "--scale-model")


def test_text_from_models_is_escaped(loop: Path, world: tuple[Path, Path]) -> None:
    page = _page(loop, world)
    assert "&lt;b&gt;" in page
    assert "<b>." not in page


def test_a_dataset_without_truth_for_an_image_is_refused(
    world: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_dataset(tmp_path / "dataset", world[0], id="000000000099")
    assert main(["dataset", str(dataset), "--annotations", str(world[1]), "--out", str(tmp_path / "o")]) == 2
    assert "comes twice" in capsys.readouterr().err


def test_a_folder_that_is_no_dataset_is_refused(
    world: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset", str(tmp_path), "--annotations", str(world[1]), "--out", str(tmp_path / "o")]) == 2
    assert "is this a built dataset?" in capsys.readouterr().err
