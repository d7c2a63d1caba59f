"""Open-set detectors of transformers: OWLv2 and (MM-)GroundingDINO. Torch is imported on loading.

An image's score for a name is the largest over its boxes: how sure the detector is that the thing is there at all.
A name is asked for by itself, so that no other name changes its score.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import ModelError
from eval.generation.image import open_rgb
from eval.task import DetectorModel

KINDS = ("owlv2", "grounding-dino", "mm-grounding-dino")


@dataclass(frozen=True)
class Detector:
    """A loaded detector."""

    model: Any
    processor: Any
    batch_size: int

    def scores(self, images: Sequence[Path], names: Sequence[Sequence[str]]) -> Iterator[list[float]]:
        """Yield the scores of each image's names, in [0, 1]."""
        import torch

        of = self._owlv2 if self.model.config.model_type == "owlv2" else self._grounding_dino
        for image, asked in zip(images, names, strict=True):
            with torch.inference_mode():
                yield of(open_rgb(image), list(asked)) if asked else []

    def _owlv2(self, image: Any, names: list[str]) -> list[float]:
        pixels = self.processor.image_processor(images=[image], return_tensors="pt").to(self.model.device)
        grid, _ = self.model.image_embedder(pixel_values=pixels["pixel_values"])  # (1, rows, columns, width)
        length = self.model.config.text_config.max_position_embeddings
        tokens = self.processor.tokenizer(
            names, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        ).to(self.model.device)
        queries = self.model.owlv2.get_text_features(**tokens).pooler_output  # (names, width)
        logits, _ = self.model.class_predictor(grid.flatten(1, 2), queries[None])  # (1, patches, names)
        found: list[float] = logits[0].float().sigmoid().amax(dim=0).tolist()
        return found

    def _grounding_dino(self, image: Any, names: list[str]) -> list[float]:
        """Score by the tokens of the name alone: the prompt's marks are no part of it."""
        found: list[float] = []
        for start in range(0, len(names), self.batch_size):
            prompts = [
                f"{name.lower().replace('.', ' ').strip()}."
                for name in names[start : start + self.batch_size]
            ]
            fed = self.processor(
                images=[image] * len(prompts),
                text=prompts,
                padding=True,
                truncation=True,
                return_tensors="pt",
            ).to(self.model.device)
            scores = self.model(**fed).logits.float().sigmoid()  # (prompts, queries, tokens)
            tokenizer = self.processor.tokenizer
            marks = [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id,
                     *tokenizer(".", add_special_tokens=False).input_ids]  # fmt: skip
            for row, ids in zip(scores, fed["input_ids"].tolist(), strict=True):
                own = [place for place, token in enumerate(ids) if token not in marks]
                found.append(float(row[:, own].max()) if own else 0.0)
        return found


def load_detector(config: DetectorModel) -> Detector:
    """Load a detector onto the first GPU, if there is one.

    Raises:
        ModelError: the checkpoint cannot be loaded, or is of another kind.
    """
    import torch
    from transformers import AutoConfig, AutoModelForZeroShotObjectDetection, AutoProcessor

    where = {"revision": config.revision} if config.revision else {}
    try:
        kind = AutoConfig.from_pretrained(config.checkpoint, **where).model_type
        if kind not in KINDS:
            raise ModelError(
                f"the detector {config.checkpoint!r} is a {kind}; entities are looked for by one of {', '.join(KINDS)}"
            )
        model: Any = AutoModelForZeroShotObjectDetection.from_pretrained(
            config.checkpoint, dtype=torch.float32, **where
        )
        processor: Any = AutoProcessor.from_pretrained(config.checkpoint, **where)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot load the detector {config.checkpoint!r}: {error}") from None
    return Detector(
        model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), processor, config.batch_size
    )
