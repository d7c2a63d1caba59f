"""The false twin of a true text: the same words with an invented thing put back in, in the text's own style.

What is put back was written by the model and refuted by the image, so that a trainer sees one difference: the
hallucination. The texts stay of like length, since longer must not look better.
"""

import re
from collections.abc import Sequence

from factory.claims.read import parse
from factory.english import bare, capital, head, listed, with_article
from factory.grammar import nouns, sentences, setting_of

MIN_RATIO, MAX_RATIO = 0.8, 1.25
"""Words of the true text over words of the false one."""
_ARTICLE = re.compile(r"^(?:an?|another|one)\s", re.IGNORECASE)


def is_of_like_length(chosen: str, rejected: str) -> bool:
    """Tell whether two texts are of like length; never for an empty one."""
    words = len(rejected.split())
    return words > 0 and MIN_RATIO <= len(chosen.split()) / words <= MAX_RATIO


def put_back(text: str, phrases: Sequence[str]) -> str | None:
    """Return the text with as many of the phrases in it as the length allows; None where not one can be put in.

    A phrase goes into a list of things, or in a sentence like one that is there, or into the place of another thing.
    Phrases of which the text names such a thing already are passed over.
    """
    false = text
    for phrase in phrases:
        named = {head(s.phrase) for s in parse(false) if s.phrase}
        if head(phrase) in named:
            continue
        ways = (
            _into_list(false, bare(phrase)),
            _like_another(false, bare(phrase)),
            _instead(false, bare(phrase)),
        )
        false = next((new for new in ways if new is not None and is_of_like_length(text, new)), false)
    return None if false == text else false


def _into_list(text: str, phrase: str) -> str | None:
    """Return the text with the phrase at the end of the list that its opening gives after `with`."""
    for start, end in sentences(text)[:1]:
        opening = re.search(r"\swith\s", text[start:end])
        if opening is None:
            return None
        found = [n for n in nouns(text, start, end) if n.start >= start + opening.end()]
        if found and text[found[-1].end : end].strip() in ("", "."):
            listing = listed([*(text[n.start : n.end] for n in found), with_article(phrase)])
            return text[: found[0].start] + listing + text[found[-1].end :]
    return None


def _like_another(text: str, phrase: str) -> str | None:
    """Return the text with a sentence more, made of the last that begins with one thing."""
    for start, end in reversed(sentences(text)):
        first = next((n for n in nouns(text, start, end) if n.start == start), None)
        if first is not None and _ARTICLE.match(text[start:]) and text[first.end : end].strip(" ."):
            sentence = capital(with_article(phrase)) + text[first.end : end]
            return f"{text[:end]} {sentence}{text[end:]}"
    return None


def _instead(text: str, phrase: str) -> str | None:
    """Return the text with the phrase in the place of the last thing that it names with an article."""
    for start, end in reversed(sentences(text)):
        found = list(nouns(text, start, end))
        place = setting_of(text, found, start, end)
        for noun in found:
            if noun is place:
                continue
            if _ARTICLE.match(text[noun.start :]) and noun.start > 0:
                new = with_article(phrase)
                new = capital(new) if text[noun.start].isupper() else new
                return text[: noun.start] + new + text[noun.end :]
    return None
