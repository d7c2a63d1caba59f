"""Sharing a picture among its questions changes the cost of a loss, not the loss."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recipes.picturebook.pretrain.gallery import Gallery, gallery
from recipes.picturebook.pretrain.llava import IMAGE_TOKENS, Asker, new_llava
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.patches import normalise
from recipes.picturebook.pretrain.questions import MIXES, Question, corpus, questions
from recipes.picturebook.pretrain.tokenizer import IMAGE, train_tokenizer
from recipes.picturebook.pretrain.tower import Seer


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return gallery(tmp_path_factory.mktemp("gallery"), 70, 6, workers=1)


def test_shared_picture_equals_one_forward_per_question(scenes: Gallery, tmp_path: Path) -> None:
    torch.manual_seed(0)
    tokenizer = train_tokenizer(corpus(scenes, 6), 512)
    seer = Seer().eval()
    model = new_llava(tokenizer, seer).eval()
    asked = [questions(scenes, i, np.random.default_rng(i), lesson=2)[:4] for i in range(3)]
    pixels = normalise(scenes.images[:3])
    with torch.no_grad():
        features = seer.tower(pixel_values=pixels).last_hidden_state[:, 1:].numpy()
        asker = Asker(model, tokenizer, Loop(tmp_path, 1, 3, 1e-3, bf16=False))
        shared = asker.loss(features, asked, 1.0).item()
        alone = [_alone(model, tokenizer, pixels[i : i + 1], q) for i, qs in enumerate(asked) for q in qs]
    total, tokens = (sum(part) for part in zip(*alone, strict=True))
    assert shared == pytest.approx(total / tokens, rel=1e-4)


def _alone(model, tokenizer, pixels: torch.Tensor, question: Question) -> tuple[float, int]:  # type: ignore[no-untyped-def]
    prompt = tokenizer(f"USER: {IMAGE * IMAGE_TOKENS}\n{question.text} ASSISTANT:").input_ids
    answer = tokenizer(f" {question.answer}</s>").input_ids
    ids = torch.tensor([prompt + answer])
    logits = model(input_ids=ids, pixel_values=pixels, attention_mask=torch.ones_like(ids)).logits[0]
    picked = logits[len(prompt) - 1 : -1].log_softmax(-1)[torch.arange(len(answer)), answer]
    return -picked.sum().item(), len(answer)


@pytest.mark.parametrize("lesson", range(len(MIXES)))
def test_half_of_the_yes_no_questions_are_answered_yes(scenes: Gallery, lesson: int) -> None:
    rng = np.random.default_rng(0)
    asked = [q for _ in range(60) for i in range(6) for q in questions(scenes, i, rng, lesson)]
    answers = [q.answer for q in asked if q.text.startswith("Is there")]
    assert 0.4 < answers.count("Yes.") / len(answers) < 0.6
