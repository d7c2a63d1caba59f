"""Measures what verification does to descriptions of the picture book: the same texts with it and without.

    python -m scripts.bench_repair --scenes 500 --seed 0 [--recipe recipes/picturebook/factory.yaml] [--json FILE]

The recipe's stages up to the rewrite look at unseen scenes once. Three kinds of text are then verified and mended by
its last stage, and judged against the truth before and after:

    drafts     what the describing model wrote
    careless   the draft as it is with all details after it: a rewrite that took no hallucination out
    pipeline   what the rewriting model wrote

Differences are after minus before, on the same scenes, with 95 % intervals of a bootstrap by scene. `false claims cut`
is the share of false claims that verification took away. A text of which nothing is left counts as empty.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from eval.captions import Captions
from eval.identity import image_key
from eval.metrics.claims import Claims
from eval.scoring import Score, score_claims
from eval.statistics import Resampling, difference, estimate
from eval.statistics.bootstrap import percentile_interval, resampled_sums
from eval.tally import Matrix, Tally
from eval.truth import Truth, load_truth
from eval.vocabulary import vocabulary_for
from factory.recipe import FactoryRecipe
from factory.records import Item, Rejection
from factory.stages.verify import VerifyConfig
from recipes import load
from recipes.picturebook.scenes import first_seed, write_scenes
from scripts.staged import outcomes_of, run_stage

_SHOWN = ("claim_precision", "coverage", "words")
_HOW = Resampling()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument(
        "--seed", type=int, default=0, help="which scenes: a run of this seed evaluates on them"
    )
    parser.add_argument("--recipe", type=Path, default=Path("recipes/picturebook/factory.yaml"))
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the recipe"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to a file")
    options = parser.parse_args()
    figures = measure(load(options.recipe, FactoryRecipe, options.set), options.scenes, options.seed)
    for name, found in figures["texts"].items():
        _show(name, found)
    print("seconds", figures["seconds"])
    if options.json:
        options.json.write_text(json.dumps({"seed": options.seed, **figures}, indent=2), encoding="utf-8")


def measure(recipe: FactoryRecipe, scenes: int, seed: int) -> dict[str, Any]:
    """Return the figures of each kind of text before and after, and the seconds of each stage."""
    seconds: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        write_scenes(Path(folder), first_seed("eval", seed), scenes)
        truth = load_truth([Path(folder) / "instances.json"])
        items = [_item(path) for path in sorted((Path(folder) / "images").glob("*.png"))]
    verify = next(stage for stage in recipe.stages if isinstance(stage, VerifyConfig))
    for config in recipe.stages:
        if config.kind != "verify":
            items = run_stage(config.build(), config.kind, items, seconds)
    texts = {name: [_text(name, item) for item in items] for name in ("drafts", "careless", "pipeline")}
    found = {
        name: _before_and_after(name, items, of_one, verify, truth, seconds) for name, of_one in texts.items()
    }
    return {"texts": found, "seconds": {name: round(value, 2) for name, value in seconds.items()}}


def _item(path: Path) -> Item:
    with Image.open(path) as image:
        return Item(path.stem, path.read_bytes(), path.name, image.size)


def _text(name: str, item: Item) -> str:
    draft, final = item.reference or "", item.description or ""
    return {"drafts": draft, "careless": f"{draft} {final}", "pipeline": final}[name]


def _before_and_after(
    name: str,
    items: Sequence[Item],
    texts: Sequence[str],
    config: VerifyConfig,
    truth: Truth,
    seconds: dict[str, float],
) -> dict[str, Any]:
    given = [replace(item, description=text) for item, text in zip(items, texts, strict=True)]
    outcomes = outcomes_of(config.build(), f"verify {name}", given, seconds)
    mended = ["" if isinstance(one, Rejection) else one.description or "" for one in outcomes]
    keys = [image_key(item.id) for item in items]
    before, after = (_score(truth, dict(zip(keys, of_one, strict=True))) for of_one in (texts, mended))
    return compared(before, after)


def _score(truth: Truth, texts: Mapping[str, str]) -> Score:
    return score_claims(Claims.against(truth, vocabulary_for(truth.categories)), Captions(texts), truth)


def compared(before: Score, after: Score) -> dict[str, Any]:
    """Return the figures of both, their differences, and the share of false claims that is gone."""
    formulas = [formula for formula in before.formulas if formula.name in _SHOWN]
    both = [estimate(score.tally, formulas, _HOW) for score in (before, after)]
    change = difference(before.tally, after.tally, formulas, _HOW)
    return {
        "before": {key: figure.to_json() for key, figure in both[0].items()},
        "after": {key: figure.to_json() for key, figure in both[1].items()},
        "difference": {key: figure.to_json() for key, figure in change.items()},
        "false_claims": _false_claims(before.tally, after.tally),
    }


def _false_claims(before: Tally, after: Tally) -> dict[str, Any]:
    images = before.images()
    pair = (before.matrix(images), after.matrix(images))
    column = (before.columns.index("claims"), before.columns.index("true"))
    sums = [_false(resampled_sums(counts, _HOW.resamples, _HOW.seed), column) for counts in pair]
    counts = [int(_false(each.sum(axis=0), column)) for each in pair]
    cut = 1 - sums[1] / np.maximum(sums[0], 1)
    return {
        "before": counts[0],
        "after": counts[1],
        "cut": {"value": 1 - counts[1] / max(counts[0], 1), "ci95": list(percentile_interval(cut))},
    }


def _false(sums: Matrix, column: tuple[int, int]) -> Matrix:
    return np.asarray(sums[..., column[0]] - sums[..., column[1]])


def _show(name: str, found: Mapping[str, Any]) -> None:
    print(name)
    for figure in _SHOWN:
        sides = [_written(found[side][figure]) for side in ("before", "after", "difference")]
        print(f"  {figure:18}" + "  ".join(f"{side:>26}" for side in sides))
    false = found["false_claims"]
    print(f"  {'false claims':18}{false['before']} -> {false['after']}, cut by {_written(false['cut'])}")


def _written(figure: Mapping[str, Any]) -> str:
    low, high = figure["ci95"]
    return f"{figure['value']:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
