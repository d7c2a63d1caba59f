"""Text from anywhere made plain: markup, control characters and instructions to a model taken out, and noted.

A caption is data. What in it speaks to a model instead of about an image is no description, whoever wrote it.
"""

import html
import re
import unicodedata
from dataclasses import dataclass

from factory.english import word_set
from factory.grammar import sentences
from factory.records import Repair

_BLOCK = re.compile(r"<(script|style|head|template)\b[^>]*>.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>|<!--.*?(?:-->|$)", re.DOTALL)
_SPECIAL = re.compile(r"<\|[^|<>]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<image>", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\s]{0,2000}\)")
_FENCE = re.compile(r"```\w*|`|\*\*|__|^\s{0,3}(?:#{1,6}|>|[-*+]|\d{1,3}[.)])\s+", re.MULTILINE)
_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules?|above|previous|prior)\b|"
    r"\b(?:system|developer) (?:prompt|message)\b|\byou are (?:now|an? (?:ai|assistant|language model))\b|"
    r"\bas an? (?:ai|language model)\b|^\s*(?:system|assistant|user)\s*:|"
    r"\b(?:respond|reply|answer|output) (?:only|with)\b|"
    r"\b(?:print|write|say|output) (?:exactly|the word|only)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_COMMON = word_set(
    "a an the of in on at with and or is are was were there this that it its to from by for as two three one "
    "some near behind front left right while has have"
)
_MIN_ENGLISH = 0.08
"""Share of common English words below which a longer text is held to be in another language."""


@dataclass(frozen=True)
class Cleaned:
    """A plain text and what was taken out of it."""

    text: str
    repairs: tuple[Repair, ...] = ()


def clean(text: str, max_words: int) -> Cleaned:
    """Return the text in one line without markup and instructions, cut after a whole sentence."""
    repairs: list[Repair] = []
    plain = _plain(text)
    if plain != " ".join(text.split()):
        repairs.append(Repair("cleaned", "markup", text, plain))
    kept = []
    for start, end in sentences(plain):
        sentence = plain[start:end]
        if _INSTRUCTION.search(sentence):
            repairs.append(Repair("dropped", "instruction", sentence, ""))
        else:
            kept.append(sentence)
    whole, rest = _cut(kept, max_words)
    if rest:
        repairs.append(Repair("cut", "length", rest, ""))
    return Cleaned(whole, tuple(repairs))


def looks_english(text: str) -> bool:
    """Tell whether a text has its share of common English words; a few words are given the benefit of the doubt."""
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < 4:
        return True
    return sum(word in _COMMON for word in words) / len(words) >= _MIN_ENGLISH


def _plain(text: str) -> str:
    text = html.unescape(_TAG.sub(" ", _SPECIAL.sub(" ", _BLOCK.sub(" ", text))))
    text = _TAG.sub(" ", _SPECIAL.sub(" ", text))  # what was hidden as entities
    text = _FENCE.sub("", _LINK.sub(r"\1", text))
    visible = (c if c.isspace() or unicodedata.category(c)[0] != "C" else "" for c in text)
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def _cut(kept: list[str], max_words: int) -> tuple[str, str]:
    """Return as many whole sentences as fit, and the rest; a first sentence that is too long is cut in the middle."""
    words = 0
    for index, sentence in enumerate(kept):
        words += len(sentence.split())
        if words > max_words:
            if index == 0:
                first = sentence.split()
                return " ".join(first[:max_words]), " ".join([*first[max_words:], *kept[1:]])
            return " ".join(kept[:index]), " ".join(kept[index:])
    return " ".join(kept), ""
