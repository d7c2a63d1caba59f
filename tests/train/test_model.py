"""The model as trained: same loss as the library's, packed as separate, a frozen tower."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlavaForConditionalGeneration

from train import lora, model
from train.chat import Turn
from train.collate import Collator, Example
from train.reader import Reader
from train.recipe import TrainRecipe

TEXTS = [
    "A red square is on the left.",
    "It is large. " * 3,
    "A blue square.",
    "A yellow square is on the left. " * 2,
]
KEYS = {"input_ids", "labels", "position_ids", "segment_lengths", "pixel_values"}


@pytest.fixture
def llava_model(recipe: TrainRecipe) -> model.TrainableLlava:
    return model.load(recipe.model)


@pytest.fixture
def examples(reader: Reader, recipe: TrainRecipe) -> list[Example]:
    chat, made = reader.chat(recipe), []
    torch.manual_seed(1)
    for number, text in enumerate(TEXTS):
        encoded = chat.encode([Turn("What?", text)], has_image=True)
        ids, labels = torch.tensor(encoded.ids), torch.tensor(encoded.labels)
        made.append(Example(str(number), ids, labels, torch.randn(3, 28, 28)))
    return made


def batch_of(reader: Reader, examples: list[Example], packing: bool) -> dict[str, Any]:
    collator = Collator(reader.image_token_id, reader.image_tokens, reader.pad_token_id, packing)
    return {name: value for name, value in collator(examples).items() if name in KEYS}


def loss_and_gradients(
    adapted: Any, batches: list[dict[str, Any]], count: int
) -> tuple[float, dict[str, torch.Tensor]]:
    adapted.zero_grad()
    losses = [adapted(**batch, num_items_in_batch=count).loss for batch in batches]
    torch.stack(losses).sum().backward()
    gradients = {
        name: weight.grad.clone() for name, weight in adapted.named_parameters() if weight.grad is not None
    }
    return sum(loss.item() for loss in losses), gradients


def test_packed_padded_and_separate_rows_give_the_same_loss_and_gradients(
    llava_model: model.TrainableLlava, examples: list[Example], reader: Reader, recipe: TrainRecipe
) -> None:
    torch.manual_seed(0)
    adapted = lora.attach(llava_model, recipe)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    count = sum(int((example.labels != -100).sum()) for example in examples)
    separate = [batch_of(reader, [example], packing=True) for example in examples]
    expected, gradients = loss_and_gradients(adapted, separate, count)
    for packing in (True, False):
        loss, found = loss_and_gradients(adapted, [batch_of(reader, examples, packing)], count)
        assert loss == pytest.approx(expected, abs=1e-5)
        assert found.keys() == gradients.keys() and len(found) > 20
        for name, gradient in gradients.items():
            assert torch.allclose(found[name], gradient, atol=1e-5), name


def test_loss_is_that_of_the_library_on_one_sample(
    llava: Path, llava_model: model.TrainableLlava, examples: list[Example], reader: Reader
) -> None:
    reference = LlavaForConditionalGeneration.from_pretrained(llava, dtype=torch.float32)
    batch = batch_of(reader, examples[:1], packing=False)
    assert llava_model(**batch).loss.item() == pytest.approx(reference(**batch).loss.item(), abs=1e-5)


def test_the_library_itself_agrees_on_a_packed_row_by_positions_alone(
    llava: Path, llava_model: model.TrainableLlava, examples: list[Example], reader: Reader
) -> None:
    reference = LlavaForConditionalGeneration.from_pretrained(llava, dtype=torch.float32)
    batch = batch_of(reader, examples, packing=True)
    ours = llava_model(**batch).loss.item()
    del batch["segment_lengths"]
    assert ours == pytest.approx(reference(**batch, use_cache=False).loss.item(), abs=1e-5)


def test_a_mask_would_mix_samples_in_the_library_and_is_refused_here(
    llava: Path, llava_model: model.TrainableLlava, examples: list[Example], reader: Reader
) -> None:
    batch = batch_of(reader, examples, packing=True)
    ours = llava_model(**batch).loss.item()
    mask = torch.ones_like(batch["input_ids"])
    for slip in ({"attention_mask": mask}, {"use_cache": True}, {"past_key_values": object()}):
        with pytest.raises(ValueError, match="attend across samples"):
            llava_model(**batch, **slip)
    reference = LlavaForConditionalGeneration.from_pretrained(llava, dtype=torch.float32)
    del batch["segment_lengths"]
    mixed = reference(**batch, attention_mask=mask, use_cache=False).loss.item()
    assert abs(mixed - ours) > 1e-4  # what the guard guards against


def test_tower_features_carry_no_graph_even_with_activation_checkpointing(
    llava_model: model.TrainableLlava, recipe: TrainRecipe, examples: list[Example], reader: Reader
) -> None:
    llava_model.model.language_model.activation_checkpointing_enable({"use_reentrant": False})
    adapted = lora.attach(llava_model, recipe)
    adapted.train()
    batch = batch_of(reader, examples, packing=True)
    assert llava_model.see(batch["pixel_values"]).grad_fn is None
    adapted(**batch).loss.backward()
    trained = {name for name, weight in adapted.named_parameters() if weight.grad is not None}
    assert trained and all("lora_" in name or "multi_modal_projector" in name for name in trained)


def test_activation_checkpointing_changes_no_gradient(
    recipe: TrainRecipe, examples: list[Example], reader: Reader
) -> None:
    results = []
    for checkpointing in (False, True):
        llava_model = model.load(recipe.model)
        if checkpointing:
            llava_model.model.language_model.activation_checkpointing_enable({"use_reentrant": False})
        torch.manual_seed(0)
        adapted = lora.attach(llava_model, recipe).train()
        results.append(loss_and_gradients(adapted, [batch_of(reader, examples, True)], 40)[1])
    assert all(torch.allclose(results[0][name], results[1][name], atol=1e-6) for name in results[0])


def test_cached_features_stand_for_their_pixels_exactly(
    llava_model: model.TrainableLlava, examples: list[Example], reader: Reader
) -> None:
    batch = batch_of(reader, examples, packing=True)
    loss = llava_model(**batch).loss
    features = llava_model.see(batch.pop("pixel_values"))
    assert torch.equal(llava_model(**batch, image_features=features).loss, loss)


def test_a_text_only_batch_reaches_every_module_with_a_gradient_of_zero(
    llava_model: model.TrainableLlava, recipe: TrainRecipe, reader: Reader
) -> None:
    encoded = reader.chat(recipe).encode([Turn("What?", "A red square.")], has_image=False)
    example = Example("t", torch.tensor(encoded.ids), torch.tensor(encoded.labels))
    adapted = lora.attach(llava_model, recipe).train()
    adapted(**batch_of(reader, [example], packing=True)).loss.backward()
    projector = [
        weight for name, weight in adapted.named_parameters() if "projector" in name and weight.requires_grad
    ]
    assert projector and all(weight.grad is not None and not weight.grad.any() for weight in projector)
