"""The phases of a run: fine-tuning, preference training, or one after the other. Imports no torch."""

from dataclasses import dataclass
from typing import Any

from train.recipe import TrainRecipe


@dataclass(frozen=True)
class Phase:
    """One training with one adapter as its result."""

    given: TrainRecipe
    """The recipe as it is written beside the result."""
    recipe: TrainRecipe
    """The settings in force: in preference training those of its section."""


def phases(recipe: TrainRecipe) -> list[Phase]:
    """Return the phases of a recipe, in order; each begins with the adapter of the one before."""
    if recipe.method == "sft":
        return [Phase(recipe, recipe)]
    if recipe.method == "dpo":
        return [Phase(recipe, _preference(recipe))]
    first = _with(recipe, method="sft", dpo=None, out=str(recipe.out_dir / "sft"))
    second = _with(recipe, method="dpo", start_from=first.out, data=())
    return [Phase(first, first), Phase(recipe, _preference(second))]


def _preference(recipe: TrainRecipe) -> TrainRecipe:
    dpo = recipe.dpo
    if dpo is None:  # refused when the recipe was read
        raise ValueError("preference training needs the section dpo")
    preferring: TrainRecipe = _with(
        recipe,
        optimizer=_with(recipe.optimizer, learning_rate=dpo.learning_rate),
        projector=_with(recipe.projector, train=False),
        cache_features=False,
        **{
            name: getattr(dpo, name)
            for name in ("global_batch_size", "micro_batch_size", "epochs", "max_steps")
        },
    )
    return preferring


def _with(config: Any, **changes: Any) -> Any:
    return config.model_copy(update=changes)
