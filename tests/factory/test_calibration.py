"""Thresholds part what is there from what is not, and are judged on images that they were not chosen on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from factory.calibrated import load_calibration
from factory.calibration import (
    Scored,
    best_threshold,
    judge,
    own_thresholds,
    phrase_type,
    predicted,
    rates,
    read_labels,
)
from factory.commands.calibrate import score
from factory.errors import FactoryError
from factory.models.protocols import Regions
from factory.progress import Silent
from factory.recipe import SourceConfig
from tests.factory.fakes import fill


def scored(there: list[float], absent: list[float], phrase: str = "dog", half: int = 0) -> list[Scored]:
    return [Scored(phrase, s, True, half) for s in there] + [Scored(phrase, s, False, half) for s in absent]


@pytest.mark.parametrize(
    ("there", "absent", "threshold"),
    [
        ([], [], None),
        ([0.5], [], None),
        ([0.8, 0.9], [0.1, 0.2], 0.5),  # the middle of the gap
        ([0.9, 0.9, 0.9, 0.2], [0.1, 0.1, 0.8], 0.85),  # 3/4 + 1; cutting at 0.15 gives 1 + 2/3
    ],
)
def test_the_threshold_is_that_of_the_best_balanced_accuracy(
    there: list[float], absent: list[float], threshold: float | None
) -> None:
    assert best_threshold(scored(there, absent)) == threshold


def test_no_other_threshold_is_better() -> None:
    generator = np.random.default_rng(0)
    some = scored(list(generator.beta(4, 2, 50)), list(generator.beta(2, 4, 80)))
    best = best_threshold(some)
    assert best is not None
    values = [rates(some, cut).balanced or 0.0 for cut in np.linspace(0, 1, 500)]
    assert (rates(some, best).balanced or 0.0) >= max(values) - 1e-9


def test_a_rate_over_nothing_is_none() -> None:
    assert (rates([], 0.5).kept, rates(scored([0.6], []), 0.5).balanced) == (None, None)


def test_only_classes_with_enough_of_both_kinds_get_their_own() -> None:
    plenty = scored([0.8] * 10, [0.2] * 10, "dog")
    assert own_thresholds([*plenty, *scored([0.8] * 50, [0.2] * 9, "cat")]) == {"dog": 0.5}


def test_the_judgement_is_on_the_other_half() -> None:
    seen, unseen = scored([0.9] * 5, [0.1] * 5, half=0), scored([0.4] * 4, [0.6] + [0.3] * 4, half=1)
    found = phrase_type([*seen, *unseen])
    assert found is not None and found.survival is not None
    assert (found.threshold, found.recall, found.precision, found.survival.value) == (0.5, 0.0, 0.0, 0.2)
    assert judge(seen, 0.35)["types"] == {}  # there is nothing to judge on


def test_attributes_are_calibrated_apart_from_things() -> None:
    things = [s for half in (0, 1) for s in scored([0.9] * 3, [0.1] * 3, half=half)]
    colours = [replace(s, kind="attribute", score=s.score / 2) for s in things]
    types = judge([*things, *colours], 0.35)["types"]
    assert (types["thing"]["threshold"], types["attribute"]["threshold"]) == (0.5, 0.25)


@given(st.integers(30, 400), st.floats(0.0, 1.0), st.integers(0, 10_000))
def test_survival_measured_anew_falls_into_the_range(negatives: int, share: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    inside = 0
    for first, second in generator.binomial(negatives, share, (200, 2)):
        found = predicted(int(first), negatives)
        assert 0 <= found.low <= found.value <= found.high <= 1
        inside += found.low <= second / negatives <= found.high
    assert inside >= 170


def coco(path: Path) -> Path:
    tree = {
        "categories": [{"id": i, "name": name} for i, name in enumerate(["dog", "traffic light", "boat"])],
        "images": [{"id": i, "file_name": f"img-{i:03d}.png"} for i in range(4)],
        "annotations": [{"image_id": i, "category_id": i % 2} for i in range(3)]
        + [{"image_id": 3, "category_id": 2}],
    }
    path.write_text(json.dumps(tree))
    return path


def test_negatives_are_what_usually_goes_with_what_is_there(tmp_path: Path) -> None:
    names = ["dog", "lead", "boat"]
    pairs = [(i, c) for i in range(40) for c in ((0, 1) if i < 20 else (2,))] + [(40, 0)]
    tree = {
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(41)],
        "annotations": [{"image_id": i, "category_id": c, "color": "red"} for i, c in pairs]
        + [{"image_id": 40, "category_id": 1, "color": "blue"}],
    }
    (tmp_path / "c.json").write_text(json.dumps({**tree, "annotations": tree["annotations"][:-1]}))
    drawn = [read_labels(tmp_path / "c.json", 1, seed)[-9].absent[0] for seed in range(60)]
    assert set(drawn) <= {"dog", "lead", "boat"}
    alone = [
        label
        for seed in range(60)
        for label in read_labels(tmp_path / "c.json", 1, seed)
        if label.file_name == "40.png"
    ]
    assert sum(label.absent == ("lead",) for label in alone) > 45
    (tmp_path / "c.json").write_text(json.dumps(tree))
    coloured = {label.file_name: label for label in read_labels(tmp_path / "c.json", 5, 0)}["40.png"]
    assert coloured.coloured == ("blue lead", "red dog")
    assert coloured.miscoloured == ("blue dog", "red lead")


def test_negatives_are_absent_classes_and_the_same_every_time(tmp_path: Path) -> None:
    labels = read_labels(coco(tmp_path / "coco.json"), negatives=1, seed=3)
    assert labels == read_labels(tmp_path / "coco.json", negatives=1, seed=3)
    assert [label.present for label in labels] == [("dog",), ("traffic light",), ("dog",), ("boat",)]
    assert all(len(label.absent) == 1 and not set(label.absent) & set(label.present) for label in labels)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"categories": [], "images": [{}], "annotations": []}'])
def test_what_is_no_coco_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FactoryError, match="no COCO instances file"):
        read_labels(tmp_path / "x.json", 1, 0)


class _Detector:
    """Finds dogs alone."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def open(self) -> None:
        self.log.append("open")

    def close(self) -> None:
        self.log.append("close")

    def detect(
        self, images: list[Image.Image], phrases: list[list[str]], min_score: float
    ) -> list[list[Regions]]:
        assert (len(images), min_score) == (len(phrases), 0.0)
        box, score = np.zeros((1, 4), np.float32), np.array([0.75], np.float32)
        return [
            [Regions(box, score) if phrase == "dog" else Regions() for phrase in asked] for asked in phrases
        ]


