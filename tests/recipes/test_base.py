"""One YAML is one frozen tree, and what is wrong with it is said so that one can mend it."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from recipes import Config, RecipeError, dump, load, resolve_path


class Cat(Config):
    kind: Literal["cat"] = "cat"
    min_score: float = Field(0.3, ge=0, le=1)


class Dog(Config):
    kind: Literal["dog"] = "dog"
    size: int = 3


class Zoo(Config):
    animals: list[Annotated[Cat | Dog, Field(discriminator="kind")]]
    seed: int = 0
    keeper: Cat = Cat()


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "zoo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_dumped_loads_to_an_equal_tree(tmp_path: Path) -> None:
    zoo = Zoo(animals=[Cat(min_score=0.5), Dog()], seed=4)
    dump(zoo, tmp_path / "zoo.yaml")
    assert load(tmp_path / "zoo.yaml", Zoo) == zoo


def test_overrides_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = _write(tmp_path, "animals:\n  - {kind: cat, min_score: 0.4}\nseed: 1\n")
    zoo = load(path, Zoo, ["seed=7", "animals.0.min_score=0.9", "keeper.min_score=0.1"])
    assert (zoo.seed, zoo.animals[0].min_score, zoo.keeper.min_score) == (7, 0.9, 0.1)


def test_a_typo_names_line_and_nearest_key_even_deep_in_a_list(tmp_path: Path) -> None:
    path = _write(tmp_path, "animals:\n  - kind: cat\n    min_scroe: 0.4\n")
    with pytest.raises(RecipeError, match=r"min_scroe \(line 3\): unknown key; did you mean 'min_score'"):
        load(path, Zoo)


def test_a_key_that_is_wrong_twice_is_shown_on_both_lines(tmp_path: Path) -> None:
    path = _write(tmp_path, "animals:\n  - kind: cat\n    scroe: 1\n  - kind: dog\n    scroe: 1\n")
    with pytest.raises(RecipeError, match=r"0\.cat\.scroe \(line 3\).*\n.*1\.dog\.scroe \(line 5\)"):
        load(path, Zoo)


def test_all_problems_are_said_at_once_with_the_values_seen(tmp_path: Path) -> None:
    path = _write(tmp_path, "animals:\n  - {kind: cat, min_score: 3}\nseed: many\n")
    with pytest.raises(RecipeError) as caught:
        load(path, Zoo)
    assert "2 problem(s)" in str(caught.value)
    assert "value seen: 3" in str(caught.value)
    assert "value seen: 'many'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "not a mapping"),
        ("a: [1\n", "not valid YAML"),
        ("!!python/object:os.system {}\n", "not valid YAML"),
    ],
    ids=["a list", "broken", "code in YAML is never run"],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load(_write(tmp_path, text), Zoo)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no recipe at .*nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml", Zoo)


@pytest.mark.parametrize("override", ["seed", "=3", "animals.9.size=2", "animals.x=2"])
def test_an_override_that_fits_nowhere_is_refused(tmp_path: Path, override: str) -> None:
    path = _write(tmp_path, "animals:\n  - kind: dog\n")
    with pytest.raises(RecipeError, match="override"):
        load(path, Zoo, [override])


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Zoo(animals=[]).seed = 3  # type: ignore[misc]


def test_a_relative_path_is_found_beside_its_recipe_when_it_is_not_in_the_working_folder(
    tmp_path: Path,
) -> None:
    recipe = _write(tmp_path, "animals: []\n")
    (tmp_path / "beside.txt").touch()
    assert resolve_path("beside.txt", recipe) == tmp_path / "beside.txt"
    assert resolve_path(tmp_path / "away.txt", recipe) == tmp_path / "away.txt"
