"""An OpenAI-compatible server that answers by a function, and a proxy before it that lets a share of calls go wrong."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TRANSPORT = ("429", "500", "503", "hang", "cut", "half body", "page")
"""Ways to fail that hit any call."""
CONTENT = ("empty", "no JSON", "cut JSON")
"""Ways to answer badly; the last two only where JSON was asked for, since any text will do elsewhere."""


class HttpServer:
    """Serves `POST` by a method, `GET` with an empty object, until `stop`."""

    def __init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                send(self, 200, "{}")

            def do_POST(self) -> None:
                outer.post(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:  # clients that stopped waiting
                pass

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._lock = threading.Lock()
        self.calls = 0

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        raise AssertionError((handler, body))

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class ChatServer(HttpServer):
    """Answers each request body by a function of it."""

    def __init__(self, answer: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._answer = answer

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        with self._lock:
            self.calls += 1
        send(handler, 200, completion(self._answer(json.loads(body))))


class FaultyProxy(HttpServer):
    """Passes calls on, but for a share that goes wrong.

    What becomes of a call depends on the seed, its body and how often that came, not on the order of calls.
    """

    def __init__(self, upstream: str, seed: int = 0, share: float = 0.2, hang_s: float = 2.0) -> None:
        super().__init__()
        self._upstream, self._share, self._hang_s = urlsplit(upstream), share, hang_s
        self._seed = seed
        self._seen: Counter[bytes] = Counter()
        self.faults: Counter[str] = Counter()

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        way = self._way(body)
        if way in ("429", "500", "503"):
            send(handler, int(way), '{"error": {"message": "busy"}}', {"Retry-After": "0.05"})
            return
        if way == "cut":
            handler.close_connection = True
            return
        if way == "page":
            send(handler, 200, "<html>busy</html>")
            return
        if way == "hang":
            time.sleep(self._hang_s)
        answer = self._pass_on(handler.path, body)
        if way == "half body":
            send(handler, 200, answer, {"Content-Length": str(2 * len(answer))})
            handler.close_connection = True
            return
        send(handler, 200, _spoiled(answer, way) if way in CONTENT else answer)

    def _way(self, body: bytes) -> str:
        with self._lock:
            self.calls += 1
            self._seen[body] += 1
            way = self._drawn(random.Random(f"{self._seed} {self._seen[body]} {body!r}"), body)
            self.faults.update([way] if way else [])
            return way

    def _drawn(self, draw: random.Random, body: bytes) -> str:
        if draw.random() >= self._share:
            return ""
        way = draw.choice(TRANSPORT if draw.random() < 0.6 else CONTENT)
        return way if b'"response_format"' in body or not way.endswith("JSON") else "empty"

    def _pass_on(self, path: str, body: bytes) -> str:
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer


def send(
    handler: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str] | None = None
) -> None:
    """Send an answer of JSON."""
    data = body.encode()
    handler.send_response(status)
    usual = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    for name, value in {**usual, **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def completion(text: str) -> str:
    """Return a completion in the shape of the protocol."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    return json.dumps({
        "id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice],
        "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 600}},
    })  # fmt: skip


def _spoiled(answer: str, way: str) -> str:
    good = str(json.loads(answer)["choices"][0]["message"]["content"])
    return completion({"empty": "", "no JSON": "Sure! A dog and a cat.", "cut JSON": good[:-3]}[way])
