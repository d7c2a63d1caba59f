from pathlib import Path

import pytest

from eval.errors import InputError, ModelError
from eval.generation import Request
from eval.generation.image import open_rgb
from eval.generation.llava import Llava, load_llava
from eval.recipe import LlavaModel


@pytest.fixture(scope="module")
def model(llava: Path) -> Llava:
    return load_llava(LlavaModel(checkpoint=str(llava), batch_size=4))


def _requests(world: tuple[Path, Path]) -> list[Request]:
    images = sorted(world[0].iterdir())[:3]
    return [
        Request(image, question, 8)
        for image in images
        for question in ("Is there a dog?", "Describe it all.")
    ]


def test_answers_equal_those_of_plain_generate(model: Llava, world: tuple[Path, Path]) -> None:
    import torch

    requests = _requests(world)
    tokenizer = model.processor.tokenizer
    plain = []
    for request in requests:
        text = model.template.replace("{question}", request.question)
        inputs = model.processor(images=open_rgb(request.image), text=text, return_tensors="pt")
        with torch.inference_mode():
            ids = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)
        plain.append(
            tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()
        )
    assert model(requests) == plain
    assert len(set(plain)) > 1


def test_the_batch_does_not_change_an_answer(model: Llava, world: tuple[Path, Path]) -> None:
    requests = _requests(world)
    assert model(requests) == [model([request])[0] for request in requests]


def test_an_adapter_changes_answers_and_fingerprint(
    model: Llava, llava: Path, adapter: Path, world: tuple[Path, Path]
) -> None:
    tuned = load_llava(LlavaModel(checkpoint=str(llava), adapter=str(adapter)))
    assert tuned(_requests(world)) != model(_requests(world))
    assert tuned.fingerprint != model.fingerprint


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load the LLaVA checkpoint"):
        load_llava(LlavaModel(checkpoint=str(tmp_path)))


def test_a_folder_that_is_no_adapter_is_refused(llava: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no PEFT adapter"):
        load_llava(LlavaModel(checkpoint=str(llava), adapter=str(tmp_path)))


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(InputError, match="no readable image"):
        open_rgb(tmp_path / "a.png")
