"""Chat models behind any OpenAI-compatible server: vLLM, SGLang, `transformers serve`, hosted ones."""

import asyncio
import base64
import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image
from pydantic import Field

from factory.errors import ModelError
from factory.models.checkpoint import Probability
from factory.models.protocols import ChatRequest, Reply
from recipes import Config

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class OpenAIChatConfig(Config):
    """A model on a server that speaks the OpenAI chat protocol."""

    kind: Literal["openai"] = "openai"
    base_url: str = "http://localhost:8000/v1"
    """Address of the server, with its version path."""
    model: str
    """Name of the model as the server knows it."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; the key itself never stands in a recipe."""
    max_in_flight: int = Field(default=64, ge=1)
    """Requests open at one time."""
    max_tokens: int = Field(default=512, ge=1)
    """Length limit of an answer; one that runs into it is marked unfinished."""
    temperature: float = Field(default=0.0, ge=0.0)
    """0 asks for the likeliest answer."""
    top_p: Probability = 1.0
    """Nucleus of the sampling."""
    seed: int | None = 0
    """Sent along for servers that honour it; null sends none."""
    timeout_s: float = Field(default=300.0, gt=0)
    """How long one attempt may take."""
    max_retries: int = Field(default=5, ge=0)
    """Attempts after the first on refusals for load, server faults and time-outs; Retry-After is honoured."""
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How the server is asked for JSON where a stage wants it."""
    image_format: Literal["jpeg", "png"] = "jpeg"
    """How images travel: JPEG at quality 92, or lossless and several times larger."""

    def build(self) -> "OpenAIChat":
        """Return the adapter; `open` makes the client."""
        return OpenAIChat(self)

    def identity(self) -> dict[str, str]:
        """Return what decides the answers, as far as a server tells."""
        decoding = (
            f"temperature={self.temperature},top_p={self.top_p},seed={self.seed},max_tokens={self.max_tokens}"
        )
        return {
            "model": self.model,
            "revision": "served",
            "decoding": f"{decoding},{self.structured},{self.image_format}",
        }


class OpenAIChat:
    """A client with many requests in flight."""

    def __init__(self, config: OpenAIChatConfig) -> None:
        self._config = config
        self._runner: asyncio.Runner | None = None
        self._client: AsyncOpenAI | None = None

    def open(self) -> None:
        """Make the client; opening twice does nothing more."""
        if self._runner is not None:
            return
        import openai

        config = self._config
        self._runner = asyncio.Runner()
        self._client = openai.AsyncOpenAI(
            base_url=config.base_url,
            api_key=os.environ.get(config.api_key_env) or "none",
            timeout=config.timeout_s,
            max_retries=config.max_retries,
        )

    def close(self) -> None:
        """Close the connections."""
        if self._runner is None or self._client is None:
            return
        self._runner.run(self._client.close())
        self._runner.close()
        self._runner = self._client = None

    def reply(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        """Answer each request, in order; one that the server refuses gets a reply with its `error`.

        Raises:
            ModelError: the server cannot be reached, or refuses the key or the model.
        """
        if self._runner is None:
            self.open()
        assert self._runner is not None
        return self._runner.run(self._gather(requests))

    async def _gather(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        gate = asyncio.Semaphore(self._config.max_in_flight)

        async def one(request: ChatRequest) -> Reply:
            async with gate:
                return await self._ask(request)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_captured(one(request))) for request in requests]
        outcomes = [task.result() for task in tasks]
        for outcome in outcomes:
            if isinstance(outcome, ModelError):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Reply)]

    async def _ask(self, request: ChatRequest) -> Reply:
        import openai

        assert self._client is not None
        try:
            answer = await self._client.chat.completions.create(**self._payload(request))
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            raise ModelError(
                f"{self._config.base_url} refuses model {self._config.model!r} ({error.status_code}): "
                f"check the model's name and the key in ${self._config.api_key_env}"
            ) from error
        except openai.APITimeoutError:
            return Reply("", error=f"no answer within {self._config.timeout_s:g} s")
        except openai.APIConnectionError as error:
            raise ModelError(
                f"no server at {self._config.base_url} ({error}): "
                "start it, for instance with `vllm serve`, or mend base_url"
            ) from error
        except openai.APIStatusError as error:
            return Reply("", error=f"server answered {error.status_code}")
        return _read(answer)

    def _payload(self, request: ChatRequest) -> dict[str, Any]:
        config = self._config
        messages: list[dict[str, Any]] = (
            [{"role": "system", "content": request.system}] if request.system else []
        )
        messages.append({"role": "user", "content": self._content(request)})
        payload: dict[str, Any] = {
            "model": config.model,
            "messages": messages,
            "max_tokens": config.max_tokens,
            "temperature": config.temperature,
            "top_p": config.top_p,
        }
        if config.seed is not None:
            payload["seed"] = config.seed
        if request.schema is not None and config.structured != "none":
            payload["response_format"] = self._response_format(request.schema)
        return payload

    def _response_format(self, schema: dict[str, Any]) -> dict[str, Any]:
        if self._config.structured == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}

    def _content(self, request: ChatRequest) -> str | list[dict[str, Any]]:
        if request.image is None:
            return request.text
        url = _data_url(request.image, self._config.image_format)
        return [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": request.text}]


async def _captured(work: Any) -> "Reply | ModelError":
    """Return a ModelError instead of raising it, so that the requests in flight end in order first."""
    try:
        reply: Reply = await work
    except ModelError as error:
        return error
    return reply


def _read(answer: Any) -> Reply:
    if not answer.choices:
        return Reply("", error="server sent no choice")
    choice, usage = answer.choices[0], answer.usage
    return Reply(
        text=(choice.message.content or "").strip(),
        finished=choice.finish_reason != "length",
        tokens_in=usage.prompt_tokens if usage else 0,
        tokens_out=usage.completion_tokens if usage else 0,
    )


def _data_url(image: Image.Image, image_format: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=image_format.upper(), **({"quality": 92} if image_format == "jpeg" else {}))
    return f"data:image/{image_format};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
