"""GroundingDINO (Liu et al. 2023, arXiv:2303.05499) and MM-GroundingDINO (Zhao et al. 2024, arXiv:2401.02361)."""

from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from factory.models.checkpoint import load, require_family
from factory.models.phrase_detector import PhraseDetector, PhraseDetectorConfig, answering
from factory.models.regions import Array


class GroundingDinoConfig(PhraseDetectorConfig):
    """GroundingDINO as detector."""

    kind: Literal["grounding_dino"] = "grounding_dino"
    checkpoint: str = "IDEA-Research/grounding-dino-base"
    """Hub id or local folder (relative to the working directory)."""

    def build(self) -> "GroundingDino":
        """Return the adapter; `open` loads the weights."""
        return GroundingDino(self)


@dataclass(frozen=True)
class _Seen:
    """Pixels with their mask, and per level the backbone's map with its mask and its positions, a row per image."""

    pixels: Any
    mask: Any
    maps: list[tuple[Any, Any]]
    positions: list[Any]

    def of(self, rows: list[int]) -> "_Seen":
        maps = [(features[rows], mask[rows]) for features, mask in self.maps]
        return _Seen(self.pixels[rows], self.mask[rows], maps, [level[rows] for level in self.positions])


class GroundingDino(PhraseDetector):
    """A detector in the format of transformers."""

    def _load(self) -> None:
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

        require_family(self._checkpoint, "grounding-dino", "mm-grounding-dino")
        self._processor: Any = load(AutoProcessor.from_pretrained, self._checkpoint)
        self._model = self._runtime.place(
            load(AutoModelForZeroShotObjectDetection.from_pretrained, self._checkpoint)
        )
        self._prompts = self._phrase_prompts(self._processor.tokenizer)

    def _see(self, images: list[Image.Image]) -> _Seen:
        import torch

        fed = self._runtime.feed(self._processor.image_processor(images=images, return_tensors="pt"))
        with torch.inference_mode():
            maps, positions = self._model.model.backbone(fed["pixel_values"], fed["pixel_mask"])
        return _Seen(fed["pixel_values"], fed["pixel_mask"], maps, positions)

    def _compare(self, seen: _Seen, rows: list[int], tokens: Any) -> tuple[Array, Array]:
        import torch

        some = seen.of(rows)
        with torch.inference_mode(), answering(self._model.model.backbone, (some.maps, some.positions)):
            found = self._model(pixel_values=some.pixels, pixel_mask=some.mask, **self._runtime.feed(tokens))
        return found.pred_boxes.float().cpu().numpy(), found.logits.float().sigmoid().cpu().numpy()
