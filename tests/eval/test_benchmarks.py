"""Benchmarks with files of their own as parts of a run: POPE's questions, DID-Bench, LIN-Bench, AMBER, D2I-Bench."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eval.compare import compare
from eval.errors import InputError, MismatchError, ModelError
from eval.generation import Request
from eval.matched import recipe_of
from eval.measured import read_measured
from eval.recipe import AmberTask, CaptionsModel, DescribeTask, DrawTask, EvalRecipe, PopeTask, ServedModel
from eval.resolve import resolve
from eval.run import evaluate
from eval.statistics import Resampling
from eval.task import ProgramPainter, TowerEncoder
from tests.eval.tiny import write_jsonl

MODEL = ServedModel(model="not asked: a scripted answerer stands in")
CHECKPOINT = Path(__file__).parents[2] / "recipes/picturebook/checkpoints/llava"


class Scripted:
    """Answers by rule and remembers what it was asked."""

    batch_size = 4
    fingerprint = "scripted"

    def __init__(self, words: str = "A red umbrella and a dog.") -> None:
        self.words = words
        self.asked: list[Request] = []

    def __call__(self, requests: Sequence[Request]) -> list[str]:
        self.asked += requests
        return [
            "Yes" if "Is there" in each.question else f"{self.words} {each.image.stem}" for each in requests
        ]


def _recipe(world: tuple[Path, Path], out: Path, **tasks: Any) -> EvalRecipe:
    tasks = {"describe": None, "pope": None, **tasks}
    return EvalRecipe(model=MODEL, images=str(world[0]), resamples=20, output=str(out), **tasks)


def _questions(folder: Path, split: str, labels: str) -> str:
    records = [
        {
            "question_id": n,
            "image": f"COCO_val2014_{n:012d}.jpg",
            "text": f"Is there a {split}?",
            "label": label,
        }
        for n, label in enumerate(labels.split(), start=1)
    ]
    return str(write_jsonl(folder / f"{split}.jsonl", records))


def test_public_pope_files_are_asked_although_their_splits_share_ids(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    files = {split: _questions(tmp_path, split, labels) for split, labels in
             (("random", "yes no"), ("popular", "no no no"))}  # fmt: skip
    task = PopeTask(files=files, question="{question} One word.")
    answerer = Scripted()
    figures = evaluate(_recipe(world, tmp_path / "out", pope=task), answerer)["pope"]
    assert {each.question for each in answerer.asked} == {
        "Is there a random? One word.",
        "Is there a popular? One word.",
    }
    assert (figures["random.accuracy"].value, figures["popular.accuracy"].value) == (0.5, 0.0)
    assert (figures["random.accuracy"].n, figures["popular.accuracy"].n) == (2, 3)
    lines = (tmp_path / "out" / "answers.jsonl").read_text().splitlines()
    assert [(json.loads(line)["split"], json.loads(line)["question_id"]) for line in lines] == [
        ("popular", 1), ("popular", 2), ("popular", 3), ("random", 1), ("random", 2),
    ]  # fmt: skip


def test_answers_of_splits_that_share_ids_must_name_their_split(tmp_path: Path) -> None:
    files = {split: _questions(tmp_path, split, "yes") for split in ("random", "popular")}
    captions = write_jsonl(tmp_path / "c.jsonl", [{"image_id": 1, "caption": "x"}])
    for record, problem in (
        (
            {"question_id": 1, "answer": "yes"},
            "belongs to questions of popular and random; say which in `split`",
        ),
        ({"question_id": 9, "answer": "yes"}, "belongs to no question"),
    ):
        answers = write_jsonl(tmp_path / "a.jsonl", [record])
        model = CaptionsModel(file=str(captions), answers=str(answers))
        recipe = EvalRecipe(
            model=model, describe=None, pope=PopeTask(files=files), output=str(tmp_path / "o")
        )
        with pytest.raises(MismatchError, match=problem):
            evaluate(recipe)


def test_a_quick_run_asks_about_the_first_images_alone(world: tuple[Path, Path], tmp_path: Path) -> None:
    files = {"random": _questions(tmp_path, "random", "yes no yes no")}
    recipe = _recipe(world, tmp_path / "out", pope=PopeTask(files=files), max_images=2)
    assert evaluate(recipe, Scripted())["pope"]["random.accuracy"].n == 2


def _did(folder: Path) -> DescribeTask:
    references = {f"{n:012d}": [f"A red umbrella and a dog {n}."] for n in (1, 2, 3)}
    (folder / "gt.json").write_text(json.dumps(references))
    asked = [{"image": f"{n:012d}.jpg", "question": f"What of {n}?"} for n in (1, 2, 3)]
    questions = write_jsonl(folder / "ques.jsonl", asked)
    return DescribeTask(
        metrics=("did", "lin"),
        references=(str(folder / "gt.json"),),
        questions=str(questions),
        max_new_tokens=9,
    )


def test_did_bench_asks_each_image_its_own_question_and_needs_no_annotations(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    answerer = Scripted()
    figures = evaluate(_recipe(world, tmp_path / "out", describe=_did(tmp_path)), answerer)
    assert [(each.image.stem[-1], each.question) for each in answerer.asked] == [
        ("1", "What of 1?"), ("2", "What of 2?"), ("3", "What of 3?"),
    ]  # fmt: skip
    assert figures["did"]["bleu_1"].n == 3
    assert figures["did"]["bleu_4"].value == pytest.approx((5 / 7 * 4 / 6 * 3 / 5 * 2 / 4) ** 0.25, abs=1e-6)
    assert figures["lin"]["fk"].value is not None


def test_two_runs_of_did_bench_are_compared_at_free_and_matched_length(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    runs = []
    for name, words in (("a", "A dog."), ("b", "A red umbrella. And a dog, and more of this, and that.")):
        evaluate(_recipe(world, tmp_path / name, describe=_did(tmp_path)), Scripted(words))
        runs.append(read_measured(tmp_path / name))
    found = compare(runs[0], runs[1], recipe_of(tmp_path / "a"), Resampling(20))
    assert {"bleu_4", "rouge_l", "cider", "fk"} <= set(found.free.difference)
    assert found.matched is not None
    assert found.matched.second["rouge_l"].value != found.free.second["rouge_l"].value
    assert found.free.first["chair_i"].reason == "this run did not measure it"


def test_amber_asks_for_descriptions_and_answers_and_scores_both(tmp_path: Path) -> None:
    for n in (1, 2):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / f"AMBER_{n}.jpg")
    _write(tmp_path / "annotations.json", [
        {"id": 1, "type": "generative", "truth": ["umbrella"], "hallu": ["dog"]},
        {"id": 3, "type": "discriminative-hallucination", "truth": "no"},
    ])  # fmt: skip
    _write(tmp_path / "relation.json", {"umbrella": [], "dog": []})
    _write(tmp_path / "query.json", [
        {"id": 1, "image": "AMBER_1.jpg", "query": "Describe this image."},
        {"id": 3, "image": "AMBER_2.jpg", "query": "Is there a cat?"},
    ])  # fmt: skip
    task = AmberTask(
        files=(str(tmp_path / "annotations.json"), str(tmp_path / "relation.json")),
        queries=(str(tmp_path / "query.json"),),
    )
    recipe = EvalRecipe(
        model=MODEL, images=str(tmp_path / "images"), describe=None, pope=None, amber=task, resamples=20,
        output=str(tmp_path / "out"),
    )  # fmt: skip
    figures = evaluate(recipe, Scripted())["amber"]
    assert (figures["chair"].value, figures["cog"].value, figures["accuracy"].value) == (0.5, 1.0, 0.0)
    record = read_measured(tmp_path / "out").records["AMBER_1"]
    assert record["evidence"]["amber"][0]["hallucinated"] == ["dog"]
    written = [
        json.loads(line) for line in (tmp_path / "out" / "amber_responses.jsonl").read_text().splitlines()
    ]
    assert {"id": 3, "response": "Yes"} in written


def test_drawings_are_compared_with_the_originals_seed_by_seed(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    painter = ProgramPainter(module="recipes.picturebook.d2i")
    drawing = DrawTask(painter=painter, encoders=(TowerEncoder(checkpoint=str(CHECKPOINT)),), seeds=(1, 2))
    captions = [
        {"image_id": n, "caption": f"A park with a {color} dog."} for n, color in ((1, "red"), (2, "blue"))
    ]
    recipe = EvalRecipe(
        model=CaptionsModel(file=str(write_jsonl(tmp_path / "c.jsonl", captions))),
        images=str(world[0]),
        describe=DescribeTask(metrics=("lin",)),
        pope=None,
        d2i=drawing,
        resamples=20,
        output=str(tmp_path / "out"),
    )
    figure = evaluate(recipe)["d2i"]["tower_similarity"]
    assert figure.n == 2
    assert figure.value is not None
    assert -1 <= figure.value <= 1
    drawn = sorted((tmp_path / "out" / "drawn").rglob("*.png"))
    assert len(drawn) == 4
    before = [path.stat().st_mtime_ns for path in drawn]
    evaluate(recipe)
    assert [path.stat().st_mtime_ns for path in drawn] == before


def test_a_painter_that_draws_nothing_is_said_so(tmp_path: Path) -> None:
    from eval.captions import Captions
    from eval.drawing import draw

    with pytest.raises(ModelError, match="1 descriptions were not drawn"):
        draw(ProgramPainter(module="this"), Captions({"1": "A dog."}), 0, tmp_path)
    with pytest.raises(ModelError, match=r"the painter nowhere\.at_all failed: .*No module"):
        draw(ProgramPainter(module="nowhere.at_all"), Captions({"1": "A dog."}), 0, tmp_path)


def test_files_beside_a_recipe_are_found(world: tuple[Path, Path], tmp_path: Path) -> None:
    did = _did(tmp_path).model_copy(update={"references": ("gt.json",), "questions": "ques.jsonl"})
    found = resolve(_recipe(world, tmp_path, describe=did), tmp_path / "recipe.yaml")
    assert found.describe is not None
    assert (found.describe.references, found.describe.questions) == (
        (str(tmp_path / "gt.json"),), str(tmp_path / "ques.jsonl"),
    )  # fmt: skip


def test_an_image_that_is_not_there_is_named(world: tuple[Path, Path], tmp_path: Path) -> None:
    question = {
        "question_id": 1,
        "image": "COCO_val2014_000000000777.jpg",
        "text": "Is there?",
        "label": "no",
    }
    task = PopeTask(files={"random": str(write_jsonl(tmp_path / "q.jsonl", [question]))})
    with pytest.raises(InputError, match=r"1 images of the truth are not under .*777"):
        evaluate(_recipe(world, tmp_path / "out", pope=task), Scripted())


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))
