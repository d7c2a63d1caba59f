import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.errors import MismatchError
from eval.tally import Tally

COLUMNS = ("right", "wrong")
rows_of_counts = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 5)), max_size=8
)


def _tally(rows: list[tuple[str, int, int]]) -> Tally:
    tally = Tally(COLUMNS)
    for image, right, wrong in rows:
        tally.add(image, {"right": right, "wrong": wrong})
    return tally


counted = rows_of_counts.map(_tally)


@given(counted)
def test_merging_with_empty_changes_nothing(tally: Tally) -> None:
    assert tally.merge(Tally(COLUMNS)) == tally == Tally(COLUMNS).merge(tally)


@given(counted, counted)
def test_merging_commutes(first: Tally, second: Tally) -> None:
    assert first.merge(second) == second.merge(first)


@given(counted, counted, counted)
def test_merging_is_associative(a: Tally, b: Tally, c: Tally) -> None:
    assert a.merge(b).merge(c) == a.merge(b.merge(c))


@given(rows_of_counts, st.integers(0, 8))
def test_shards_merge_to_the_whole(rows: list[tuple[str, int, int]], cut: int) -> None:
    assert _tally(rows[:cut]).merge(_tally(rows[cut:])) == _tally(rows)


def test_merging_changes_neither_side() -> None:
    first, second = _tally([("a", 1, 0)]), _tally([("a", 2, 2)])
    first.merge(second)
    assert (first.counts("a"), second.counts("a")) == ({"right": 1, "wrong": 0}, {"right": 2, "wrong": 2})


def test_counts_of_different_metrics_do_not_merge() -> None:
    with pytest.raises(MismatchError, match="cannot merge"):
        Tally(("a",)).merge(Tally(("b",)))


def test_an_unknown_count_is_refused() -> None:
    with pytest.raises(MismatchError, match="'typo'"):
        Tally(("a",)).add("1", {"typo": 1})


def test_the_matrix_has_images_in_numeric_order() -> None:
    tally = _tally([("10", 1, 2), ("9", 3, 4)])
    np.testing.assert_array_equal(tally.matrix(), [[3, 4], [1, 2]])
    assert Tally(COLUMNS).matrix().shape == (0, 2)
