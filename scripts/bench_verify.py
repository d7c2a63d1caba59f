"""Measures verification on the picture book: planted errors found, false alarms, and what it costs.

    python -m scripts.bench_verify --scenes 500 --seed 0 [--recipe recipes/picturebook/factory.yaml] [--json FILE]

Into a true description of each scene one false claim of each kind is put (`planting`), and the stages of the recipe
judge all of them from the image alone. A planted claim counts as found if a claim over its words is refuted; a
false alarm is a claim of the true description that is refuted. Intervals are Wilson's, 95 %.
"""

import argparse
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from eval.statistics.wilson import wilson
from factory.recipe import FactoryRecipe
from factory.records import Item
from recipes import load
from recipes.picturebook.draw import paint
from recipes.picturebook.scene import sample_scene
from recipes.picturebook.scenes import first_seed
from scripts.planting import Planted, Told, sampled, tell
from scripts.staged import run_stage

EXPERTS = ("extract", "ground", "regions", "masks", "depth", "facts")
"""Stages that look at an image before its text is verified."""


@dataclass
class Tally:
    """Counts of what was asked and what came of it, and the seconds of each stage."""

    asked: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, hits: int, asked: int) -> None:
        """Count hits among what was asked."""
        self.asked[name] += asked
        self.hits[name] += hits

    def figures(self) -> dict[str, Any]:
        """Return each share with its number and interval, and the seconds."""
        shares = {
            name: {"value": self.hits[name] / n, "n": n, "ci95": list(wilson(self.hits[name], n))}
            for name, n in self.asked.items() if n
        }  # fmt: skip
        return {"shares": shares, "seconds": {name: round(s, 2) for name, s in self.seconds.items()}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument(
        "--seed", type=int, default=0, help="which scenes: those that a run of this seed evaluates on"
    )
    parser.add_argument("--recipe", type=Path, default=Path("recipes/picturebook/factory.yaml"))
    parser.add_argument("--json", type=Path, help="also write the figures to a file")
    options = parser.parse_args()
    figures = measure(load(options.recipe, FactoryRecipe), options.scenes, options.seed).figures()
    for name, found in figures["shares"].items():
        low, high = found["ci95"]
        print(f"{name:32} {found['value']:.4f}  [{low:.4f}, {high:.4f}]  n {found['n']}")
    print("seconds", figures["seconds"])
    if options.json:
        options.json.write_text(json.dumps({"seed": options.seed, **figures}, indent=2), encoding="utf-8")


def measure(recipe: FactoryRecipe, scenes: int, seed: int) -> Tally:
    """Plant errors in true descriptions of unseen scenes and count what the recipe's stages find."""
    tally = Tally()
    first = first_seed("eval", seed)
    told = [_told(number) for number in range(first, first + scenes)]
    seen = _looked_at([item for _, item in told], recipe, tally)
    texts = [(item, told[i][0], i) for i, item in enumerate(seen)]
    cases = [case for item, scene, i in texts for case in _cases(item, scene, first + i)]
    judged = _judged([item for item, _, _ in cases], recipe, tally)
    for (_, kind, planted), item in zip(cases, judged, strict=True):
        _count(kind, planted, item, tally)
    return tally


def _told(number: int) -> tuple[Told, Item]:
    scene = sample_scene(number)
    picture = paint(scene)
    buffer = io.BytesIO()
    Image.fromarray(picture.image).save(buffer, "PNG")
    told = tell(scene, picture)
    item = Item(str(number), buffer.getvalue(), f"{number}.png", told.size_wh)
    return told, replace(item, reference=told.text, description=told.text)


def _looked_at(items: Sequence[Item], recipe: FactoryRecipe, tally: Tally) -> list[Item]:
    """Return the items with what the experts see; the text has no part in it but for its entities."""
    found = list(items)
    for config in recipe.stages:
        if config.kind == "extract":
            found = [replace(item, entities=()) for item in found]
        elif config.kind in EXPERTS:
            found = run_stage(config.build(), config.kind, found, tally.seconds)
    return found


def _judged(items: Sequence[Item], recipe: FactoryRecipe, tally: Tally) -> list[Item]:
    config = next(stage for stage in recipe.stages if stage.kind == "verify")
    keep = config.model_copy(update={"on_refuted": "keep", "on_unknown": "keep", "on_inferred": "keep"})
    return run_stage(keep.build(), "verify", items, tally.seconds)


def _cases(item: Item, told: Told, seed: int) -> Iterator[tuple[Item, str, Planted | None]]:
    yield item, "", None
    for kind, planted in sampled(told, seed).items():
        yield replace(item, reference=planted.text, description=planted.text), kind, planted


def _count(kind: str, planted: Planted | None, item: Item, tally: Tally) -> None:
    claims = [claim for claim in item.claims or () if claim.kind != "setting"]
    if planted is None:
        for claim in claims:
            for name in ("false alarms", f"false alarms: {claim.kind}"):
                tally.add(name, claim.verdict == "refuted", 1)
            tally.add("abstained", claim.verdict == "unknown", 1)
        return
    over = [c for c in claims if c.span[0] < planted.end and c.span[1] > planted.start]
    tally.add(f"found: {kind}", any(claim.verdict == "refuted" for claim in over), 1)


if __name__ == "__main__":
    main()
