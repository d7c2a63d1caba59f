"""A package that is no part of the base is imported, or asked for by the command that installs it."""

from pathlib import Path

import pytest

from factory.errors import ModelError
from factory.models import Sam2Config, SamConfig
from factory.models.extras import Extra, missing_extras
from recipes import Config


def test_what_is_there_is_imported() -> None:
    assert Extra("json.decoder", "kind: x", "pip install json").load().__name__ == "json.decoder"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise RuntimeError('operator torchvision::nms does not exist')", "operator torchvision::nms"),
        ("import no_such_package_at_all", "No module named 'no_such_package_at_all'"),
    ],
    ids=["built for another torch", "half installed"],
)
def test_what_cannot_be_imported_says_why_and_ends_with_the_command(
    code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_extra.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError) as caught:
        Extra("broken_extra", "kind: x", "pip install broken-extra").load()
    message = str(caught.value)
    assert message.startswith("kind: x needs broken_extra: ") and told in message
    assert message.endswith("install it with: pip install broken-extra")


def test_warnings_of_a_package_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noisy_extra.py").write_text("import warnings\nwarnings.warn('old')")
    monkeypatch.syspath_prepend(tmp_path)
    assert Extra("noisy_extra", "kind: x", "pip install noisy").load().__name__ == "noisy_extra"


class Part(Config):
    """Needs a package."""

    package: str

    @property
    def extra(self) -> Extra:
        return Extra(self.package, "kind: part", f"pip install {self.package}")


class Tree(Config):
    """Has parts at several depths."""

    one: Part
    many: tuple[Part, ...] = ()


def test_what_is_missing_is_found_anywhere_in_a_recipe_and_told_once() -> None:
    absent = [Part(package="no_such_package_at_all"), Part(package="nor.such.a.one")]
    tree = Tree(one=absent[0], many=(Part(package="json"), *absent))
    assert missing_extras([tree, absent[1]]) == [part.extra for part in absent]
    assert absent[0].extra.complaint().endswith("install it with: pip install no_such_package_at_all")


def test_adapters_of_the_base_need_no_extra_and_others_name_theirs() -> None:
    assert missing_extras([SamConfig()]) == []
    assert Sam2Config().extra.module == "torchvision"
