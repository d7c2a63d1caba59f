"""The factory describes images without their truth: a build with the annotations deleted."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recipes.picturebook.scenes import first_seed, write_scenes

ROOT = Path(__file__).parents[1]
N = 4


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("untold")
    write_scenes(home / "scenes", first_seed("dataset", 77), N)
    for truth in home.glob("scenes/*.json"):
        truth.unlink()
    command = [sys.executable, "-m", "factory", "build", "recipes/picturebook/factory.yaml"]
    where = ["--images", str(home / "scenes/images"), "--out", str(home / "dataset")]
    done = subprocess.run([*command, *where], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return home / "dataset"


def test_every_image_comes_out_described(built: Path) -> None:
    summary = json.loads((built / "summary.json").read_text(encoding="utf-8"))
    assert summary["images"] == N == summary["accepted"] + sum(summary["rejected"].values())


def test_descriptions_have_objects_and_claims_with_evidence(built: Path) -> None:
    rows = [row for path in built.glob("data/*.parquet") for row in pq.read_table(path).to_pylist()]
    assert rows
    for row in rows:
        assert row["description"]
        assert row["description"] != row["reference"]
        assert any(claim["evidence"] for claim in row["claims"])
