"""From a chat model's reply to text that can be used, or the reason why it cannot."""

import json
import re
from collections.abc import Sequence
from typing import Any

from factory.errors import ReplyError
from factory.grammar import sentences
from factory.models.protocols import Reply

_FENCE = re.compile(r"^```\w*\s*(.*?)\s*```$", re.DOTALL)
_PREAMBLE = re.compile(r"^(?:sure|certainly|here(?:'s| is| are))\b[^\n:]{0,80}:\s*", re.IGNORECASE)
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+", re.MULTILINE)
_LAST_MARK = re.compile(r"(?:\A|\n|(?<=[.!?])\s)\s*(?:\d{1,2}[.)]|[-*•])\s*\Z")
"""The mark of a list's next entry, of which nothing else was written."""
_QUOTES = (('"', '"'), ("“", "”"))
_SENTENCE_ENDS = (".", "!", "?", '"', "”", ")")


def prose(reply: Reply) -> str:
    """Return the text without wrappers; of one cut off at its token limit, the whole sentences.

    Raises:
        ReplyError: there is no answer, or not one whole sentence of it.
    """
    text = _PREAMBLE.sub("", _answer(reply)).strip()
    for opening, closing in _QUOTES:
        if (
            len(text) > 1
            and text.startswith(opening)
            and text.endswith(closing)
            and opening not in text[1:-1]
        ):
            text = text[1:-1].strip()
    if not reply.finished:
        text = _LAST_MARK.sub("", text).rstrip()
        text = text if text.endswith(_SENTENCE_ENDS) else _whole_sentences(text)
    if not text:
        raise ReplyError("empty reply")
    return _as_prose(text)


def _as_prose(text: str) -> str:
    """Turn a list of sentences, numbered or with bullets, into running text; leave any other text as it is."""
    return " ".join(_LIST_MARK.sub("", text).split()) if _LIST_MARK.search(text) else text


def phrases(reply: Reply) -> list[str]:
    """Return a reply that is a JSON array of strings, or an object that holds just one.

    Raises:
        ReplyError: there is no answer, or it is anything else.
    """
    value = _list(reply)
    if not isinstance(value, list) or not all(isinstance(phrase, str) for phrase in value):
        raise ReplyError("reply is not a JSON array of strings")
    return [phrase.strip() for phrase in value if phrase.strip()]


def records(reply: Reply, names: Sequence[str]) -> list[dict[str, str]]:
    """Return a reply that is a JSON array of objects, or an object that holds just one such array.

    Of each object the named strings are taken; one that is absent or null is empty.

    Raises:
        ReplyError: there is no answer, or it is anything else.
    """
    value = _list(reply)
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        raise ReplyError("reply is not a JSON array of objects")
    return [{name: str(record.get(name) or "") for name in names} for record in value]


def _list(reply: Reply) -> Any:
    text = _answer(reply)
    fenced = _FENCE.match(text)
    try:
        value: Any = json.loads(fenced.group(1) if fenced else text)
    except (json.JSONDecodeError, RecursionError):
        raise ReplyError("reply is not JSON") from None
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


def _answer(reply: Reply) -> str:
    if reply.error:
        raise ReplyError(f"no reply: {reply.error}")
    return reply.text.strip()


def _whole_sentences(text: str) -> str:
    whole = [(start, end) for start, end in sentences(text) if text[start:end].endswith(_SENTENCE_ENDS)]
    if not whole:
        raise ReplyError("reply cut off at its token limit")
    return text[: whole[-1][1]]
