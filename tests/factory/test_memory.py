"""The memory of a build counts the processes below it."""

import subprocess
import sys
import time

from factory.memory import MemoryWatch, family_mib


def test_memory_of_processes_below_counts() -> None:
    alone = family_mib()
    command = [
        sys.executable,
        "-c",
        "import sys; held = b'x' * 80_000_000; print(1, flush=True); sys.stdin.read()",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with MemoryWatch() as watch:
            deadline = time.monotonic() + 10
            while watch.peak_mib() < alone + 70 and time.monotonic() < deadline:
                time.sleep(0.05)
        child.communicate()
    assert watch.peak_mib() >= alone + 70
