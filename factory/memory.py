"""How much memory a build takes: its own process and those that it starts on this machine."""

import resource
import sys
import threading

_EVERY_S = 0.5


class MemoryWatch:
    """Looks at the resident memory of this process and all below it, twice a second while it is entered.

    Pages that processes share are counted for each of them; actors of a cluster are not seen.
    """

    def __init__(self) -> None:
        self._peak_mib = 0.0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "MemoryWatch":
        self._done.clear()
        self._thread = threading.Thread(target=self._poll, name="memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def peak_mib(self) -> float:
        """Return the largest memory seen so far."""
        scale = 2**20 if sys.platform == "darwin" else 2**10
        return max(self._peak_mib, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale)

    def _poll(self) -> None:
        while not self._done.wait(_EVERY_S):
            self._peak_mib = max(self._peak_mib, family_mib())


def family_mib() -> float:
    """Return the resident memory of this process and all below it, in MiB."""
    import psutil

    here = psutil.Process()
    total = 0
    for process in (here, *here.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return total / 2**20
