"""Fixtures of the evaluation's tests: a tiny LLaVA with an adapter, and a small world, made once."""

from pathlib import Path

import pytest

from tests.eval import tiny

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"


@pytest.fixture(scope="session")
def reference() -> Path:
    """Return the folder of public reference data, or skip."""
    if not REFERENCE.is_dir():
        pytest.skip("no reference data at ../shared/reference")
    return REFERENCE


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny random LLaVA."""
    return tiny.save_tiny_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def adapter(llava: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a LoRA adapter for it that changes its answers."""
    return tiny.save_tiny_adapter(llava, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the image folder and the truth of six images."""
    return tiny.write_world(tmp_path_factory.mktemp("world"))
