"""The recipe: what it refuses, and that every recipe in the repository is one."""

import subprocess
import sys
from pathlib import Path

import pytest

from recipes import RecipeError, load
from tests.train import tiny
from train.recipe import TrainRecipe

REPOSITORY = Path(__file__).resolve().parents[2]
PICTUREBOOK = [REPOSITORY / "recipes/picturebook" / name for name in ("train.yaml", "dpo.yaml")]
SHIPPED = sorted([*(REPOSITORY / "recipes/train").glob("*.yaml"), *PICTUREBOOK])


def test_recipes_are_found() -> None:
    assert len(SHIPPED) >= 3


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_recipe_is_valid_and_opens_with_its_launch_line(path: Path) -> None:
    load(path, TrainRecipe)
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any("train/finetune.py --recipe" in line for line in head)
    assert any("Hardware" in line for line in head)


def test_the_published_settings_of_llava_are_kept() -> None:
    recipe = load(REPOSITORY / "recipes/train/llava_1.5_7b_lora.yaml", TrainRecipe)
    assert (recipe.lora.rank, recipe.lora.alpha) == (128, 256)
    assert (recipe.optimizer.learning_rate, recipe.projector.learning_rate) == (2e-4, 2e-5)
    assert (recipe.global_batch_size, recipe.epochs, recipe.max_length) == (128, 1, 2048)
    assert (recipe.optimizer.schedule, recipe.optimizer.warmup, recipe.optimizer.weight_decay) == (
        "cosine",
        0.03,
        0,
    )
    assert (recipe.image_aspect, recipe.model.dtype, recipe.deepspeed.stage) == ("pad", "bfloat16", 2)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"epochs": 1}, "either epochs or max_steps"),  # both lengths
        ({"max_steps": None}, "either epochs or max_steps"),  # none
        ({"global_batch_size": 5}, "no multiple of micro_batch_size"),
        ({"data": []}, "at least 1 item"),
        ({"prompts": []}, "at least 1 item"),
        ({"learning_rate": 1e-3}, "unknown key"),  # of the Trainer, not of the recipe
        ({"deepspeed": {"stage": 2, "offload": "all"}}, "needs stage 3"),
        ({"lora": {"target": "("}}, "no regular expression"),
        ({"template": {"assistant": " ASSISTANT:{answer}"}}, "one space and {answer}"),
        ({"tuning": "full"}, "remove the section lora"),
        ({"tuning": "full", "lora": {}, "start_from": "x"}, "no start_from"),
        ({"tuning": "full", "lora": {}, "deepspeed": {"stage": 3}}, "checkpoints.kind deepspeed"),
        ({"tuning": "qlora", "deepspeed": {"stage": 3}}, "cannot divide four-bit weights"),
        ({"template": {"user": "USER:"}}, "must contain {question}"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_reason(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    path = tiny.write_recipe(tmp_path / "r.yaml", tiny.recipe_tree(tmp_path, tmp_path, tmp_path, **changes))
    with pytest.raises(RecipeError, match=complaint.replace("{", r"\{")):
        load(path, TrainRecipe)


@pytest.mark.parametrize(
    "key",
    ["warmup_ratio", "group_by_length", "evaluation_strategy", "gradient_checkpointing", "fp16", "report_to"],
)
def test_keys_of_the_library_are_unknown_at_the_root_and_in_every_section(tmp_path: Path, key: str) -> None:
    tree = tiny.recipe_tree(tmp_path, tmp_path, tmp_path)
    for section in (None, "model", "optimizer", "lora", "checkpoints", "logging"):
        changes = {key: 1} if section is None else {section: tree[section] | {key: 1}}
        path = tiny.write_recipe(tmp_path / "r.yaml", tree | changes)
        with pytest.raises(RecipeError, match="unknown key"):
            load(path, TrainRecipe)


def test_checking_a_recipe_loads_no_torch(tmp_path: Path) -> None:
    path = tiny.write_recipe(tmp_path / "r.yaml", tiny.recipe_tree(tmp_path, tmp_path, tmp_path))
    code = (
        "import sys; sys.argv = ['finetune.py', '--recipe', sys.argv[1], '--check'];"
        "from train.finetune import main; assert main() == 0;"
        "assert not {'torch', 'transformers', 'peft', 'deepspeed', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=REPOSITORY, check=True)


def test_no_module_of_the_trainer_shadows_an_installed_or_standard_one() -> None:
    from importlib.metadata import packages_distributions

    names = {path.stem for path in (REPOSITORY / "train").iterdir() if path.suffix in {"", ".py"}}
    assert not names & (sys.stdlib_module_names | packages_distributions().keys())
