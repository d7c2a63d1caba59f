"""Fetching one image over HTTP within limits of time and size."""

import http.client
import time
import urllib.error
import urllib.request
from typing import IO

from factory.sources.candidate import UnreadableError

_AGENT = "image-textualization-factory"
_CHUNK_BYTES = 1 << 16
_TRIES = 3
_PASSING = {408, 425, 429, 500, 502, 503, 504}


def fetch(url: str, timeout_s: float, max_bytes: int, pause_s: float = 1.0) -> bytes:
    """Return the bytes at an http(s) URL, at most `max_bytes` + 1; failures that may pass are tried again.

    Raises:
        UnreadableError: the URL gives no bytes in time.
    """
    deadline = time.monotonic() + timeout_s
    for attempt in range(1, _TRIES + 1):
        try:
            return _get(url, deadline, max_bytes)
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            status = getattr(error, "code", None)
            passing = status is None or status in _PASSING
            if attempt == _TRIES or not passing or time.monotonic() + pause_s * attempt > deadline:
                raise UnreadableError("not fetched", f"{url}: {error}") from None
            time.sleep(pause_s * attempt)
    raise AssertionError("the last try returns or raises")


def _get(url: str, deadline: float, max_bytes: int) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT})
    with urllib.request.urlopen(request, timeout=max(deadline - time.monotonic(), 0.1)) as response:
        return _read_until(response, deadline, max_bytes)


def _read_until(response: IO[bytes], deadline: float, max_bytes: int) -> bytes:
    parts, size = [], 0
    while size <= max_bytes and (part := response.read(min(_CHUNK_BYTES, max_bytes + 1 - size))):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise TimeoutError("took longer than source.fetch_timeout_s")
    return b"".join(parts)
