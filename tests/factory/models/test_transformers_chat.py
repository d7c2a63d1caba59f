"""Chat adapters: what is asked together is answered as if asked alone."""

from collections.abc import Callable

import pytest
from PIL import Image

from factory.errors import ModelError
from factory.models import TransformersChatConfig
from factory.models.protocols import ChatRequest
from factory.models.transformers_chat import TransformersChat

Checkpoint = Callable[[str], str]


def opened(folder: str, **options: object) -> TransformersChat:
    chat = TransformersChatConfig.model_validate(
        {"checkpoint": folder, "max_new_tokens": 6, **options}
    ).build()
    chat.open()
    return chat


def test_a_batch_of_texts_is_answered_as_each_text_alone(checkpoint: Checkpoint) -> None:
    requests = [ChatRequest(text) for text in ("what is this ?", "dog", "describe a red car and a blue bus")]
    together = opened(checkpoint("llama"), batch_size=3).reply(requests)
    alone = [opened(checkpoint("llama"), batch_size=1).reply([request])[0] for request in requests]
    assert together == alone
    assert len({reply.text for reply in together}) > 1


def test_a_batch_of_images_is_answered_as_each_image_alone(
    checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    requests = [
        ChatRequest(text, image) for text, image in zip(("what is", "describe", "dog"), images, strict=True)
    ]
    chat = opened(checkpoint("llava"), batch_size=3)
    assert chat.reply(requests) == [chat.reply([request])[0] for request in requests]


def test_the_image_is_seen(checkpoint: Checkpoint, images: list[Image.Image]) -> None:
    chat = opened(checkpoint("llava"), max_new_tokens=12)
    first, second = chat.reply([ChatRequest("what is", image) for image in images[:2]])
    assert first.text != second.text


def test_requests_with_and_without_image_may_be_mixed(
    checkpoint: Checkpoint, images: list[Image.Image]
) -> None:
    chat = opened(checkpoint("llava"))
    mixed = chat.reply([ChatRequest("dog"), ChatRequest("dog", images[0]), ChatRequest("car")])
    assert [reply.tokens_in > 16 for reply in mixed] == [False, True, False]  # an image takes 16 tokens


def test_a_reply_that_meets_its_limit_is_unfinished(checkpoint: Checkpoint) -> None:
    reply = opened(checkpoint("llama"), max_new_tokens=2).reply([ChatRequest("dog")])[0]
    assert (reply.finished, reply.tokens_out) == (False, 2)


def test_the_opening_token_comes_once(checkpoint: Checkpoint) -> None:
    # "<s> user : dog assistant :" are six tokens
    assert opened(checkpoint("llama")).reply([ChatRequest("dog")])[0].tokens_in == 6


def test_no_requests_no_replies(checkpoint: Checkpoint) -> None:
    assert opened(checkpoint("llama")).reply([]) == []


def test_an_image_for_a_text_model_is_refused(checkpoint: Checkpoint, images: list[Image.Image]) -> None:
    with pytest.raises(ModelError, match="text-only"):
        opened(checkpoint("llama")).reply([ChatRequest("dog", images[0])])


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(ModelError, match=r"no checkpoint folder './nowhere'"):
        opened("./nowhere")


def test_identity_follows_the_files_of_a_local_checkpoint(
    checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import shutil

    copy = tmp_path_factory.mktemp("copy") / "llama"
    shutil.copytree(checkpoint("llama"), copy)
    same, other = (
        TransformersChatConfig(checkpoint=folder).identity() for folder in (checkpoint("llama"), str(copy))
    )
    assert same["revision"] == other["revision"]
    (copy / "config.json").write_text("{}")
    assert TransformersChatConfig(checkpoint=str(copy)).identity()["revision"] != same["revision"]
