"""Original GroundingDINO checkpoints (Liu et al. 2023, arXiv:2303.05499) through the package groundingdino-py.

For weights that exist in no other format; published ones run without it as `grounding_dino`. The package wants
torchvision, and a BERT of transformers 4: what later ones lack is supplied (`groundingdino_weights`).
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from factory.models.extras import Extra
from factory.models.groundingdino_weights import EXTRA, empty_model, fill
from factory.models.phrase_detector import PhraseDetector, PhraseDetectorConfig, answering
from factory.models.regions import Array

_MEAN, _STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


class GroundingDinoPyConfig(PhraseDetectorConfig):
    """Original GroundingDINO weights as detector."""

    kind: Literal["groundingdino_py"] = "groundingdino_py"
    checkpoint: str = "ShilongLiu/GroundingDINO"
    """Hub id or local folder (relative to the working directory)."""
    weights: str = "groundingdino_swinb_cogcoor.pth"
    """The file of weights in it, .pth or .safetensors; nothing but tensors is read from a .pth."""
    architecture: str = "swin_b"
    """`swin_b` or `swin_t` as published, or a JSON file in the checkpoint with what differs from `swin_t`."""
    text_encoder: str = "google-bert/bert-base-uncased"
    """Hub id or local folder of the BERT whose tokenizer and shape the checkpoint was trained with."""
    shortest_edge: int = Field(default=800, ge=32)
    """Images are resized so that their shorter side has so many pixels,"""
    longest_edge: int = Field(default=1333, ge=32)
    """unless the longer one would have more than these."""

    @property
    def extra(self) -> Extra:
        """The package that reads these weights."""
        return EXTRA

    def build(self) -> "GroundingDinoPy":
        """Return the adapter; `open` loads the weights."""
        return GroundingDinoPy(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint, how images are resized and how phrases are put to it."""
        files = f"{self.weights},{self.architecture},{self.text_encoder}"
        return {**super().identity(), "files": files, "resize": f"{self.shortest_edge},{self.longest_edge}"}


@dataclass(frozen=True)
class _Seen:
    """Padded images with their mask, the backbone's maps with their masks, and positions, a row per image."""

    images: Any
    maps: list[Any]
    positions: list[Any]

    def of(self, rows: list[int]) -> "_Seen":
        maps = [_rows(level, rows) for level in self.maps]
        return _Seen(_rows(self.images, rows), maps, [level[rows] for level in self.positions])


class GroundingDinoPy(PhraseDetector):
    """A detector in the format of its authors."""

    def __init__(self, config: GroundingDinoPyConfig) -> None:
        super().__init__(config)
        self._original = config

    def _load(self) -> None:
        model = empty_model(self._original)
        fill(model, self._original)
        self._prompts = self._phrase_prompts(model.tokenizer)
        model.tokenizer = lambda tokens, **_: tokens  # the prompts come as tokens already
        self._model = self._runtime.place(model)

    def _see(self, images: list[Image.Image]) -> _Seen:
        import torch
        from groundingdino.util.misc import nested_tensor_from_tensor_list

        config, runtime = self._original, self._runtime
        arrays = [normalised(image, config.shortest_edge, config.longest_edge) for image in images]
        pixels = [torch.from_numpy(array).to(runtime.device, runtime.dtype) for array in arrays]
        padded = nested_tensor_from_tensor_list(pixels)
        with torch.inference_mode():
            maps, positions = self._model.backbone(padded)
        return _Seen(padded, maps, positions)

    def _compare(self, seen: _Seen, rows: list[int], tokens: Any) -> tuple[Array, Array]:
        """Compare prompts of one layout together: the package mixes up the masks of those that differ."""
        boxes: list[Any] = [None] * len(rows)
        scores: list[Any] = [None] * len(rows)
        for chosen in _of_one_layout(tokens):
            length = int(tokens["attention_mask"][chosen[0]].sum())
            some = {name: value[chosen, :length] for name, value in tokens.items()}
            found = self._ask(seen.of([rows[n] for n in chosen]), type(tokens)(some))
            logits = found["pred_logits"].float().sigmoid().cpu().numpy()
            for n, box, score in zip(chosen, found["pred_boxes"].float().cpu().numpy(), logits, strict=True):
                boxes[n], scores[n] = box, score
        return np.stack(boxes), np.stack(scores)

    def _ask(self, seen: _Seen, tokens: Any) -> Any:
        import torch

        seen_again = answering(self._model.backbone, (seen.maps, seen.positions))
        with torch.inference_mode(), seen_again, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the package calls torch by old names
            return self._model(seen.images, captions=tokens.to(self._runtime.device))


def _of_one_layout(tokens: Any) -> list[list[int]]:
    """Return the numbers of the prompts that have their ends of phrases at the same places."""
    layouts: dict[tuple[int, ...], list[int]] = {}
    for number, (ids, there) in enumerate(zip(tokens["input_ids"], tokens["attention_mask"], strict=True)):
        row = ids[: int(there.sum())].tolist()
        ends = (at for at, token in enumerate(row) if token == row[-2])  # before [SEP] stands a full stop
        layouts.setdefault((len(row), *ends), []).append(number)
    return list(layouts.values())


def fitted(size_wh: tuple[int, int], shortest_edge: int, longest_edge: int) -> tuple[int, int]:
    """Return the width and height that the original code resizes an image to."""
    short, long = min(size_wh), max(size_wh)
    if long / short * shortest_edge > longest_edge:
        shortest_edge = round(longest_edge * short / long)
    grown = int(shortest_edge * long / short)
    return (shortest_edge, grown) if size_wh[0] < size_wh[1] else (grown, shortest_edge)


def normalised(image: Image.Image, shortest_edge: int, longest_edge: int) -> Array:
    """Return (3, H, W): resized, with ImageNet's mean and deviation taken out."""
    resized = image.resize(fitted(image.size, shortest_edge, longest_edge), Image.Resampling.BILINEAR)
    pixels = (np.asarray(resized, np.float32) / 255 - _MEAN) / _STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)


def _rows(nested: Any, rows: list[int]) -> Any:
    return type(nested)(nested.tensors[rows], nested.mask[rows])
