"""The recipe of an evaluation: one YAML file is one `EvalRecipe`. Imports no torch."""

from typing import Self

from pydantic import NonNegativeInt, PositiveInt, model_validator

from eval.model import CaptionsModel, LlavaModel, Model, ServedModel
from eval.task import AmberTask, DescribeTask, DrawTask, EntitiesTask, PopeTask
from recipes import Config

__all__ = [
    "AmberTask",
    "CaptionsModel",
    "DescribeTask",
    "DrawTask",
    "EntitiesTask",
    "EvalRecipe",
    "LlavaModel",
    "PopeTask",
    "ServedModel",
]


class EvalRecipe(Config):
    """What to ask which model about which images, and what is true of them."""

    model: Model
    images: str | None = None
    """Folder of the images, searched recursively; needed by a model that looks at them."""
    annotations: tuple[str, ...] = ()
    """The truth: COCO instances, with COCO captions if wanted. CHAIR, claims and drawn questions need it."""
    synonyms: str | None = None
    """Which words mention which class; by default this follows from the truth's categories."""
    max_images: PositiveInt | None = None
    """Evaluate the first so many images; all by default."""
    describe: DescribeTask | None = DescribeTask()
    pope: PopeTask | None = PopeTask()
    amber: AmberTask | None = None
    d2i: DrawTask | None = None
    """Draws from the descriptions, so it needs `describe`."""
    entities: EntitiesTask | None = None
    """Looks for what the descriptions name, so it needs `describe`; needs no annotations."""
    resamples: PositiveInt = 2000
    """Bootstrap samples behind each interval."""
    seed: NonNegativeInt = 0
    """Seed of the questions and of the bootstrap."""
    output: str
    """Folder for everything this run writes; a run that was killed goes on from there."""

    @property
    def looks(self) -> bool:
        """Whether image files are needed."""
        return self.model.kind != "captions" or self.d2i is not None or self.entities is not None

    @model_validator(mode="after")
    def _can_run(self) -> Self:
        if self.describe is None and self.pope is None and self.amber is None:
            raise ValueError("nothing to do: describe, pope and amber are all null")
        if self.looks and self.images is None:
            raise ValueError("images: a model (and d2i, and entities) needs the folder of images")
        if self.d2i is not None and self.describe is None:
            raise ValueError("d2i draws from descriptions: describe must not be null")
        if self.entities is not None and self.describe is None:
            raise ValueError("entities are looked for in descriptions: describe must not be null")
        if not self.annotations and self._needs_truth():
            raise ValueError("annotations: chair, claims and drawn pope questions need the truth")
        return self

    @model_validator(mode="after")
    def _has_answers(self) -> Self:
        if not isinstance(self.model, CaptionsModel):
            return self
        if self.pope is not None and self.model.answers is None:
            raise ValueError("model.answers: POPE needs answers; give them, or set pope to null")
        if self.amber is not None:
            raise ValueError(
                "amber asks a model; score a file of responses with `python -m eval score amber`"
            )
        return self

    def _needs_truth(self) -> bool:
        drawn = self.pope is not None and self.pope.files is None
        return drawn or (
            self.describe is not None and not {"chair", "claims"}.isdisjoint(self.describe.metrics)
        )
