"""Reads rich prose as statements by asking a language model, in JSON of a fixed shape.

A claim counts only if the words that it quotes stand in the text; sentences for which the model quotes
nothing, and texts for which its answer cannot be read, are read by rule.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from factory.claims.read import parse
from factory.claims.repair import by_sentence
from factory.claims.statement import KINDS, Judged, Statement
from factory.english import NUMBERS, bare
from factory.errors import ReplyError
from factory.lexicon import DISTANCE_PATTERNS, PLACE_PATTERNS, RELATION_PATTERNS, SIZE_WORDS
from factory.models.protocols import Chat, ChatRequest, Reply
from factory.prompts import Prompt
from factory.replies import records

FIELDS = ("description",)
_FIELDS_OF_CLAIM = ("kind", "quote", "subject", "value", "other")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    name: {"type": "string", **({"enum": list(KINDS)} if name == "kind" else {})}
                    for name in _FIELDS_OF_CLAIM
                },
                "required": list(_FIELDS_OF_CLAIM),
                "additionalProperties": False,
            },
        }
    },
    "required": ["claims"],
    "additionalProperties": False,
}

Ask = Callable[[Chat, Sequence[ChatRequest]], list[Reply]]


class ChatReader:
    """A language model as reader; `counts` learns what could not be used of its answers."""

    def __init__(self, model: Chat, prompt: Prompt, ask: Ask, counts: Counter[str]) -> None:
        self._model, self._prompt, self._ask = model, prompt, ask
        self._counts = counts

    def __call__(self, texts: Sequence[str]) -> list[list[Statement]]:
        """Return the statements of each text, in the order of the text."""
        requests = [ChatRequest(self._prompt.render({"description": text}), schema=SCHEMA) for text in texts]
        replies = self._ask(self._model, requests)
        return [self._read(text, reply) for text, reply in zip(texts, replies, strict=True)]

    def _read(self, text: str, reply: Reply) -> list[Statement]:
        try:
            raw = records(reply, _FIELDS_OF_CLAIM)
        except ReplyError:
            self._counts["texts read by rule"] += 1
            return parse(text)
        found = list(_placed(text, raw))
        self._counts["claims not in the text"] += len(raw) - len(found)
        covered = by_sentence(text, [Judged(statement) for statement in found])
        bare_spans = [span for span, of_one in covered if not of_one]
        found += [s for s in parse(text) if any(start <= s.start < end for start, end in bare_spans)]
        return sorted(found, key=lambda s: (s.start, s.end))


def _placed(text: str, raw: Sequence[dict[str, str]]) -> Iterator[Statement]:
    """Yield the claims whose quote stands in the text; a quote that stands there twice is looked for in order."""
    lower, at = text.lower(), 0
    for claim in raw:
        quote = claim["quote"].strip().lower()
        start = lower.find(quote, at) if quote else -1
        start = lower.find(quote) if quote and start < 0 else start
        if start < 0 or claim["kind"] not in KINDS:
            continue
        at = start
        value = _value(claim["kind"], claim["value"].strip().lower())
        yield Statement(
            claim["kind"], start, start + len(quote), bare(claim["subject"]),
            claim["value"].strip() if claim["kind"] == "text" else value, bare(claim["other"]),
        )  # fmt: skip


def _value(kind: str, said: str) -> str:
    """Return the word that geometry knows for what the model said; what it does not know stays as it is."""
    if kind == "count":
        return said if said.isdigit() else str(NUMBERS.get(said, 0))
    if kind == "size":
        return SIZE_WORDS.get(said, said)
    patterns = {
        "position": PLACE_PATTERNS,
        "depth": {**DISTANCE_PATTERNS, **RELATION_PATTERNS},
        "relation": RELATION_PATTERNS,
    }.get(kind, {})
    return next((value for value, pattern in patterns.items() if said == value or pattern.search(said)), said)
