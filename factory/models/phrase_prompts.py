"""Prompts of phrases, `[CLS] red car . dog . [SEP]`, and where each phrase stands in them.

Both GroundingDINOs read such prompts. A phrase is known by its span of tokens alone: what the model decodes for a
box runs phrases together.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_STOPS = re.compile(r"[.?]")


class PhrasePrompts:
    """Puts phrases into prompts of at most `room` tokens; with room 0 each into one of its own."""

    def __init__(self, tokenizer: Any, room: int, max_tokens: int) -> None:
        self._tokenizer, self._room = tokenizer, room
        self._longest = max_tokens - _SPECIAL_TOKENS - 1
        self._stop: list[int] = tokenizer(".", add_special_tokens=False).input_ids

    def packs(self, phrases: Sequence[str]) -> Iterator[list[int]]:
        """Yield indices of phrases that share a prompt."""
        pack: list[int] = []
        used = _SPECIAL_TOKENS
        for index, phrase in enumerate(phrases):
            length = len(self.token_ids(phrase)) + 1
            if pack and used + length > self._room:
                yield pack
                pack, used = [], _SPECIAL_TOKENS
            pack.append(index)
            used += length
        if pack:
            yield pack

    def prompts(self, packs: Sequence[Sequence[str]]) -> tuple[Any, list[list[slice]]]:
        """Return one padded prompt for each pack and the span of each of its phrases; a blank one spans nothing."""
        rows: list[list[int]] = []
        spans: list[list[slice]] = []
        for pack in packs:
            row, of_row = [self._tokenizer.cls_token_id], []
            for phrase in pack:
                ids = self.token_ids(phrase)
                of_row.append(slice(len(row), len(row) + len(ids)))
                row += [*ids, *self._stop]
            rows.append([*row, self._tokenizer.sep_token_id])
            spans.append(of_row)
        return self._tokenizer.pad({"input_ids": rows}, return_tensors="pt"), spans

    def token_ids(self, phrase: str) -> list[int]:
        """Return the tokens of a phrase, cut where the model would cut its prompt."""
        # a full stop or question mark ends a phrase for the model, so none may stand inside
        text = _STOPS.sub(" ", phrase.lower()).strip()
        ids: list[int] = self._tokenizer(text, add_special_tokens=False).input_ids
        return ids[: self._longest]
