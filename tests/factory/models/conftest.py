"""Tiny checkpoints, made once for all tests of the adapters."""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.factory.models import tiny

Save = Callable[[Path], Path]


def require_for_test(module: str) -> Any:
    """Import what the test extras do not hold, or skip the test: a torchvision for another torch will not do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(module)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{module} cannot be imported: {error}")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return the folder of a tiny checkpoint by name."""
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("checkpoints")
    made: dict[str, str] = {}
    makers: dict[str, Save] = {
        "llama": tiny.save_llama,
        "llava": tiny.save_llava,
        "owlv2": tiny.save_owlv2,
        "grounding_dino": tiny.save_grounding_dino,
        "mm_grounding_dino": lambda path: tiny.save_grounding_dino(path, "MMGroundingDino"),
        "groundingdino_py": tiny.save_groundingdino_py,
        "sam": tiny.save_sam,
        "sam2": tiny.save_sam2,
        "depth_anything": tiny.save_depth_anything,
        "depth_anything_metric": lambda path: tiny.save_depth_anything(path, "metric"),
        "glpn": tiny.save_glpn,
        "florence2": tiny.save_florence2,
    }

    def get(name: str) -> str:
        if name not in made:
            made[name] = str(makers[name](folder / name))
        return made[name]

    return get


@pytest.fixture(scope="session")
def images() -> list[Image.Image]:
    """Return a wide, a tall and another wide image, so that axes cannot be mixed up unseen."""
    found = []
    for seed, (width, height) in enumerate([(96, 48), (40, 80), (96, 48)]):
        patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        found.append(Image.fromarray(patches).resize((width, height), Image.Resampling.NEAREST))
    return found
