"""D2I-Bench (Pi et al. 2024): how much an image that was drawn from a description looks like the original.

    similarity   mean cosine of CLIP image features of the original and the drawn image, in [-1, 1]

Drawing is left to any text-to-image model; the paper used PixArt-Sigma at 512 x 512 and CLIP ViT-B/16. A pair
whose image cannot be read is an error, never left out, so that two sets of descriptions are compared on the
same images.
"""

from pathlib import Path
from typing import Any

from eval.errors import InputError
from eval.features import cosines, load_encoder
from eval.formula import Ratio
from eval.identity import image_key, key_order
from eval.jsonio import read_records
from eval.material import find_images
from eval.scoring import Score
from eval.tally import Tally
from eval.task import ClipEncoder

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
    encoder = load_encoder(ClipEncoder(checkpoint=checkpoint))
    state, evidence = Tally(("pairs", "similarity")), dict[str, Any]()
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        pairs = [(files[key], drawn[key]) for key in batch]
        for key, similarity in zip(batch, cosines(encoder, pairs), strict=True):
            state.add(key, {"pairs": 1, "similarity": similarity})
            evidence[key] = {"similarity": similarity}
    return Score(state, FORMULAS, evidence)
