"""Building a dataset from a recipe, or going on with one: gather, run the stages, write."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from factory import logs
from factory.cost import Purse
from factory.engine import Run, Track, spent_so_far
from factory.errors import ModelError
from factory.fingerprint import marks
from factory.gather import Album, gather
from factory.ledger import StageLedger
from factory.lines import Lines
from factory.models.extras import missing_extras
from factory.order import stages_of
from factory.progress import Progress
from factory.publish import publish
from factory.recipe import FactoryRecipe, LocalEngineConfig
from factory.stage import Stage
from factory.storage import only_builder
from factory.workers import Job, crew_of
from factory.workplace import Workplace
from recipes import resolve_path


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    out: Path
    summary: dict[str, Any]
    max_rejected_fraction: float

    @property
    def rejected(self) -> int:
        """How many images are in no row."""
        return int(self.summary["images"] - self.summary["accepted"])

    @property
    def is_over_limit(self) -> bool:
        """Tell whether more were rejected than the recipe allows."""
        return bool(self.rejected > self.max_rejected_fraction * self.summary["images"])


def build(recipe: FactoryRecipe, recipe_path: Path, progress: Progress, retry: bool = False) -> Built:
    """Do whatever of a recipe is not done yet; with `retry` also run what was rejected anew.

    Raises:
        FactoryError: the user must act; what is finished is kept.
    """
    stages = stages_of(recipe)
    _require_extras(recipe)
    place = Workplace(Path(recipe.out))
    source = resolve_path(recipe.source.images, recipe_path)
    place.claim()
    logs.keep_in(place.folder / "logs")
    with only_builder(place.folder), place.memory:
        found = marks(recipe.seed, recipe.stages, stages)
        ledgers = place.ledgers(found)
        try:
            album = gather(recipe, source, place.folder, progress, retry)
            place.remember(recipe, source, ledgers)
            track = _run(recipe, stages, ledgers, album, progress, retry)
        finally:
            place.note_memory()
        summary = publish(recipe, track, place, progress)
    return Built(place.out, summary, recipe.max_rejected_fraction)


def _require_extras(recipe: FactoryRecipe) -> None:
    """Refuse before any work is done; what actors elsewhere have is seen there."""
    if isinstance(recipe.engine, LocalEngineConfig):
        for extra in missing_extras(recipe.stages):
            raise ModelError(extra.complaint())


def _run(
    recipe: FactoryRecipe,
    stages: list[Stage],
    ledgers: list[StageLedger],
    album: Album,
    progress: Progress,
    retry: bool,
) -> Track:
    track = Track(album, ledgers, recipe.seed)
    engine = recipe.engine
    purse = Purse(recipe.max_usd, engine.usd_per_worker_hour, spent_so_far(track))
    if isinstance(engine, LocalEngineConfig) and engine.order == "shards" and not retry:
        Lines(track, progress, purse).run(recipe.stages, engine)
    for position, stage in enumerate(stages):
        label = ledgers[position].mark.label
        size = engine.batch_sizes.get(label, engine.batch_size)
        job = Job(recipe.stages[position], label, size, "image" in stage.needs)
        Run(track, position, progress, purse, retry).all_shards(partial(crew_of, job, stage, engine))
    return track
