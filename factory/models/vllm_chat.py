"""Chat models served by vLLM, in a server that we start for a stage and end after it.

The server is a process of its own: if it dies it is started again, and a request that kills it is found and
answered with an error. Its log is kept in OUT/.work/logs.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from factory.errors import ModelError
from factory.isolation import DiedError, Isolation
from factory.models.checkpoint import require_there, revision_of
from factory.models.extras import Extra
from factory.models.openai_chat import OpenAIChat
from factory.models.protocols import ChatRequest, Reply
from factory.models.served import ServedConfig
from factory.models.server import Server

_NAME = "model"
_ENVIRONMENT = "python -m venv vllm-env && vllm-env/bin/pip install vllm"
_INSTALL = (
    f"vLLM wants an environment of its own, named by `python` in the recipe; to make one: {_ENVIRONMENT}"
)


class VllmChatConfig(ServedConfig):
    """A checkpoint served by vLLM for as long as its stage runs."""

    kind: Literal["vllm"] = "vllm"
    checkpoint: str
    """Hub id, or a local folder (relative to the working directory)."""
    revision: str = "main"
    """Branch, tag or commit on the hub, unused for a folder; pin a commit for data that others make again."""
    python: str = ""
    """The interpreter of the environment that vLLM is installed in; empty: the one that runs the factory."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of weights and arithmetic; `auto` is that of the checkpoint."""
    max_model_len: int | None = Field(default=None, ge=1)
    """Longest question and answer together, in tokens; null: as long as the model can."""
    gpu_memory_utilization: float = Field(default=0.9, gt=0.0, le=1.0)
    """Share of the GPU's memory that the server takes; unused on CPUs."""
    tensor_parallel_size: int = Field(default=1, ge=1)
    """GPUs that share the model."""
    arguments: list[str] = Field(default_factory=list)
    """Further arguments of the server, such as `[--quantization, fp8]`."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the server, such as `{CUDA_VISIBLE_DEVICES: "0,1"}`."""
    start_timeout_s: float = Field(default=900.0, gt=0)
    """How long the server may take to load the model, downloads included."""

    @property
    def extra(self) -> Extra | None:
        """The package that serves, where no other environment is named."""
        wanted_by = "kind: vllm, where `python` names no environment that has it,"
        return None if self.python else Extra("vllm", wanted_by, _ENVIRONMENT)

    def build(self) -> "VllmChat":
        """Return the adapter; `open` starts the server."""
        return VllmChat(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and how it is made to speak."""
        revision = revision_of(self.checkpoint, self.revision)
        further = f",{' '.join(self.arguments)}" if self.arguments else ""
        decoding = f"{self.decoding},{self.dtype},max_model_len={self.max_model_len}{further}"
        return {"model": self.checkpoint, "revision": revision, "decoding": decoding}

    def command(self) -> list[str]:
        """Return what starts the server, but for its port."""
        optional = [] if Path(self.checkpoint).is_dir() else ["--revision", self.revision]
        optional += [] if self.max_model_len is None else ["--max-model-len", str(self.max_model_len)]
        return [
            self.python or sys.executable, "-m", "vllm.entrypoints.openai.api_server",
            "--host", "127.0.0.1", "--model", self.checkpoint, "--served-model-name", _NAME, "--dtype", self.dtype,
            "--gpu-memory-utilization", str(self.gpu_memory_utilization),
            "--tensor-parallel-size", str(self.tensor_parallel_size),
            "--enable-prompt-tokens-details", *optional, *self.arguments,
        ]  # fmt: skip


class VllmChat:
    """A client of a server of our own."""

    def __init__(self, config: VllmChatConfig) -> None:
        self._config = config
        name = "vllm-" + re.sub(r"[^A-Za-z0-9]+", "-", config.checkpoint.rpartition("/")[2])
        self._server = Server(name, config.command(), config.env, config.start_timeout_s, _INSTALL)
        self._client: OpenAIChat | None = None
        self._isolation: Isolation[ChatRequest, Reply] = Isolation(self._ask, _blame, self._hopeless)

    def open(self) -> None:
        """Start the server unless it runs.

        Raises:
            ModelError: it does not come up, or its checkpoint is not there.
        """
        if self._client is None or not self._server.is_alive:
            require_there(self._config.checkpoint)
            self.close()
            self._server.start()
            url = f"http://127.0.0.1:{self._server.port}/v1"
            self._client = OpenAIChat(self._config, url, _NAME, is_alive=lambda: self._server.is_alive)
            self._client.open()

    def close(self) -> None:
        """End the server."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._server.stop()

    def reply(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        """Answer each request, in order; one that kills the server gets a reply with an `error`.

        Raises:
            ModelError: the server dies of whatever it is asked, or cannot be started again.
        """
        return self._isolation(requests)

    def _ask(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        self.open()
        assert self._client is not None
        try:
            return self._client.reply(requests)
        except ModelError as error:  # it may have died between our last look and now
            if self._server.is_alive:
                raise
            raise DiedError(f"{error}") from error

    def _hopeless(self, error: DiedError) -> ModelError:
        name, end = self._config.checkpoint, self._server.explain()
        return ModelError(f"the server of {name!r} dies of whatever it is asked ({error}); {end}")


def _blame(_: ChatRequest, _error: DiedError) -> Reply:
    return Reply("", error="the request killed its server")
