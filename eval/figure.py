"""A figure: a number that cannot be had without its count, its interval and, if undefined, the reason."""

from dataclasses import dataclass
from typing import Any

Interval = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """One measured number. `value` is None exactly when `reason` says why it is undefined."""

    value: float | None
    n: int
    """What the number is a share or a mean of: mentions, claims, captions, questions."""
    ci95: Interval | None = None
    reason: str | None = None
    """Why the value, or only its interval, is undefined."""

    def to_json(self) -> dict[str, Any]:
        """Return the figure as the JSON shape that every output of the evaluation uses."""
        interval = None if self.ci95 is None else list(self.ci95)
        return {"value": self.value, "n": self.n, "ci95": interval, "reason": self.reason}


@dataclass(frozen=True)
class Difference:
    """Second run minus first run on the same items."""

    value: float | None
    n: int
    """Images that both runs have."""
    ci95: Interval | None = None
    p: float | None = None
    """Two-sided, from the paired bootstrap by image."""
    reason: str | None = None
    p_holm: float | None = None
    """Corrected for the other figures of the same comparison."""
    detectable: float | None = None
    """The smallest true difference that this many images show in 80 % of repetitions."""

    def to_json(self) -> dict[str, Any]:
        """Return the difference as JSON."""
        interval = None if self.ci95 is None else list(self.ci95)
        return {
            "value": self.value,
            "ci95": interval,
            "p": self.p,
            "p_holm": self.p_holm,
            "detectable": self.detectable,
            "n": self.n,
            "reason": self.reason,
        }
