"""Chat models of Hugging Face transformers in this process, with or without sight.

Sampling, where a temperature asks for it, draws on torch's generator, which the engine seeds per shard.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

from pydantic import Field

from factory.errors import ModelError
from factory.models.batching import batches
from factory.models.checkpoint import Adapter, CheckpointConfig, Probability, load
from factory.models.protocols import ChatRequest, Reply
from factory.models.yes_no import share_of_yes, variants


class TransformersChatConfig(CheckpointConfig):
    """A chat checkpoint run in this process; answers are greedy unless a temperature is set."""

    kind: Literal["transformers"] = "transformers"
    max_new_tokens: int = Field(default=512, ge=1)
    """Length limit of an answer; one that runs into it is marked unfinished."""
    temperature: float = Field(default=0.0, ge=0.0)
    """0 takes the likeliest token always, so that the same image gives the same text."""
    top_p: Probability = 1.0
    """Nucleus of the sampling; without effect at temperature 0."""

    def build(self) -> "TransformersChat":
        """Return the adapter; `open` loads the weights."""
        return TransformersChat(self)

    def identity(self) -> dict[str, str]:
        """Return the checkpoint and how it is made to speak."""
        decoding = "greedy" if self.temperature == 0 else f"temperature={self.temperature},top_p={self.top_p}"
        return {**super().identity(), "decoding": f"{decoding},max_new_tokens={self.max_new_tokens}"}


class TransformersChat(Adapter):
    """A chat model; requests are sorted by length into batches and padded on the left."""

    def __init__(self, config: TransformersChatConfig) -> None:
        super().__init__(config)
        self._config = config
        self._processor: Any = None
        self._sees = False

    def _load(self) -> None:
        import transformers

        about = load(transformers.AutoConfig.from_pretrained, self._config)
        self._sees = hasattr(about, "vision_config")
        reader = transformers.AutoProcessor if self._sees else transformers.AutoTokenizer
        family = transformers.AutoModelForImageTextToText if self._sees else transformers.AutoModelForCausalLM
        self._processor = load(reader.from_pretrained, self._config)
        if self._sees and not hasattr(self._processor, "tokenizer"):
            raise ModelError(
                f"checkpoint {self._config.checkpoint!r} is of the family {about.model_type!r}, which does not chat: "
                "give an instruction-tuned language or image-text model"
            )
        self._tokenizer = self._processor.tokenizer if self._sees else self._processor
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._require_template()
        self._model = self._runtime.place(load(family.from_pretrained, self._config))
        self._generation = self._generation_config(self._config.max_new_tokens)
        self._first_token_only = self._generation_config(1, output_logits=True, return_dict_in_generate=True)

    def reply(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        """Answer each request, in order.

        Raises:
            ModelError: an image is given to a model without sight.
        """
        prompts = [self._prompt(request) for request in requests]
        order = sorted(range(len(requests)), key=lambda i: len(prompts[i]))
        replies: list[Reply | None] = [None] * len(requests)
        for with_image, yes_no in product((True, False), (False, True)):
            alike = [
                i
                for i in order
                if (requests[i].image is not None, requests[i].asks_yes_no) == (with_image, yes_no)
            ]
            answer_all = self._say_yes_or_no if yes_no else self._answer
            for chosen in batches(alike, self._config.batch_size):
                answers = answer_all([prompts[i] for i in chosen], [requests[i].image for i in chosen])
                for i, answer in zip(chosen, answers, strict=True):
                    replies[i] = answer
        return [reply for reply in replies if reply is not None]

    def _prompt(self, request: ChatRequest) -> str:
        if request.image is not None and not self._sees:
            raise ModelError(
                f"{self._config.checkpoint!r} is a text-only model: give an image-text model here"
            )
        messages: list[dict[str, Any]] = []
        if request.system:
            messages.append({"role": "system", "content": self._content(request.system, has_image=False)})
        messages.append({"role": "user", "content": self._content(request.text, request.image is not None)})
        text: str = self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def _content(self, text: str, has_image: bool) -> str | list[dict[str, str]]:
        if not self._sees:
            return text
        return [*([{"type": "image"}] if has_image else []), {"type": "text", "text": text}]

    def _answer(self, prompts: list[str], images: list[Any]) -> list[Reply]:
        import torch

        inputs = self._runtime.feed(self._encode(prompts, images))
        with torch.inference_mode():
            tokens = self._model.generate(**inputs, generation_config=self._generation)
        told = inputs["attention_mask"].sum(-1).tolist()
        answers = tokens[:, inputs["input_ids"].shape[1] :]
        return [self._read(answer, n) for answer, n in zip(answers, told, strict=True)]

    def _say_yes_or_no(self, prompts: list[str], images: list[Any]) -> list[Reply]:
        """Return replies with the probability of yes, from the first token alone."""
        import torch

        inputs = self._runtime.feed(self._encode(prompts, images))
        with torch.inference_mode():
            made = self._model.generate(**inputs, generation_config=self._first_token_only)
        likely = made.logits[0].float().softmax(-1)  # (b, vocabulary)
        told = inputs["attention_mask"].sum(-1).tolist()
        return [self._weigh(row, n) for row, n in zip(likely, told, strict=True)]

    def _weigh(self, likely: Any, tokens_in: int) -> Reply:
        words = {self._first_token(form) for word in ("yes", "no") for form in variants(word)}
        share = share_of_yes((self._tokenizer.decode([i]), float(likely[i])) for i in words)
        text = "" if share is None else "yes" if share >= 0.5 else "no"
        return Reply(text, tokens_in=tokens_in, tokens_out=1, yes=share)

    def _first_token(self, word: str) -> int:
        return int(self._tokenizer(word, add_special_tokens=False).input_ids[0])

    def _encode(self, prompts: list[str], images: list[Any]) -> Any:
        # some chat templates write the opening token themselves: it must not come twice
        twice = self._tokenizer.bos_token is not None and prompts[0].startswith(self._tokenizer.bos_token)
        options = {"padding": True, "return_tensors": "pt", "add_special_tokens": self._sees and not twice}
        if self._sees and images[0] is not None:
            return self._processor(text=prompts, images=images, **options)
        return self._tokenizer(prompts, **options)

    def _read(self, answer: Any, tokens_in: int) -> Reply:
        ends = set(self._generation.eos_token_id)
        tokens: list[int] = answer.tolist()
        length = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
        text = self._tokenizer.decode(tokens[:length], skip_special_tokens=True).strip()
        return Reply(text, finished=length < len(tokens), tokens_in=tokens_in, tokens_out=length)

    def _generation_config(self, max_new_tokens: int, **options: Any) -> Any:
        from transformers import GenerationConfig

        config = self._config
        ends = self._model.generation_config.eos_token_id
        ends = self._tokenizer.eos_token_id if ends is None else ends
        ends = list(ends) if isinstance(ends, list | tuple) else [ends]
        sampling: dict[str, Any] = {"do_sample": False}
        if config.temperature > 0:
            sampling = {"do_sample": True, "temperature": config.temperature, "top_p": config.top_p}
        return GenerationConfig(
            max_new_tokens=max_new_tokens,
            eos_token_id=ends,
            pad_token_id=self._tokenizer.pad_token_id,
            **sampling,
            **options,
        )

    def _require_template(self) -> None:
        if not getattr(self._processor, "chat_template", None):
            raise ModelError(
                f"{self._config.checkpoint!r} has no chat template: use an instruction-tuned checkpoint, "
                "or add chat_template.jinja to the folder"
            )
