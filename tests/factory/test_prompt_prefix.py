"""What never changes stands first in a prompt: servers compute it once for all images."""

import re
from pathlib import Path

import pytest

import factory.prompts

FOLDER = Path(factory.prompts.__file__).parent
WITH_FIELDS = sorted(path.stem for path in FOLDER.glob("*.j2") if "{{" in path.read_text())


@pytest.mark.parametrize("name", [name for name in WITH_FIELDS if name != "witness"])
def test_nearly_all_of_a_prompt_comes_before_its_first_field(name: str) -> None:
    text = (FOLDER / f"{name}.j2").read_text()
    before = re.split(r"\{[{%]", text, maxsplit=1)[0]
    static = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    assert len(before) / len(static) > 0.9


def test_a_question_about_an_image_comes_after_the_image() -> None:
    from factory.models.openai_payload import payload
    from factory.models.protocols import ChatRequest
    from factory.models.served import ServedConfig
    from tests.factory.fakes import picture

    body = payload("m", ServedConfig(), ChatRequest("Is it red?", picture()), 0)
    assert [part["type"] for part in body["messages"][0]["content"]] == ["image_url", "text"]
