"""Trains the small SAM: masks from boxes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

from recipes.picturebook.pretrain.gallery import Gallery
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.patches import normalise
from recipes.picturebook.world import IMAGE_SIZE

PATCH_PX = 8
BOXES_PER_PICTURE = 3


def new_sam() -> SamModel:
    """Return an untrained SAM of the small shape."""
    vision = SamVisionConfig(
        hidden_size=96,
        mlp_ratio=3.0,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=IMAGE_SIZE,
        patch_size=PATCH_PX,
        output_channels=64,
        window_size=5,
        global_attn_indexes=[1, 3],
        num_pos_feats=32,
        initializer_range=0.02,
    )
    prompt = SamPromptEncoderConfig(
        hidden_size=64, image_size=IMAGE_SIZE, patch_size=PATCH_PX, mask_input_channels=4
    )
    decoder = SamMaskDecoderConfig(
        hidden_size=64,
        mlp_dim=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        iou_head_hidden_dim=32,
        iou_head_depth=2,
    )
    config = SamConfig(
        vision_config=vision,
        prompt_encoder_config=prompt,
        mask_decoder_config=decoder,
        attn_implementation="eager",
    )
    model = SamModel(config)
    # Frequencies of standard deviation 1, as Kirillov et al. train with: at the library's default of half the width,
    # boxes a pixel apart have unrelated encodings and nothing is learned.
    nn.init.normal_(model.shared_image_embedding.positional_embedding)
    return model


def train_sam(loop: Loop, gallery: Gallery) -> SamModel:
    """Train from scratch, or resume."""
    torch.manual_seed(0)
    model = new_sam()

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([19, step])
        picked = rng.integers(len(gallery), size=loop.batch_size)
        which = rng.integers(gallery.counts[picked][:, None], size=(len(picked), BOXES_PER_PICTURE))
        boxes = np.take_along_axis(gallery.boxes[picked], which[..., None], 1).astype(np.float32)
        boxes += rng.normal(0, 1.2, boxes.shape).astype(np.float32)
        wanted = gallery.owners[picked][:, None] == which[..., None, None]  # (b, n, H, W)
        with loop.autocast():
            logits, quality = masks_of(model, gallery.images[picked], boxes, loop.device)
        return mask_loss(logits.float(), quality.float(), torch.from_numpy(wanted).to(loop.device).float())

    loop.run(model, loss)
    return model


def masks_of(
    model: SamModel, images: NDArray[np.uint8], boxes: NDArray[np.float32], device: str
) -> tuple[Tensor, Tensor]:
    """Return mask logits (b, n, H, W) and predicted quality (b, n) for n boxes per picture."""
    out = model(
        pixel_values=normalise(images).to(device),
        input_boxes=torch.from_numpy(boxes).to(device),
        multimask_output=False,
    )
    low = out.pred_masks[:, :, 0].float()  # (b, n, H/2, W/2)
    return F.interpolate(low, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear"), out.iou_scores[:, :, 0]


def mask_loss(logits: Tensor, quality: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy and dice on the mask, squared error on the predicted IoU (as SAM, Kirillov et al. 2023)."""
    entropy = F.binary_cross_entropy_with_logits(logits, wanted)
    p = torch.sigmoid(logits)
    dice = 1 - (2 * (p * wanted).sum((2, 3)) + 1) / (p.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    return 4 * entropy + dice.mean() + 0.1 * F.mse_loss(quality, mask_iou(logits > 0, wanted > 0.5))


def mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the IoU of bool masks (..., H, W); 1 where both are empty."""
    shared, union = (a & b).sum((-2, -1)), (a | b).sum((-2, -1))
    return torch.where(union > 0, shared / union.clamp(min=1), torch.ones_like(union, dtype=torch.float))


@torch.inference_mode()
def mean_iou(model: SamModel, gallery: Gallery, n: int = 256) -> float:
    """Return the mean IoU of masks from true boxes on unseen scenes."""
    values: list[float] = []
    for index in range(min(n, len(gallery))):
        count = int(gallery.counts[index])
        boxes = gallery.boxes[index : index + 1, :count].astype(np.float32)
        logits, _ = masks_of(model, gallery.images[index : index + 1], boxes, str(model.device))
        wanted = torch.from_numpy(gallery.owners[index][None] == np.arange(count)[:, None, None])
        values += mask_iou(logits[0].cpu() > 0, wanted).tolist()
    return float(np.mean(values))
