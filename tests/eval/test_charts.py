"""The geometry of the report's charts, and the table for papers."""

import numpy as np

from eval.captions import Captions
from eval.markdown import markdown
from eval.measured import Measured
from eval.report.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    grade_violins,
    hallucination_against_length,
    precision_against_coverage,
)

TEXTS = {str(n): "A dog runs. " * n + "It is an extraordinarily beautiful umbrella." for n in range(1, 30)}


def _figure(value: float, low: float, high: float) -> dict[str, object]:
    return {"value": value, "n": 10, "ci95": [low, high], "reason": None}


def _group(coverage: float, precision: float) -> dict[str, object]:
    return {
        "coverage": _figure(coverage, coverage - 0.05, coverage + 0.05),
        "claim_precision": _figure(precision, precision - 0.02, precision + 0.02),
    }


def test_more_coverage_lies_further_right_and_more_precision_higher() -> None:
    unknown = {"coverage": {"value": None, "ci95": None}, "claim_precision": {"value": None, "ci95": None}}
    model = {"base": _group(0.2, 0.6), "tuned": _group(0.7, 0.9)}
    chart = precision_against_coverage(model, {"holistic": unknown, "textualized": unknown})
    assert chart is not None
    base, tuned = chart.crosses
    assert (base.label, tuned.label) == ("base", "tuned")
    assert tuned.x > base.x
    assert tuned.y < base.y  # up is less in a picture
    for cross in chart.crosses:
        assert LEFT <= cross.x_span[0] < cross.x < cross.x_span[1] <= RIGHT
        assert TOP <= cross.y_span[1] < cross.y < cross.y_span[0] <= BOTTOM


def _run(rate: float, words: int) -> Measured:
    records = {
        str(n): {
            "counts": {"chair": {"tokens": words + n, "mentioned": 10, "hallucinated": round(10 * rate)}}
        }
        for n in range(50)
    }
    return Measured({}, Captions({}), records, {})


def test_groups_of_like_length_keep_each_models_rate() -> None:
    chart = hallucination_against_length(_run(0.5, 10), _run(0.1, 100))
    assert chart is not None
    first, second = chart.lines
    assert len(first.points) == len(second.points) == 5
    assert len({y for _, y in first.points}) == 1
    assert first.points[0][1] < second.points[0][1]
    assert max(x for x, _ in first.points) < min(x for x, _ in second.points)
    empty = Measured({}, Captions({}), {}, {})
    assert hallucination_against_length(empty, empty) is None


def test_a_violin_is_symmetric_and_as_wide_as_the_texts_are_many() -> None:
    charts = grade_violins(TEXTS, dict(list(TEXTS.items())[::-1]))
    assert [chart.name for chart in charts] == ["ari", "fk", "smog", "cl"]
    for chart in charts:
        first, second = chart.violins
        assert {y for _, y in first.outline} == {y for _, y in second.outline}
        half = len(first.outline) // 2
        right, left = np.array(first.outline[:half]), np.array(first.outline[half:][::-1])
        assert np.allclose(right[:, 0] + left[:, 0], 2 * first.median[0], atol=0.02)
        assert first.quartiles[1] <= first.median[1] <= first.quartiles[0]
    assert grade_violins({"1": "A dog."}, {"1": "A dog."}) == ()


def test_the_markdown_table_holds_percent_intervals_and_corrected_p() -> None:
    figure = _figure(0.126, 0.1, 0.15)
    difference = {**figure, "p": 0.01, "p_holm": 0.0004, "detectable": 0.1}
    missing = {"value": None, "n": 0, "ci95": None, "reason": "x"}
    side = {"chair_i": figure, "cider": figure, "pope_f1": missing}
    model = {
        "images": 5, "base": side, "tuned": side, "matched_length": None,
        "difference": {"chair_i": difference, "cider": difference, "pope_f1": missing},
    }  # fmt: skip
    dataset = {"accepted": 3, "images": 4, "holistic": {}, "textualized": {}, "difference": {}}
    table = markdown({"model": model, "benchmarks": {"did": model}, "dataset": dataset})
    assert (
        "| chair_i | 12.6 [10.0, 15.0] | 12.6 [10.0, 15.0] | 12.6 [10.0, 15.0] | <0.001 | \u2013 |" in table
    )
    assert "| cider | 0.13 [0.10, 0.15]" in table
    assert "pope_f1" not in table
    assert "**did**, 5 images" in table
    assert "3 of 4 images described" in table
