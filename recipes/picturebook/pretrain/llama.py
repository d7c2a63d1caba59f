"""Trains the small text-only Llama that extracts entities and rewrites drafts."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.texts import Exercise, exercise, extraction, rewriting
from recipes.picturebook.pretrain.tokenizer import kept_tokenizer, train_tokenizer

MAX_LENGTH = 512
REPEAT_STEPS = 1000
"""Steps spent first on repeating random tokens: from that a small model learns within minutes to look back and copy,
which both jobs consist of, and which it would learn from the texts alone only in hours."""
LESSON_STEP = 4900
"""Step at which the second lesson begins."""
IGNORE = -100
HELD_OUT_SEED = 10**8
"""Exercises from this seed on are never trained on."""


def text_tokenizer() -> PreTrainedTokenizerFast:
    """Learn the tokenizer of the small Llama from its own exercises."""
    exercises = (exercise(seed) for seed in range(4000))
    return train_tokenizer((chat_text(e) for e in exercises), MAX_LENGTH)


def chat_text(e: Exercise) -> str:
    """Return prompt and answer as one chat text."""
    return f"USER: {e.prompt} ASSISTANT: {e.answer}</s>"


def new_llama(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return an untrained Llama of the small shape."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        attn_implementation="eager",
    )
    return LlamaForCausalLM(config)


def train_llama(loop: Loop) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """Train from scratch, or resume."""
    torch.manual_seed(0)
    tokenizer = kept_tokenizer(loop.folder, text_tokenizer)
    model = new_llama(tokenizer)
    batches = _Batches(tokenizer, loop.batch_size)

    def loss(step: int) -> Tensor:
        early = step < REPEAT_STEPS
        ids, labels = _repeats(len(tokenizer), 2 * loop.batch_size, step) if early else batches.at(step)
        ids, labels = ids.to(loop.device), labels.to(loop.device)
        with loop.autocast():
            hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state  # (b, length, width)
            asked = labels != IGNORE
            logits = model.lm_head(hidden[:, :-1][asked[:, 1:]])
        return torch.nn.functional.cross_entropy(logits.float(), labels[:, 1:][asked[:, 1:]])

    loop.run(model, loss)
    return model, tokenizer


def _repeats(vocabulary: int, n: int, step: int) -> tuple[Tensor, Tensor]:
    """Return rows of random tokens said twice; only the second time is asked for."""
    generator = torch.Generator().manual_seed(step)
    length = int(torch.randint(12, 48, (), generator=generator))
    once = torch.randint(vocabulary, (n, length), generator=generator)
    return torch.cat([once, once], 1), torch.cat([torch.full_like(once, IGNORE), once], 1)


class _Batches:
    """Batches of like length: a pool of eight batches is sorted by length and dealt out."""

    POOL = 8

    def __init__(self, tokenizer: PreTrainedTokenizerFast, size: int) -> None:
        self.tokenizer, self.size = tokenizer, size
        self.pool_index, self.pool = -1, list[list[tuple[list[int], int]]]()

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        if step // self.POOL != self.pool_index:
            self.pool_index = step // self.POOL
            self.pool = list(self._deal(self.pool_index))
        return _padded(self.pool[step % self.POOL], self.tokenizer.pad_token_id)

    def _deal(self, index: int) -> Iterator[list[tuple[list[int], int]]]:
        n = self.size * self.POOL
        lesson = int(index * self.POOL >= LESSON_STEP)
        drawn = (exercise(index * n + i, lesson) for i in range(n))
        rows = sorted((self._ids(e) for e in drawn), key=lambda row: len(row[0]))
        order = torch.randperm(self.POOL, generator=torch.Generator().manual_seed(index)).tolist()
        return (rows[k * self.size : (k + 1) * self.size] for k in order)

    def _ids(self, e: Exercise) -> tuple[list[int], int]:
        prompt = self.tokenizer(f"USER: {e.prompt} ASSISTANT:").input_ids
        answer = self.tokenizer(f" {e.answer}</s>").input_ids
        return (prompt + answer)[:MAX_LENGTH], len(prompt)


def _padded(rows: list[tuple[list[int], int]], pad: int) -> tuple[Tensor, Tensor]:
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), pad)
    labels = torch.full((len(rows), longest), IGNORE)
    for i, (row, prompt) in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        labels[i, prompt : len(row)] = torch.tensor(row[prompt:])
    return ids, labels


@torch.inference_mode()
def llama_scores(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, n: int = 256
) -> dict[str, float]:
    """Return the shares of held-out exercises that are answered exactly right.

    Entities are asked of captions and drafts, as the factory does, and of long descriptions, which is harder.
    """
    kinds: dict[str, Callable[[np.random.Generator], Exercise]] = {
        "extraction_exact": lambda rng: extraction(rng, long_texts=0.0),
        "extraction_long_exact": lambda rng: extraction(rng, long_texts=1.0),
        "recaption_exact": rewriting,
    }
    return {
        name: _exact(
            model, tokenizer, [draw(np.random.default_rng([HELD_OUT_SEED + i, 2])) for i in range(n)]
        )
        for name, draw in kinds.items()
    }


def _exact(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, chosen: list[Exercise]) -> float:
    right = 0
    for start in range(0, len(chosen), 64):
        part = chosen[start : start + 64]
        right += sum(a == e.answer for a, e in zip(_answers(model, tokenizer, part), part, strict=True))
    return right / len(chosen)


def _answers(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, exercises: list[Exercise]
) -> list[str]:
    prompts = [f"USER: {e.prompt} ASSISTANT:" for e in exercises]
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left").to(model.device)
    batch.pop("token_type_ids", None)
    out = model.generate(**batch, max_new_tokens=256, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    texts = tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in texts]
