"""The words that the claim reader knows: determiners, attributes, places, distances, relations and where a phrase ends."""

import re

from factory.english import NUMBERS
from factory.geometry import CLOSE, FAR, HALFWAY, LARGE, LEFT, MIDDLE, RIGHT, SMALL

DEFINITE = frozenset("the this that these those its his her their".split())
ANOTHER = "another"
DETERMINERS = DEFINITE | frozenset(NUMBERS) | frozenset(f"a an some several {ANOTHER}".split())

COLORS = frozenset(
    "red orange yellow green blue purple violet pink brown black white gray grey golden silver beige tan turquoise".split()
)
ATTRIBUTES = COLORS | frozenset(
    "wooden metal plastic glass stone brick striped spotted checkered dark bright open closed empty round square".split()
)
SIZE_WORDS = {word: LARGE for word in ("large", "big", "huge")} | {word: SMALL for word in ("small", "little", "tiny")}

PICTURE_NOUNS = frozenset("photo photograph picture image view scene shot snapshot".split())
NOT_THINGS = PICTURE_NOUNS | frozenset(
    "left right middle center centre front back side top bottom foreground background distance total number group pair "
    "variety couple lot row end edge corner viewer camera atmosphere mood sense feeling moment overall setting".split()
)

PHRASE_ENDS = frozenset(
    "is are was were be been being has have had do does can could may might and or but with without on in at by near of "
    "off up down behind beside between under over above below across along around against from to for into onto through "
    "inside outside next that which who where while as than also there here it they both each all not no very".split()
) | frozenset(
    "standing sitting lying walking running riding wearing holding parked hanging leaning looking playing eating flying "
    "driving placed located positioned visible surrounded filled covered shown seen features shows suggests adds creates "
    "gives makes contains includes depicts captures appears seems stands sits lies looks".split()
)

_PICTURE = r"(?:\s+(?:of|in)\s+the\s+(?:image|picture|photo|scene|frame))?"
_PLACES = {LEFT: "left", MIDDLE: "middle|center|centre", RIGHT: "right"}
_DISTANCES = {
    CLOSE: r"(?:very )?(?:close|near) to the (?:viewer|camera)|near the (?:viewer|camera)|in the foreground",
    HALFWAY: r"half-?way back|in the mid-?ground|in the middle (?:distance|ground)",
    FAR: r"(?:very )?far away|far from the (?:viewer|camera)|in the (?:far )?distance|in the background",
}
_RELATIONS = {
    "in front of": "in front of",
    "behind": "behind",
    "to the left of": "(?:to|on) the left of",
    "to the right of": "(?:to|on) the right of",
}


def _compiled(patterns: dict[str, str], around: str) -> dict[str, re.Pattern[str]]:
    return {value: re.compile(around.format(pattern), re.IGNORECASE) for value, pattern in patterns.items()}


RELATION_PATTERNS = _compiled(_RELATIONS, r"\b(?:{})\b(?!\s+the\s+(?:image|picture|photo|scene|frame)\b)")
DISTANCE_PATTERNS = _compiled(_DISTANCES, r"\b(?:{})\b")
PLACE_PATTERNS = _compiled(_PLACES, r"\b(?:on|to|at|in)\s+the\s+(?:far\s+)?(?:{})(?:\s+side)?" + _PICTURE + r"\b")
SETTING_PATTERN = re.compile(
    r"\s*(?:this|it|here)\s+is\s+(?=an?\b)|\s*(?:an?|the|this)\s+(?:photo|photograph|picture|image|view|scene)\s+of\s+(?=an?\b)",
    re.IGNORECASE,
)
