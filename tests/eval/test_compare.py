import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.compare import compare
from eval.errors import InputError, MismatchError
from eval.matched import match_lengths, recipe_of
from eval.measured import read_measured
from eval.recipe import CaptionsModel, EvalRecipe, PopeTask
from eval.run import evaluate
from eval.statistics import Resampling
from tests.eval import tiny
from tests.eval.tiny import write_jsonl

HOW = Resampling(200)
QUESTIONS = 6 * 4 * 3


def describe(world: tuple[Path, Path], out: Path, captions: list[str], answer: str, seed: int = 0) -> Path:
    """Score captions of the first images, and the same answer to every question; return the output folder."""
    out.mkdir(parents=True)
    texts = [{"image_id": number, "caption": caption} for number, caption in enumerate(captions)]
    answers = [{"question_id": number, "answer": answer} for number in range(1, QUESTIONS + 1)]
    model = CaptionsModel(
        file=str(write_jsonl(out / "c.jsonl", texts)), answers=str(write_jsonl(out / "a.jsonl", answers))
    )
    recipe = EvalRecipe(
        model=model,
        annotations=(str(world[1]),),
        pope=PopeTask(),
        resamples=20,
        seed=seed,
        output=str(out / "run"),
    )
    evaluate(recipe)
    return out / "run"


# image i holds class i, red, left, near, and class i + 1, blue, right, far
BASE = [f"A {tiny.CLASSES[i]} and a {tiny.CLASSES[(i + 3) % 6]}." for i in range(6)]
TUNED = [
    f"A red {first} is on the left. A blue {second} is on the right. What a day it is!"
    for first, second in zip(tiny.CLASSES, (*tiny.CLASSES[1:], tiny.CLASSES[0]), strict=True)
]


@pytest.fixture
def runs(world: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    return describe(world, tmp_path / "a", BASE, "Yes"), describe(world, tmp_path / "b", TUNED, "No")


def test_differences_are_second_minus_first(runs: tuple[Path, Path]) -> None:
    first, second = (read_measured(run) for run in runs)
    found = compare(first, second, recipe_of(runs[0]), HOW)
    assert found.images == 6
    assert (found.free.first["chair_i"].value, found.free.second["chair_i"].value) == (0.5, 0.0)
    assert found.free.difference["chair_i"].value == -0.5
    assert found.free.difference["coverage"].value == pytest.approx(0.5)
    assert found.free.difference["words"].value == 19 - 5
    assert found.mcnemar["hallucinating_images"] == {"n": 6, "only_first": 6, "only_second": 0, "p": 2 / 2**6}
    assert (
        found.mcnemar["wrong_answers"]["p"] == 1.0
    )  # half of the questions are lost by each, the other half


def test_at_matched_length_texts_are_cut_but_answers_stay(runs: tuple[Path, Path]) -> None:
    first, second = (read_measured(run) for run in runs)
    found = compare(first, second, recipe_of(runs[0]), HOW)
    assert found.matched is not None
    assert found.matched.second["words"].value == 7  # one sentence of 7 is nearer to 5 than two
    assert found.matched.second["coverage"].value == 0.5
    assert found.matched.second["pope_f1"] == found.free.second["pope_f1"]


def test_a_run_compared_with_itself_differs_in_nothing(runs: tuple[Path, Path]) -> None:
    run = read_measured(runs[1])
    found = compare(run, run, recipe_of(runs[1]), HOW)
    defined = [each for each in found.free.difference.values() if each.value is not None]
    assert {(each.value, each.p) for each in defined} == {(0.0, 1.0)}


def test_runs_over_different_images_are_refused(
    world: tuple[Path, Path], runs: tuple[Path, Path], tmp_path: Path
) -> None:
    fewer = read_measured(describe(world, tmp_path / "c", BASE[:0] + BASE, "Yes"))
    del fewer.records["5"]  # type: ignore[attr-defined]
    with pytest.raises(MismatchError, match="1 images are in one run only"):
        compare(read_measured(runs[0]), fewer, recipe_of(runs[0]), HOW)


def test_runs_with_different_questions_are_refused(
    world: tuple[Path, Path], runs: tuple[Path, Path], tmp_path: Path
) -> None:
    other = describe(world, tmp_path / "c", BASE, "Yes", seed=7)
    with pytest.raises(MismatchError, match="different questions"):
        compare(read_measured(runs[0]), read_measured(other), recipe_of(runs[0]), HOW)


def test_runs_scored_with_different_settings_are_refused(runs: tuple[Path, Path]) -> None:
    first, second = (read_measured(run) for run in runs)
    other = replace(second, settings={**second.settings, "parser": "reference"})
    with pytest.raises(MismatchError, match="parser is 'robust' and 'reference'"):
        compare(first, other, recipe_of(runs[0]), HOW)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no measured run"):
        read_measured(tmp_path)


def test_the_shorter_text_stays_whole_and_the_longer_is_cut() -> None:
    first, second = match_lengths({"1": "One two. Three."}, {"1": "One two. Three. Four five six."})
    assert (first["1"], second["1"]) == ("One two. Three.", "One two. Three.")
    assert match_lengths({"1": ""}, {"1": "One. Two."})[1] == {"1": "One."}
    with pytest.raises(MismatchError, match="1 images"):
        match_lengths({"1": "One."}, {})


def test_the_command_prints_one_json_object(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from eval.cli import main

    assert main(["compare", str(runs[0]), str(runs[1]), "--json", "--resamples", "50"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["difference"]["chair_i"]["value"] == -0.5
    assert printed["matched_length"]["second"]["words"]["value"] == 7
