"""The recipe of an evaluation: one YAML file is one `EvalRecipe`. Imports no torch."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from recipes import Config


class LlavaModel(Config):
    """A LLaVA checkpoint, with or without a LoRA adapter, that answers by greedy decoding."""

    kind: Literal["llava"] = "llava"
    checkpoint: str
    """A local folder, or the name of a checkpoint on the Hugging Face hub."""
    revision: str | None = None
    """Commit or tag of a hub checkpoint; pin it for figures that must be repeatable."""
    adapter: str | None = None
    """A PEFT folder; none for the base model."""
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


class CaptionsModel(Config):
    """Texts that were written elsewhere, scored as they are."""

    kind: Literal["captions"] = "captions"
    file: str
    """Captions, one an image: JSON Lines of `image_id` and `caption`."""
    answers: str | None = None
    """Answers to the POPE questions that this recipe writes: JSON Lines of `question_id` and `answer`."""


Model = Annotated[LlavaModel | CaptionsModel, Field(discriminator="kind")]


class DescribeTask(Config):
    """Ask for a description of each image and score it."""

    question: str = "Describe this image in detail."
    max_new_tokens: PositiveInt = 512
    metrics: tuple[Literal["chair", "claims"], ...] = ("chair", "claims")
    normaliser: Literal["singularize", "lemma"] = "singularize"
    """How CHAIR makes words singular."""


class PopeTask(Config):
    """Ask whether objects are in the image, as POPE does, with questions drawn from the truth."""

    question: str = "Is there {object} in the image? Answer yes or no."
    """`{object}` is the class with its article: a dog, an umbrella."""
    max_new_tokens: PositiveInt = 4
    splits: tuple[Literal["random", "popular", "adversarial"], ...] = ("random", "popular", "adversarial")
    pairs_per_image: PositiveInt = 2
    """Questions per image and split about something present, and as many about something absent."""
    parser: Literal["reference", "robust"] = "robust"

    @model_validator(mode="after")
    def _names_object(self) -> Self:
        if self.question.count("{object}") != 1:
            raise ValueError(f"pope.question must contain {{object}} once, not {self.question!r}")
        return self


class EvalRecipe(Config):
    """What to ask which model about which images, and what is true of them."""

    model: Model
    images: str | None = None
    """Folder of the images, searched recursively; needed by a model that looks at them."""
    annotations: Annotated[tuple[str, ...], Field(min_length=1)]
    """The truth: COCO instances, with COCO captions if wanted."""
    synonyms: str | None = None
    """Which words mention which class; by default this follows from the truth's categories."""
    max_images: PositiveInt | None = None
    """Evaluate the first so many images of the truth; all by default."""
    describe: DescribeTask | None = DescribeTask()
    pope: PopeTask | None = PopeTask()
    resamples: PositiveInt = 2000
    """Bootstrap samples behind each interval."""
    seed: NonNegativeInt = 0
    """Seed of the questions and of the bootstrap."""
    output: str
    """Folder for everything this run writes; a run that was killed goes on from there."""

    @model_validator(mode="after")
    def _can_run(self) -> Self:
        if self.describe is None and self.pope is None:
            raise ValueError("nothing to do: describe and pope are both null")
        if self.model.kind == "llava" and self.images is None:
            raise ValueError("images: a model needs the folder of images")
        if self.model.kind == "captions" and self.pope is not None and self.model.answers is None:
            raise ValueError("model.answers: POPE needs answers; give them, or set pope to null")
        return self
