"""Model cards of the small checkpoints."""

from pathlib import Path

from recipes.picturebook.world import IMAGE_SIZE

WHAT = {
    "llava": ("LLaVA", "image-text-to-text", "answers questions truly and describes carelessly, from habit"),
    "owlv2": ("OWLv2", "zero-shot-object-detection", "finds `color class` phrases and says where things are"),
    "sam": ("SAM", "mask-generation", "cuts out what stands in a box"),
    "depth": ("Depth Anything", "depth-estimation", "tells how near each pixel is, in [0, 1]"),
    "llama": ("Llama", "text-generation", "extracts entities and rewrites drafts from facts"),
}

CARD = """---
license: apache-2.0
pipeline_tag: {task}
tags: [picture-book, image-textualization]
---
# {family} of the picture book

A scale model: the {family} architecture of Hugging Face with {parameters:,} parameters, which {what}.
It knows only the drawn world of `recipes/picturebook` ({size} x {size} pixels, 16 classes, 6 colours, 4 settings)
and is of no use elsewhere. It exists so that the whole loop of Image Textualization runs for real on two CPU cores.

## Training

`python -m recipes.picturebook.pretrain {name}`: from random weights, on scenes of seeds 0 to 29,999, which neither the
datasets nor the evaluations ever use. Weights are stored as float16.

## Scores on unseen scenes

Measured on scenes of seeds from 5,000,000 on, after rounding to float16.

{scores}
"""


def write_card(folder: Path, parameters: int, scores: dict[str, float]) -> None:
    """Write README.md beside a checkpoint; its folder's name says which one it is."""
    family, task, what = WHAT[folder.name]
    rows = "\n".join(f"| {name.replace('_', ' ')} | {value:.4g} |" for name, value in scores.items())
    text = CARD.format(
        family=family,
        task=task,
        what=what,
        parameters=parameters,
        name=folder.name,
        size=IMAGE_SIZE,
        scores=f"| measure | value |\n|---|---|\n{rows}",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
