"""What a build has cost: tokens at their prices, and workers by the hour."""

import threading
from collections.abc import Iterable

from factory.errors import BudgetError
from factory.ledger import Spent

MICRO_USD = "micro_usd"
"""The count in which stages keep what their models' tokens cost, in millionths of a dollar."""


def usd_of(spent: Spent, usd_per_worker_hour: float) -> float:
    """Return the dollars of some work."""
    hours = (spent.run_s + spent.open_s) / 3600
    return spent.counts.get(MICRO_USD, 0) / 1e6 + hours * usd_per_worker_hour


class Purse:
    """What may still be spent; `max_usd` None has no bottom."""

    def __init__(
        self, max_usd: float | None, usd_per_worker_hour: float, before: Iterable[Spent] = ()
    ) -> None:
        self._max_usd, self._per_hour = max_usd, usd_per_worker_hour
        self._usd = sum(usd_of(spent, usd_per_worker_hour) for spent in before)
        self._lock = threading.Lock()

    def pay(self, spent: Spent) -> None:
        """Note what a shard has cost."""
        with self._lock:
            self._usd += usd_of(spent, self._per_hour)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is left."""
        return self._max_usd is not None and self._usd >= self._max_usd

    def check(self) -> None:
        """Refuse to go on when nothing is left.

        Raises:
            BudgetError: `max_usd` is reached.
        """
        if self.is_empty:
            raise BudgetError(
                f"the budget is spent: {self._usd:.2f} of max_usd = {self._max_usd:g} dollars. What is finished is "
                "kept; raise max_usd and run again to go on"
            )
