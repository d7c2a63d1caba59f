"""What all chat models behind a server have in common: how they are asked, retried and paid."""

from typing import Literal

from pydantic import Field

from factory.models.checkpoint import Probability
from recipes import Config


class PriceConfig(Config):
    """What a server takes, in US dollars for a million tokens."""

    input: float = Field(default=0.0, ge=0.0)
    """Tokens of the question."""
    output: float = Field(default=0.0, ge=0.0)
    """Tokens of the answer."""
    cached_input: float | None = Field(default=None, ge=0.0)
    """Tokens of the question that the server still had; null: as `input`."""

    def micro_usd(self, tokens_in: int, tokens_out: int, tokens_cached: int) -> int:
        """Return what a call costs, in millionths of a dollar."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = max(tokens_in - tokens_cached, 0)
        return round(fresh * self.input + tokens_cached * cached_price + tokens_out * self.output)


class ServedConfig(Config):
    """How a served chat model is asked."""

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
    """How long one attempt may take, and the longest Retry-After that is waited for."""
    max_retries: int = Field(default=5, ge=0)
    """Attempts after the first on refusals for load, server faults, cut connections and time-outs."""
    max_reasks: int = Field(default=5, ge=0)
    """Attempts after the first on answers that are empty or, where JSON was asked for, are none."""
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How the server is asked for JSON where a stage wants it."""
    image_format: Literal["jpeg", "png"] = "jpeg"
    """How images travel: JPEG at quality 92, or lossless and several times larger."""
    price: PriceConfig = PriceConfig()
    """For the cost in card, report and status, and for the recipe's budget."""

    @property
    def decoding(self) -> str:
        """Return what decides the answers beside the model."""
        sampling = f"temperature={self.temperature},top_p={self.top_p},seed={self.seed}"
        return f"{sampling},max_tokens={self.max_tokens},{self.structured},{self.image_format}"
