"""Reading yes or no out of a free answer, by two named parsers.

`reference` does what the published POPE scorer does: the text before the first full stop, commas deleted,
split at spaces; a piece that is exactly No, no or not means no, and *everything else is yes*, an empty answer
too. `robust` reads case, punctuation and negations, and says so when an answer is neither.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_REFERENCE_NO = frozenset({"No", "not", "no"})
_REFERENCE_YES = frozenset({"Yes", "yes"})

_UNDECIDED = re.compile(
    r"\b(?:unsure|unclear|unknown|not (?:sure|certain|clear|possible)|(?:don't|do not) know|"
    r"(?:cannot|can't|hard to|difficult to|unable to) (?:tell|say|determine|know))\b",
    re.IGNORECASE,
)
_LEADING = re.compile(r"\W*(yes|yeah|yep|no|nope)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:no|not|none of|neither|without|cannot)\b|n['\u2019]t\b", re.IGNORECASE)
_AFFIRMATION = re.compile(
    r"\b(?:yes|there (?:is|are)|i (?:can )?see|it (?:shows|contains|has)|correct)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Reading:
    """What an answer was taken to say."""

    answer: str | None
    """"yes", "no", or None where the parser leaves it open."""
    parsed: bool
    """False where nothing in the text says yes or no, whatever the parser takes it for."""


def read_reference(text: str) -> Reading:
    """Read an answer as the published scorer does; what falls through to yes is marked as not parsed."""
    pieces = set(text.split(".", maxsplit=1)[0].replace(",", "").split(" "))
    if pieces & _REFERENCE_NO:
        return Reading("no", True)
    return Reading("yes", bool(pieces & _REFERENCE_YES))


def read_robust(text: str) -> Reading:
    """Read an answer's first word if it is yes or no, else what its first sentence states, if anything."""
    leading = _LEADING.match(text)
    if leading:
        return Reading("yes" if leading.group(1).lower().startswith("y") else "no", True)
    sentence = re.split(r"[.!?\n]", text.strip(), maxsplit=1)[0]
    if _UNDECIDED.search(sentence):
        return Reading(None, False)
    if _NEGATION.search(sentence):
        return Reading("no", True)
    if _AFFIRMATION.search(sentence):
        return Reading("yes", True)
    return Reading(None, False)


PARSERS: dict[str, Callable[[str], Reading]] = {"reference": read_reference, "robust": read_robust}
