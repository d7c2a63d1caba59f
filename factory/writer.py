"""Writes a description from facts by template, in the controlled English that the claim reader reads."""

import re
from collections import Counter
from collections.abc import Sequence

from factory.english import capital, with_article
from factory.geometry import LARGE, SMALL

_OPENING_END = re.compile(r"\s+with\s|[.!?]")
_SEPARATOR = " | "
_MAX_OPENING_WORDS = 8


def write(reference: str, facts: Sequence[str]) -> str:
    """Return the opening of the reference without what it names, then one sentence per fact, in order."""
    mentioned: Counter[str] = Counter()
    sentences = [sentence for line in facts if (sentence := _sentence(line, mentioned))]
    return " ".join([*_opening(reference), *sentences])


def _opening(reference: str) -> list[str]:
    first = _OPENING_END.split(reference.strip(), maxsplit=1)[0].strip()
    return [f"{capital(first)}."] if 0 < len(first.split()) <= _MAX_OPENING_WORDS else []


def _sentence(line: str, mentioned: Counter[str]) -> str:
    parts = line.split(_SEPARATOR)
    if parts[0] == "count":
        return f"There are {parts[1]} in total."
    if parts[0] == "relation":
        return f"{capital(parts[1])} is {parts[2]} {parts[3]}."
    if parts[0] == "hidden":
        return f"{capital(parts[1])} is partly hidden {parts[2]} {parts[3]}."
    if parts[0] == "share":
        return f"{capital(parts[1])} takes up {parts[2]}."
    return _of_object(parts, mentioned)


def _of_object(parts: Sequence[str], mentioned: Counter[str]) -> str:
    named = parts[0]
    phrase = named.removeprefix(f"{LARGE} ").removeprefix(f"{SMALL} ")
    mentioned[phrase] += 1
    subject = f"another {named}" if mentioned[phrase] > 1 else with_article(named)
    return f"{capital(subject)} is {', '.join(parts[1:])}."
