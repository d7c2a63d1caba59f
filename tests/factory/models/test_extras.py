"""A package that is no part of the base is imported, or asked for by the command that installs it."""

from pathlib import Path

import pytest

from factory.errors import ModelError
from factory.models.extras import require


def test_what_is_there_is_imported() -> None:
    assert require("json.decoder", "pip install json", "kind: x").__name__ == "json.decoder"


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
        require("broken_extra", "pip install broken-extra", "kind: x")
    message = str(caught.value)
    assert message.startswith("kind: x needs broken_extra: ") and told in message
    assert message.endswith("install it with: pip install broken-extra")


def test_warnings_of_a_package_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noisy_extra.py").write_text("import warnings\nwarnings.warn('old')")
    monkeypatch.syspath_prepend(tmp_path)
    assert require("noisy_extra", "pip install noisy", "kind: x").__name__ == "noisy_extra"
