"""What made a result: a hash over a stage, its parameters, models and prompts, and all that came before."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from factory.stage import Stage

HOW_NOT_WHAT = frozenset(
    {
        "device", "batch_size", "base_url", "api_key_env", "timeout_s", "max_retries", "max_reasks", "max_in_flight",
        "price", "python", "env", "start_timeout_s", "gpu_memory_utilization", "tensor_parallel_size",
    }
)  # fmt: skip
"""Parameters that say how or where a stage runs; changing them makes nothing old."""


class StageSettings(Protocol):
    """One entry of a recipe's `stages`."""

    def build(self) -> Stage:
        """Return the stage; no model is loaded yet."""

    def identity(self) -> dict[str, str]:
        """Return what decides the output beside the parameters: prompt hashes, checkpoints and revisions."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """Return the parameters as JSON values."""


@dataclass(frozen=True)
class Mark:
    """A stage of this build: `label` is its name, made unique; `identity` goes into card and provenance."""

    label: str
    fingerprint: str
    identity: dict[str, str]
    params: dict[str, Any]


def marks(seed: int, settings: Sequence[StageSettings], stages: Sequence[Stage]) -> list[Mark]:
    """Return the mark of each stage, each chained to those before it."""
    upstream = digest({"seed": seed})
    found = []
    for config, stage, label in zip(settings, stages, labels([stage.name for stage in stages]), strict=True):
        params, identity = config.model_dump(mode="json"), config.identity()
        upstream = digest([upstream, stage.name, stage.version, _what(params), identity])
        found.append(Mark(label, upstream, identity, params))
    return found


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def labels(names: Sequence[str]) -> list[str]:
    """Return names fit for files, the second `ask` being `ask-2`."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        safe = re.sub(r"[^A-Za-z0-9_]+", "-", name) or "stage"
        seen[safe] += 1
        found.append(safe if seen[safe] == 1 else f"{safe}-{seen[safe]}")
    return found


def _what(params: Any) -> Any:
    if isinstance(params, Mapping):
        return {key: _what(value) for key, value in params.items() if key not in HOW_NOT_WHAT}
    return [_what(value) for value in params] if isinstance(params, list) else params
