"""The section of a recipe that describes preference training. Imports no torch."""

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from recipes import Config


class DpoConfig(Config):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290) of an SFT adapter.

    The reference is the adapter that it starts from. The projector stays as it is.
    """

    pairs: Annotated[tuple[str, ...], Field(min_length=1)]
    """Folders of preference pairs, written by `python -m factory export --format preference`."""
    beta: PositiveFloat = 0.1
    """How strongly the reference holds the model back."""
    anchor: Annotated[float, Field(ge=0.0)] = 1.0
    """Weight of the loss of fine-tuning on the chosen answers, which keeps them likely."""
    length_ratio: tuple[PositiveFloat, PositiveFloat] = (0.8, 1.25)
    """Pairs with another ratio of words, chosen / rejected, are left out: longer must not mean better."""
    per_token: bool = False
    """Compare mean log-probabilities per token instead of sums; beta is then larger by the usual length."""
    learning_rate: PositiveFloat = 1e-6
    global_batch_size: PositiveInt = 32
    """Pairs per optimizer step, over all processes."""
    micro_batch_size: PositiveInt = 4
    """Pairs per forward pass of one process."""
    epochs: PositiveFloat | None = None
    """Passes over the pairs; give either this or `max_steps`."""
    max_steps: PositiveInt | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.epochs is None) == (self.max_steps is None):
            raise ValueError(
                f"give either dpo.epochs or dpo.max_steps (seen: {self.epochs} and {self.max_steps})"
            )
        if self.global_batch_size % self.micro_batch_size:
            raise ValueError(
                f"dpo.global_batch_size {self.global_batch_size} is no multiple of "
                f"dpo.micro_batch_size {self.micro_batch_size}"
            )
        if self.length_ratio[0] >= self.length_ratio[1]:
            raise ValueError(f"dpo.length_ratio must rise, not {self.length_ratio}")
        return self
