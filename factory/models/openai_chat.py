"""Chat models behind any OpenAI-compatible server: vLLM, SGLang, `transformers serve`, hosted ones."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from factory.errors import ModelError
from factory.isolation import DiedError
from factory.models.openai_payload import payload, problem_of, read
from factory.models.protocols import ChatRequest, Reply
from factory.models.retries import PASSING, Fault, retry_after_s
from factory.models.served import ServedConfig

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_PROBE_S = 5.0
_TOLD_CHARS = 300


class OpenAIChatConfig(ServedConfig):
    """A model on a server that speaks the OpenAI chat protocol."""

    kind: Literal["openai"] = "openai"
    base_url: str = "http://localhost:8000/v1"
    """Address of the server, with its version path."""
    model: str
    """Name of the model as the server knows it."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; the key itself never stands in a recipe."""

    def build(self) -> "OpenAIChat":
        """Return the adapter; `open` makes the client."""
        key = os.environ.get(self.api_key_env) or "none"
        return OpenAIChat(self, self.base_url, self.model, key, f"the key in ${self.api_key_env}")

    def identity(self) -> dict[str, str]:
        """Return what decides the answers, as far as a server tells."""
        return {"model": self.model, "revision": "served", "decoding": self.decoding}


class OpenAIChat:
    """A client with many requests in flight; `is_alive` tells whether a server that fell silent has died."""

    def __init__(
        self,
        config: ServedConfig,
        base_url: str,
        model: str,
        key: str = "none",
        key_hint: str = "the key",
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self._config, self._base_url, self._name = config, base_url, model
        self._how = config
        """How it is asked: as configured, until the server turns out to have no structured output."""
        self._key, self._key_hint, self._is_alive = key, key_hint, is_alive
        self._runner: asyncio.Runner | None = None
        self._client: AsyncOpenAI | None = None

    def open(self) -> None:
        """Make the client; opening twice does nothing more."""
        if self._runner is not None:
            return
        import openai

        self._runner = asyncio.Runner()
        self._client = openai.AsyncOpenAI(
            base_url=self._base_url, api_key=self._key, timeout=self._config.timeout_s, max_retries=0
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
            DiedError: the server has died, as far as `is_alive` knows.
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
            if not isinstance(outcome, Reply):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Reply)]

    async def _ask(self, request: ChatRequest) -> Reply:
        """Ask until there is a usable answer or the attempts are used up; all attempts are paid for."""
        faults = 0
        tried: list[Reply] = []
        while True:
            outcome = await self._attempt(request, len(tried))
            if isinstance(outcome, Fault):
                faults += 1
                if faults > self._config.max_retries:
                    return await self._given_up(outcome, tried)
                await asyncio.sleep(outcome.pause_s(faults, self._config.timeout_s))
                continue
            tried.append(outcome)
            if not problem_of(request, outcome) or len(tried) > self._config.max_reasks:
                return _with_all_paid(tried)

    async def _attempt(self, request: ChatRequest, reask: int) -> Reply | Fault:
        import openai

        try:
            return read(await self._call(request, reask), self._config)
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            raise ModelError(
                f"{self._base_url} refuses model {self._name!r} ({error.status_code}): "
                f"check the model's name and {self._key_hint}"
            ) from error
        except openai.APITimeoutError:
            return Fault(f"no answer within {self._config.timeout_s:g} s")
        except openai.APIConnectionError as error:
            if not self._is_alive():
                raise DiedError(f"{error}") from error
            return Fault(f"connection lost ({error.__cause__ or error})", is_connection=True)
        except openai.APIStatusError as error:
            reason = f"server answered {error.status_code}"
            if error.status_code in PASSING:
                return Fault(reason, wait_s=retry_after_s(error.response.headers))
            return Reply(error.message[:_TOLD_CHARS], error=reason)
        except (openai.APIError, ValueError) as error:
            return Fault(f"server answered what is no completion ({type(error).__name__})")

    async def _call(self, request: ChatRequest, reask: int) -> Any:
        """Return a completion; a server that refuses structured output is asked for JSON in words alone."""
        import openai

        assert self._client is not None
        create = self._client.chat.completions.create
        body = payload(self._name, self._how, request, reask)
        try:
            return await create(**body)
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            if "response_format" not in body:
                raise
        plain = self._config.model_copy(update={"structured": "none"})
        answer = await create(**payload(self._name, plain, request, reask))
        self._how = plain
        return answer

    async def _given_up(self, fault: Fault, tried: list[Reply]) -> Reply:
        """Return a reply for one request that failed; where no one answers at all, stop.

        Raises:
            ModelError: nothing listens at the server's address.
        """
        if fault.is_connection and not await self._answers():
            raise ModelError(
                f"no server at {self._base_url} ({fault.reason}): "
                "start it, for instance with `vllm serve`, or mend base_url"
            )
        return _with_all_paid([*tried, Reply("", error=fault.reason)])

    async def _answers(self) -> bool:
        import openai

        assert self._client is not None
        try:
            await self._client.models.list(timeout=_PROBE_S)
        except openai.APIConnectionError:
            return False
        except (openai.APIError, ValueError):
            return True
        return True


async def _captured(work: Coroutine[Any, Any, Reply]) -> Reply | ModelError | DiedError:
    """Return errors instead of raising them, so that the requests in flight end in order first."""
    try:
        return await work
    except (ModelError, DiedError) as error:
        return error


def _with_all_paid(tried: Sequence[Reply]) -> Reply:
    """Return the last reply with the tokens of all attempts."""
    cached = [reply.tokens_cached for reply in tried if reply.tokens_cached is not None]
    return replace(
        tried[-1],
        tokens_in=sum(reply.tokens_in for reply in tried),
        tokens_out=sum(reply.tokens_out for reply in tried),
        tokens_cached=sum(cached) if cached else None,
        micro_usd=sum(reply.micro_usd for reply in tried),
    )
