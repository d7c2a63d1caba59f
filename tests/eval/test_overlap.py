import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.captions import Captions
from eval.errors import InputError, MismatchError
from eval.metrics.overlap import Overlap, rouge_l
from eval.metrics.overlap_corpus import corpus_counts
from eval.references import read_references, score_overlap
from eval.statistics import Resampling

HOW = Resampling(20)
REFERENCES = {
    "1": ["a red ball on the beach"],
    "2": ["two cars in a wide street", "a street"],
    "3": ["a dog"],
}
sentences = st.lists(st.sampled_from("abc"), min_size=1, max_size=9).map(" ".join)


def test_a_perfect_text_scores_one() -> None:
    captions = Captions({key: texts[0] for key, texts in REFERENCES.items()})
    figures = score_overlap(captions, REFERENCES, "raw").figures(HOW)
    for name in ("bleu_1", "bleu_2", "rouge_l"):
        assert figures[name].value == pytest.approx(1.0, abs=1e-6)


def test_bleu_by_hand() -> None:
    # 2 of 3 words and 1 of 2 pairs match; 3 words against 6 of the reference
    figures = score_overlap(Captions({"1": "red ball here"}), REFERENCES, "raw").figures(HOW)
    brevity = 2.718281828 ** (1 - 6 / 3)
    assert figures["bleu_1"].value == pytest.approx(2 / 3 * brevity, rel=1e-6)
    assert figures["bleu_2"].value == pytest.approx((2 / 3 * 1 / 2) ** 0.5 * brevity, rel=1e-6)


@given(sentences, sentences)
def test_rouge_finds_the_longest_common_subsequence(first: str, second: str) -> None:
    a, b = first.split(), second.split()
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    p, r = table[-1][-1] / len(a), table[-1][-1] / len(b)
    expected = (1 + 1.44) * p * r / (r + 1.44 * p) if p else 0.0
    assert rouge_l(first, [second]) == pytest.approx(expected)


def test_the_tokenizer_mode_changes_figures() -> None:
    captions = Captions({"1": "A red ball, on the beach!"})
    raw, ptb = (
        score_overlap(captions, REFERENCES, mode).figures(HOW)["bleu_1"].value for mode in ("raw", "ptb")
    )
    assert raw == pytest.approx(3 / 6, abs=1e-6)  # red, on, the
    assert ptb == pytest.approx(1.0, abs=1e-6)


def test_figures_agree_with_the_published_scorer(reference: Path) -> None:
    records = json.loads((reference / "coco-caption" / "fakecap_tokenized_1000.json").read_text())
    expected = json.loads((reference / "expected.json").read_text())["coco_caption"]["fakecap_tokenized_1000"]
    references = {record["image_id"]: record["refs"] for record in records}
    captions = Captions({record["image_id"]: record["test"] for record in records})
    figures = score_overlap(captions, references, "raw").figures(HOW)
    names = {f"bleu_{n}": f"Bleu_{n}" for n in (1, 2, 3, 4)} | {"rouge_l": "ROUGE_L", "cider": "CIDEr"}
    for ours, published in names.items():
        assert figures[ours].value == pytest.approx(expected[published], abs=1e-9)


def test_an_empty_text_scores_zero_without_crashing() -> None:
    figures = score_overlap(Captions({"1": ""}), REFERENCES, "raw").figures(HOW)
    assert figures["rouge_l"].value == figures["cider"].value == 0.0
    assert figures["bleu_4"].value == pytest.approx(0.0, abs=1e-6)


def test_a_caption_without_references_is_refused() -> None:
    with pytest.raises(MismatchError, match="not in the references"):
        score_overlap(Captions({"9": "a"}), REFERENCES, "raw")


@pytest.mark.parametrize("value", [[], {"1": "text"}, {"1": []}, {"1": ["a"], "000000000001.jpg": ["b"]}])
def test_bad_references_are_refused(tmp_path: Path, value: object) -> None:
    (tmp_path / "r.json").write_text(json.dumps(value))
    with pytest.raises(InputError):
        read_references([tmp_path / "r.json"])


def test_states_of_shards_merge_to_the_whole() -> None:
    metric = Overlap(REFERENCES)
    whole, first, second = metric.empty(), metric.empty(), metric.empty()
    for key, shard in (("1", first), ("2", second), ("3", second)):
        metric.update(whole, key, "a red street")
        metric.update(shard, key, "a red street")
    assert first.merge(second) == whole


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=9).map(" ".join)


@given(
    st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=5),
    st.lists(WORDS, min_size=0, max_size=2),
)
def test_counting_all_texts_at_once_is_counting_them_one_by_one(
    rows: list[tuple[str, list[str]]], others: list[str]
) -> None:
    texts = {str(n): text for n, (text, _) in enumerate(rows)}
    references = {str(n): list(group) for n, (_, group) in enumerate(rows)}
    references |= {f"other {n}": [text] for n, text in enumerate(others)}
    metric = Overlap(references)
    for key, counts in corpus_counts(texts, references).items():
        state = metric.empty()
        metric.update(state, key, texts[key])
        assert state.counts(key) == pytest.approx(counts, abs=1e-12)
