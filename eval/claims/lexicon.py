"""The words of the controlled English, and the patterns of its places, distances and relations."""

import re

from eval.text.listing import words

NUMBERS = {
    word: number
    for number, word in enumerate(
        words("one two three four five six seven eight nine ten eleven twelve"), start=1
    )
}
COLORS = {
    color: color for color in words("red orange yellow green blue purple pink brown black white gray")
} | {"grey": "gray", "violet": "purple"}
SIZES = {word: "large" for word in words("large big huge giant sizable")} | {
    word: "small" for word in words("small little tiny")
}
INDEFINITE = frozenset({"a", "an", "some", "several", "many", "few", "multiple", "various", "couple"})
DEFINITE = frozenset({"the", "this", "that", "these", "those", "its", "their", "his", "her"})
ANOTHER = frozenset({"another", "second", "third", "fourth", "other"})
NO = frozenset({"no"})
DETERMINERS = INDEFINITE | DEFINITE | ANOTHER | NO | frozenset(NUMBERS)
COPULAS = frozenset({"is", "are", "was", "were", "looks", "look", "appears", "seems"})

_PLACES = {"left": "left", "right": "right", "middle": "middle", "center": "middle", "centre": "middle"}
_IMAGE = r"(?:\s+(?:of|in)\s+(?:the|this)\s+(?:image|picture|photo|scene|frame|view))?"
_WHOLE = rf"(?:\s+(?:side|part|half|third|edge))?{_IMAGE}"
_PLACE = re.compile(
    r"\b(?:on|at|to|in|towards?)\s+(?:the\s+)?(?:far\s+|very\s+)?"
    rf"(left|right|middle|cent(?:er|re))(?:-hand)?{_WHOLE}\b(?!\s+(?:of|distance|ground)\b)"
)
_DISTANCES = {
    "close": r"(?:very |quite )?(?:close|near|next) to the (?:viewer|camera|observer|front)|"
    r"near the (?:viewer|camera|observer|front)|close ?up|in the (?:immediate |near )?foreground|nearby",
    "far": r"(?:very |quite )?far (?:away|back|off)|far from the (?:viewer|camera|observer)|"
    r"in the (?:far |distant )?(?:background|distance)|at the back",
    "halfway": r"half-?\s?way (?:back|away|into the (?:image|picture|scene))|midway(?: back)?|"
    r"(?:in|at) (?:the|a) (?:middle|medium) (?:distance|ground)|in the midground",
}
_DISTANCE = re.compile("|".join(rf"\b(?P<{name}>{pattern})\b" for name, pattern in _DISTANCES.items()))
_RELATIONS = {
    "in front of": r"in front of|(?:closer|nearer) (?:to the (?:viewer|camera) )?than",
    "behind": r"behind|in back of|farther (?:away |back )?than|further (?:away |back )?than",
    "left of": r"(?:to|on) the left (?:side )?of|left of",
    "right of": r"(?:to|on) the right (?:side )?of|right of",
}
_RELATION = re.compile(
    r"(?:^|\s)(?:"
    + "|".join(rf"(?P<r{index}>{pattern})" for index, pattern in enumerate(_RELATIONS.values()))
    + r")\s*$"
)
TOTAL = re.compile(r"\b(?:in total|altogether|in all|overall)\b")
PRONOUN = re.compile(r"^\s*(?:it|they|this one|that one)\b", re.IGNORECASE)


def find_places(text: str) -> list[tuple[str, int, int]]:
    """Return (place, start, end) for each place phrase of a lower-case sentence."""
    return [(_PLACES[match.group(1)], match.start(), match.end()) for match in _PLACE.finditer(text)]


def find_distances(text: str) -> list[tuple[str, int, int]]:
    """Return (distance, start, end) for each distance phrase of a lower-case sentence."""
    return [(str(match.lastgroup), match.start(), match.end()) for match in _DISTANCE.finditer(text)]


def relation_at_end(gap: str) -> tuple[str, int] | None:
    """Return (relation, start) if the text between two mentions ends in a relation phrase."""
    match = _RELATION.search(gap)
    if match is None or match.lastgroup is None:
        return None
    return list(_RELATIONS)[int(match.lastgroup[1:])], match.start(match.lastgroup)
