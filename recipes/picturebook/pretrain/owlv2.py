"""Trains the small OWLv2: an open-set detector that starts from the seeing tower.

Every patch knows whose it is, so no matching is needed: patches near the centre of a thing must find it by each phrase
that is true of it, background patches by none, and the rest of the thing's patches are left alone.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    CLIPTokenizer,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2TextConfig,
    Owlv2VisionConfig,
)

from recipes.picturebook.pretrain.gallery import MAX_THINGS, NO_OWNER, Gallery
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.patches import normalise, patch_owners
from recipes.picturebook.pretrain.tower import PATCH_PX, Seer, tower_config
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE

MAX_WORDS = 16
ELSEWHERE = [
    "person",
    "cat",
    "horse",
    "bird",
    "elephant",
    "pizza",
    "apple",
    "banana",
    "bottle",
    "book",
    "laptop",
    "phone",
    "train",
    "truck",
    "bicycle",
    "airplane",
    "sheep",
    "cow",
    "zebra",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "sofa",
    "bed",
    "television",
    "keyboard",
    "mouse",
    "vase",
    "scissors",
    "toothbrush",
    "lion",
    "guitar",
    "hat",
    "shoe",
    "bag",
    "flower",
    "pencil",
    "window",
    "door",
    "road",
    "cloud",
    "mountain",
    "river",
]
"""Nouns of other worlds, which the detector must never find in this one."""

PHRASES = (
    *CLASS_NAMES,
    *(f"{color} {name}" for color in COLOR_NAMES for name in CLASS_NAMES),
    *ELSEWHERE,
)
ALWAYS = len(CLASS_NAMES)
QUERIES_PER_STEP = 72


def clip_tokenizer() -> CLIPTokenizer:
    """Return a CLIP tokenizer whose merges make one token of each word we use and letters of any other."""
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    bpe.pre_tokenizer = pre_tokenizers.Whitespace()
    letters = [chr(c) for c in range(33, 127)]
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["!", *letters[1:], *(f"{letter}</w>" for letter in letters)],
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    bpe.train_from_iterator([" ".join([*CLASS_NAMES, *COLOR_NAMES, *ELSEWHERE])] * 3, trainer)
    vocab, merges = _vocab_and_merges(bpe)
    for special in ("<|startoftext|>", "<|endoftext|>"):  # the text tower pools at the highest id: end last
        vocab[special] = len(vocab)
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token="!", model_max_length=MAX_WORDS)


def _vocab_and_merges(bpe: Tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    import json

    model = json.loads(bpe.to_str())["model"]
    return dict(model["vocab"]), [tuple(pair) for pair in model["merges"]]


def new_owlv2(tokenizer: CLIPTokenizer, seer: Seer) -> Owlv2ForObjectDetection:
    """Return an OWLv2 with the trained tower and untrained text side and heads."""
    tower = tower_config()
    text = Owlv2TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=MAX_WORDS,
        hidden_act="gelu",
        pad_token_id=0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    vision = Owlv2VisionConfig(
        hidden_size=tower.hidden_size,
        intermediate_size=tower.intermediate_size,
        num_hidden_layers=tower.num_hidden_layers,
        num_attention_heads=tower.num_attention_heads,
        image_size=IMAGE_SIZE,
        patch_size=PATCH_PX,
        hidden_act="gelu",
    )
    config = Owlv2Config(
        text_config=text, vision_config=vision, projection_dim=96, attn_implementation="eager"
    )
    model = Owlv2ForObjectDetection(config)
    _settle(model)
    _take_tower(model, seer)
    return model


def _settle(model: Owlv2ForObjectDetection) -> None:
    """Start the heads small: as initialised, the box head saturates and boxes never learn."""
    for head in (model.class_head, model.box_head, model.objectness_head):
        for layer in head.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.05)
                nn.init.zeros_(layer.bias)
    nn.init.zeros_(model.box_head.dense2.weight)
    nn.init.constant_(model.class_head.logit_scale.bias, 8.0)
    nn.init.constant_(model.class_head.logit_shift.bias, -0.5)


def _take_tower(model: Owlv2ForObjectDetection, seer: Seer) -> None:
    weights = {k.replace("pre_layrnorm", "pre_layernorm"): v for k, v in seer.tower.state_dict().items()}
    weights = {k.removeprefix("vision_model."): v for k, v in weights.items()}
    model.owlv2.vision_model.load_state_dict(weights)


class Asked(NamedTuple):
    """Phrases asked of a whole batch, and what they mean: class and colour index, -1 where they leave it open."""

    phrases: list[str]
    classes: NDArray[np.int64]  # (q,)
    colors: NDArray[np.int64]  # (q,)


def meaning(phrases: list[str]) -> Asked:
    """Look up what phrases mean; nouns of other worlds get class -2, which nothing has."""
    names = [p.split()[-1] for p in phrases]
    classes = [CLASS_NAMES.index(n) if n in CLASS_NAMES else -2 for n in names]
    colors = [COLOR_NAMES.index(p.split()[0]) if " " in p else -1 for p in phrases]
    return Asked(phrases, np.array(classes), np.array(colors))


def train_owlv2(loop: Loop, gallery: Gallery, seer: Seer) -> tuple[Owlv2ForObjectDetection, CLIPTokenizer]:
    """Train from the tower, or resume."""
    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    model = new_owlv2(tokenizer, seer)

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([17, step])
        picked = rng.integers(len(gallery), size=loop.batch_size)
        extra = rng.choice(np.arange(ALWAYS, len(PHRASES)), QUERIES_PER_STEP - ALWAYS, replace=False)
        asked = meaning([PHRASES[i] for i in [*range(ALWAYS), *extra]])
        pixels = normalise(gallery.images[picked]).to(loop.device)
        with loop.autocast():
            logits, boxes, objectness = forward(model, tokenizer, pixels, asked.phrases)
        return detection_loss(logits.float(), boxes.float(), objectness.float(), gallery, picked, asked)

    loop.run(model, loss)
    return model, tokenizer


def forward(
    model: Owlv2ForObjectDetection, tokenizer: CLIPTokenizer, pixels: Tensor, phrases: list[str]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits (b, patches, q), boxes (b, patches, 4) as cxcywh fractions, objectness logits (b, patches)."""
    device = pixels.device
    words = tokenizer(
        phrases, padding="max_length", max_length=MAX_WORDS, truncation=True, return_tensors="pt"
    )
    queries = model.owlv2.get_text_features(**words.to(device))
    queries = getattr(queries, "pooler_output", queries)  # (q, width)
    feature_map, _ = model.image_embedder(pixel_values=pixels)  # (b, p, p, width)
    features = feature_map.flatten(1, 2)
    logits, _ = model.class_predictor(features, queries[None].expand(len(pixels), -1, -1), None)
    return logits, model.box_predictor(features, feature_map), model.objectness_predictor(features)


