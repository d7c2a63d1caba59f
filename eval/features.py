"""Image features and their cosines: CLIP, DINO, or the vision tower of a LLaVA. Torch is imported on loading."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import ModelError
from eval.generation.image import open_rgb
from eval.task import ClipEncoder, Encoder, TowerEncoder


@dataclass(frozen=True)
class ImageEncoder:
    """A loaded model with the function that reads one vector per image, (n, d), out of it."""

    model: Any
    processor: Any
    vectors: Callable[[Any, Any], Any]

    def __call__(self, paths: Sequence[Path]) -> Any:
        """Return the features of images, (n, d)."""
        pixels = self.processor(images=[open_rgb(path) for path in paths], return_tensors="pt")[
            "pixel_values"
        ]
        return self.vectors(self.model, pixels.to(self.model.device))


def load_encoder(encoder: Encoder) -> ImageEncoder:
    """Load an encoder in float32 onto the first GPU, if there is one.

    Raises:
        ModelError: the checkpoint cannot be loaded.
    """
    import torch
    from transformers import AutoImageProcessor, AutoModel, CLIPModel, LlavaForConditionalGeneration

    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind: Any = {"clip": CLIPModel, "dino": AutoModel, "tower": LlavaForConditionalGeneration}[encoder.kind]
    try:
        model: Any = kind.from_pretrained(encoder.checkpoint, dtype=torch.float32)
        processor: Any = AutoImageProcessor.from_pretrained(encoder.checkpoint)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"cannot load the {encoder.kind} checkpoint {encoder.checkpoint!r}: {error}"
        ) from None
    return ImageEncoder(model.to(device).eval(), processor, _reader(encoder))


def cosines(encoder: ImageEncoder, pairs: Sequence[tuple[Path, Path]]) -> list[float]:
    """Return the cosine of the features of each pair of images, in [-1, 1]."""
    import torch

    with torch.inference_mode():
        first, second = (encoder(paths) for paths in zip(*pairs, strict=True))  # (n, d) each
        found: list[float] = torch.nn.functional.cosine_similarity(first, second).tolist()
    return found


def _reader(encoder: Encoder) -> Callable[[Any, Any], Any]:
    if isinstance(encoder, ClipEncoder):
        return _clip
    return _tower if isinstance(encoder, TowerEncoder) else _class_token


def _clip(model: Any, pixels: Any) -> Any:
    found = model.get_image_features(pixel_values=pixels)
    return getattr(found, "pooler_output", found)


def _class_token(model: Any, pixels: Any) -> Any:
    return model(pixel_values=pixels).last_hidden_state[:, 0]


def _tower(model: Any, pixels: Any) -> Any:
    # the patches, not the class token, are what a LLaVA learns to read
    return model.model.vision_tower(pixel_values=pixels).last_hidden_state[:, 1:].mean(dim=1)
