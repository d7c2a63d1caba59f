"""Parts of speech of texts by a spaCy model, the counts of LIN-Bench: ten of the universal tags, per text."""

from collections import Counter
from collections.abc import Mapping
from importlib import import_module

from eval.errors import InputError
from eval.formula import Ratio

TAGS = ("NOUN", "PROPN", "VERB", "ADJ", "ADV", "PRON", "DET", "ADP", "CCONJ", "NUM")
COLUMNS = tuple(f"pos_{tag.lower()}" for tag in TAGS)
FORMULAS = tuple(Ratio(name, {name: 1}, {"texts": 1}, "no texts", is_rate=False) for name in COLUMNS)


def speech_counts(texts: Mapping[str, str], model: str) -> dict[str, dict[str, float]]:
    """Return how often each tag comes in each text.

    Raises:
        InputError: spaCy or the model is missing.
    """
    try:
        tag = import_module("spacy").load(model, disable=["ner", "parser", "lemmatizer"])
    except (ImportError, OSError) as error:
        raise InputError(
            f"parts of speech need spaCy and its model {model!r} ({error}): pip install spacy, and give the model's "
            "folder or `python -m spacy download en_core_web_sm`"
        ) from None
    found: dict[str, dict[str, float]] = {}
    for key, text in texts.items():
        seen = Counter(token.pos_ for token in tag(text))
        found[key] = {column: seen[name] for column, name in zip(COLUMNS, TAGS, strict=True)}
    return found
