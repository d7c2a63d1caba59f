"""A model behind an OpenAI-compatible server: vLLM, SGLang, `transformers serve`, hosted ones.

Answers come in the order of the requests, with many requests in flight. The client is imported on connecting.
"""

import base64
import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval.errors import ModelError
from eval.generation.ask import Request
from eval.generation.image import open_rgb
from eval.model import ServedModel

_MEDIA = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


@dataclass(frozen=True)
class Server:
    """A client of one served model; greedy decoding."""

    client: Any
    config: ServedModel

    @property
    def batch_size(self) -> int:
        """Everything at once: the client itself keeps `max_in_flight` requests under way."""
        return 1_000_000

    @property
    def fingerprint(self) -> str:
        """The model's name and revision; not its address, which may change while the model does not."""
        parts = ["openai", self.config.model, self.config.revision]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def __call__(self, requests: Sequence[Request]) -> Iterator[str]:
        """Yield one answer per request, in order, as they come.

        Raises:
            ModelError: the server cannot be reached, or turns a request away for good.
        """
        waiting: deque[Future[str]] = deque()
        with ThreadPoolExecutor(self.config.max_in_flight) as pool:
            try:
                for request in requests:
                    waiting.append(pool.submit(self.answer, request))
                    if len(waiting) >= 2 * self.config.max_in_flight:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def answer(self, request: Request) -> str:
        """Ask one question about one image."""
        content = [
            {"type": "image_url", "image_url": {"url": _image_url(request.image)}},
            {"type": "text", "text": request.question},
        ]
        return self.chat(content, request.max_new_tokens)

    def chat(self, content: Any, max_tokens: int) -> str:
        """Send one user message and return the reply's text; a reply without text is empty.

        Raises:
            ModelError: the server cannot be reached, or turns the request away for good.
        """
        import openai

        try:
            reply = self.client.chat.completions.create(
                model=self.config.model,
                messages=[{"role": "user", "content": content}],
                max_tokens=max_tokens,
                temperature=0.0,
            )
            return (reply.choices[0].message.content or "").strip()
        except openai.APIStatusError as error:
            raise ModelError(_refused(self.config, error.status_code, str(error))) from None
        except openai.APIConnectionError as error:
            raise ModelError(_unreachable(self.config, error)) from None
        except (openai.APIError, IndexError, AttributeError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self.config.base_url} answered what is no chat completion ({type(error).__name__}: {error})"
            ) from None


def connect(config: ServedModel) -> Server:
    """Return a client, after asking the server whether it is there.

    Raises:
        ModelError: nothing answers at `base_url`.
    """
    import openai

    client = openai.OpenAI(
        base_url=config.base_url,
        api_key=os.environ.get(config.api_key_env) or "none",
        timeout=config.timeout_s,
        max_retries=config.max_retries,
    )
    try:
        client.with_options(max_retries=0, timeout=min(10.0, config.timeout_s)).models.list()
    except openai.APIConnectionError as error:
        raise ModelError(_unreachable(config, error)) from None
    except openai.AuthenticationError as error:
        raise ModelError(_refused(config, error.status_code, str(error))) from None
    except (openai.APIError, ValueError):
        pass  # it is there, only it lists no models
    return Server(client, config)


def _unreachable(config: ServedModel, error: Exception) -> str:
    return (
        f"no answer from {config.base_url} ({error.__cause__ or error}): start the server, for instance with "
        "`vllm serve`, or mend model.base_url; what was answered so far is kept"
    )


def _refused(config: ServedModel, status: int, message: str) -> str:
    return (
        f"{config.base_url} refused a request to model {config.model!r} with status {status}: {message[:300]} "
        f"(check model.model and the key in ${config.api_key_env}); what was answered so far is kept"
    )


@lru_cache(maxsize=64)
def _image_url(path: Path) -> str:
    """Return an image as a data URL: the file's own bytes where servers know the format, else PNG."""
    media = _MEDIA.get(path.suffix.lower())
    if media is not None:
        data = path.read_bytes()
    else:
        stream = io.BytesIO()
        open_rgb(path).save(stream, format="PNG")
        data, media = stream.getvalue(), "image/png"
    return f"data:{media};base64,{base64.b64encode(data).decode('ascii')}"