def detection_loss(
    logits: Tensor,
    boxes: Tensor,
    objectness: Tensor,
    gallery: Gallery,
    picked: NDArray[np.int64],
    asked: Asked,
) -> Tensor:
    """Focal loss on phrases, L1 and IoU on boxes, binary cross-entropy on objectness."""
    device = logits.device
    owner = patch_owners(gallery.owners[picked], PATCH_PX)  # (b, patches)
    true_boxes = np.take_along_axis(gallery.boxes[picked], (owner % MAX_THINGS)[..., None], 1).astype(
        np.float32
    )
    central = (owner != NO_OWNER) & _is_central(true_boxes)
    judged = torch.from_numpy((owner == NO_OWNER) | central).to(device)
    positive = torch.from_numpy(_true_of(gallery, picked, owner, asked) & central[..., None]).to(device)
    weight = judged[..., None].float().expand_as(logits)
    phrase = _focal(logits, positive.float(), weight) / positive.sum().clamp(min=1)
    # every patch of a thing learns its box, so that off-centre finds fall on the same box and are suppressed
    owned = torch.from_numpy(owner != NO_OWNER).to(device)
    found, wanted = boxes[owned], torch.from_numpy(true_boxes).to(device)[owned] / IMAGE_SIZE
    center = torch.from_numpy(central).to(device)
    thing = F.binary_cross_entropy_with_logits(objectness[judged], center[judged].float())
    return phrase + _box_loss(found, wanted) + thing


def _is_central(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which patches have their centre in the middle of their thing's box (b, patches)."""
    side = IMAGE_SIZE // PATCH_PX
    centre = (np.arange(side) + 0.5) * PATCH_PX
    x, y = np.tile(centre, side), np.repeat(centre, side)
    size = np.maximum(boxes[..., 2:] - boxes[..., :2], 1)
    off_x = np.abs(x - (boxes[..., 0] + boxes[..., 2]) / 2) / size[..., 0]
    off_y = np.abs(y - (boxes[..., 1] + boxes[..., 3]) / 2) / size[..., 1]
    reach = np.maximum(0.25, 0.52 * PATCH_PX / size)  # at least the patch under the centre
    central: NDArray[np.bool_] = (off_x <= reach[..., 0]) & (off_y <= reach[..., 1])
    return central


def _true_of(
    gallery: Gallery, picked: NDArray[np.int64], owner: NDArray[np.int64], asked: Asked
) -> NDArray[np.bool_]:
    """Tell which phrases are true of the owner of each patch (b, patches, q)."""
    classes = np.take_along_axis(gallery.classes[picked].astype(np.int64), owner % MAX_THINGS, 1)[..., None]
    colors = np.take_along_axis(gallery.colors[picked].astype(np.int64), owner % MAX_THINGS, 1)[..., None]
    true: NDArray[np.bool_] = (classes == asked.classes) & ((asked.colors == -1) | (colors == asked.colors))
    return true


def _focal(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Sum the sigmoid focal loss (Lin et al. 2017, alpha 0.4, gamma 2)."""
    p = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    miss = torch.where(target > 0, 1 - p, p)
    alpha = torch.where(target > 0, 0.4, 0.6)
    return (alpha * miss**2 * entropy * weight).sum()


def _box_loss(found: Tensor, wanted_xyxy: Tensor) -> Tensor:
    half = found[:, 2:] / 2
    box = torch.cat([found[:, :2] - half, found[:, :2] + half], 1)
    low, high = torch.maximum(box[:, :2], wanted_xyxy[:, :2]), torch.minimum(box[:, 2:], wanted_xyxy[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    union = (box[:, 2:] - box[:, :2]).prod(1) + (wanted_xyxy[:, 2:] - wanted_xyxy[:, :2]).prod(1) - shared
    return 4 * F.l1_loss(box, wanted_xyxy) + (1 - shared / union.clamp(min=1e-6)).mean()
