"""Who kills is found; who only stood by loses nothing."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.isolation import DiedError, Isolation


class Worker:
    def __init__(self, killers: set[int], accidents: int = 0) -> None:
        self.killers, self.accidents, self.deaths = killers, accidents, 0

    def run(self, things: Sequence[int]) -> list[str]:
        if self.accidents:
            self.accidents -= 1
            raise DiedError("accident")
        if self.killers & set(things):
            self.deaths += 1
            raise DiedError("killed")
        return [f"done {thing}" for thing in things]

    def isolated(self, things: Sequence[int]) -> list[str]:
        return Isolation(self.run, lambda thing, _: f"guilty {thing}", RuntimeError)(things)


@given(st.sets(st.integers(0, 39), max_size=2), st.integers(20, 40))
def test_exactly_the_killers_are_blamed(killers: set[int], count: int) -> None:
    expected = [f"guilty {i}" if i in killers else f"done {i}" for i in range(count)]
    assert Worker(killers).isolated(range(count)) == expected


def test_a_single_death_is_an_accident() -> None:
    assert Worker(set(), accidents=1).isolated(range(5)) == [f"done {i}" for i in range(5)]


def test_nothing_to_do_kills_no_one() -> None:
    assert Worker({0}).isolated([]) == []


def test_a_worker_that_dies_of_everything_is_given_up() -> None:
    worker = Worker(set(range(64)))
    with pytest.raises(RuntimeError, match="killed"):
        worker.isolated(range(64))
    assert worker.deaths < 16


def test_finding_one_killer_costs_few_deaths() -> None:
    worker = Worker({77})
    worker.isolated(range(256))
    assert worker.deaths <= 11
