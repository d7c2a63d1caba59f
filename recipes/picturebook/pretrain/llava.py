"""Trains the small LLaVA: a seeing tower, frozen, and a Llama that answers truly and describes carelessly.

Many questions are asked of each picture. The picture goes through the Llama once and its keys and values are shared by
all of its questions, gradients included, so each question costs only its own words.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transformers import (
    DynamicCache,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from recipes.picturebook.pretrain.gallery import Gallery
from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.patches import normalise, zoom_window
from recipes.picturebook.pretrain.questions import NAME_THIS, Question, corpus, questions
from recipes.picturebook.pretrain.tokenizer import IMAGE, kept_tokenizer, train_tokenizer
from recipes.picturebook.pretrain.tower import Seer, tower_config
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES, IMAGE_SIZE

MAX_LENGTH = 512
IGNORE = -100
IMAGE_TOKENS = 100
CROPS_PER_STEP = 8
LESSON_STEPS = (1000, 3400)
"""Steps at which the second and the third lesson begin; from the second on, short answers count more."""
SHORT_WEIGHT = 3.0
SHORT = 24
"""Questions with their answers of up to this many tokens are computed together, the longer ones apart: less padding."""


def new_llava(tokenizer: PreTrainedTokenizerFast, seer: Seer) -> LlavaForConditionalGeneration:
    """Return a LLaVA with a trained tower and untrained projector and Llama."""
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=5,
        num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    config = LlavaConfig(
        vision_config=tower_config(),
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=IMAGE_TOKENS,
        vision_feature_layer=-1,
        attn_implementation="eager",
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(seer.tower.state_dict())
    model.model.vision_tower.requires_grad_(False)
    return model


def train_llava(
    loop: Loop, gallery: Gallery, seer: Seer
) -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:
    """Train projector and Llama from scratch, or resume, on features of the frozen tower."""
    torch.manual_seed(0)
    tokenizer = kept_tokenizer(loop.folder, lambda: train_tokenizer(corpus(gallery, 1500), MAX_LENGTH))
    model = new_llava(tokenizer, seer)
    whole = cached_features(seer, gallery, loop, crops=False)
    crops = cached_features(seer, gallery, loop, crops=True)
    asker = Asker(model, tokenizer, loop)

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([11, step])
        picked = rng.integers(len(gallery), size=loop.batch_size)
        cropped = rng.integers(len(gallery), size=CROPS_PER_STEP)
        lesson = sum(step >= begin for begin in LESSON_STEPS)
        asked = [questions(gallery, int(i), rng, lesson) for i in picked]
        asked += [[Question(NAME_THIS, crop_name(gallery, int(i)))] for i in cropped]
        weight = SHORT_WEIGHT if lesson else 1.0
        return asker.loss(np.concatenate([whole[picked], crops[cropped]]), asked, weight)

    loop.run(model, loss)
    return model, tokenizer


class Turn(NamedTuple):
    """A question and its answer as token ids, and the picture of the batch that it is about."""

    picture: int
    prompt: list[int]
    reply: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.reply)


class Asker:
    """Computes the loss of many questions about each of a batch of pictures."""

    def __init__(
        self, model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, loop: Loop
    ) -> None:
        self.model, self.tokenizer, self.loop = model, tokenizer, loop
        self.memory: dict[str, list[int]] = {}

    def loss(self, features: NDArray[np.float16], asked: list[list[Question]], short_weight: float) -> Tensor:
        """Return the mean loss per answered token; `features` (n, patches, width), `asked` one list per picture."""
        turns = sorted((self._turn(i, q) for i, qs in enumerate(asked) for q in qs), key=len)
        cut = sum(len(turn) <= SHORT for turn in turns)
        groups = [(turns[:cut], short_weight), (turns[cut:], 1.0)]
        with self.loop.autocast():
            keys_values = self._look(torch.from_numpy(features).to(self.loop.device, torch.float32))
            total = torch.stack(
                [w * self._group_loss(group, keys_values) for group, w in groups if group]
            ).sum()
        return total / sum(w * len(turn.reply) for group, w in groups for turn in group)

    def _turn(self, picture: int, q: Question) -> Turn:
        return Turn(picture, self._ids(f"\n{q.text} ASSISTANT:"), self._ids(f" {q.answer}</s>"))

    def _ids(self, text: str) -> list[int]:
        if text not in self.memory:
            self.memory[text] = self.tokenizer(text).input_ids
        return self.memory[text]

    def _look(self, features: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return keys and values of `USER: <image>` for every layer."""
        model = self.model.model
        projected = model.multi_modal_projector(features)  # (n, IMAGE_TOKENS, width)
        lead = torch.tensor(self._ids("USER: "), device=self.loop.device)
        words = model.get_input_embeddings()(lead).expand(len(projected), -1, -1)
        embeds = torch.cat([words.to(projected), projected], 1)
        past = model.language_model(inputs_embeds=embeds, use_cache=True).past_key_values
        return [(layer.keys, layer.values) for layer in past.layers]

    def _group_loss(self, turns: list[Turn], keys_values: list[tuple[Tensor, Tensor]]) -> Tensor:
        ids, labels = _padded(turns, self.tokenizer.pad_token_id)
        ids, labels = ids.to(self.loop.device), labels.to(self.loop.device)
        pictures = torch.tensor([turn.picture for turn in turns], device=self.loop.device)
        past = DynamicCache([(k[pictures], v[pictures]) for k, v in keys_values])
        seen = keys_values[0][0].shape[2]
        hidden = self.model.model.language_model(
            input_ids=ids,
            past_key_values=past,
            attention_mask=_after_picture(ids.shape[1], seen).to(ids.device),
            position_ids=torch.arange(seen, seen + ids.shape[1], device=ids.device)[None],
        ).last_hidden_state
        told = labels[:, 1:] != IGNORE
        logits = self.model.lm_head(hidden[:, :-1][told])
        return nn.functional.cross_entropy(logits.float(), labels[:, 1:][told], reduction="sum")


