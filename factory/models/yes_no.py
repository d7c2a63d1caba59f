"""From the probabilities of an answer's first token to that of yes among yes and no."""

from collections.abc import Iterable

_SHAPES = ("{}", " {}")
_WORDS = {"yes": ("yes", "Yes", "YES"), "no": ("no", "No", "NO")}


def variants(word: str) -> list[str]:
    """Return how yes or no may begin an answer: with or without space, in any case."""
    return [shape.format(form) for form in _WORDS[word] for shape in _SHAPES]


def share_of_yes(tokens: Iterable[tuple[str, float]]) -> float | None:
    """Return yes / (yes + no) over first tokens with their probabilities; None where neither is among them."""
    found = {"yes": 0.0, "no": 0.0}
    for token, probability in tokens:
        word = token.strip().lower()
        if word in found:
            found[word] += probability
    total = found["yes"] + found["no"]
    return found["yes"] / total if total > 0 else None
