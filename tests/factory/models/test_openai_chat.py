"""The client of OpenAI-compatible servers against a small server on this machine."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image

from factory.errors import ModelError
from factory.models import OpenAIChatConfig
from factory.models.openai_chat import OpenAIChat
from factory.models.protocols import ChatRequest

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, str], str]]


class Server:
    """Answers by a function from payload to status, headers and text, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[dict[str, Any]] = []
        self.most_open = self._open = 0
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.asked.append(payload)
                    outer._open += 1
                    outer.most_open = max(outer.most_open, outer._open)
                status, headers, text = answer(payload)
                body = json.dumps(
                    completion(text) if status == 200 else {"error": {"message": text}}
                ).encode()
                with lock:
                    outer._open -= 1
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def completion(text: str, finish_reason: str = "stop") -> dict[str, Any]:
    reason = "length" if text.endswith("...") else finish_reason
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def text_of(payload: dict[str, Any]) -> str:
    content = payload["messages"][-1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Server, OpenAIChat]]]:
    started: list[tuple[Server, OpenAIChat]] = []

    def start(answer: Answer, **options: Any) -> tuple[Server, OpenAIChat]:
        server = Server(answer)
        chat = OpenAIChatConfig(base_url=server.url, model="m", **{"max_retries": 0, **options}).build()
        chat.open()
        started.append((server, chat))
        return server, chat

    yield start
    for server, chat in started:
        chat.close()
        server.stop()


def test_replies_come_in_the_order_asked_with_many_in_flight(serve: Any) -> None:
    def answer(payload: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        time.sleep(0.03 if text_of(payload).endswith("0") else 0.01)
        return 200, {}, f"re {text_of(payload)}"

    server, chat = serve(answer, max_in_flight=8)
    replies = chat.reply([ChatRequest(f"q{i}") for i in range(24)])
    assert [reply.text for reply in replies] == [f"re q{i}" for i in range(24)]
    assert 2 <= server.most_open <= 8
    assert (replies[0].tokens_in, replies[0].tokens_out, replies[0].finished) == (7, 3, True)


def test_a_busy_server_is_asked_again_after_the_time_it_names(serve: Any) -> None:
    times: list[float] = []

    def answer(_: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        times.append(time.monotonic())
        return (429, {"Retry-After": "0.3"}, "busy") if len(times) == 1 else (200, {}, "fine")

    _, chat = serve(answer, max_retries=2)
    assert chat.reply([ChatRequest("q")])[0].text == "fine"
    assert times[1] - times[0] >= 0.29


def test_one_refused_request_costs_itself_alone(serve: Any) -> None:
    def answer(payload: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        return (400, {}, "too long") if text_of(payload) == "long" else (200, {}, "fine")

    _, chat = serve(answer)
    good, bad = chat.reply([ChatRequest("short"), ChatRequest("long")])
    assert (good.error, bad.error) == ("", "server answered 400")
    assert "too long" in bad.text  # becomes the detail of the rejection


def test_a_request_without_answer_in_time_costs_itself_alone(serve: Any) -> None:
    def answer(payload: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        time.sleep(0.5 if text_of(payload) == "slow" else 0)
        return 200, {}, "fine"

    _, chat = serve(answer, timeout_s=0.2)
    fast, slow = chat.reply([ChatRequest("fast"), ChatRequest("slow")])
    assert (fast.text, slow.error) == ("fine", "no answer within 0.2 s")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_model_stops_the_run(serve: Any, status: int) -> None:
    _, chat = serve(lambda _: (status, {}, "no"))
    with pytest.raises(ModelError, match="check the model's name"):
        chat.reply([ChatRequest("q")])


def test_a_server_that_is_not_there_is_named() -> None:
    chat = OpenAIChatConfig(base_url="http://127.0.0.1:9/v1", model="m", max_retries=0).build()
    with pytest.raises(ModelError, match=r"no server at http://127.0.0.1:9/v1"):
        chat.reply([ChatRequest("q")])
    chat.close()


def test_image_schema_and_system_are_sent(serve: Any) -> None:
    server, chat = serve(lambda _: (200, {}, "cut ..."), temperature=0.5)
    image = Image.new("RGB", (20, 10), "red")
    reply = chat.reply([ChatRequest("what?", image, system="be brief", schema={"type": "object"})])[0]
    payload = server.asked[0]
    system, user = payload["messages"]
    sent = Image.open(io.BytesIO(base64.b64decode(user["content"][0]["image_url"]["url"].split(",")[1])))
    assert system == {"role": "system", "content": "be brief"}
    assert (sent.size, sent.format) == ((20, 10), "JPEG")
    assert payload["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (payload["temperature"], payload["seed"], payload["model"]) == (0.5, 0, "m")
    assert reply.finished is False


def test_a_server_without_structured_output_is_asked_in_words_alone(serve: Any) -> None:
    def answer(payload: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        return (400, {}, "no such output") if "response_format" in payload else (200, {}, '{"a": 1}')

    server, chat = serve(answer)
    schema = {"type": "object"}
    assert chat.reply([ChatRequest("q", schema=schema)])[0].text == '{"a": 1}'
    assert [reply.text for reply in chat.reply([ChatRequest("q", schema=schema)] * 3)] == ['{"a": 1}'] * 3
    assert ["response_format" in asked for asked in server.asked] == [True, *[False] * 4]


def test_a_request_that_is_refused_either_way_leaves_the_others_their_structured_output(serve: Any) -> None:
    def answer(payload: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        return (400, {}, "too long") if text_of(payload) == "long" else (200, {}, "{}")

    server, chat = serve(answer)
    replies = chat.reply([ChatRequest("long", schema={"type": "object"})])
    replies += chat.reply([ChatRequest("short", schema={"type": "object"})])
    assert [reply.error for reply in replies] == ["server answered 400", ""]
    assert "response_format" in server.asked[-1]


def test_the_key_comes_from_the_environment_and_stays_out_of_the_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    config = OpenAIChatConfig(model="m", api_key_env="SOME_KEY")
    assert "secret" not in json.dumps([config.identity(), config.model_dump()])
