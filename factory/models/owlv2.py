"""OWLv2 (Minderer et al. 2023, arXiv:2306.09683): an open-set detector that also proposes objects of no name.

Images are encoded once; the phrases of a whole batch are embedded once each. The processor pads an image at
the right and bottom to a square, so boxes are fractions of the longer side.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from factory.models.batching import batches
from factory.models.checkpoint import Adapter, CheckpointConfig, Probability, load, require_family
from factory.models.protocols import Regions
from factory.models.regions import Array, best_regions, corners


class Owlv2Config(CheckpointConfig):
    """OWLv2 as detector and proposer."""

    kind: Literal["owlv2"] = "owlv2"
    checkpoint: str = "google/owlv2-base-patch16-ensemble"
    """Hub id or local folder (relative to the working directory)."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Precision; half precision moves boxes and maps by pixels, and these models are small."""
    nms_iou: Probability = 0.5
    """Of two regions for one phrase that overlap by more, the better one stays."""
    proposal_nms_iou: Probability = 0.4
    """The same for proposals, whatever they are."""
    max_regions: int = Field(default=64, ge=1)
    """Regions kept for one phrase, and proposals for one image, before overlaps are removed."""

    def build(self) -> "Owlv2":
        """Return the adapter; `open` loads the weights."""
        return Owlv2(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and how its regions are thinned out."""
        return {
            **super().identity(),
            "regions": f"nms={self.nms_iou},{self.proposal_nms_iou},max={self.max_regions}",
        }


class Owlv2(Adapter):
    """A detector with a score per phrase: the sigmoid of its logit at a patch."""

    def __init__(self, config: Owlv2Config) -> None:
        super().__init__(config)
        self._config = config

    def _load(self) -> None:
        from transformers import Owlv2ForObjectDetection, Owlv2Processor

        require_family(self._checkpoint, "owlv2")
        self._processor: Any = load(Owlv2Processor.from_pretrained, self._config)
        self._model = self._runtime.place(load(Owlv2ForObjectDetection.from_pretrained, self._config))

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        """Return for each phrase of each image the regions scored at least `min_score`, best first."""
        import torch

        found: list[list[Regions]] = []
        size = self._config.batch_size
        for shots, asked in zip(batches(images, size), batches(phrases, size), strict=True):
            names = sorted({phrase for of_one in asked for phrase in of_one})
            column = {name: i for i, name in enumerate(names)}
            with torch.inference_mode():
                features, boxes = self._look(shots)
                scores = self._score(features, names)  # (b, patches, names)
            found += [
                [self._regions(boxes[i], scores[i, :, column[phrase]], min_score) for phrase in of_one]
                for i, of_one in enumerate(asked)
            ]
        return found

    def propose(self, images: Sequence[Image.Image], min_score: float) -> list[Regions]:
        """Return the regions of each image that look like things, best first."""
        import torch

        config = self._config
        found: list[Regions] = []
        for shots in batches(images, config.batch_size):
            with torch.inference_mode():
                features, boxes = self._look(shots)
                scores = (
                    self._model.objectness_predictor(features).float().sigmoid().cpu().numpy()
                )  # (b, patches)
            found += [
                best_regions(boxes[i], scores[i], min_score, config.proposal_nms_iou, config.max_regions)
                for i in range(len(shots))
            ]
        return found

    def _regions(self, boxes: Array, scores: Array, min_score: float) -> Regions:
        return best_regions(boxes, scores, min_score, self._config.nms_iou, self._config.max_regions)

    def _look(self, images: Sequence[Image.Image]) -> tuple[Any, list[Array]]:
        """Return patch features (b, patches, width) and, per image, boxes (patches, 4) in pixels of it."""
        pixels = self._processor.image_processor(images=list(images), return_tensors="pt")
        grid, _ = self._model.image_embedder(**self._runtime.feed(pixels))  # (b, rows, columns, width)
        features = grid.flatten(1, 2)
        fractions = self._model.box_predictor(features, grid).float().cpu().numpy()  # (b, patches, 4) cxcywh
        boxes = []
        for image, of_one in zip(images, fractions, strict=True):
            side = max(image.size)  # the padded square
            boxes.append(corners(of_one, (side, side), image.size))
        return features, boxes

    def _score(self, features: Any, phrases: Sequence[str]) -> Array:
        if not phrases:
            return np.zeros((*features.shape[:2], 0), np.float32)
        tokens = self._processor.tokenizer(
            list(phrases),
            padding="max_length",
            truncation=True,
            max_length=self._text_length,
            return_tensors="pt",
        )
        text = self._model.owlv2.get_text_features(**self._runtime.feed(tokens)).pooler_output
        queries = text[None].expand(len(features), -1, -1)  # (b, phrases, width)
        logits, _ = self._model.class_predictor(features, queries)
        scores: Array = logits.float().sigmoid().cpu().numpy()
        return scores

    @property
    def _text_length(self) -> int:
        return int(self._model.config.text_config.max_position_embeddings)
