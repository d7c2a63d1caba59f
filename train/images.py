"""From encoded image to pixel values: decoded under a pixel limit and padded, not cropped, to a square."""

import io
from typing import Any, cast

import torch
from PIL import Image

from train.error import Unusable


def decode(content: bytes, max_pixels: int) -> Image.Image:
    """Return an RGB image.

    Raises:
        Unusable: the bytes are no image, are cut short, or hold more than `max_pixels` pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > max_pixels:
                raise Unusable("image_too_large")
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise Unusable("image_unreadable") from None


def padding_processor(processor: Any) -> Any:
    """Return an image processor like the given one that first pads to a square with the mean colour.

    LLaVA-1.5 was trained so; the published processor resizes the short edge and crops the centre, which
    cuts off objects that the description names.
    """
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    kept = ("size", "crop_size", "resample", "image_mean", "image_std", "rescale_factor",
            "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb")  # fmt: skip
    settings = {name: getattr(processor, name) for name in kept if getattr(processor, name, None) is not None}
    return LlavaImageProcessorPil(**settings, do_pad=True)


def pixel_values(processor: Any, image: Image.Image) -> torch.Tensor:
    """Return normalised pixels, (3, height, width), float32."""
    values = processor(images=image, return_tensors="pt")["pixel_values"]
    return cast(torch.Tensor, values[0])
