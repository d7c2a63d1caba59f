"""The search for cycles rests in the block and is after it as it was before."""

import gc

import pytest

from factory.collector import uncollected


@pytest.mark.parametrize("was_on", [True, False])
def test_the_search_is_afterwards_as_it_was_also_after_an_error(was_on: bool) -> None:
    before = gc.isenabled()
    (gc.enable if was_on else gc.disable)()
    try:
        with pytest.raises(KeyError), uncollected():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == was_on
    finally:
        (gc.enable if before else gc.disable)()
