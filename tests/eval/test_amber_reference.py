"""AMBER's counts beside those of its published script, on made-up answers.

The expected numbers are what `inference.py` of junyangwang0410/AMBER (commit 534babf) counts for these answers, less
the 0.001 its counters start with. It was run with NLTK's Treebank tokeniser and WordNet 3.0; its tagger and word
vectors need data that nobody may redistribute here, so every word was taken for a noun and the similarities are the
ones below, on both sides.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.amber import load_benchmark, load_similarity, score_amber
from eval.captions import Captions
from eval.tally import Tally

GENERATIVE = {
    "chair_num": "nouns", "chair_score": "hallucinated", "safe_cover_num": "objects", "safe_cover_score": "covered",
    "hallu_cover_num": "expected", "hallu_cover_score": "fell_for", "non_hallu_num": "descriptions",
}  # fmt: skip
QUESTIONS = {
    "qa_correct_num": "questions", "qa_correct_score": "correct", "qa_no_num": "gold_no", "qa_no_score": "right_no",
    "qa_ans_no_num": "said_no", "qa_ans_no_score": "right_no",
    **{f"{short}_qa_correct_{part}": f"{kind}_{column}"
       for short, kind in (("ha", "existence"), ("as", "state"), ("an", "number"), ("aa", "action"),
                           ("asso", "relation"))
       for part, column in (("num", "questions"), ("score", "correct"))},
}  # fmt: skip
"""Counters of the published script, and the counts here that mean the same."""

ANNOTATIONS = [
    {"id": 1, "type": "generative", "truth": ["sky", "person", "person"], "hallu": ["dog", "cloud"]},
    {"id": 2, "type": "generative", "truth": ["road", "tree"], "hallu": ["car", "person"]},
    {"id": 3, "type": "generative", "truth": ["sky"], "hallu": ["sky", "cloud"]},
    {"id": 4, "type": "generative", "truth": ["dog"], "hallu": ["car"]},
    {"id": 5, "type": "discriminative-hallucination", "truth": "no"},
    {"id": 6, "type": "discriminative-attribute-state", "truth": "yes"},
    {"id": 7, "type": "discriminative-attribute-number", "truth": "no"},
    {"id": 8, "type": "discriminative-attribute-action", "truth": "no"},
    {"id": 9, "type": "discriminative-relation", "truth": "yes"},
    {"id": 10, "type": "relation", "truth": "no"},
]
RELATIONS = {
    "sky": [], "person": ["man", "people"], "dog": ["puppy"], "cloud": [], "road": ["street"], "car": [], "tree": [],
    "orange": [], "van": [], "cat": [], "TV": [],
}  # fmt: skip
SIMILARITY = {
    "van": {"car": 0.85}, "cat": {"dog": 0.81, "tree": 0.2}, "puppy": {"dog": 0.9}, "cloud": {"sky": 0.8},
}  # fmt: skip
RESPONSES = (
    "a man and people near a dog under clouds, with an orange.",
    "a street with a van and cars by a puppy, and a cat.",
    "a sky, the sky has a cloud and a TV.",
    "nothing of note.",
    "No", "Yes", "no", "No", "No", "Yes",
)  # fmt: skip
MADE_UP = {
    "chair_num": 14, "chair_score": 8, "safe_cover_num": 7, "safe_cover_score": 3, "hallu_cover_num": 7,
    "hallu_cover_score": 4, "non_hallu_num": 4, "qa_correct_num": 6, "qa_correct_score": 3, "qa_no_num": 4,
    "qa_no_score": 2, "qa_ans_no_num": 3, "qa_ans_no_score": 2, "ha_qa_correct_num": 1, "ha_qa_correct_score": 1,
    "as_qa_correct_num": 1, "as_qa_correct_score": 1, "an_qa_correct_num": 1, "an_qa_correct_score": 0,
    "aa_qa_correct_num": 1, "aa_qa_correct_score": 1, "asso_qa_correct_num": 2, "asso_qa_correct_score": 0,
}  # fmt: skip
WHOLE = {
    "chair_num": 5447, "chair_score": 2353, "safe_cover_num": 5599, "safe_cover_score": 2912, "hallu_cover_num": 4924,
    "hallu_cover_score": 539, "non_hallu_num": 1004, "qa_correct_num": 14216, "qa_correct_score": 2860,
    "qa_no_num": 9427, "qa_no_score": 1894, "qa_ans_no_num": 2844, "qa_ans_no_score": 1894,
    "ha_qa_correct_num": 4924, "ha_qa_correct_score": 985, "as_qa_correct_num": 4764, "as_qa_correct_score": 962,
    "an_qa_correct_num": 2072, "an_qa_correct_score": 404, "aa_qa_correct_num": 792, "aa_qa_correct_score": 160,
    "asso_qa_correct_num": 1664, "asso_qa_correct_score": 349,
}  # fmt: skip


def _counted(tally: Tally) -> dict[str, float]:
    return {theirs: tally.total(ours) for theirs, ours in {**GENERATIVE, **QUESTIONS}.items()}


def test_made_up_answers_are_counted_as_the_published_script_counts_them(tmp_path: Path) -> None:
    for name, value in (("annotations", ANNOTATIONS), ("relation", RELATIONS), ("table", SIMILARITY)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    (tmp_path / "safe_words.txt").write_text("orange\n")
    files = [tmp_path / name for name in ("annotations.json", "relation.json", "safe_words.txt")]
    said = Captions({str(n): text for n, text in enumerate(RESPONSES, start=1)})
    similarity = load_similarity(str(tmp_path / "table.json"))
    score = score_amber(load_benchmark(files), said, similarity, exact=True)
    assert _counted(score.tally) == MADE_UP
    assert score.tally.total("wrong_descriptions") == 4 - 1  # one description without a false word


def test_answers_to_the_whole_benchmark_are_counted_as_the_published_script_counts_them(
    reference: Path,
) -> None:
    folder = reference / "amber"
    relations = json.loads((folder / "relation.json").read_text())
    items = json.loads((folder / "annotations.json").read_text())
    known = sorted({*relations, *(word for words in relations.values() for word in words)} - {"sunglasses"})
    benchmark = load_benchmark([folder / n for n in ("annotations.json", "relation.json", "safe_words.txt")])
    said = Captions({str(item["id"]): _answer(item, known) for item in items})
    score = score_amber(benchmark, said, _alike, exact=True)
    assert _counted(score.tally) == WHOLE
    assert score.tally.total("wrong_descriptions") == 1004


def _answer(item: dict[str, Any], known: list[str]) -> str:
    """Make up an answer: true, false and tempting words; Yes, No, and what the script reads as neither."""
    n = item["id"]
    if item["type"] != "generative":
        return ("Yes", "No", "no", "No.", "")[(3 * n + n // 7) % 5]
    true = [word for word in item["truth"][:3] if word != "sunglasses"]
    others = [known[7 * n % len(known)], known[(13 * n + 5) % len(known)]]
    return "There is a " + ", a ".join([*true, *others, *item["hallu"][: n % 2]]) + " here."


def _alike(first: str, second: str) -> float:
    return 0.9 if first[:4] == second[:4] else 0.0


@pytest.mark.parametrize("word", ["van", "unheard"])
def test_a_word_is_like_itself_in_any_source_of_similarity(word: str) -> None:
    from eval.metrics.amber import Amber, WordLists

    metric = Amber(
        WordLists({word: [], "lorry": []}), lambda first, second: 0.9 * ({first, second} == {word, "lorry"})
    )
    state = metric.empty()
    # the word itself is expected before a similar one: one object is fallen for, not two
    metric.describe(state, "1", f"a {word}", truth=(), expected=(word, "lorry"))
    assert state.counts("1")["fell_for"] == 1
