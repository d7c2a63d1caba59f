"""Hallucinated entities by an open-set detector: what a text names, and what is not found in its image."""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.captions import Captions
from eval.cli import main
from eval.compare import compare
from eval.entities import find_entities
from eval.entities.detector import load_detector
from eval.entities.score import score_entities
from eval.entities.threshold import threshold_of
from eval.errors import InputError, ModelError
from eval.measured import read_measured
from eval.recipe import EvalRecipe
from eval.report.gallery import model_samples
from eval.run import evaluate
from eval.statistics import Resampling
from eval.task import DetectorModel, EntitiesTask
from eval.vocabulary import coco_vocabulary
from recipes.picturebook.scenes import write_scenes
from tests.factory.models import tiny

PICTUREBOOK = Path(__file__).parents[2] / "recipes/picturebook"
OWLV2 = str(PICTUREBOOK / "checkpoints/owlv2")
CALIBRATION = str(PICTUREBOOK / "calibration.yaml")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A large red umbrella is on the left, close to the viewer.", ["umbrella"]),
        ("The image shows a man riding a bicycle down a busy street.", ["man", "bicycle"]),
        ("There is no dog. Cars stand beside a tall building.", ["car", "tall building"]),
        ("Another blue ball is on the right. There are two balls in total.", ["ball", "ball"]),
        ("A hot dog and a teddy bear lie on a dining table.", ["hot dog", "teddy bear", "dining table"]),
        ("The cat's tail hangs over the edge of the couch.", ["cat", "couch"]),
        ("There is a sense of calm in the background.", []),
        ("", []),
    ],
)
def test_things_are_named_and_places_moods_and_what_is_denied_are_none(text: str, names: list[str]) -> None:
    assert [entity.name for entity in find_entities(text, coco_vocabulary())] == names


@given(st.lists(st.sampled_from(["a", "the", "red", "dog", "hot", "no", ",", ".", "two", "is", "é", "<b>"])))
def test_every_name_stands_where_it_is_said_to_and_none_overlap(some: list[str]) -> None:
    text = " ".join(some)
    found = find_entities(text, coco_vocabulary())
    assert all(text[entity.start : entity.end].strip() for entity in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


class Sure:
    """A detector that is as sure of a name as it is long: `dog` 0.3, `umbrella` 0.8."""

    def scores(self, images: Sequence[Path], names: Sequence[Sequence[str]]) -> Iterator[list[float]]:
        assert len(images) == len(names)
        for of_one in names:
            yield [min(len(name) / 10, 1.0) for name in of_one]


TEXTS = Captions({"1": "A dog and an umbrella. The dog sleeps.", "2": "A cat.", "3": "Nothing."})
FILES = {key: Path(f"{key}.png") for key in TEXTS.texts}


def test_repeated_mentions_count_and_texts_without_things_are_no_trouble() -> None:
    score = score_entities(TEXTS, FILES, Sure(), 0.5, coco_vocabulary())
    figures = score.figures(Resampling(50))
    assert figures["entity_hallucination"].value == pytest.approx(3 / 4)  # dog, dog and cat of four mentions
    assert figures["entity_hallucination_s"].value == pytest.approx(2 / 3)
    first = score.evidence["1"]["mentions"]
    assert [(m["word"], m["hallucinated"]) for m in first] == [
        ("dog", True), ("umbrella", False), ("dog", True),
    ]  # fmt: skip
    assert "0.30 is below 0.50" in first[0]["reason"]


@given(st.floats(0, 1), st.floats(0, 1))
def test_asking_for_more_never_finds_less_hallucinated(a: float, b: float) -> None:
    low, high = (
        score_entities(TEXTS, FILES, Sure(), t, coco_vocabulary()).tally.total("hallucinated")
        for t in sorted((a, b))
    )
    assert low <= high


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 30_000_000_000, 16)
    return folder


def truths(scenes: Path) -> dict[str, list[str]]:
    tree = json.loads((scenes / "instances.json").read_text())
    names = {category["id"]: category["name"] for category in tree["categories"]}
    found: dict[str, list[str]] = {str(image["id"]): [] for image in tree["images"]}
    for annotation in tree["annotations"]:
        found[str(annotation["image_id"])].append(names[annotation["category_id"]])
    return found


def predictions(scenes: Path, to: Path, planted: bool) -> Path:
    """Write texts that name what is there, and with `planted` one thing that is not."""
    lines = []
    for key, there in truths(scenes).items():
        absent = next(name for name in ("clock", "bus", "crab", "bench", "kite", "cup") if name not in there)
        named = [*dict.fromkeys(there), *([absent] if planted else [])]
        caption = " ".join(f"There is a {name}." for name in named)
        lines.append(json.dumps({"image_id": key, "caption": caption}))
    to.write_text("\n".join(lines), encoding="utf-8")
    return to


