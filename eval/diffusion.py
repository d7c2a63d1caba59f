"""Drawing by a text-to-image pipeline of diffusers (extra `draw`), as D2I-Bench does with PixArt-Sigma.

The published script draws on the CPU's random numbers, one generator per image, so that a batch does not change a
drawing. diffusers and torch are imported on loading.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eval.errors import ModelError
from eval.task import DiffusersPainter


def paint(
    painter: DiffusersPainter,
    texts: Sequence[tuple[str, Path]],
    seed: int,
    tick: Callable[[int], None] = lambda _: None,
) -> None:
    """Draw each text and save it as PNG, whole or not at all.

    Raises:
        ModelError: diffusers, a package that `clean_caption` needs, or the checkpoint is missing.
    """
    import torch

    pipeline = load_pipeline(painter)
    for start in range(0, len(texts), painter.batch_size):
        batch = texts[start : start + painter.batch_size]
        generators = [torch.Generator("cpu").manual_seed(seed) for _ in batch]
        images = pipeline(
            [text for text, _ in batch],
            width=painter.side_px,
            height=painter.side_px,
            num_inference_steps=painter.steps,
            guidance_scale=painter.guidance,
            clean_caption=painter.clean_caption,
            use_resolution_binning=painter.use_resolution_binning,
            generator=generators,
        ).images
        for (_, path), image in zip(batch, images, strict=True):
            temporary = path.with_suffix(".tmp")
            image.save(temporary, format="PNG")
            temporary.replace(path)
        tick(len(batch))


def load_pipeline(painter: DiffusersPainter) -> Any:
    """Load the pipeline onto the first GPU, if there is one.

    Raises:
        ModelError: a package or the checkpoint is missing.
    """
    import torch

    needed = ["diffusers", *(("ftfy", "bs4") if painter.clean_caption else ())]
    absent = [name for name in needed if find_spec(name) is None]
    if absent:
        raise ModelError(f"drawing needs {', '.join(absent)}: pip install 'image-textualization[draw]'")
    try:
        kind = getattr(import_module("diffusers"), painter.pipeline)
        pipeline = kind.from_pretrained(painter.checkpoint, torch_dtype=getattr(torch, painter.dtype))
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"cannot load the pipeline {painter.checkpoint!r}: {error}") from None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
