"""Teaches a CLIP vision tower to see: class, colour, box and nearness of what covers each patch.

Language comes later and cheaper once sight is there; the LLaVA and OWLv2 checkpoints both start from this tower.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel

from recipes.picturebook.pretrain.gallery import Gallery
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.patches import PatchBatch, patch_batch
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE, SETTING_NAMES

PATCH_PX = 12


def tower_config() -> CLIPVisionConfig:
    """Return the shape of the tower that LLaVA and OWLv2 share."""
    return CLIPVisionConfig(
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=5,
        num_attention_heads=4,
        image_size=IMAGE_SIZE,
        patch_size=PATCH_PX,
        projection_dim=128,
        hidden_act="gelu",
    )


class Seer(nn.Module):
    """A tower with linear heads per patch; only the tower is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = CLIPVisionModel(tower_config())
        self.tower.set_attn_implementation("eager")  # on CPU, twice as fast as SDPA in bf16
        width = self.tower.config.hidden_size
        self.sizes = [len(CLASS_NAMES) + 1, len(COLOR_NAMES) + 1, 4, 1]
        self.heads = nn.Linear(width, sum(self.sizes))
        self.setting = nn.Linear(width, len(SETTING_NAMES))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return logits of class and colour, box and nearness per patch, and logits of the setting."""
        patches = self.tower(pixel_values=pixels).last_hidden_state[:, 1:]  # (b, p*p, width)
        return *self.heads(patches).split(self.sizes, -1), self.setting(patches.mean(1))


def sight_loss(seen: tuple[Tensor, ...], truth: PatchBatch) -> Tensor:
    """Sum the losses of the heads; boxes and nearness count only where a thing is."""
    classes, colors, boxes, nearness, setting = (s.float() for s in seen)
    owned = truth.owned
    return (
        F.cross_entropy(classes.flatten(0, 1), truth.classes.flatten())
        + F.cross_entropy(colors.flatten(0, 1), truth.colors.flatten())
        + 4 * F.l1_loss(boxes[owned], truth.boxes[owned])
        + F.l1_loss(nearness[..., 0][owned], truth.nearness[owned])
        + 0.2 * F.cross_entropy(setting, truth.settings)
    )


def train_tower(loop: Loop, gallery: Gallery) -> Seer:
    """Train from scratch, or resume, and return the seer."""
    torch.manual_seed(0)
    seer = Seer()

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([7, step])
        indices = rng.integers(len(gallery), size=loop.batch_size)
        batch = patch_batch(gallery, indices, rng, PATCH_PX, zoom=0.25).to(loop.device)
        with loop.autocast():
            seen = seer(batch.pixels)
        return sight_loss(seen, batch)

    loop.run(seer, loss)
    return seer


@torch.no_grad()
def sight_accuracy(seer: Seer, gallery: Gallery, zoom: float = 0.0) -> dict[str, float]:
    """Return the share of right classes and colours over patches that hold a thing, on unseen scenes."""
    rng = np.random.default_rng(0)
    batch = patch_batch(gallery, np.arange(min(512, len(gallery))), rng, PATCH_PX, zoom)
    classes, colors, *_ = seer.eval()(batch.pixels)
    owned = batch.owned
    right_class = (classes.argmax(-1) == batch.classes)[owned].float().mean()
    right_color = (colors.argmax(-1) == batch.colors)[owned].float().mean()
    return {"patch_class_accuracy": float(right_class), "patch_color_accuracy": float(right_color)}
