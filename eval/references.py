"""Scoring texts against reference texts, and by their own language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.captions import Captions, require_known
from eval.errors import InputError
from eval.external.meteor import COLUMNS as METEOR_COLUMNS
from eval.external.meteor import Meteor, meteor_counts
from eval.external.speech import COLUMNS as SPEECH_COLUMNS
from eval.external.speech import FORMULAS as SPEECH_FORMULAS
from eval.external.speech import speech_counts
from eval.external.spice import spice_scores
from eval.external.wmd import wmd_scores
from eval.formula import Formula, Ratio
from eval.identity import image_key, key_order
from eval.jsonio import read_json
from eval.metrics import linguistic, overlap
from eval.metrics.overlap_corpus import corpus_counts
from eval.scoring import Score
from eval.tally import Tally

_OWN = frozenset({"rouge_l", "cider", "spice", "wmd"})


def read_references(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Read `{"<image id>": ["text", ...]}` files, such as DID-Bench's.

    Raises:
        InputError: a file has another shape, or an image has references twice.
    """
    references: dict[str, list[str]] = {}
    for path in paths:
        value = read_json(path)
        if not isinstance(value, dict):
            raise InputError(f"{path} holds {type(value).__name__}, not reference texts by image id")
        for name, texts in value.items():
            key = image_key(name)
            if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
                raise InputError(f"{path}: image {name!r} has no list of reference texts")
            if key in references:
                raise InputError(f"{path}: image {key} has references twice")
            references[key] = texts
    return references


@dataclass(frozen=True)
class Extras:
    """Where the programs and vectors of further metrics lie; each is left out where it is None."""

    meteor_jar: str | None = None
    spice_jar: str | None = None
    word_vectors: str | None = None


def score_overlap(
    captions: Captions, references: Mapping[str, Sequence[str]], tokenizer: str, extras: Extras = Extras()
) -> Score:
    """Score captions by BLEU, ROUGE-L and CIDEr, and by what the extras allow.

    References of images without a caption still weigh words.
    """
    require_known(captions.texts, references, "references")
    prepare = overlap.TOKENIZERS[tokenizer]
    prepared = {key: [prepare(text) for text in texts] for key, texts in references.items()}
    texts = {key: prepare(captions.texts[key]) for key in sorted(captions.texts, key=key_order)}
    more = _more_counts(texts, prepared, extras)
    state = Tally((*overlap.COLUMNS, *next(iter(more.values()), {})))
    evidence: dict[str, dict[str, float]] = {}
    for key, counts in corpus_counts(texts, prepared).items():
        state.add(key, {**counts, **more[key]})
        evidence[key] = {name: value for name, value in {**counts, **more[key]}.items() if name in _OWN}
    return Score(state, overlap_formulas(state.columns), evidence)


def overlap_formulas(columns: Sequence[str]) -> tuple[Formula, ...]:
    """Return the formulas over the columns that were counted."""
    more: list[Formula] = [Meteor()] if METEOR_COLUMNS[0] in columns else []
    more += [Ratio(name, {name: 1}, {"texts": 1}, "no texts") for name in ("spice", "wmd") if name in columns]
    return (*overlap.FORMULAS, *more)


def _more_counts(
    texts: Mapping[str, str], references: Mapping[str, Sequence[str]], extras: Extras
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {key: {} for key in texts}
    if extras.meteor_jar is not None:
        for key, counts in meteor_counts(texts, references, extras.meteor_jar).items():
            found[key] |= counts
    if extras.spice_jar is not None:
        for key, score in spice_scores(texts, references, extras.spice_jar).items():
            found[key]["spice"] = score
    if extras.word_vectors is not None:
        for key, score in wmd_scores(texts, references, extras.word_vectors).items():
            found[key]["wmd"] = score
    return found


def score_linguistic(captions: Captions, counting: str, spacy_model: str | None = None) -> Score:
    """Score captions by four readability grades and, with a spaCy model, count their parts of speech."""
    keys = sorted(captions.texts, key=key_order)
    spoken = speech_counts(captions.texts, spacy_model) if spacy_model else {}
    state = Tally((*linguistic.COLUMNS, *(SPEECH_COLUMNS if spacy_model else ())))
    evidence: dict[str, dict[str, float | None]] = {}
    for key in keys:
        evidence[key] = {
            **linguistic.update(state, key, captions.texts[key], counting),
            **spoken.get(key, {}),
        }
        state.add(key, spoken.get(key, {}))
    return Score(state, linguistic_formulas(state.columns), evidence)


def linguistic_formulas(columns: Sequence[str]) -> tuple[Formula, ...]:
    """Return the formulas over the columns that were counted."""
    return (*linguistic.FORMULAS, *(SPEECH_FORMULAS if SPEECH_COLUMNS[0] in columns else ()))
