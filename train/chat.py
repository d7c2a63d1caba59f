r"""From conversation to token ids: prompts and answers are tokenised apart and joined, never split again.

The supervised span is exactly the answers, each with its end-of-sequence token (Liu et al. 2023,
arXiv:2310.03744, train on `USER: <image>\n... ASSISTANT: ...</s>` with `</s>` in the loss).
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from train.error import DataError, Unusable
from train.recipe import TemplateConfig

IGNORED_LABEL = -100
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that is used here."""

    eos_token_id: int | None
    bos_token_id: int | None

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any:
        """Return a mapping with `input_ids`."""


class Turn(NamedTuple):
    """One question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Encoded:
    """Token ids of a conversation, and which of them are supervised."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    """Half-open ranges of supervised positions: each an answer and its end-of-sequence token."""
    cut: bool = False
    """Whether sentences were cut from the last answer to fit."""

    @property
    def labels(self) -> list[int]:
        """Return the ids at supervised positions and `IGNORED_LABEL` elsewhere."""
        labels = [IGNORED_LABEL] * len(self.ids)
        for start, stop in self.spans:
            labels[start:stop] = self.ids[start:stop]
        return labels


def pick_prompt(prompts: Sequence[str], seed: int, sample_id: str) -> str:
    """Return the question of a sample: the same for the same seed and id, on any machine."""
    digest = hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()
    return prompts[int.from_bytes(digest[:8]) % len(prompts)]


def jinja_template(template: TemplateConfig) -> str:
    """Return the same chat as a Hugging Face chat template, so that inference asks as training did."""
    before, after = template.user.split("{question}")
    answer_start = template.assistant.removesuffix(" {answer}")
    text = {name: "{{ " + json.dumps(value) + " }}" if value else "" for name, value in (
        ("system", template.system), ("before", before), ("after", after), ("answer", answer_start),
        ("image", template.image), ("eos", template.eos),
    )}  # fmt: skip
    return (
        text["system"]
        + "{% for message in messages %}{% if message['role'] == 'user' %}"
        + text["before"]
        + "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        + "{% for item in message['content'] %}{% if item['type'] == 'image' %}"
        + text["image"]
        + "{% elif item['type'] == 'text' %}{{ item['text'] }}{% endif %}{% endfor %}{% endif %}"
        + text["after"]
        + "{% elif message['role'] == 'assistant' %}"
        + text["answer"]
        + "{{ ' ' }}{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        + "{{ message['content'][0]['text'] }}{% endif %}"
        + text["eos"]
        + "{% endif %}{% endfor %}{% if add_generation_prompt %}"
        + text["answer"]
        + "{% endif %}"
    )


@dataclass(frozen=True)
class Chat:
    """Encode conversations for one tokenizer and one template."""

    tokenizer: Tokenizer
    template: TemplateConfig
    image_token: str
    image_tokens: int
    """Tokens that one image takes in the language model."""
    max_length: int
    _prompts: dict[tuple[str, bool, bool], list[int]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.template.image.count(self.image_token) != 1:
            raise DataError(
                f"template.image {self.template.image!r} lacks the image token {self.image_token!r}"
            )
        eos = self._ids(self.template.eos)
        if len(eos) != 1 or eos[0] != self.tokenizer.eos_token_id:
            raise DataError(
                f"template.eos {self.template.eos!r} is {eos} in this tokenizer, "
                f"whose end-of-sequence token is {self.tokenizer.eos_token_id}"
            )

    def encode(self, turns: Sequence[Turn], has_image: bool) -> Encoded:
        """Encode a conversation, cutting its last answer at sentence ends until it fits.

        Raises:
            Unusable: an answer is empty, a text holds a special token, or not even one sentence fits.
        """
        encoded = self._encode(turns, has_image)
        if len(encoded.ids) <= self.max_length:
            return encoded
        sentences = _SENTENCE_END.split(turns[-1].answer.strip())
        low, high = (
            0,
            len(sentences) - 1,
        )  # `low` sentences fit (or none is known to), more than `high` do not
        best: Encoded | None = None
        while low < high:
            middle = (low + high + 1) // 2
            shorter = turns[-1]._replace(answer=" ".join(sentences[:middle]))
            trial = self._encode([*turns[:-1], shorter], has_image)
            if len(trial.ids) <= self.max_length:
                low, best = middle, trial
            else:
                high = middle - 1
        if best is None:
            raise Unusable("too_long")
        return Encoded(best.ids, best.spans, cut=True)

    def _encode(self, turns: Sequence[Turn], has_image: bool) -> Encoded:
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        for number, turn in enumerate(turns):
            if not turn.answer.strip():
                raise Unusable("empty_answer")
            ids += self._prompt_ids(turn.question, first=number == 0, has_image=has_image)
            start = len(ids)
            ids += [*self._answer_ids(turn.answer.strip()), self.eos_id]
            spans.append((start, len(ids)))
        return Encoded(tuple(ids), tuple(spans))

    @cached_property
    def eos_id(self) -> int:
        """Return the id of the end-of-sequence token."""
        return self._ids(self.template.eos)[0]

    def prompt(self, question: str, has_image: bool, first: bool = True) -> str:
        """Return the text up to the answer, the image as one token."""
        image = self.template.image if has_image and first else ""
        opening = self.template.system if first else ""
        user = self.template.user.replace("{question}", image + question)
        return opening + user + self.template.assistant.removesuffix(" {answer}")

    def _prompt_ids(self, question: str, first: bool, has_image: bool) -> list[int]:
        key = (question, first, has_image)
        if key not in self._prompts:
            self._prompts[key] = self._tokenise_prompt(question, first, has_image)
        return self._prompts[key]

    def _tokenise_prompt(self, question: str, first: bool, has_image: bool) -> list[int]:
        if self.image_token in question:
            raise Unusable("image_token_in_text")
        text = self.prompt(question, has_image, first)
        text = text.replace(self.image_token, self.image_token * self.image_tokens)
        ids = self._ids(text, special=first)
        return ids[:-1] if ids and ids[-1] == self.tokenizer.eos_token_id else ids

    def _answer_ids(self, answer: str) -> list[int]:
        """Return an answer's ids as they follow the prompt's last word, whatever becomes of the space."""
        anchor, before = self._anchor
        whole = self._ids(f"{anchor} {answer}")
        if self.eos_id in whole:
            raise Unusable("end_token_in_text")
        if self.image_token in answer:
            raise Unusable("image_token_in_text")
        if whole[: len(before)] != before:
            raise DataError(
                f"this tokenizer joins {anchor!r} with the word after it: choose another template.assistant"
            )
        return whole[len(before) :]

    @cached_property
    def _anchor(self) -> tuple[str, list[int]]:
        word = self.template.assistant.removesuffix(" {answer}").split()[-1]
        return word, self._ids(word)

    def _ids(self, text: str, special: bool = False) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids
