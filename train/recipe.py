"""The recipe of a fine-tuning run: one YAML file is one `TrainRecipe`. Imports no torch."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from recipes import Config
from train.preference.recipe import DpoConfig
from train.running import CheckpointsConfig, DeepspeedConfig, LoggingConfig, SamplesConfig

LANGUAGE_MODEL_LINEARS = (
    r"(?:.*\.)?language_model\.layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj)"
)
VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. "
)

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class ModelConfig(Config):
    """The LLaVA checkpoint that is tuned."""

    checkpoint: str
    """A local folder, or the name of a checkpoint on the Hugging Face hub."""
    revision: str | None = None
    """Commit or tag of a hub checkpoint; pin it for a run that must be repeatable."""
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    """Type of the frozen weights and of the computation; LoRA weights keep float32 master copies."""
    attention: Literal["sdpa", "flash_attention_2"] = "sdpa"
    """`sdpa` needs nothing beyond torch; `flash_attention_2` needs the flash-attn package."""


class FactorySource(Config):
    """A dataset written by the factory: parquet with the columns `id`, `image` and `description`."""

    kind: Literal["factory"] = "factory"
    path: str
    """The dataset folder, or a folder of parquet files."""
    weight: PositiveFloat = 1.0
    """Copies of each sample per epoch; 0.5 draws half of them, anew in every epoch."""


class LlavaSource(Config):
    """Conversations in LLaVA's JSON with a folder of images; entries without an image are text only."""

    kind: Literal["llava"] = "llava"
    path: str
    """The JSON file: a list of `{"id", "image", "conversations"}`."""
    images: str
    """The folder that image names are relative to."""
    weight: PositiveFloat = 1.0
    """Copies of each sample per epoch; 0.5 draws half of them, anew in every epoch."""


class QuestionsSource(Config):
    """Yes/no questions about what a factory dataset has looked for in its images: entities and probes."""

    kind: Literal["questions"]
    path: str
    """The dataset folder, or a folder of parquet files with `id`, `image`, `entities` and `probes`."""
    question: str = "Is there {object} in the image? Answer the question using a single word or phrase."
    """How things are asked for; `{object}` becomes the phrase with its article."""
    when_there: str = "Yes"
    when_absent: str = "No"
    max_turns: PositiveInt = 8
    """Questions about one image; they make one conversation."""
    weight: PositiveFloat = 1.0
    """Copies of each conversation per epoch; 0.5 draws half of them, anew in every epoch."""

    @model_validator(mode="after")
    def _has_object(self) -> Self:
        if self.question.count("{object}") != 1:
            raise ValueError(f"question must contain {{object}} once, not {self.question!r}")
        return self


Source = Annotated[FactorySource | LlavaSource | QuestionsSource, Field(discriminator="kind")]


class TemplateConfig(Config):
    """The chat text around a conversation; the default is Vicuna v1, which LLaVA-1.5 was trained with."""

    system: str = VICUNA_SYSTEM
    """Text before the first question, with its trailing space."""
    user: str = "USER: {question}"
    """Text of a question; `{question}` begins with the image where there is one."""
    assistant: str = " ASSISTANT: {answer}"
    """Text of an answer, after its question; at inference the prompt ends before ` {answer}`."""
    image: str = "<image>\n"
    """What stands before the question of the turn that shows the image."""
    eos: str = "</s>"
    """One token that ends every answer and is always supervised."""

    @model_validator(mode="after")
    def _has_fields(self) -> Self:
        if self.user.count("{question}") != 1:
            raise ValueError(f"template.user must contain {{question}} once, not {self.user!r}")
        if not re.fullmatch(r"[^{}]*\S {answer}", self.assistant):
            raise ValueError(
                f"template.assistant must end in a word, one space and {{answer}}, not {self.assistant!r}"
            )
        return self


class LoraRecipe(Config):
    """Low-rank adaptation of the language model, after Hu et al. 2021 (arXiv:2106.09685)."""

    rank: PositiveInt = 128
    alpha: PositiveFloat = 256
    """Scale of the update: alpha / rank multiplies B A x."""
    dropout: Fraction = 0.0
    """On the input of A; LLaVA used 0.05, which copies every input once per target."""
    target: str = LANGUAGE_MODEL_LINEARS
    """Regular expression over module names; the default is every linear layer of the language model."""

    @model_validator(mode="after")
    def _target_compiles(self) -> Self:
        try:
            re.compile(self.target)
        except re.error as error:
            raise ValueError(f"lora.target is no regular expression: {error}") from None
        return self


class ProjectorConfig(Config):
    """The two layers between vision tower and language model, trained in full."""

    train: bool = True
    learning_rate: PositiveFloat = 2e-5


