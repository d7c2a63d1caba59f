"""Pushing uploads the dataset and its card, and nothing of this machine."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from factory.build import build
from factory.errors import FactoryError
from factory.progress import Silent
from factory.push import IGNORED, push
from tests.factory.fakes import fake_recipe, fill


class FakeHub:
    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._error = error

    def create_repo(self, repo_id: str, **options: Any) -> None:
        self.calls.append((repo_id, options))

    def upload_folder(self, **options: Any) -> None:
        if self._error:
            raise self._error
        self.calls.append(("upload", options))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    build(fake_recipe(fill(tmp_path / "images", 3), tmp_path / "out"), Path("recipe.yaml"), Silent())
    return tmp_path / "out"


def test_a_new_repository_is_private_and_gets_the_folder(out: Path) -> None:
    hub = FakeHub()
    assert push(out, "me/dogs", hub=hub) == "https://huggingface.co/datasets/me/dogs"
    (_, created), (_, uploaded) = hub.calls
    assert created == {"repo_type": "dataset", "private": True, "exist_ok": True}
    assert (uploaded["folder_path"], uploaded["commit_message"]) == (str(out), "Upload 3 described images")


def test_what_is_uploaded_is_the_dataset_alone(out: Path) -> None:
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    sent = [name for name in names if not any(fnmatch(name, pattern) for pattern in IGNORED)]
    assert sorted(sent) == [
        "README.md",
        "data/train-00000-of-00001.parquet",
        "recipe.resolved.yaml",
        "rejections.jsonl",
        "summary.json",
    ]


def test_a_refusal_is_told_with_what_to_do(out: Path) -> None:
    with pytest.raises(FactoryError, match="hf auth login"):
        push(out, "me/dogs", hub=FakeHub(OSError("no route to host")))
