"""D2I-Bench (Pi et al. 2024): how much an image that was drawn from a description looks like the original.

    similarity   mean cosine of CLIP image features of the original and the drawn image, in [-1, 1]

Drawing is left to any text-to-image model; the paper used PixArt-Sigma at 512 x 512 and CLIP ViT-B/16. A pair
whose image cannot be read is an error, never left out, so that two sets of descriptions are compared on the
same images.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval.errors import InputError, ModelError
from eval.formula import Ratio
from eval.generation.llava import open_rgb
from eval.identity import image_key, key_order
from eval.jsonio import read_records
from eval.material import find_images
from eval.scoring import Score
from eval.tally import Tally

FORMULAS = (Ratio("similarity", {"similarity": 1}, {"pairs": 1}, "no pairs", is_rate=False),)
_BATCH = 16


def read_drawn(path: Path) -> dict[str, Path]:
    """Read JSON Lines of `image_id` and `generated`, the drawn image's path, relative to the file.

    Raises:
        InputError: a field is missing, or an image comes twice.
    """
    drawn: dict[str, Path] = {}
    for number, record in enumerate(read_records(path), start=1):
        if record.get("image_id") is None or not isinstance(record.get("generated"), str):
            raise InputError(f"{path}, record {number}: needs image_id and generated (a path)")
        key = image_key(record["image_id"])
        if key in drawn:
            raise InputError(f"{path}, record {number}: image {key} comes twice")
        drawn[key] = path.parent / record["generated"]
    return drawn


def score_drawn(drawn: dict[str, Path], originals: Path, checkpoint: str) -> Score:
    """Score drawn images against the originals of the same key.

    Raises:
        ModelError: the CLIP checkpoint cannot be loaded.
    """
    keys = sorted(drawn, key=key_order)
    files = find_images(originals, keys)
    model, processor = _load(checkpoint)
    state, evidence = Tally(("pairs", "similarity")), dict[str, Any]()
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        pairs = [(files[key], drawn[key]) for key in batch]
        for key, similarity in zip(batch, _similarities(model, processor, pairs), strict=True):
            state.add(key, {"pairs": 1, "similarity": similarity})
            evidence[key] = {"similarity": similarity}
    return Score(state, FORMULAS, evidence)


def _load(checkpoint: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoImageProcessor, CLIPModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model: Any = CLIPModel.from_pretrained(checkpoint, dtype=torch.float32)
        processor: Any = AutoImageProcessor.from_pretrained(checkpoint)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot load the CLIP checkpoint {checkpoint!r}: {error}") from None
    return model.to(device).eval(), processor


def _similarities(model: Any, processor: Any, pairs: Sequence[tuple[Path, Path]]) -> Iterator[float]:
    import torch

    with torch.inference_mode():
        sides = [_features(model, processor, paths) for paths in zip(*pairs, strict=True)]  # 2 x (n, d)
        cosines = torch.nn.functional.cosine_similarity(*sides)  # (n,)
    yield from cosines.tolist()


def _features(model: Any, processor: Any, paths: Sequence[Path]) -> Any:
    pixels = processor(images=[open_rgb(path) for path in paths], return_tensors="pt")["pixel_values"]
    found = model.get_image_features(pixel_values=pixels.to(model.device))
    return getattr(found, "pooler_output", found)