def _after_picture(length: int, seen: int) -> Tensor:
    """Return the additive mask (1, 1, length, seen + length): all of the picture, and the words so far."""
    later = torch.ones(length, length).triu(1) * -1e4
    return torch.cat([torch.zeros(length, seen), later], 1)[None, None]


def _padded(turns: list[Turn], pad: int) -> tuple[Tensor, Tensor]:
    longest = max(len(turn) for turn in turns)
    ids = torch.full((len(turns), longest), pad)
    labels = torch.full((len(turns), longest), IGNORE)
    for row, turn in enumerate(turns):
        ids[row, : len(turn)] = torch.tensor(turn.prompt + turn.reply)
        labels[row, len(turn.prompt) : len(turn)] = torch.tensor(turn.reply)
    return ids, labels


def crop_name(gallery: Gallery, index: int) -> str:
    """Return what a picture's crop shows: colour and class."""
    thing = _cropped_thing(gallery, index)
    return f"{COLOR_NAMES[gallery.colors[index, thing]]} {CLASS_NAMES[gallery.classes[index, thing]]}"


def crop(gallery: Gallery, index: int) -> NDArray[np.uint8]:
    """Cut a square around one thing of a picture and enlarge it to the size of a picture."""
    rng = np.random.default_rng([13, index])
    box = gallery.boxes[index, _cropped_thing(gallery, index)].astype(np.float32)
    jittered = (box + rng.normal(0, 1.5, 4)).astype(np.float32)
    left, top, side = zoom_window(jittered, float(rng.uniform(1.2, 1.5)))
    picture = Image.fromarray(gallery.images[index])
    window = (left, top, left + side, top + side)
    return np.asarray(picture.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC, box=window))


def _cropped_thing(gallery: Gallery, index: int) -> int:
    return int(np.random.default_rng([12, index]).integers(int(gallery.counts[index])))


@torch.inference_mode()
def cached_features(seer: Seer, gallery: Gallery, loop: Loop, crops: bool) -> NDArray[np.float16]:
    """Return what the tower sees of every picture, or of a crop of each, (n, patches, width); kept on disk."""
    path = loop.folder / f"features-{'crops' if crops else 'whole'}.npy"
    if not path.exists():
        _save_features(path, seer, gallery, loop, crops)
    kept: NDArray[np.float16] = np.load(path, mmap_mode="r")
    return kept


def _save_features(path: Path, seer: Seer, gallery: Gallery, loop: Loop, crops: bool) -> None:
    loop.folder.mkdir(parents=True, exist_ok=True)
    tower, out = seer.tower.to(loop.device).eval(), []
    for start in range(0, len(gallery), 200):
        span = range(start, min(start + 200, len(gallery)))
        images = (
            np.stack([crop(gallery, i) for i in span]) if crops else gallery.images[span.start : span.stop]
        )
        with loop.autocast():
            hidden = tower(pixel_values=normalise(images).to(loop.device)).last_hidden_state[:, 1:]
        out.append(hidden.float().cpu().numpy().astype(np.float16))
    features = np.concatenate(out)
    with path.with_suffix(".part").open("wb") as file:
        np.save(file, features)
    path.with_suffix(".part").replace(path)
