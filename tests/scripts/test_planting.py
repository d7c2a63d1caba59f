"""Planted errors are false, everything else is true, and verification with perfect sight finds just these."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from factory.models.protocols import Regions
from factory.recipe import FactoryRecipe
from factory.records import Item
from factory.stages.verify import Verify, VerifyConfig
from recipes import load
from recipes.picturebook.draw import paint
from recipes.picturebook.scene import sample_scene
from scripts.bench_verify import measure
from scripts.planting import KINDS, Told, sampled, tell
from tests.factory.stages.fakes import Openable, png

ROOT = Path(__file__).parents[2]
SCENES = range(31_000_000_000, 31_000_000_040)


class PerfectDetector(Openable):
    """Finds what is there and nothing else."""

    def __init__(self, there: set[str]) -> None:
        self._there = there

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        assert len(images) == len(phrases) and min_score == 0.0
        found = Regions(np.array([[0, 0, 9, 9]], np.float32), np.array([1.0], np.float32))
        return [[found if phrase in self._there else Regions() for phrase in asked] for asked in phrases]


def judged(told: Told, text: str) -> Item:
    names = {word for o in told.things for word in (o.phrase, o.phrase.split()[-1])}
    config = VerifyConfig(on_refuted="keep", on_unknown="keep", on_inferred="keep")
    made = Item("a", png(), "a.png", told.size_wh, description=text, objects=told.things, entities=())
    done = Verify(PerfectDetector(names), config).run([made])[0]
    assert isinstance(done, Item)
    return done


@pytest.fixture(scope="module", name="scenes")
def _scenes() -> list[tuple[int, Told]]:
    return [(seed, tell(scene := sample_scene(seed), paint(scene))) for seed in SCENES]


def test_a_true_description_has_no_refuted_claim(scenes: list[tuple[int, Told]]) -> None:
    for _, told in scenes:
        claims = judged(told, told.text).claims or ()
        assert {claim.verdict for claim in claims if claim.kind != "setting"} == {"supported"}, told.text


def test_every_planted_claim_is_found_and_no_other(scenes: list[tuple[int, Told]]) -> None:
    kinds = set()
    for seed, told in scenes:
        for kind, planted in sampled(told, seed).items():
            kinds.add(kind)
            refuted = [c for c in judged(told, planted.text).claims or () if c.verdict == "refuted"]
            at = planted.text.rfind(".", 0, planted.start) + 1
            stop = planted.text.find(".", planted.end - 1) + 1
            assert any(c.span[0] < planted.end and c.span[1] > planted.start for c in refuted), (
                kind,
                planted,
            )
            assert all(at <= c.span[0] and c.span[1] <= stop for c in refuted), (kind, planted, refuted)
    assert kinds == set(KINDS)


@pytest.mark.slow
def test_the_small_world_finds_planted_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    recipe = load(ROOT / "recipes" / "picturebook" / "factory.yaml", FactoryRecipe)
    tally = measure(recipe, 40, 3)
    for kind, least in zip(KINDS, (0.95, 0.9, 0.9, 0.95, 0.95, 0.95), strict=True):
        name = f"found: {kind}"
        assert tally.hits[name] / tally.asked[name] >= least - 0.05  # forty scenes are few
    assert tally.hits["false alarms"] / tally.asked["false alarms"] <= 0.03
    without = sum(seconds for name, seconds in tally.seconds.items() if name != "verify")
    assert tally.seconds["verify"] / 7 <= 0.6 * without  # seven texts of each scene
