"""A model server as a process of ours: started, waited for, asked for its health, its log kept, ended."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from factory import logs
from factory.errors import ModelError

_KEEPER = Path(__file__).with_name("keeper.py")
_POLL_S = 0.2
_END_S = 20.0


class Server:
    """A process that serves HTTP on a port of this machine; it ends with us, however we end."""

    def __init__(
        self, name: str, command: Sequence[str], env: Mapping[str, str], start_timeout_s: float, hint: str
    ) -> None:
        self._name, self._command, self._env = name, list(command), dict(env)
        self._start_timeout_s, self._hint = start_timeout_s, hint
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()
        self.port = 0

    def start(self) -> None:
        """Start the server and wait until it is healthy.

        Raises:
            ModelError: it ends or stays silent; the message holds the end of its log.
        """
        self.port = _free_port()
        self._log = logs.new_log(self._name)
        command = [sys.executable, str(_KEEPER), *self._command, "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **self._env}, start_new_session=True,
            )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """End the server; without effect when there is none."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def explain(self) -> str:
        """Return where the log is and how it ends."""
        return f"its log {self._log} ends:\n{logs.last_lines(self._log)}"

    def _wait(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while not self._is_healthy():
            if not self.is_alive:
                raise self._failed("ended before it could answer")
            if time.monotonic() > deadline:
                raise self._failed(f"has not answered within {self._start_timeout_s:g} s (start_timeout_s)")
            time.sleep(_POLL_S)

    def _failed(self, how: str) -> ModelError:
        error = ModelError(f"the server {self._name} {how}; {self.explain()}\n{self._hint}")
        self.stop()
        return error

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2.0) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
