"""A run from recipe to output folder, with a tiny LLaVA and with given texts."""

import json
from pathlib import Path

import pytest

from eval.errors import InputError, MismatchError
from eval.measured import read_measured
from eval.recipe import CaptionsModel, DescribeTask, EvalRecipe, LlavaModel, PopeTask
from eval.run import evaluate, resolve
from eval.statistics import estimate
from recipes import RecipeError, load
from tests.eval.tiny import write_jsonl

OUTPUTS = {
    "predictions.jsonl", "answers.jsonl", "pope_random.jsonl", "pope_popular.jsonl", "pope_adversarial.jsonl",
    "per_image.jsonl", "metrics.json", "recipe.resolved.yaml", "generations.jsonl",
}  # fmt: skip


def _recipe(llava: Path, world: tuple[Path, Path], out: Path) -> EvalRecipe:
    return EvalRecipe(
        model=LlavaModel(checkpoint=str(llava), batch_size=8),
        images=str(world[0]),
        annotations=(str(world[1]),),
        describe=DescribeTask(max_new_tokens=12),
        resamples=50,
        output=str(out),
    )


def test_a_model_is_asked_scored_and_written_down(
    llava: Path, world: tuple[Path, Path], tmp_path: Path
) -> None:
    recipe = _recipe(llava, world, tmp_path / "out")
    figures = evaluate(recipe)
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["figures"]["chair"]["chair_s"]["n"] == figures["chair"]["chair_s"].n == 6
    assert metrics["settings"]["images"] == 6
    assert figures["pope"]["random.unparsed"].n == 6 * 4
    assert load(tmp_path / "out" / "recipe.resolved.yaml", EvalRecipe) == recipe


def test_what_was_measured_is_read_back_equal(llava: Path, world: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = _recipe(llava, world, tmp_path / "out")
    figures = evaluate(recipe)
    measured = read_measured(tmp_path / "out")
    from eval.measured import formulas_of
    from eval.statistics import Resampling

    for metric, by_name in figures.items():
        tally = measured.tallies[metric]
        assert estimate(tally, formulas_of(metric, tally), Resampling(50)) == by_name


def test_a_second_run_asks_nothing(llava: Path, world: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = _recipe(llava, world, tmp_path / "out")
    evaluate(recipe)
    stored = (tmp_path / "out" / "generations.jsonl").read_bytes()
    evaluate(recipe)
    assert (tmp_path / "out" / "generations.jsonl").read_bytes() == stored


def _given(world: tuple[Path, Path], folder: Path, captions: list[dict[str, object]]) -> EvalRecipe:
    return EvalRecipe(
        model=CaptionsModel(file=str(write_jsonl(folder / "captions.jsonl", captions))),
        annotations=(str(world[1]),),
        pope=None,
        resamples=50,
        output=str(folder / "out"),
    )


def test_given_captions_are_scored_on_their_images_alone(world: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = _given(
        world, tmp_path, [{"image_id": "000000000000.png", "caption": "A red umbrella and a dog."}]
    )
    figures = evaluate(recipe)
    assert figures["chair"]["chair_i"].value == 0.5
    assert figures["claims"]["claim_precision"].value == pytest.approx(2 / 3)
    record = read_measured(tmp_path / "out").records["0"]
    assert [each["reason"] for each in record["evidence"]["claims"]["claims"] if each["true"] is False] == [
        "there is no dog"
    ]


def test_captions_of_unknown_images_are_refused(world: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="not in the truth"):
        evaluate(_given(world, tmp_path, [{"image_id": 99, "caption": "A dog."}]))


def test_given_answers_are_joined_to_the_drawn_questions(world: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = _given(world, tmp_path, [{"image_id": 0, "caption": ""}]).model_copy(
        update={"pope": PopeTask(), "describe": None}
    )
    model = CaptionsModel(file="unused", answers=str(write_jsonl(tmp_path / "a.jsonl", [])))
    with pytest.raises(MismatchError, match="24 of 24 questions have no answer"):
        evaluate(recipe.model_copy(update={"model": model}))
    answers = [{"question_id": number, "answer": "Yes"} for number in range(1, 73)]
    model = CaptionsModel(file="unused", answers=str(write_jsonl(tmp_path / "a.jsonl", answers)))
    figures = evaluate(recipe.model_copy(update={"model": model}))["pope"]
    assert figures["random.yes_ratio"].value == 1.0
    assert figures["pope_f1"].value == pytest.approx(2 / 3)


def test_a_missing_image_is_named_before_a_model_loads(world: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="6 images of the truth are not under"):
        evaluate(_recipe(tmp_path / "no-checkpoint", (tmp_path / "images", world[1]), tmp_path / "out"))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("model: {kind: llava, checkpoint: x}\nannotations: [t]\noutput: o", "needs the folder of images"),
        ("model: {kind: captions, file: x}\nannotations: [t]\noutput: o", "POPE needs answers"),
        ("model: {kind: captions, file: x}\nannotations: []\noutput: o\npope: null", "annotations"),
        (
            "model: {kind: captions, file: x}\nannotations: [t]\noutput: o\npope: null\ndescribe: null",
            "nothing to do",
        ),
        (
            "model: {kind: llava, checkpoint: x, templat: y}\nannotations: [t]\noutput: o",
            "did you mean 'template'",
        ),
        (
            "model: {kind: llava, checkpoint: x, template: hi}\nannotations: [t]\noutput: o",
            "must contain <image>",
        ),
    ],
)
def test_a_bad_recipe_says_what_is_wrong(tmp_path: Path, recipe: str, message: str) -> None:
    (tmp_path / "r.yaml").write_text(recipe)
    with pytest.raises(RecipeError, match=message):
        load(tmp_path / "r.yaml", EvalRecipe)


def test_paths_are_found_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text("{}")
    recipe = EvalRecipe(
        model=LlavaModel(checkpoint="some-org/some-model"),
        images="none",
        annotations=("truth.json",),
        output="out",
    )
    resolved = resolve(recipe, tmp_path / "recipe.yaml")
    assert resolved.annotations == (str(tmp_path / "truth.json"),)
    assert isinstance(resolved.model, LlavaModel)
    assert resolved.model.checkpoint == "some-org/some-model"


RECIPES = sorted(Path(__file__).parents[2].glob("recipes/eval/*.yaml"))


@pytest.mark.parametrize(
    "path", [*RECIPES, Path(__file__).parents[2] / "recipes/picturebook/eval.yaml"], ids=lambda p: p.name
)
def test_every_recipe_of_the_repository_is_valid(path: Path) -> None:
    load(path, EvalRecipe)


def test_there_are_recipes() -> None:
    assert RECIPES
