from eval.report.marks import Mark, lines_of, pieces_of
from eval.report.plot import difference_plot, tone


def test_overlapping_marks_are_cut_into_pieces() -> None:
    text = "two red cars"
    pieces = pieces_of(text, 0, len(text), [Mark(0, 12, "a", "first"), Mark(4, 7, "b", "second")])
    assert [(piece.text, piece.css, piece.note) for piece in pieces] == [
        ("two ", "a", "first"),
        ("red", "a b", "first; second"),
        (" cars", "a", "first"),
    ]


def test_pieces_join_to_the_sentences() -> None:
    text = " A dog. It is red!  "
    lines = lines_of(text, [Mark(3, 12, "x")])
    assert ["".join(piece.text for piece in line.pieces) for line in lines] == ["A dog.", "It is red!"]


def test_a_sentence_shows_the_objects_that_all_its_claims_share() -> None:
    text = "A red cup is on the left. The cup is behind the dog."
    evidence = [(0, 9, ["o1", "o2"]), (13, 24, ["o1"]), (26, 33, ["o1"]), (48, 51, ["o3"])]
    assert [line.evidence for line in lines_of(text, [], evidence)] == [("o1",), ("o1", "o3")]


def test_what_the_reference_says_is_not_added() -> None:
    lines = lines_of(
        "A park. A dog in a park. The dog is red.", [], reference="A photo of a park with a dog."
    )
    assert [line.added for line in lines] == [False, False, True]


def _figure(value: float, low: float, high: float) -> dict[str, object]:
    return {"value": value, "ci95": [low, high]}


def test_a_difference_is_good_or_bad_only_when_its_interval_is_clear_of_zero() -> None:
    assert tone("coverage", _figure(0.1, 0.05, 0.2)) == tone("chair_i", _figure(-0.1, -0.2, -0.05)) == "good"
    assert tone("coverage", _figure(-0.1, -0.2, -0.05)) == tone("chair_i", _figure(0.1, 0.05, 0.2)) == "bad"
    assert tone("coverage", _figure(0.1, -0.1, 0.2)) == tone("coverage", None) == "open"


def test_a_plot_holds_every_whisker_and_zero() -> None:
    free = {"chair_i": _figure(-0.3, -0.42, -0.1), "coverage": _figure(0.2, 0.1, 0.31)}
    plot = difference_plot(free, None, ["chair_i", "coverage"])
    whiskers = [row.free for row in plot.rows if row.free is not None]
    assert len(whiskers) == 2
    assert all(0 <= w.low <= w.x <= w.high <= 100 for w in whiskers)
    assert [label for at, label in plot.ticks if at == plot.zero] == ["0"]
    assert all(row.matched is None for row in plot.rows)


def test_an_undefined_difference_leaves_its_row_empty() -> None:
    plot = difference_plot({"chair_i": {"value": None, "ci95": None}}, None, ["chair_i"])
    assert plot.rows[0].free is None
