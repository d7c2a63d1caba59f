"""Scoring texts by the entities that a detector does not find."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from eval.captions import Captions
from eval.entities.names import Entity, find_entities
from eval.identity import key_order
from eval.metrics.entities import FORMULAS, Entities, Found
from eval.progress import progress
from eval.scoring import Score
from eval.vocabulary import Vocabulary


class Looks(Protocol):
    """A detector, or what stands in for one."""

    def scores(self, images: Sequence[Path], names: Sequence[Sequence[str]]) -> Iterator[list[float]]:
        """Yield the scores of each image's names, in [0, 1]."""
        ...


def score_entities(
    captions: Captions, files: Mapping[str, Path], detector: Looks, threshold: float, vocabulary: Vocabulary
) -> Score:
    """Look for what each text names in its image; every name is looked for once an image."""
    keys = sorted(captions.texts, key=key_order)
    named = [_by_name(find_entities(captions.texts[key], vocabulary)) for key in keys]
    metric = Entities()
    state, evidence = metric.empty(), dict[str, Any]()
    with progress("entities", len(keys)) as tick:
        looked = detector.scores([files[key] for key in keys], [list(names) for names in named])
        for key, names, scores in zip(keys, named, looked, strict=True):
            found = [
                Found(name, tuple((each.start, each.end) for each in mentions), score, threshold)
                for (name, mentions), score in zip(names.items(), scores, strict=True)
            ]
            evidence[key] = metric.update(state, key, captions.texts[key], found)
            tick(1)
    return Score(state, FORMULAS, evidence)


def _by_name(entities: Sequence[Entity]) -> dict[str, list[Entity]]:
    found: dict[str, list[Entity]] = {}
    for entity in entities:
        found.setdefault(entity.name, []).append(entity)
    return found
