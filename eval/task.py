"""What a model is asked, and how its answers are scored: one section of a recipe each."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from recipes import Config

Split = Literal["random", "popular", "adversarial"]


class DescribeTask(Config):
    """Ask for a description of each image and score it."""

    question: str = "Describe this image in detail."
    questions: str | None = None
    """A question of its own for each image, as DID-Bench has: JSON Lines of `image` and `text`."""
    max_new_tokens: PositiveInt = 512
    metrics: tuple[Literal["chair", "claims", "did", "lin"], ...] = ("chair", "claims")
    normaliser: Literal["singularize", "lemma"] = "singularize"
    """How CHAIR makes words singular."""
    references: tuple[str, ...] = ()
    """Reference texts for `did`: `{"<image id>": ["text", ...]}`."""
    tokenizer: Literal["raw", "ptb"] = "raw"
    """Whether `did` compares raw strings, as DID-Bench does, or Treebank tokens."""
    meteor_jar: str | None = None
    """The METEOR 1.5 jar for `did`; `pycocoevalcap` takes the one of that package. Needs Java."""
    spice_jar: str | None = None
    """The SPICE 1.0 jar for `did`, with its CoreNLP jars in `lib` beside it. Needs Java 8 to 15."""
    word_vectors: str | None = None
    """word2vec vectors for the word mover's distance of `did`. Needs gensim."""
    counting: Literal["it", "textbook"] = "it"
    """The counting rules of `lin`."""
    spacy_model: str | None = None
    """Folder or name of a spaCy model, for the parts of speech of `lin`."""

    @model_validator(mode="after")
    def _has_references(self) -> Self:
        if "did" in self.metrics and not self.references:
            raise ValueError("describe.references: did compares with reference texts; name their files")
        return self


class PopeTask(Config):
    """Ask whether objects are in the image, as POPE does: public questions, or questions drawn from the truth."""

    files: dict[Split, str] | None = None
    """Public question files by split; without them questions are drawn from the truth."""
    question: str | None = None
    """`{object}` is the class with its article: a dog, an umbrella. With `files`, `{question}` is the public
    text. By default the question with `Answer yes or no.` where it is drawn, and the public text as it is."""
    max_new_tokens: PositiveInt = 4
    splits: tuple[Split, ...] = ("random", "popular", "adversarial")
    """The splits that are drawn; those of `files` are all asked."""
    pairs_per_image: PositiveInt = 2
    """Questions per image and split about something present, and as many about something absent."""
    parser: Literal["reference", "robust"] = "robust"

    @property
    def template(self) -> str:
        """The question with its default filled in."""
        if self.question is not None:
            return self.question
        return "{question}" if self.files else "Is there {object} in the image? Answer yes or no."

    @model_validator(mode="after")
    def _names_its_field(self) -> Self:
        field = "{question}" if self.files else "{object}"
        if self.template.count(field) != 1:
            raise ValueError(f"pope.question must contain {field} once, not {self.template!r}")
        return self


class AmberTask(Config):
    """Ask AMBER's questions: a description of each image, and yes or no about it."""

    files: Annotated[tuple[str, ...], Field(min_length=2)]
    """`annotations.json`, `relation.json` and `safe_words.txt`."""
    queries: Annotated[tuple[str, ...], Field(min_length=1)]
    """`query_generative.json`, `query_discriminative.json`, or both."""
    question: str = "{question}"
    """What is asked; `{question}` is the published text."""
    max_new_tokens: PositiveInt = 512
    """For descriptions."""
    max_answer_tokens: PositiveInt = 8
    """For yes or no."""
    similarity: str | None = None
    """Word similarity: a JSON table, or a spaCy model with vectors (the published script: en_core_web_lg)."""
    parser: Literal["reference", "robust"] = "robust"
    """`reference` takes the very words Yes and No alone, as the published script."""


class ClipEncoder(Config):
    """Image features of CLIP, as D2I-Bench has them (ViT-B/16 there)."""

    kind: Literal["clip"] = "clip"
    checkpoint: str = "openai/clip-vit-base-patch16"


class DinoEncoder(Config):
    """The class token of a DINO model; the benchmark's code has none, so the choice of model is ours."""

    kind: Literal["dino"] = "dino"
    checkpoint: str = "facebook/dinov2-base"


class TowerEncoder(Config):
    """The CLIP vision tower inside a LLaVA, its patches averaged; for the picture book."""

    kind: Literal["tower"] = "tower"
    checkpoint: str


Encoder = Annotated[ClipEncoder | DinoEncoder | TowerEncoder, Field(discriminator="kind")]


class DiffusersPainter(Config):
    """A text-to-image pipeline of diffusers: PixArt-Sigma as in D2I-Bench."""

    kind: Literal["diffusers"] = "diffusers"
    checkpoint: str = "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS"
    pipeline: str = "PixArtSigmaPipeline"
    """Class of diffusers."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float16"
    side_px: PositiveInt = 512
    steps: PositiveInt = 20
    guidance: float = 4.5
    clean_caption: bool = True
    """Needs ftfy and beautifulsoup4; diffusers would leave it out in silence without them."""
    use_resolution_binning: bool = True
    """Draw at the size the model was trained for, then resize."""
    batch_size: PositiveInt = 4


class ProgramPainter(Config):
    """A Python module run as a program: `-m MODULE --descriptions JSONL --out DIR --seed N`."""

    kind: Literal["program"] = "program"
    module: str
    """It must write DIR/<image id>.png for each description."""


Painter = Annotated[DiffusersPainter | ProgramPainter, Field(discriminator="kind")]


class DrawTask(Config):
    """Draw an image from each description and compare it with the original, as D2I-Bench does."""

    painter: Painter = DiffusersPainter()
    encoders: Annotated[tuple[Encoder, ...], Field(min_length=1)] = (ClipEncoder(),)
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (23,)
    """One image is drawn for each; similarities are averaged over them."""


class DetectorModel(Config):
    """An open-set detector of transformers: OWLv2, GroundingDINO or MM-GroundingDINO."""

    checkpoint: str = "google/owlv2-large-patch14-ensemble"
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    batch_size: PositiveInt = 8
    """Names asked at once of one image, where a detector reads them with it."""


class EntitiesTask(Config):
    """Look in the image for every thing that a description names: hallucinations without annotations."""

    detector: DetectorModel = DetectorModel()
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """A thing whose score is lower counts as hallucinated."""
    calibration: str | None = None
    """A file of `python -m factory calibrate` for this detector, whose threshold for things is taken."""

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        if (self.threshold is None) == (self.calibration is None):
            raise ValueError(
                "entities: give either threshold or calibration: which score means that a thing is there"
            )
        return self
