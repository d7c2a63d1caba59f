"""Exercises for the small text-only Llama: extracting entities and rewriting a draft from facts.

Prompts and answers have the exact form in which the factory asks, see recipes/picturebook/prompts.
"""

import json
import re
from collections import Counter
from typing import NamedTuple

import numpy as np

from recipes.picturebook.caption import human_caption, opening_of, web_caption
from recipes.picturebook.english import (
    DISTANCES,
    NUMBERS,
    PLACES,
    SIZES,
    capital,
    counted,
    plural,
    with_article,
)
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.world import CLASS_NAMES, COLOR_NAMES

RELATIONS = ("in front of", "behind", "to the left of", "to the right of")
SINGULAR = {plural(name): name for name in CLASS_NAMES}


class Exercise(NamedTuple):
    """A user turn and the one right answer."""

    prompt: str
    answer: str


class Fact(NamedTuple):
    """One object in words, as the factory's geometry gives it."""

    size: str
    phrase: str
    place: str
    distance: str


class Mix(NamedTuple):
    """How often entities are asked for, and how often the text is a long description."""

    extractions: float
    long_texts: float


MIXES = (Mix(0.35, 0.25), Mix(0.7, 0.6))
"""Two lessons; the second dwells on what stays difficult longest: the entities of long descriptions."""


def exercise(seed: int, lesson: int = 0) -> Exercise:
    """Draw an exercise; the same seed and lesson are always the same one."""
    rng, mix = np.random.default_rng([seed, 2]), MIXES[lesson]
    return extraction(rng, mix.long_texts) if rng.random() < mix.extractions else rewriting(rng)


def extraction(rng: np.random.Generator, long_texts: float = 0.25) -> Exercise:
    """Ask for the entities of a caption or description, in order of first mention, without repeats."""
    text = _some_text(rng, long_texts)
    return Exercise(f"Entities: {text}", json.dumps(entities_of(text)))


def rewriting(rng: np.random.Generator, numbered: bool = True) -> Exercise:
    """Ask for the description that a draft, its hallucinations and the facts of the image call for.

    Facts are numbered and so are the sentences that answer them, one a line; whoever asks takes the numbers off.
    """
    draft = _draft(rng)
    facts = _facts(rng)
    lines = [_line(f) for f in facts] + _count_lines(facts) + _relation_lines(facts, rng)
    named = entities_of(draft)
    absent = [e for e in named if rng.random() < 0.3]
    prompt = f"Draft: {draft}\nNot there: {', '.join(absent) or 'nothing'}\nFacts:\n" + "\n".join(
        _numbered(lines) if numbered else lines
    )
    opening, *sentences = rewritten(draft, lines)
    answer = "\n".join([opening, *_numbered(sentences)]) if numbered else " ".join([opening, *sentences])
    return Exercise(prompt.rstrip("\n"), answer)


def rewritten(draft: str, lines: list[str]) -> list[str]:
    """Return the right sentences: the opening of the draft, then one for each fact."""
    return [opening_of(draft), *(_sentence(line) for line in lines)]


def entities_of(text: str) -> list[str]:
    """Return the phrases of a text that name things, singular, with their colour if it is given."""
    found: list[str] = []
    words = re.findall(r"[a-z]+", text.lower())
    for before, word in zip(["", *words], words, strict=False):
        name = SINGULAR.get(word, word)
        if name in CLASS_NAMES:
            phrase = f"{before} {name}" if before in COLOR_NAMES else name
            found += [] if phrase in found else [phrase]
    return found


def _draft(rng: np.random.Generator) -> str:
    scene = sample_scene(int(rng.integers(2**31)))
    return web_caption(scene, rng) if rng.random() < 0.7 else human_caption(scene, rng)


def _some_text(rng: np.random.Generator, long_texts: float) -> str:
    if rng.random() < 1 - long_texts:
        return _draft(rng)
    return rewriting(rng, numbered=False).answer


def _facts(rng: np.random.Generator) -> list[Fact]:
    facts: list[Fact] = []
    for _ in range(int(rng.integers(0, 8))):
        if facts and rng.random() < 0.25:
            phrase = facts[int(rng.integers(len(facts)))].phrase
        else:
            phrase = f"{rng.choice(COLOR_NAMES)} {rng.choice(CLASS_NAMES)}"
        phrase = phrase.split()[-1] if rng.random() < 0.04 else phrase
        facts.append(
            Fact(str(rng.choice(SIZES)), phrase, str(rng.choice(PLACES)), str(rng.choice(DISTANCES)))
        )
    return sorted(facts, key=lambda f: PLACES.index(f.place)) if rng.random() < 0.8 else facts


def _numbered(lines: list[str]) -> list[str]:
    return [f"{n}. {line}" for n, line in enumerate(lines, start=1)]


def _line(fact: Fact) -> str:
    return f"{fact.size} {fact.phrase} | {fact.place} | {fact.distance}".strip()


def _count_lines(facts: list[Fact]) -> list[str]:
    names = Counter(f.phrase.split()[-1] for f in facts)
    return [f"count | {counted(n, name)}" for name, n in names.items() if 1 < n < len(NUMBERS)]


def _relation_lines(facts: list[Fact], rng: np.random.Generator) -> list[str]:
    phrases = Counter(f.phrase for f in facts)
    single = [phrase for phrase, n in phrases.items() if n == 1]
    lines = []
    for _ in range(int(rng.integers(0, 3)) if len(single) > 1 else 0):
        a, b = rng.choice(len(single), 2, replace=False)
        lines.append(f"relation | the {single[a]} | {rng.choice(RELATIONS)} | the {single[b]}")
    return lines


def _sentence(line: str) -> str:
    first, *rest = line.split(" | ")
    if first == "count":
        return f"There are {rest[0]} in total."
    if first == "relation":
        return f"{capital(rest[0])} is {rest[1]} {rest[2]}."
    return f"{capital(with_article(first))} is {', '.join(rest)}."
