"""Scoring texts against reference texts, and by their own language."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.captions import Captions, require_known
from eval.errors import InputError
from eval.identity import image_key, key_order
from eval.jsonio import read_json
from eval.metrics import linguistic, overlap
from eval.metrics.overlap_corpus import corpus_counts
from eval.scoring import Score
from eval.tally import Tally


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


def score_overlap(captions: Captions, references: Mapping[str, Sequence[str]], tokenizer: str) -> Score:
    """Score captions by BLEU, ROUGE-L and CIDEr; references of images without a caption still weigh words."""
    require_known(captions.texts, references, "references")
    prepare = overlap.TOKENIZERS[tokenizer]
    prepared = {key: [prepare(text) for text in texts] for key, texts in references.items()}
    texts = {key: prepare(captions.texts[key]) for key in sorted(captions.texts, key=key_order)}
    state = Tally(overlap.COLUMNS)
    evidence: dict[str, dict[str, float]] = {}
    for key, counts in corpus_counts(texts, prepared).items():
        state.add(key, counts)
        evidence[key] = {"rouge_l": counts["rouge_l"], "cider": counts["cider"]}
    return Score(state, overlap.FORMULAS, evidence)


def score_linguistic(captions: Captions, counting: str) -> Score:
    """Score captions by four readability grades."""
    state = Tally(linguistic.COLUMNS)
    keys = sorted(captions.texts, key=key_order)
    evidence = {key: linguistic.update(state, key, captions.texts[key], counting) for key in keys}
    return Score(state, linguistic.FORMULAS, evidence)