def test_each_class_is_scored_under_its_head_noun_and_missing_images_are_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    labels = read_labels(coco(tmp_path / "coco.json"), negatives=2, seed=0)
    detector = _Detector()
    found = list(score(detector, labels, tmp_path, SourceConfig(images="x"), Silent()))
    assert len(found) == 6
    assert {s.phrase for s in found} == {"dog", "light", "boat"}
    assert {s.score for s in found if s.phrase == "dog"} == {0.75}
    assert detector.log == ["open", "close"]


def test_a_recipe_takes_its_thresholds_from_the_file(tmp_path: Path) -> None:
    kinds = {"thing": {"threshold": 0.4}, "attribute": {"threshold": 0.2}}
    rest = {"positives": 9, "negatives": 9, "precision": 1.0, "recall": 1.0, "survival": None}
    tree = {
        "model": "m", "revision": "r", "annotations": "a", "images": 3,
        "types": {kind: {**given_, **rest} for kind, given_ in kinds.items()}, "min_score_of": {"boat": 0.7},
    }  # fmt: skip
    (tmp_path / "c.yaml").write_text(json.dumps(tree))
    least = load_calibration(str(tmp_path / "c.yaml"), {"model": "m", "revision": "r"}).thresholds().least
    assert [least(phrase) for phrase in ("car", "red car", "boat", "red boat")] == [0.4, 0.2, 0.7, 0.2]
    with pytest.raises(FactoryError, match="calibrate this detector"):
        load_calibration(str(tmp_path / "c.yaml"), {"model": "m", "revision": "other"})
    for broken in ("[", "{}", "a: 1"):
        (tmp_path / "c.yaml").write_text(broken)
        with pytest.raises(FactoryError, match="cannot be used"):
            load_calibration(str(tmp_path / "c.yaml"), {"revision": "r"})
    with pytest.raises(FactoryError, match="cannot be used"):
        load_calibration(str(tmp_path / "none.yaml"), {"revision": "r"})
