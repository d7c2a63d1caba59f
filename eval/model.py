"""What is evaluated: a checkpoint here, a model behind a server, or texts that were written elsewhere."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from recipes import Config


class LlavaModel(Config):
    """A LLaVA checkpoint, with or without a LoRA adapter, that answers by greedy decoding."""

    kind: Literal["llava"] = "llava"
    checkpoint: str
    """A local folder, or the name of a checkpoint on the Hugging Face hub."""
    revision: str | None = None
    """Commit or tag of a hub checkpoint; pin it for figures that must be repeatable."""
    adapter: str | None = None
    """A PEFT folder; none for the base model. Its processor is used where it has one."""
    template: str = "USER: <image>\n{question} ASSISTANT:"
    """The prompt around a question; must be what the model was trained with."""
    batch_size: PositiveInt = 16
    """Prompts answered together."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "auto"
    """`auto` is the first GPU if there is one, else the CPU."""

    @model_validator(mode="after")
    def _has_fields(self) -> Self:
        if self.template.count("{question}") != 1 or self.template.count("<image>") != 1:
            raise ValueError(
                f"template must contain <image> and {{question}} once each, not {self.template!r}"
            )
        return self


class ServedModel(Config):
    """A model behind an OpenAI-compatible server, such as `vllm serve`; greedy decoding, the server's template."""

    kind: Literal["openai"] = "openai"
    base_url: str = "http://localhost:8000/v1"
    """Address of the server, with its version path."""
    model: str
    """Name of the model as the server knows it; a LoRA adapter is a name of its own there."""
    revision: str = ""
    """Says what is served under that name; a change has everything asked anew."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; the key itself never stands in a recipe."""
    max_in_flight: PositiveInt = 16
    """Requests under way at a time. A server that batches may round differently from run to run."""
    timeout_s: PositiveFloat = 300.0
    """How long one answer may take."""
    max_retries: NonNegativeInt = 5
    """How often a request that a busy server turned away is repeated."""


class CaptionsModel(Config):
    """Texts that were written elsewhere, scored as they are."""

    kind: Literal["captions"] = "captions"
    file: str
    """Captions, one an image: JSON Lines of `image_id` and `caption`."""
    answers: str | None = None
    """Answers to the POPE questions that this recipe writes: JSON Lines of `question_id` and `answer`."""


Model = Annotated[LlavaModel | ServedModel | CaptionsModel, Field(discriminator="kind")]
