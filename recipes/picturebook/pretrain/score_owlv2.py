"""Scores the small detector on unseen scenes: AP50, and false alarms on phrases that are absent."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPTokenizer, Owlv2ForObjectDetection

from recipes.picturebook.pretrain.gallery import Gallery
from recipes.picturebook.pretrain.owlv2 import ALWAYS, ELSEWHERE, PHRASES, forward
from recipes.picturebook.pretrain.patches import normalise
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE

COLORED = PHRASES[ALWAYS : len(PHRASES) - len(ELSEWHERE)]
MAX_FALSE_ALARMS = 0.05
NMS_IOU = 0.5


class Found(NamedTuple):
    """Scores (n, patches, phrases) and boxes (n, patches, 4) in pixels for all coloured phrases."""

    scores: NDArray[np.float32]
    boxes_xyxy: NDArray[np.float32]


@torch.inference_mode()
def find(model: Owlv2ForObjectDetection, tokenizer: CLIPTokenizer, gallery: Gallery, indices: range) -> Found:
    """Ask for every coloured phrase in every picture."""
    scores, boxes = [], []
    for start in range(indices.start, indices.stop, 64):
        pixels = normalise(gallery.images[start : min(start + 64, indices.stop)])
        logits, cxcywh, _ = forward(model, tokenizer, pixels, list(COLORED))
        half = cxcywh[..., 2:] / 2
        boxes.append((torch.cat([cxcywh[..., :2] - half, cxcywh[..., :2] + half], -1) * IMAGE_SIZE).numpy())
        scores.append(torch.sigmoid(logits).numpy())
    return Found(np.concatenate(scores), np.concatenate(boxes))


def owlv2_scores(
    model: Owlv2ForObjectDetection, tokenizer: CLIPTokenizer, gallery: Gallery
) -> dict[str, float]:
    """Return AP50, the threshold fitted on one half of the scenes, and recall and false alarms on the other half."""
    model.float().eval()
    half = len(gallery) // 2
    fitting, judging = (find(model, tokenizer, gallery, r) for r in (range(half), range(half, 2 * half)))
    easy, hard, present = _best_scores(fitting, gallery, 0)
    threshold = float(np.quantile(np.concatenate([easy, hard]), 1 - MAX_FALSE_ALARMS * 0.8))
    easy, hard, present = _best_scores(judging, gallery, half)
    return {
        "ap50": average_precision(judging, gallery, half),
        "threshold": threshold,
        "recall_at_threshold": float((present >= threshold).mean()),
        "false_positive_rate": float((np.concatenate([easy, hard]) >= threshold).mean()),
        "false_positive_rate_absent_class": float((easy >= threshold).mean()),
        "false_positive_rate_wrong_color": float((hard >= threshold).mean()),
    }


def _best_scores(
    found: Found, gallery: Gallery, first: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return best scores of absent phrases (absent class; right class in a wrong colour) and of present ones.

    Absent classes are sampled as often as wrong colours, so that neither kind drowns the other.
    """
    rng = np.random.default_rng(0)
    easy, hard, present = [], [], []
    for i, best in enumerate(found.scores.max(1)):  # (phrases,)
        phrases = _phrases_of(gallery, first + i)
        classes = {p.split()[1] for p in phrases}
        wrong = [j for j, p in enumerate(COLORED) if p not in phrases and p.split()[1] in classes]
        absent = [j for j, p in enumerate(COLORED) if p.split()[1] not in classes]
        hard += [best[j] for j in wrong]
        easy += [best[j] for j in rng.choice(absent, min(len(wrong), len(absent)), replace=False)]
        present += [best[COLORED.index(p)] for p in phrases]
    return np.array(easy), np.array(hard), np.array(present)


def _phrases_of(gallery: Gallery, index: int) -> set[str]:
    things = range(int(gallery.counts[index]))
    return {_phrase(gallery, index, k) for k in things}


def _phrase(gallery: Gallery, index: int, thing: int) -> str:
    return f"{COLOR_NAMES[gallery.colors[index, thing]]} {CLASS_NAMES[gallery.classes[index, thing]]}"


def average_precision(found: Found, gallery: Gallery, first: int) -> float:
    """Return the mean over phrases of the area under precision and recall at IoU 0.5."""
    return float(np.mean([v for p in COLORED if (v := _phrase_ap(found, gallery, first, p)) is not None]))


def _phrase_ap(found: Found, gallery: Gallery, first: int, phrase: str) -> float | None:
    column, hits, scores, total = COLORED.index(phrase), list[bool](), list[float](), 0
    for i in range(len(found.scores)):
        index = first + i
        true = [
            gallery.boxes[index, k]
            for k in range(int(gallery.counts[index]))
            if _phrase(gallery, index, k) == phrase
        ]
        total += len(true)
        taken: set[int] = set()
        for score, box in _suppressed(found.scores[i, :, column], found.boxes_xyxy[i]):
            overlaps = [iou(box, t.astype(np.float32)) for t in true]
            best = int(np.argmax(overlaps)) if overlaps else -1
            hit = best >= 0 and overlaps[best] >= 0.5 and best not in taken
            taken.update({best} if hit else set())
            hits.append(hit)
            scores.append(score)
    if total == 0:
        return None
    ranked = np.array(hits)[np.argsort(-np.array(scores), kind="stable")] if hits else np.zeros(0, bool)
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    best_after = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best_after[ranked].sum() / total)


def _suppressed(
    scores: NDArray[np.float32], boxes: NDArray[np.float32], floor: float = 0.02
) -> list[tuple[float, NDArray[np.float32]]]:
    kept: list[tuple[float, NDArray[np.float32]]] = []
    for j in np.argsort(-scores):
        if scores[j] < floor:
            break
        if all(iou(boxes[j], box) < NMS_IOU for _, box in kept):
            kept.append((float(scores[j]), boxes[j]))
    return kept


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the intersection over union of two xyxy boxes."""
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = max(0.0, float(width)) * max(0.0, float(height))
    union = float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - shared
    return shared / union if union > 0 else 0.0
