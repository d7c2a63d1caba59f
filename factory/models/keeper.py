"""Runs a command and ends it, with all that it started, when standard input closes: when its owner is gone.

    python keeper.py COMMAND ARGUMENT...

A server would otherwise outlive a build that is killed, and keep the memory of the GPU.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

_GRACE_S = 10.0


def main(command: list[str]) -> int:
    """Run the command; return its exit status, negative for a signal."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: _end(child))
    threading.Thread(target=_end_with_owner, args=(child,), daemon=True).start()
    status = child.wait()
    _signal(child, signal.SIGKILL)  # what the command has left behind
    return status


def _end_with_owner(child: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    _signal(child, signal.SIGTERM)
    timer = threading.Timer(_GRACE_S, _signal, (child, signal.SIGKILL))
    timer.daemon = True
    timer.start()


def _signal(child: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.exit(128 - code if code < 0 else code)
