"""Writing so that a kill at any moment leaves the old file or the new one, and one build per folder."""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from factory.errors import StorageError

_WRITERS = "writers.lock"
_WRITERS_END_S = 30.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        raise StorageError(_explain(path, error)) from error


def write_atomically(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Let `write` fill a file that appears under its name only when it is complete and on disk.

    Raises:
        StorageError: the disk is full or the folder cannot be written; the half-written file is removed.
    """
    partial = path.with_name(f".{path.name}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_through(partial, write)
            partial.replace(path)
            _sync_folder(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: _put(file, text.encode("utf-8")))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, readable and with the keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON, or return None where there is no whole JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None


@contextlib.contextmanager
def only_builder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which dies with the process.

    Raises:
        StorageError: another build holds it.
    """
    path = folder / "lock"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise StorageError(
                f"another build is at work in {folder.parent} ({holder}): wait for it or choose another --out"
            ) from None
        _await_writers(folder)
        with explained(path):
            file.truncate(0)
            os.write(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        yield


@contextlib.contextmanager
def writing_for_builder(folder: Path) -> Iterator[None]:
    """Hold a lock in a process that writes for the builder: while it lives, no other build begins here."""
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _WRITERS).open("a")
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _await_writers(folder: Path) -> None:
    """Wait for processes of a build that was killed; they end by themselves in a moment."""
    with explained(folder):
        file = (folder / _WRITERS).open("a")
    deadline = time.monotonic() + _WRITERS_END_S
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"processes of a build that was killed are still at work in {folder.parent}: end them"
                    ) from None
                time.sleep(0.05)


def _write_through(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _put(file: IO[bytes], data: bytes) -> None:
    file.write(data)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            f"the disk is full: cannot write {path} ({error.strerror}). What is finished is kept; "
            "free some space and run the same command again"
        )
    return (
        f"cannot write {path}: {error.strerror or error}. What is finished is kept; mend this and run again"
    )
