"""Scores the small LLaVA on unseen scenes: what it lists, answers and, carelessly, describes."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from recipes.picturebook.pretrain.gallery import Gallery
from recipes.picturebook.pretrain.llava import IMAGE_TOKENS, crop, crop_name
from recipes.picturebook.pretrain.patches import normalise
from recipes.picturebook.pretrain.questions import (
    DESCRIBE,
    NAME_THIS,
    Question,
    closer,
    color_of,
    is_there,
    list_all,
    seen_things,
    size_of,
    where,
)
from recipes.picturebook.pretrain.texts import entities_of
from recipes.picturebook.pretrain.tokenizer import IMAGE
from recipes.picturebook.world import SETTING_NAMES

SHORT_KINDS: dict[str, Callable[[Gallery, int, np.random.Generator], Question]] = {
    "yes_no_accuracy": lambda g, i, r: is_there(seen_things(g, i), SETTING_NAMES[g.settings[i]], r),
    "color_accuracy": lambda g, i, r: color_of(seen_things(g, i), r),
    "where_accuracy": lambda g, i, r: where(seen_things(g, i), r),
    "size_accuracy": lambda g, i, r: size_of(seen_things(g, i), r),
    "closer_accuracy": lambda g, i, r: closer(seen_things(g, i), r),
}


def llava_scores(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, gallery: Gallery, n: int = 256
) -> dict[str, float]:
    """Return the scores on the first n pictures."""
    model.float().eval()
    rng = np.random.default_rng(0)
    scores = _listing(model, tokenizer, gallery, n)
    scores |= _describing(model, tokenizer, gallery, n)
    for name, ask in SHORT_KINDS.items():
        asked = [ask(gallery, i, rng) for i in range(n)]
        scores[name] = _exact(answers(model, tokenizer, gallery.images[:n], [q.text for q in asked]), asked)
    crops = np.stack([crop(gallery, i) for i in range(n)])
    named = [Question(NAME_THIS, crop_name(gallery, i)) for i in range(n)]
    scores["crop_accuracy"] = _exact(answers(model, tokenizer, crops, [NAME_THIS] * n), named)
    return scores


@torch.inference_mode()
def answers(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    images: np.ndarray,
    texts: list[str],
) -> list[str]:
    """Answer one question about each picture, greedily."""
    out: list[str] = []
    for start in range(0, len(texts), 64):
        prompts = [f"USER: {IMAGE * IMAGE_TOKENS}\n{t} ASSISTANT:" for t in texts[start : start + 64]]
        batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
        ids = model.generate(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            pixel_values=normalise(images[start : start + 64]),
            max_new_tokens=80,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        out += tokenizer.batch_decode(ids[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in out]


def _exact(found: list[str], asked: list[Question]) -> float:
    return float(np.mean([a == q.answer for a, q in zip(found, asked, strict=True)]))


def _listing(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, gallery: Gallery, n: int
) -> dict[str, float]:
    things = [seen_things(gallery, i) for i in range(n)]
    texts = answers(model, tokenizer, gallery.images[:n], [list_all(t).text for t in things])
    listed = [text.lower().rstrip(".").split(", ") for text in texts]
    names = _matched(
        [Counter(p.split()[-1] for p in ps) for ps in listed], [Counter(t.name for t in ts) for ts in things]
    )
    phrases = _matched([Counter(ps) for ps in listed], [Counter(t.phrase for t in ts) for ts in things])
    return {
        "list_wrong_names": 1 - names[0],
        "list_coverage": names[1],
        "list_wrong_phrases": 1 - phrases[0],
    }


def _describing(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, gallery: Gallery, n: int
) -> dict[str, float]:
    texts = answers(model, tokenizer, gallery.images[:n], [DESCRIBE] * n)
    found = [Counter({p.split()[-1] for p in entities_of(text)}) for text in texts]
    true = [Counter({t.name for t in seen_things(gallery, i)}) for i in range(n)]
    precision, recall = _matched(found, true)
    return {"describe_chair_i": 1 - precision, "describe_coverage": recall}


def _matched(found: list[Counter[str]], true: list[Counter[str]]) -> tuple[float, float]:
    """Return precision and recall of multisets, pooled over pictures."""
    hits = sum((f & t).total() for f, t in zip(found, true, strict=True))
    return hits / max(1, sum(f.total() for f in found)), hits / max(1, sum(t.total() for t in true))
