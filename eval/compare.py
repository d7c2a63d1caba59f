"""Two runs on the same items: differences with intervals, at free and at matched length, and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.errors import MismatchError
from eval.figure import Difference, Figure
from eval.headline import headline, headline_difference
from eval.jsonio import Record
from eval.matched import matched_tallies
from eval.measured import Measured
from eval.recipe import EvalRecipe
from eval.statistics import Resampling, mcnemar_exact
from eval.tally import Tally

# what two runs must share for their figures to be about the same thing
_SETTINGS = (
    "vocabulary", "normaliser", "tokenizer", "counting", "parser", "amber_parser", "amber_similarity", "drawing",
    "entities", "truth",
)  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """The headline figures of both runs and second minus first."""

    first: Mapping[str, Figure]
    second: Mapping[str, Figure]
    difference: Mapping[str, Difference]

    def to_json(self, first: str, second: str) -> dict[str, Any]:
        """Return the three groups as JSON, the runs under the given names."""
        return {
            first: {name: figure.to_json() for name, figure in self.first.items()},
            second: {name: figure.to_json() for name, figure in self.second.items()},
            "difference": {name: figure.to_json() for name, figure in self.difference.items()},
        }


@dataclass(frozen=True)
class Comparison:
    """Everything that two runs differ in."""

    images: int
    free: Sides
    matched: Sides | None
    """None where a run has no descriptions."""
    mcnemar: Mapping[str, Mapping[str, float]]
    """Exact tests on paired yes/no outcomes: images with a hallucination, and answers that are right."""


def compare(first: Measured, second: Measured, recipe: EvalRecipe, how: Resampling) -> Comparison:
    """Compare two runs; `recipe` says where the truth is, for scoring texts that are cut to matched length.

    Raises:
        MismatchError: the runs are over different images, were asked different questions, or were scored
            with different settings.
    """
    _check_settings(first, second)
    _check_items(first, second)
    matched = None
    if first.captions.texts and second.captions.texts:
        matched = _sides(*matched_tallies(first, second, recipe), how)
    return Comparison(
        len(first.records), _sides(first.tallies, second.tallies, how), matched, _mcnemar(first, second)
    )


def _sides(first: Mapping[str, Tally], second: Mapping[str, Tally], how: Resampling) -> Sides:
    return Sides(headline(first, how), headline(second, how), headline_difference(first, second, how))


def _check_settings(first: Measured, second: Measured) -> None:
    for name in _SETTINGS:
        if not (name in first.settings and name in second.settings):
            continue  # written before this setting existed
        a, b = (run.settings.get(name) for run in (first, second))
        if name == "truth" and a and b:  # the same files may lie elsewhere
            a, b = sorted(a.values()), sorted(b.values())
        if a != b:
            raise MismatchError(f"the runs were scored with different settings: {name} is {a!r} and {b!r}")


def _check_items(first: Measured, second: Measured) -> None:
    differing = set(first.records) ^ set(second.records)
    if differing:
        raise MismatchError(
            f"{len(differing)} images are in one run only (such as {sorted(differing)[:5]}): runs are "
            "compared image by image, so evaluate both on the same images"
        )
    for key, record in first.records.items():
        if _questions(record) != _questions(second.records[key]):
            raise MismatchError(
                f"image {key}: the two runs were asked different questions (seed, splits or truth)"
            )


def _questions(record: Record) -> list[tuple[str, str, str]]:
    return [
        (each["split"], each["question"], each["label"])
        for each in record.get("evidence", {}).get("pope", [])
    ]


def _mcnemar(first: Measured, second: Measured) -> dict[str, dict[str, float]]:
    outcomes = {"hallucinating_images": _hallucinating, "wrong_answers": _wrong_answers}
    tests: dict[str, dict[str, float]] = {}
    for name, of in outcomes.items():
        pairs = [
            pair
            for key in first.records
            for pair in zip(of(first.records[key]), of(second.records[key]), strict=False)
        ]
        only_first = sum(a and not b for a, b in pairs)
        only_second = sum(b and not a for a, b in pairs)
        if pairs:
            p = mcnemar_exact(only_first, only_second)
            tests[name] = {"n": len(pairs), "only_first": only_first, "only_second": only_second, "p": p}
    return tests


def _hallucinating(record: Record) -> list[bool]:
    chair = record["counts"].get("chair")
    return [] if chair is None else [chair["wrong_captions"] > 0]


def _wrong_answers(record: Record) -> list[bool]:
    return [not each["correct"] for each in record.get("evidence", {}).get("pope", [])]