class OptimizerConfig(Config):
    """AdamW with a warm-up and a decay."""

    learning_rate: PositiveFloat = 2e-4
    """Peak rate of the LoRA weights."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    epsilon: PositiveFloat = 1e-8
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: Fraction = 0.03
    """Share of all steps in which the rate rises from zero."""
    max_grad_norm: PositiveFloat = 1.0


class TrainRecipe(Config):
    """A fine-tuning run of LLaVA on image descriptions."""

    seed: int = 0
    out: str
    """Folder of the adapter, its log, its summary and its checkpoints."""
    method: Literal["sft", "dpo", "sft+dpo"] = "sft"
    """`sft` learns descriptions; `dpo` prefers true ones to false ones, from the adapter `start_from`;
    `sft+dpo` does one after the other, with the adapter of the first in `out`/sft."""
    tuning: Literal["lora", "qlora", "dora", "full"] = "lora"
    """`lora` adapts the language model by low rank; `dora` also learns magnitudes (Liu et al. 2024,
    arXiv:2402.09353); `qlora` keeps the frozen weights in four bits (Dettmers et al. 2023, arXiv:2305.14314) and
    needs CUDA; `full` trains the whole language model and leaves a checkpoint instead of an adapter."""
    model: ModelConfig
    start_from: str | None = None
    """Folder of an adapter of the same checkpoint to begin with, instead of a fresh one."""
    data: tuple[Source, ...] = ()
    """What `sft` learns from; weights mix several sources."""
    dpo: DpoConfig | None = None
    """Settings of preference training, with its own pairs, rate, batch size and length."""
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("Describe this image in detail.",)
    """Questions of the describing task; each sample gets one, picked by a hash of seed and id."""
    template: TemplateConfig = TemplateConfig()
    lora: LoraRecipe = LoraRecipe()
    projector: ProjectorConfig = ProjectorConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    global_batch_size: PositiveInt = 128
    """Samples per optimizer step, over all processes."""
    micro_batch_size: PositiveInt = 16
    """Samples per forward pass of one process; the accumulation steps follow from it."""
    epochs: PositiveFloat | None = None
    """Passes over the data; give either this or `max_steps`."""
    max_steps: PositiveInt | None = None
    max_length: PositiveInt = 2048
    """Tokens of a sample, image tokens included; longer answers are cut at the end of a sentence."""
    image_aspect: Literal["pad", "checkpoint"] = "pad"
    """`pad` squares an image with the mean colour, as LLaVA-1.5 was trained; `checkpoint` may crop it."""
    max_image_pixels: PositiveInt = 100_000_000
    """Larger images are dropped unread."""
    packing: bool = True
    """Samples of a micro batch share one row, without attention across them; off: one padded row each."""
    cache_features: bool = False
    """Run the frozen vision tower once per image and keep its features in memory: for small data."""
    activation_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, for LoRA about 47 % more computation."""
    workers: Annotated[int, Field(ge=0)] = 4
    """Processes that decode images for each training process; 0 decodes between steps."""
    deepspeed: DeepspeedConfig = DeepspeedConfig()
    logging: LoggingConfig = LoggingConfig()
    samples: SamplesConfig | None = None
    """What the model is asked to describe now and then; needs deepspeed.stage below 3."""
    checkpoints: CheckpointsConfig = CheckpointsConfig()
    resume: Literal["auto", "never"] = "auto"
    """`auto` continues from the latest complete checkpoint of the same run; `never` starts anew."""
    max_rejected_fraction: Fraction = 0.05
    """The exit code is 1 when a larger share of the samples had to be dropped."""

    @property
    def out_dir(self) -> Path:
        """Return the folder of the run's outputs."""
        return Path(self.out).expanduser()

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        if self.method == "dpo":
            _refuse_sft_keys(self)
        elif not self.data:
            raise ValueError(f"method {self.method} needs data: at least 1 item")
        elif (self.epochs is None) == (self.max_steps is None):
            raise ValueError(f"give either epochs or max_steps (seen: {self.epochs} and {self.max_steps})")
        if (self.dpo is None) != (self.method == "sft"):
            raise ValueError(f"method {self.method} {'takes no' if self.dpo else 'needs a'} section dpo")
        if self.dpo is not None and (self.deepspeed.stage == 3 or not self.packing):
            raise ValueError("dpo needs packing and deepspeed.stage below 3")
        return self

    @model_validator(mode="after")
    def _fits_its_tuning(self) -> Self:
        if self.tuning == "full":
            _refuse_adapter_keys(self)
        if self.samples is not None and self.deepspeed.stage == 3:
            raise ValueError("samples need the whole model in the main process: deepspeed.stage below 3")
        if self.tuning == "qlora" and self.deepspeed.stage == 3:
            raise ValueError("tuning qlora cannot divide four-bit weights: deepspeed.stage below 3")
        return self

    @model_validator(mode="after")
    def _features_can_be_cached(self) -> Self:
        if self.cache_features and self.deepspeed.stage == 3:
            raise ValueError("cache_features needs a whole vision tower: deepspeed.stage below 3")
        return self

    @model_validator(mode="after")
    def _batch_divides(self) -> Self:
        if self.global_batch_size % self.micro_batch_size:
            raise ValueError(
                f"global_batch_size {self.global_batch_size} is no multiple of "
                f"micro_batch_size {self.micro_batch_size}"
            )
        return self


def _refuse_sft_keys(recipe: TrainRecipe) -> None:
    given = [name for name in ("data", "epochs", "max_steps") if getattr(recipe, name)]
    if given:
        raise ValueError(
            f"method dpo takes its pairs and its length from the section dpo; remove {', '.join(given)}"
        )
    if recipe.start_from is None:
        raise ValueError("method dpo needs start_from: the folder of an SFT adapter (or use method sft+dpo)")


def _refuse_adapter_keys(recipe: TrainRecipe) -> None:
    if recipe.lora != LoraRecipe():
        raise ValueError("tuning full has no adapter: remove the section lora")
    if recipe.start_from is not None or recipe.method != "sft":
        raise ValueError(
            "tuning full begins with a checkpoint and learns descriptions: method sft, no start_from"
        )
    if recipe.deepspeed.stage == 3 and recipe.checkpoints.kind == "portable":
        raise ValueError(
            "tuning full with deepspeed.stage 3 needs checkpoints.kind deepspeed: no process could hold all states"
        )
