"""The words that the claim reader knows: determiners, attributes, places, relations, ends of phrases."""

import re

from factory.english import NUMBERS, word_set
from factory.geometry import CLOSE, FAR, HALFWAY, LARGE, LEFT, MIDDLE, RIGHT, SMALL

DEFINITE = word_set("the this that these those its his her their")
ANOTHER = "another"
ONE = word_set(f"a an one this that {ANOTHER}")
"""Determiners of a single thing."""
DETERMINERS = DEFINITE | frozenset(NUMBERS) | word_set(f"a an some several {ANOTHER}")

COLORS = word_set(
    "red orange yellow green blue purple violet pink brown black white gray grey golden silver beige "
    "tan turquoise"
)
ATTRIBUTES = COLORS | word_set(
    "wooden metal plastic glass stone brick striped spotted checkered dark bright open closed empty "
    "round square"
)
SIZE_WORDS = {word: LARGE for word in ("large", "big", "huge")} | {
    word: SMALL for word in ("small", "little", "tiny")
}

PICTURE_NOUNS = word_set("photo photograph picture image view scene shot snapshot")
NOT_THINGS = PICTURE_NOUNS | word_set(
    "left right middle center centre front back side top bottom foreground background distance total "
    "number group pair variety couple lot row end edge corner viewer camera atmosphere mood sense "
    "feeling moment overall setting"
)

PHRASE_ENDS = word_set(
    "is are was were be been being has have had do does can could may might and or but with without on "
    "in at by near of off up down behind beside between under over above below across along around "
    "against from to for into onto through inside outside next that which who where while as than also "
    "there here it they both each all not no very"
) | word_set(
    "standing sitting lying walking running riding wearing holding parked hanging leaning looking "
    "playing eating flying driving placed located positioned visible surrounded filled covered shown "
    "seen features shows suggests adds creates gives makes contains includes depicts captures appears "
    "seems stands sits lies looks"
)

_PICTURE = r"(?:\s+(?:of|in)\s+the\s+(?:image|picture|photo|scene|frame))?"
_PLACES = {LEFT: "left", MIDDLE: "middle|center|centre", RIGHT: "right"}
_DISTANCES = {
    CLOSE: r"(?:very )?(?:close|near) to the (?:viewer|camera)|near the (?:viewer|camera)|in the foreground",
    HALFWAY: r"half-?way back|in the mid-?ground|in the middle (?:distance|ground)",
    FAR: r"(?:very )?far away|far from the (?:viewer|camera)|in the (?:far )?distance|in the background",
}
_RELATIONS = {
    "at the same distance as": "(?:at|from) (?:about )?the same distance as|as far away as|(?:just )?as near as",
    "in front of": "in front of|(?:closer|nearer)(?: to the (?:viewer|camera))? than",
    "behind": "behind|(?:farther|further)(?: away| back)? than",
    "to the left of": "(?:to|on) the left (?:side )?of",
    "to the right of": "(?:to|on) the right (?:side )?of",
    "next to": "next to|beside|alongside",
    "on top of": "on top of",
    "under": "under|underneath|beneath|below",
    "above": "above|over",
    "inside": "inside(?: of)?",
    "holding": "holding|carrying",
    "wearing": "wearing",
    "riding": "riding",
}
IN_DEPTH = frozenset({"in front of", "behind", "at the same distance as"})
"""Relations that are about depth."""
SIDEWAYS = frozenset({"to the left of", "to the right of"})

INFERRED_PATTERN = re.compile(
    r"\b(?:suggest(?:s|ing|ed)?|impl(?:y|ies|ying)|perhaps|maybe|possibly|probably|presumably|likely|"
    r"seem(?:s|ingly)?(?! to be an?\b)|appear(?:s|ing)? to(?! be an?\b)|as if|as though|might|may(?= \w)|"
    r"could be|evok(?:es?|ing)|convey(?:s|ing)?|atmosphere|ambian?ce|moods?|vibes?|"
    r"feel(?:s|ings?)?|sense of|"
    r"peaceful(?:ly)?|seren(?:e|ity)|tranquil(?:ity)?|co[sz]y|inviting|lively|cheerful|joyful(?:ly)?|relaxing|"
    r"romantic|nostalgic|festive|hint(?:s|ing)? (?:at|of)|indicat(?:es?|ing)|about to|in order to|"
    r"enjoy(?:s|ing)?|waiting for|ready to|on (?:his|her|their|its) way)\b",
    re.IGNORECASE,
)
"""Words that tell a mood, a purpose or a guess."""
CLAUSE_START = re.compile(r"[,;:]|\s[\u2013\u2014-]\s|\u2014|\s(?:and|while|which|that) (?=\w)")
"""Where a clause may begin that can be taken out of its sentence."""
TEXT_PATTERN = re.compile(
    r"\b(?:reads?|reading|says?|saying|labell?ed|written|inscribed|inscription|words?|text|letters?|titled?|"
    r"sign|logo|slogan|caption(?:ed)?)\b[^\"“”.]{0,40}?(?P<quoted>[\"“][^\"“”]{1,200}[\"”])",
    re.IGNORECASE,
)
"""Words quoted as standing in the image."""


def _compiled(patterns: dict[str, str], around: str) -> dict[str, re.Pattern[str]]:
    return {value: re.compile(around.format(pattern), re.IGNORECASE) for value, pattern in patterns.items()}


RELATION_PATTERNS = _compiled(
    _RELATIONS, r"\b(?:{})\b(?!\s+the\s+(?:image|picture|photo|scene|frame|viewer|camera)\b)"
)
LOOKS_PATTERN = re.compile(
    rf"\s+(?:is|are|looks?)\s+(?:very |bright |dark |light )?(?P<value>{'|'.join(sorted(ATTRIBUTES))})\b"
    r"(?=\s*(?:[.,;!]|and\b|$))",
    re.IGNORECASE,
)
"""What is said of a thing after its verb, as in `is red`."""
DISTANCE_PATTERNS = _compiled(_DISTANCES, r"\b(?:{})\b")
PLACE_PATTERNS = _compiled(
    _PLACES, r"\b(?:on|to|at|in)\s+the\s+(?:far\s+)?(?:{})(?:\s+side)?" + _PICTURE + r"\b"
)
SETTING_PATTERN = re.compile(
    r"\s*(?:this|it|here)\s+is\s+(?=an?\b)|\s*(?:an?|the|this)\s+(?:photo|photograph|picture|image|view|scene)\s+of\s+(?=an?\b)",
    re.IGNORECASE,
)
