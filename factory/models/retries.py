"""How long to wait before a server is asked again."""

import email.utils
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

PASSING = frozenset({408, 409, 425, 429}) | frozenset(range(500, 600))
"""HTTP statuses of failures that may pass."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0


@dataclass(frozen=True)
class Fault:
    """An attempt that failed and may be made again; `wait_s` is what the server asked for."""

    reason: str
    is_connection: bool = False
    wait_s: float | None = None

    def pause_s(self, attempt: int, longest_s: float) -> float:
        """Return how long to wait after the attempt of this number, 1 being the first."""
        if self.wait_s is not None:
            return min(max(self.wait_s, 0.0), longest_s)
        pause = min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S)
        return float(pause * (0.75 + random.Random().random() / 4))  # not all at the same moment


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` or `retry-after-ms` names; None where neither can be read."""
    try:
        if (ms := headers.get("retry-after-ms")) is not None:
            return float(ms) / 1000
        value = headers.get("retry-after")
        return None if value is None else float(value)
    except ValueError:
        pass
    parsed = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return None if parsed is None else email.utils.mktime_tz(parsed) - time.time()
