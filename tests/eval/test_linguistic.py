import json
from pathlib import Path

import pytest

from eval.captions import Captions
from eval.metrics.linguistic import count_it, grades, syllables_it, syllables_textbook
from eval.references import score_linguistic
from eval.statistics import Resampling


@pytest.mark.parametrize(
    ("word", "script", "textbook"),
    [("table", 1, 2), ("the", 1, 1), ("people", 1, 2), ("image", 2, 2), ("looked", 2, 1), ("created", 2, 2),
     ("tree", 1, 1), ("houses", 2, 2), ("apples", 2, 2), ("stones", 2, 1), ("2023", 1, 1)],
)  # fmt: skip
def test_syllables_by_both_rules(word: str, script: int, textbook: int) -> None:
    assert (syllables_it(word), syllables_textbook(word)) == (script, textbook)


def test_counts_and_grades_agree_with_the_published_script(reference: Path) -> None:
    expected = json.loads((reference / "expected.json").read_text())["lin"]
    for text, values in expected["unit"].items():
        counted = count_it(text)
        assert (
            counted.chars,
            counted.words,
            counted.sentences,
            counted.syllables,
            counted.polysyllables,
        ) == tuple(values[name] for name in ("chars", "words", "sentences", "syllables", "poly"))
        found = grades(counted)
        for ours, published in (("ari", "ARI"), ("fk", "FK"), ("smog", "SMOG"), ("cl", "CL")):
            assert found[ours] == (None if values[published] is None else pytest.approx(values[published]))
    assert {word: syllables_it(word) for word in expected["syllables"]} == expected["syllables"]


def test_texts_without_a_grade_are_left_out_and_counted() -> None:
    captions = Captions({"1": "The cat sat on the mat.", "2": "No final stop", "3": ""})
    figures = score_linguistic(captions, "it").figures(Resampling(20))
    assert (figures["ari"].n, figures["cl"].n) == (1, 2)
    assert figures["ari"].value == pytest.approx(-4.3)
    assert score_linguistic(captions, "textbook").figures(Resampling(20))["ari"].n == 2
