"""A server of our own: started, asked, restarted when it dies, ended with whoever started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory import logs
from factory.errors import ModelError
from factory.models import VllmChatConfig
from factory.models.protocols import ChatRequest
from factory.models.vllm_chat import VllmChat

FAKE = str(Path(__file__).with_name("fake_vllm"))
ROOT = Path(__file__).parents[3]


def config(**options: Any) -> VllmChatConfig:
    env = {"PYTHONPATH": FAKE, **options.pop("env", {})}
    settings = {"start_timeout_s": 30, "max_retries": 1, **options}
    return VllmChatConfig(checkpoint="org/some-model", python=sys.executable, env=env, **settings)


@pytest.fixture(autouse=True)
def log_folder(tmp_path: Path) -> Path:
    logs.keep_in(tmp_path / "logs")
    return tmp_path / "logs"


@pytest.fixture
def start() -> Iterator[Callable[..., VllmChat]]:
    started: list[VllmChat] = []

    def get(**options: Any) -> VllmChat:
        started.append(config(**options).build())
        started[-1].open()
        return started[-1]

    yield get
    for chat in started:
        chat.close()


def pids(folder: Path) -> list[int]:
    """Return the processes of the newest server."""
    newest = max(folder.glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
    line = next(text for text in newest.read_text().splitlines() if text.startswith("pids "))
    return [int(word) for word in line.split()[1:]]


def are_gone(processes: list[int]) -> bool:
    def gone(process: int) -> bool:
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not all(map(gone, processes)):
        time.sleep(0.05)
    return all(map(gone, processes))


def ask(chat: VllmChat, *texts: str) -> list[str]:
    return [reply.error or reply.text for reply in chat.reply([ChatRequest(text) for text in texts])]


def test_it_is_started_asked_and_ended_with_all_its_processes(
    start: Callable[..., VllmChat], log_folder: Path
) -> None:
    chat = start(max_model_len=512)
    assert ask(chat, "one", "two") == ["re one", "re two"]
    reply = chat.reply([ChatRequest("three")])[0]
    assert (reply.tokens_in, reply.tokens_cached) == (10, 8)
    running = pids(log_folder)
    chat.close()
    assert are_gone(running)
    kept = next(log_folder.glob("vllm-some-model-1.log")).read_text()
    assert "serving org/some-model" in kept
    assert "--max-model-len 512" in kept


def test_a_server_that_dies_is_started_again_and_no_answer_is_lost(
    start: Callable[..., VllmChat], tmp_path: Path
) -> None:
    (tmp_path / "once").touch()
    chat = start(env={"FAKE_VLLM_DIES_ONCE": str(tmp_path / "once")})
    assert ask(chat, "one", "two", "three") == ["re one", "re two", "re three"]


def test_the_request_that_kills_the_server_is_found(start: Callable[..., VllmChat]) -> None:
    chat = start(env={"FAKE_VLLM_DIES_ON": "boom"})
    found = ask(chat, "one", "boom", "two")
    assert found == ["re one", "the request killed its server", "re two"]


def test_a_server_that_dies_of_everything_stops_the_build_with_its_log(
    start: Callable[..., VllmChat], log_folder: Path
) -> None:
    chat = start(env={"FAKE_VLLM_DIES_ON": "q"})
    with pytest.raises(ModelError, match=rf"(?s)dies of whatever it is asked.*{log_folder}.*\npids"):
        ask(chat, "q1", "q2", "q3")


def test_a_server_that_cannot_start_says_why_and_how_to_install_it(log_folder: Path) -> None:
    chat = config(env={"FAKE_VLLM_FAILS": "No module named vllm"}).build()
    with pytest.raises(ModelError) as caught:
        chat.open()
    message = str(caught.value)
    assert str(log_folder) in message and "No module named vllm" in message
    assert message.endswith("python -m venv vllm-env && vllm-env/bin/pip install vllm")


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="/no/such/python"):
        VllmChatConfig(checkpoint="m", python="/no/such/python", start_timeout_s=20).build().open()


def test_a_folder_that_is_not_there_is_named_before_a_server_starts(log_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"no checkpoint folder './nowhere'"):
        VllmChatConfig(checkpoint="./nowhere").build().open()
    assert not log_folder.exists() or not list(log_folder.iterdir())


def test_a_server_dies_with_the_process_that_started_it(log_folder: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom factory import logs\n"
        "from factory.models import VllmChatConfig\n"
        f"logs.keep_in(Path({str(log_folder)!r}))\n"
        f"chat = VllmChatConfig(checkpoint='m', env={{'PYTHONPATH': {FAKE!r}}}).build()\n"
        "chat.open(); print('up', flush=True); time.sleep(300)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == b"up\n"
        running = pids(log_folder)
        os.kill(owner.pid, signal.SIGKILL)
    assert are_gone(running)


def test_how_it_runs_is_not_what_it_says() -> None:
    from factory.fingerprint import HOW_NOT_WHAT

    usual, other = config(), config(gpu_memory_utilization=0.5, tensor_parallel_size=2, timeout_s=9)
    assert usual.identity() == other.identity()
    differing = {key for key, value in usual.model_dump().items() if value != other.model_dump()[key]}
    assert differing and differing <= HOW_NOT_WHAT
