"""Where this process stands among its fellows. Imports no torch."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """This process among its fellows, as the launcher told it."""

    rank: int
    processes: int
    launched: bool

    @classmethod
    def from_environment(cls) -> "Place":
        """Read what the `deepspeed` launcher (or another of its kind) has set."""
        launched = "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ
        rank, processes = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
        return cls(int(rank), int(processes), True) if launched else cls(0, 1, False)

    @property
    def is_main(self) -> bool:
        """Return whether this process writes the outputs."""
        return self.rank == 0
