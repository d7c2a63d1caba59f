"""Asking each question once: what the store has is not asked again, what is asked is stored at once."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from eval.generation.store import Store
from eval.jsonio import sha256_of


@dataclass(frozen=True)
class Request:
    """One question about one image."""

    image: Path
    question: str
    max_new_tokens: int


class Answerer(Protocol):
    """A model that answers questions about images."""

    @property
    def batch_size(self) -> int:
        """How many requests a call gets at most."""
        ...

    @property
    def fingerprint(self) -> str:
        """Everything about the model and its settings on which an answer depends."""
        ...

    def __call__(self, requests: Sequence[Request]) -> Iterable[str]:
        """Return one answer per request, in order; all requests of a call have the same `max_new_tokens`.

        A list is stored at once, what comes one by one is stored one by one.
        """
        ...


def ask(
    answerer: Answerer,
    requests: Sequence[Request],
    store: Store,
    tick: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Return the answers in the order of the requests; `tick` is told how many requests each step settles."""
    keys = [request_key(request, answerer.fingerprint) for request in requests]
    waiting = {key: request for key, request in zip(keys, requests, strict=True) if key not in store}
    shares = Counter(keys)
    tick(len(keys) - sum(shares[key] for key in waiting))
    for batch in _batches(list(waiting.items()), answerer.batch_size):
        answers = answerer([request for _, request in batch])
        for group in _groups([key for key, _ in batch], answers):
            store.put(group)
            tick(sum(shares[key] for key in group))
    return [store[key] for key in keys]


def _groups(keys: Sequence[str], answers: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield answers by key, as many together as arrived together."""
    if isinstance(answers, list):
        yield dict(zip(keys, answers, strict=True))
    else:
        for key, answer in zip(keys, answers, strict=True):
            yield {key: answer}


def request_key(request: Request, fingerprint: str) -> str:
    """Return the key of an answer: a hash of the image's bytes, the question and the settings."""
    parts = [_image_hash(request.image), request.question, request.max_new_tokens, fingerprint]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _image_hash(path: Path) -> str:
    return sha256_of(path)


def _batches(items: list[tuple[str, Request]], size: int) -> Iterator[list[tuple[str, Request]]]:
    """Cut into batches of one generation length each; requests about the same image stay neighbours."""
    items = sorted(items, key=lambda item: item[1].max_new_tokens)
    start = 0
    while start < len(items):
        limit = items[start][1].max_new_tokens
        stop = start
        while stop < min(start + size, len(items)) and items[stop][1].max_new_tokens == limit:
            stop += 1
        yield items[start:stop]
        start = stop
