"""Trains the small Depth Anything: nearness in [0, 1] of every pixel."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from recipes.picturebook.pretrain.gallery import NO_OWNER, Gallery
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.patches import normalise
from recipes.picturebook.scene import ground_row
from recipes.picturebook.world import IMAGE_SIZE

PATCH_PX = 12


def new_depth() -> DepthAnythingForDepthEstimation:
    """Return an untrained Depth Anything of the small shape."""
    backbone = Dinov2Config(
        hidden_size=96,
        num_hidden_layers=4,
        num_attention_heads=4,
        mlp_ratio=3,
        image_size=IMAGE_SIZE,
        patch_size=PATCH_PX,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
        attn_implementation="eager",
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=PATCH_PX,
        reassemble_hidden_size=96,
        neck_hidden_sizes=[24, 32, 48, 64],
        fusion_hidden_size=32,
        head_hidden_size=16,
        depth_estimation_type="relative",
    )
    return DepthAnythingForDepthEstimation(config)


def train_depth(loop: Loop, gallery: Gallery) -> DepthAnythingForDepthEstimation:
    """Train from scratch, or resume."""
    torch.manual_seed(0)
    model = new_depth()

    def loss(step: int) -> Tensor:
        picked = np.random.default_rng([23, step]).integers(len(gallery), size=loop.batch_size)
        wanted = torch.from_numpy(nearness_maps(gallery, picked)).to(loop.device)
        with loop.autocast():
            found = model(pixel_values=normalise(gallery.images[picked]).to(loop.device)).predicted_depth
        on_things = torch.from_numpy(gallery.owners[picked] != NO_OWNER).to(loop.device)
        weight = 1.0 + 2.0 * on_things.float()
        error: Tensor = weight * (found.float() - wanted).abs()
        return error.mean()

    loop.run(model, loss)
    return model


def nearness_maps(gallery: Gallery, picked: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the true nearness of every pixel (b, H, W): the ground's by row, a thing's everywhere on it."""
    rows = (np.arange(IMAGE_SIZE) - ground_row(0.0)) / (ground_row(1.0) - ground_row(0.0))
    maps = np.broadcast_to(np.clip(rows, 0, 1)[None, :, None], (len(picked), IMAGE_SIZE, IMAGE_SIZE))
    owners = gallery.owners[picked]
    table = np.concatenate([gallery.nearness[picked], np.zeros((len(picked), 250), np.float32)], 1)
    things = table[np.arange(len(picked))[:, None, None], owners]
    return np.where(owners != NO_OWNER, things, maps).astype(np.float32)


@torch.inference_mode()
def depth_scores(model: DepthAnythingForDepthEstimation, gallery: Gallery, n: int = 256) -> dict[str, float]:
    """Return Spearman correlation and mean error of per-thing nearness on unseen scenes."""
    found: list[float] = []
    true: list[float] = []
    for index in range(min(n, len(gallery))):
        maps = model(
            pixel_values=normalise(gallery.images[index : index + 1]).to(model.device)
        ).predicted_depth
        for i in range(int(gallery.counts[index])):
            found.append(float(np.median(maps[0].cpu().numpy()[gallery.owners[index] == i])))
            true.append(float(gallery.nearness[index, i]))
    error = np.abs(np.array(found) - np.array(true)).mean()
    return {"spearman": float(spearmanr(found, true).statistic), "mean_error": float(error)}
