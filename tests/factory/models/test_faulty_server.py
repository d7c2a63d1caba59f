"""A server of which every fifth call fails in another way: no answer is lost, little is asked twice."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from factory.models import OpenAIChatConfig
from factory.models.protocols import ChatRequest

SCHEMA = {"type": "object"}
GOOD = '{"entities": ["dog"]}'
TIMEOUT_S = 0.5
WAYS = ["429", "500", "hang", "cut", "half", "page", "no JSON", "cut JSON", "empty"]


class Faulty:
    """Counts its calls; the call numbers that `fails` picks go wrong, each in the next of the ways."""

    def __init__(self, fails: Callable[[int], bool], ways: list[str] = WAYS) -> None:  # noqa: C901
        self.calls = 0
        lock = threading.Lock()
        next_way = itertools.cycle(ways)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(200, "{}")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    outer.calls += 1
                    way = next(next_way) if fails(outer.calls) else ""
                if way in ("429", "500"):
                    self.answer(int(way), "{}", {"Retry-After": "0"})
                elif way == "cut":
                    self.close_connection = True
                elif way == "half":
                    self.answer(200, completion(GOOD), {"Content-Length": "10000"})
                    self.close_connection = True
                elif way == "page":
                    self.answer(200, "<html>busy</html>")
                else:
                    time.sleep(2 * TIMEOUT_S if way == "hang" else 0)
                    texts = {"no JSON": "Sure!", "cut JSON": GOOD[:-4], "empty": ""}
                    self.answer(200, completion(texts.get(way, GOOD)))

            def answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                usual = {"Content-Type": "application/json", "Content-Length": str(len(body))}
                for name, value in {**usual, **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:  # clients that stopped waiting
                pass

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def completion(text: str) -> str:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    return json.dumps({
        "id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice],
        "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 600}},
    })  # fmt: skip


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    started: list[Any] = []

    def start(fails: Callable[[int], bool], ways: list[str] = WAYS, **options: Any) -> Any:
        server = Faulty(fails, ways)
        settings = {"timeout_s": TIMEOUT_S, "max_in_flight": 16, **options}
        chat = OpenAIChatConfig(base_url=server.url, model="m", **settings).build()
        started.append((server, chat))
        return server, chat

    yield start
    for server, chat in started:
        chat.close()
        server.stop()


def test_every_request_is_answered_for_little_more_than_one_call_each(serve: Any) -> None:
    server, chat = serve(lambda call: call % 5 == 0)
    replies = chat.reply([ChatRequest(f"q{i}", schema=SCHEMA) for i in range(200)])
    assert {(reply.text, reply.error) for reply in replies} == {(GOOD, "")}
    assert server.calls <= 1.3 * 200


def test_a_server_that_never_answers_well_costs_each_request_a_bounded_number_of_calls(serve: Any) -> None:
    server, chat = serve(lambda _: True, max_retries=1, max_reasks=1, timeout_s=0.2)
    replies = chat.reply([ChatRequest("q", schema=SCHEMA)] * 6)
    assert server.calls <= 6 * 4
    assert all(reply.error or reply.text != GOOD for reply in replies)


def test_all_calls_of_a_reply_are_paid(serve: Any) -> None:
    price = {"input": 2.0, "cached_input": 1.0, "output": 10.0}
    server, chat = serve(lambda call: call <= 2, ways=["no JSON", "429"], price=price)
    reply = chat.reply([ChatRequest("q", schema=SCHEMA)])[0]
    assert (server.calls, reply.text) == (3, GOOD)
    assert (reply.tokens_in, reply.tokens_cached, reply.micro_usd) == (2000, 1200, 2 * (800 + 600 + 1000))
