"""The dataset card: what is in it, what made it, what was rejected and why, what nobody has checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from factory.calibrated import Calibration, read_calibration
from factory.engine import Track
from factory.features import FEATURES, card_features
from factory.fingerprint import Mark
from factory.prompts import prompt_text
from factory.public import public
from factory.recipe import FactoryRecipe

_TEMPLATES = Path(__file__).parent / "templates"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card_text(recipe: FactoryRecipe, track: Track, summary: dict[str, Any]) -> str:
    """Return README.md: front matter that the Hub and `datasets` read, then the card for people."""
    marks = [ledger.mark for ledger in track.ledgers]
    # Markdown is no HTML; what comes from outside is quoted as code or as YAML
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=False
    )
    body = environment.get_template("card.md.j2").render(
        card=recipe.card, seed=recipe.seed, summary=summary, stages=[_stage(mark) for mark in marks],
        thresholds=list(_thresholds(marks, recipe.card.calibration)), prompts=list(_prompts(marks)),
    )  # fmt: skip
    return f"---\n{_front_matter(recipe, summary)}---\n\n{body.strip()}\n"


def _front_matter(recipe: FactoryRecipe, summary: dict[str, Any]) -> str:
    split = {
        "name": "train",
        "num_bytes": sum(summary["files"].values()),
        "num_examples": summary["accepted"],
    }
    matter = {
        "pretty_name": recipe.card.title,
        **({"license": recipe.card.licence} if recipe.card.licence else {}),
        "language": [recipe.card.language],
        "task_categories": ["image-to-text"],
        "tags": ["image-textualization", "synthetic"],
        "size_categories": [_size(summary["accepted"])],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}],
        "dataset_info": {
            "features": card_features(FEATURES),
            "splits": [split],
            "download_size": split["num_bytes"],
            "dataset_size": split["num_bytes"],
        },
    }
    return yaml.safe_dump(matter, sort_keys=False, allow_unicode=True)


def _size(rows: int) -> str:
    return next((name for bound, name in _SIZES if rows < bound), "n>1M")


def _stage(mark: Mark) -> dict[str, Any]:
    """Return a row of the table of stages; a stage of several models names the part that each plays."""
    identity = public(mark.identity)
    models = {key.rpartition(".")[0]: value for key, value in identity.items() if _last(key) == "model"}
    rest = {key: value for key, value in identity.items() if _last(key) not in ("model", "revision")}
    return {
        "label": mark.label,
        "models": "; ".join(_model(role, model, identity) for role, model in models.items()),
        "rest": ", ".join(f"{key} {value}" for key, value in rest.items()),
        "fingerprint": mark.fingerprint[:16],
    }


def _model(role: str, model: str, identity: dict[str, str]) -> str:
    revision = identity.get(f"{role}.revision" if role else "revision", "")
    return f"{role}{': ' if role else ''}{model}{' at ' if revision else ''}{revision}"


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _thresholds(marks: list[Mark], by_hand: str) -> Iterator[tuple[str, Any, str]]:
    """Yield each threshold with where it comes from; one that nobody has calibrated says so."""
    for mark in marks:
        path = mark.params.get("calibration")
        for name, value in _leaves(mark.params):
            replaced = path and (name == "min_score" or name.startswith("min_score_of."))
            is_least = _last(name).startswith("min_") or ".min_score_of." in name
            if isinstance(value, float) and is_least and not replaced:
                yield f"{mark.label}.{name}", value, by_hand or "set by hand, not calibrated"
        if path:
            yield from _calibrated(mark.label, read_calibration(path))


def _calibrated(label: str, calibration: Calibration) -> Iterator[tuple[str, Any, str]]:
    for kind, found in calibration.types.items():
        worth = f"calibrated on {calibration.images} images ({calibration.annotations})"
        if found.survival is not None and found.recall is not None:
            survival = found.survival
            worth += (
                f": keeps {found.recall:.1%} of what is there; of phrases for what is not there "
                f"{survival.value:.2%} survive, {survival.low:.2%} to {survival.high:.2%} expected of others"
            )
        yield f"{label}.calibration.{kind}", found.threshold, worth


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, dict):
        yield path, tree
        return
    for key, value in tree.items():
        yield from _leaves(value, f"{path}.{key}" if path else key)


def _prompts(marks: list[Mark]) -> Iterator[tuple[str, str]]:
    """Yield the text of each prompt that took part."""
    for mark in marks:
        for key in (key for key in mark.identity if _last(key) == "prompt"):
            part = key.rpartition(".")[0]
            name = _named(mark.params, part)
            if isinstance(name, str):
                yield f"{mark.label}{': ' if part else ''}{part}", prompt_text(name).strip()


def _named(params: dict[str, Any], part: str) -> Any:
    """Return the name of a stage's prompt, or of that of one of its parts."""
    inner = params.get(part)
    if isinstance(inner, dict) and "prompt" in inner:
        return inner["prompt"]
    return params.get({"": "prompt", "rewriter": "rewrite_prompt"}.get(part, f"{part}_prompt"))