def recipe(scenes: Path, folder: Path, planted: bool) -> EvalRecipe:
    file = predictions(scenes, folder / f"{planted}.jsonl", planted)
    return EvalRecipe.model_validate(
        {
            "model": {"kind": "captions", "file": str(file)}, "images": str(scenes / "images"), "pope": None,
            "describe": {"metrics": ["lin"]}, "output": str(folder / f"out-{planted}"), "resamples": 100,
            "entities": {"detector": {"checkpoint": OWLV2}, "calibration": CALIBRATION},
        }
    )  # fmt: skip


def test_a_real_detector_finds_what_is_planted_and_runs_are_compared_at_both_lengths(
    scenes: Path, tmp_path: Path
) -> None:
    true, false = (recipe(scenes, tmp_path, planted) for planted in (False, True))
    figures = [evaluate(each)["entities"]["entity_hallucination"] for each in (true, false)]
    assert figures[0].value is not None and figures[0].value <= 0.05
    records = read_measured(Path(false.output)).records.values()
    planted = [record["evidence"]["entities"]["mentions"][-1] for record in records]
    assert sum(mention["hallucinated"] for mention in planted) >= 0.9 * len(planted)
    found = compare(
        read_measured(Path(true.output)), read_measured(Path(false.output)), true, Resampling(100)
    )
    assert (found.free.difference["entity_hallucination"].value or 0) > 0.1
    assert found.matched is not None
    pairs = [read_measured(Path(each.output)) for each in (true, false)]
    for sample in model_samples(pairs[0], pairs[1], scenes / "images", 3, seed=0):
        pieces = [piece for line in sample.tuned.lines for piece in line.pieces if piece.css == "false"]
        assert pieces and all("the detector finds no" in piece.note for piece in pieces)
    # cut to the length of the true text, the last sentence is gone and with it the planted thing
    assert abs(found.matched.difference["entity_hallucination"].value or 0) < 0.05


def test_the_command_line_scores_captions_without_annotations(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = predictions(scenes, tmp_path / "captions.jsonl", planted=True)
    command = ["score", "entities", "--predictions", str(file), "--detector", OWLV2]
    assert main([*command, "--images", str(scenes / "images"), "--threshold", "0.5", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert 0.1 < printed["entity_hallucination"]["value"] < 0.9
    assert printed["settings"]["threshold"] == 0.5
    for wrong, told in (
        (["--threshold", "0.5"], "--images"),
        (["--images", "x"], "--threshold"),
        (["--images", "x", "--threshold", "7"], "from 0 to 1|go from 0 to 1"),
    ):
        assert main([*command, *wrong]) == 2
        message = capsys.readouterr().err
        assert any(part in message for part in told.split("|"))


def test_a_calibration_serves_its_own_detector_alone(tmp_path: Path) -> None:
    other = EntitiesTask(detector=DetectorModel(checkpoint="google/owlv2-base"), calibration=CALIBRATION)
    with pytest.raises(InputError, match=r"owlv2.* not for 'google/owlv2-base'"):
        threshold_of(other)
    (tmp_path / "c.yaml").write_text("model: [")
    broken = EntitiesTask(calibration=str(tmp_path / "c.yaml"))
    with pytest.raises(InputError, match="is no calibration"):
        threshold_of(broken)
    assert (
        0 < threshold_of(EntitiesTask(detector=DetectorModel(checkpoint=OWLV2), calibration=CALIBRATION)) < 1
    )


def test_what_is_no_open_set_detector_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="is a llama; entities are looked for by one of owlv2"):
        load_detector(DetectorModel(checkpoint=str(PICTUREBOOK / "checkpoints/llama")))


@pytest.mark.parametrize("save", [tiny.save_owlv2, tiny.save_grounding_dino])
def test_no_name_changes_the_score_of_another_in_any_architecture(
    save: "object", scenes: Path, tmp_path: Path
) -> None:
    checkpoint = str(save(tmp_path / "detector"))  # type: ignore[operator]
    images = sorted((scenes / "images").iterdir())[:2]
    names = [["car", "red dog", "bus"], ["bus"]]
    together, apart = (
        list(load_detector(DetectorModel(checkpoint=checkpoint, batch_size=size)).scores(images, names))
        for size in (3, 1)
    )
    assert [len(scores) for scores in together] == [3, 1]
    assert all(0 <= score <= 1 for scores in together for score in scores)
    for a, b in zip(together, apart, strict=True):
        assert a == pytest.approx(b, abs=1e-4)
