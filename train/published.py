"""The names that weights have in the published checkpoints of LLaVA-1.5, which servers such as vLLM read.

transformers 5 writes `vision_tower.*` where they have `vision_tower.vision_model.*`; it reads both.
"""

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

_OURS, _PUBLISHED = "vision_tower.", "vision_tower.vision_model."
_INDEX = "model.safetensors.index.json"


def rename_weights(folder: Path) -> None:
    """Give the weights of a saved checkpoint their published names, one file at a time."""
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as stored:
            names: list[str] = list(stored.keys())
            weights = {published(name): stored.get_tensor(name) for name in names}
        temporary = file.with_suffix(".part")
        save_file(weights, temporary, metadata={"format": "pt"})
        temporary.replace(file)
    if (folder / _INDEX).is_file():
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        index["weight_map"] = {published(name): file for name, file in index["weight_map"].items()}
        (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def published(name: str) -> str:
    """Return the published name of a weight."""
    if _PUBLISHED in name:
        return name
    return name.replace(_OURS, _PUBLISHED, 1)
