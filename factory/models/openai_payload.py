"""What is sent to an OpenAI-compatible server, and what is read from its answer."""

import base64
import io
import json
import math
import re
from dataclasses import replace
from typing import Any

from PIL import Image

from factory.models.protocols import ChatRequest, Reply
from factory.models.served import ServedConfig
from factory.models.yes_no import share_of_yes

_TOP_LOGPROBS = 20
"""As many as servers give at most."""
_FENCE = re.compile(r"^```\w*\s*(.*?)\s*```$", re.DOTALL)


def payload(model: str, config: ServedConfig, request: ChatRequest, reask: int) -> dict[str, Any]:
    """Return the body of a call; asked again, a server that samples draws anew."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    messages.append({"role": "user", "content": _content(request, config.image_format)})
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
    }
    if config.seed is not None:
        body["seed"] = config.seed + reask
    if request.asks_yes_no:
        body |= {"max_tokens": 1, "logprobs": True, "top_logprobs": _TOP_LOGPROBS}
    if request.schema is not None and config.structured != "none":
        body["response_format"] = _response_format(request.schema, config.structured)
    return body


def read(answer: Any, config: ServedConfig) -> Reply:
    """Return the reply in a completion; what is no completion becomes a reply with an `error`."""
    choices = getattr(answer, "choices", None)
    if not choices:
        return Reply("", error="server sent no choice")
    choice, usage = choices[0], answer.usage
    details = getattr(usage, "prompt_tokens_details", None)
    reply = Reply(
        text=(choice.message.content or "").strip(),
        finished=choice.finish_reason != "length",
        tokens_in=usage.prompt_tokens if usage else 0,
        tokens_out=usage.completion_tokens if usage else 0,
        tokens_cached=getattr(details, "cached_tokens", None),
        yes=_yes(choice),
    )
    price = config.price.micro_usd(reply.tokens_in, reply.tokens_out, reply.tokens_cached or 0)
    return replace(reply, micro_usd=price)


def _yes(choice: Any) -> float | None:
    """Return the probability of yes where the server tells log-probabilities."""
    positions = getattr(getattr(choice, "logprobs", None), "content", None)
    if not positions:
        return None
    return share_of_yes((one.token, math.exp(one.logprob)) for one in positions[0].top_logprobs or ())


def problem_of(request: ChatRequest, reply: Reply) -> str:
    """Return why a reply is worth asking again, or nothing."""
    if reply.error:
        return reply.error
    if not reply.text:
        return "empty reply"
    return "reply is not JSON" if request.schema is not None and not _is_json(reply.text) else ""


def _is_json(text: str) -> bool:
    fenced = _FENCE.match(text)
    try:
        json.loads(fenced.group(1) if fenced else text)
    except json.JSONDecodeError:
        return False
    return True


def _response_format(schema: dict[str, Any], structured: str) -> dict[str, Any]:
    if structured == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}


def _content(request: ChatRequest, image_format: str) -> str | list[dict[str, Any]]:
    if request.image is None:
        return request.text
    url = _data_url(request.image, image_format)
    return [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": request.text}]


def _data_url(image: Image.Image, image_format: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=image_format.upper(), **({"quality": 92} if image_format == "jpeg" else {}))
    return f"data:image/{image_format};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
