"""Original GroundingDINO checkpoints (Liu et al. 2023, arXiv:2303.05499) through the package groundingdino-py.

For weights that exist in no other format; published ones run without it as `grounding_dino`. The package wants
torchvision, and a BERT of transformers 4: the three methods that later ones lack are supplied here.
"""

import contextlib
import io
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from factory.errors import ModelError
from factory.models.checkpoint import CheckpointConfig, load
from factory.models.extras import require
from factory.models.phrase_detector import PhraseDetector, PhraseDetectorConfig, answering
from factory.models.regions import Array

INSTALL = "pip install --no-build-isolation -c constraints.txt groundingdino-py"
_PUBLISHED = {"swin_b": "GroundingDINO_SwinB_cfg.py", "swin_t": "GroundingDINO_SwinT_OGC.py"}
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
        _fill(model, self._original)
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
        import torch

        some = seen.of(rows)
        seen_again = answering(self._model.backbone, (some.maps, some.positions))
        with torch.inference_mode(), seen_again, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the package calls torch by old names
            found = self._model(some.images, captions=tokens.to(self._runtime.device))
        return found["pred_boxes"].float().cpu().numpy(), found["pred_logits"].float().sigmoid().cpu().numpy()


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
    pixels: Array = (np.asarray(resized, np.float32) / 255 - _MEAN) / _STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)


def _rows(nested: Any, rows: list[int]) -> Any:
    return type(nested)(nested.tensors[rows], nested.mask[rows])


def _file(config: GroundingDinoPyConfig, name: str) -> Path:
    """Return the path of a file of the checkpoint, from the hub if need be."""

    def find(checkpoint: str, **hub: str) -> Path:
        if not hub:
            if not (path := Path(checkpoint) / name).is_file():
                there = ", ".join(sorted(file.name for file in Path(checkpoint).iterdir()))
                raise OSError(f"it holds no file {name!r} but {there}")
            return path
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(checkpoint, name, **hub))

    return load(find, config)


def _settings(config: GroundingDinoPyConfig, folder: Path) -> Any:
    """Return the settings that the package builds a model from; `folder` holds the published ones."""
    from groundingdino.util.slconfig import SLConfig

    published = _PUBLISHED.get(config.architecture, _PUBLISHED["swin_t"])
    settings = SLConfig.fromfile(str(folder / published))
    if config.architecture not in _PUBLISHED:
        settings.merge_from_dict(json.loads(_file(config, config.architecture).read_text(encoding="utf-8")))
    # gradients are never asked for, so nothing need be computed twice to save memory
    settings.merge_from_dict({"use_checkpoint": False, "use_transformer_ckpt": False, "device": "cpu"})
    return settings


def empty_model(config: GroundingDinoPyConfig) -> Any:
    """Return the package's model with random weights.

    Raises:
        ModelError: the package is missing.
    """
    package = require("groundingdino.models", INSTALL, "kind: groundingdino_py")
    settings = _settings(config, Path(package.__file__).parents[1] / "config")
    silence = contextlib.redirect_stdout(io.StringIO())
    with _bert_of_transformers_4(config.text_encoder), silence, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package.build_model(settings)


def _fill(model: Any, config: GroundingDinoPyConfig) -> None:
    """Give the model its weights.

    Raises:
        ModelError: the weights are of another architecture.
    """
    from groundingdino.util.misc import clean_state_dict

    lacking, _ = model.load_state_dict(
        clean_state_dict(_tensors(_file(config, config.weights))), strict=False
    )
    if lacking := [name for name in lacking if not name.endswith("position_ids")]:
        raise ModelError(
            f"{config.weights} in {config.checkpoint!r} is of another architecture than {config.architecture!r}: "
            f"it lacks {len(lacking)} tensors, such as {lacking[0]}; set architecture to what it was trained as"
        )


def _tensors(path: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return dict(load_file(path))
    saved = torch.load(path, map_location="cpu", weights_only=True)
    return dict(saved.get("model", saved))


@contextlib.contextmanager
def _bert_of_transformers_4(name: str) -> Iterator[None]:
    """Let the package build its text encoder from `name`, with what it expects of a BERT."""
    import torch
    from groundingdino.util import get_tokenlizer
    from transformers import AutoTokenizer, BertConfig, BertModel

    class Bert(BertModel):  # type: ignore[misc]
        def get_extended_attention_mask(self, mask: Any, *_: Any) -> Any:
            allowed = mask[:, None] if mask.dim() == 3 else mask[:, None, None]
            lowest = torch.finfo(self.dtype).min
            return torch.zeros_like(allowed, dtype=self.dtype).masked_fill(~allowed.bool(), lowest)

        def invert_attention_mask(self, mask: Any) -> Any:
            return self.get_extended_attention_mask(mask)

        def get_head_mask(self, _: Any, layers: int) -> list[None]:
            return [None] * layers

    at = CheckpointConfig(checkpoint=name)
    tokenizer, shape = load(AutoTokenizer.from_pretrained, at), load(BertConfig.from_pretrained, at)
    before = get_tokenlizer.get_tokenlizer, get_tokenlizer.get_pretrained_language_model
    get_tokenlizer.get_tokenlizer = lambda _: tokenizer
    get_tokenlizer.get_pretrained_language_model = lambda _: Bert(shape)  # the checkpoint brings the weights
    try:
        yield
    finally:
        get_tokenlizer.get_tokenlizer, get_tokenlizer.get_pretrained_language_model = before
