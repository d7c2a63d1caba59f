"""Monocular depth as nearness maps: Depth Anything (Yang et al. 2024, arXiv:2401.10891) and GLPN.

Nearness is in [0, 1], 1 = nearest. Maps stay floating point from the model to the median of an object.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from factory.models.checkpoint import Adapter, CheckpointConfig, load

Map = NDArray[np.float32]

_LOW_PERCENTILE, _HIGH_PERCENTILE = 2.0, 98.0


class DepthModelConfig(CheckpointConfig):
    """A checkpoint that estimates depth or its inverse."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Precision; half precision moves boxes and maps by pixels, and these models are small."""
    batch_size: int = Field(default=8, ge=1)
    """Images of one size that go through the model together."""
    scale: Literal["absolute", "per_image"] = "per_image"
    """`per_image` spreads the 2nd to 98th percentile over [0, 1]; `absolute` lets images be compared."""
    near_m: float = Field(default=0.5, gt=0)
    """Metric depth that counts as nearness 1 at scale `absolute`."""
    far_m: float = Field(default=20.0, gt=0)
    """Metric depth that counts as nearness 0 at scale `absolute`."""

    def build(self) -> "DepthModel":
        """Return the adapter; `open` loads the weights."""
        return DepthModel(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and the scale of its maps."""
        return {**super().identity(), "scale": f"{self.scale},{self.near_m},{self.far_m}"}


class DepthAnythingConfig(DepthModelConfig):
    """Depth Anything as depth estimator; relative checkpoints put out nearness, metric ones metres."""

    kind: Literal["depth_anything"] = "depth_anything"
    checkpoint: str = "depth-anything/Depth-Anything-V2-Small-hf"
    """Hub id or local folder (relative to the working directory)."""


class GlpnConfig(DepthModelConfig):
    """GLPN as depth estimator, trained on NYU's rooms; it puts out metres."""

    kind: Literal["glpn"] = "glpn"
    checkpoint: str = "vinvino02/glpn-nyu"
    """Hub id or local folder (relative to the working directory)."""


class DepthModel(Adapter):
    """A depth estimator behind one promise: larger is nearer, whatever the checkpoint puts out."""

    def __init__(self, config: DepthModelConfig) -> None:
        super().__init__(config)
        self._config = config

    def _load(self) -> None:
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation

        self._processor: Any = load(AutoImageProcessor.from_pretrained, self._config)
        self._model = self._runtime.place(load(AutoModelForDepthEstimation.from_pretrained, self._config))
        self._metric = getattr(self._model.config, "depth_estimation_type", "metric") == "metric"

    def nearness(self, images: Sequence[Image.Image]) -> list[Map]:
        """Return (H, W) maps in [0, 1], 1 = nearest; 0.5 all over where a map is flat."""
        maps: list[Map | None] = [None] * len(images)
        for chosen in _of_one_size(images, self._config.batch_size):
            for i, raw in zip(chosen, self._estimate([images[i] for i in chosen]), strict=True):
                maps[i] = self._scaled(1 / np.maximum(raw, 1e-3) if self._metric else raw)
        return [m for m in maps if m is not None]

    def _estimate(self, images: list[Image.Image]) -> Map:
        """Return raw maps (b, H, W) at the images' size."""
        import torch
        from torch.nn.functional import interpolate

        inputs = self._runtime.feed(self._processor(images=images, return_tensors="pt"))
        with torch.inference_mode():
            raw = self._model(**inputs).predicted_depth.float()  # (b, h, w)
            width, height = images[0].size
            full = interpolate(raw[:, None], size=(height, width), mode="bilinear", align_corners=False)[:, 0]
        maps: Map = full.cpu().numpy()
        return maps

    def _scaled(self, raw: Map) -> Map:
        low, high = self._bounds(raw)
        if high - low < 1e-6:  # a flat map tells nothing of near and far
            return np.full_like(raw, 0.5)
        nearness: Map = np.clip((raw - low) / (high - low), 0.0, 1.0)
        return nearness

    def _bounds(self, raw: Map) -> tuple[float, float]:
        if self._config.scale == "per_image":
            return float(np.percentile(raw, _LOW_PERCENTILE)), float(np.percentile(raw, _HIGH_PERCENTILE))
        return (1 / self._config.far_m, 1 / self._config.near_m) if self._metric else (0.0, 1.0)


def _of_one_size(images: Sequence[Image.Image], batch_size: int) -> list[list[int]]:
    by_size: dict[tuple[int, int], list[int]] = {}
    for index, image in enumerate(images):
        by_size.setdefault(image.size, []).append(index)
    return [
        same[start : start + batch_size]
        for same in by_size.values()
        for start in range(0, len(same), batch_size)
    ]
