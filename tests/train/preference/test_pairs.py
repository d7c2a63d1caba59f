"""Pairs: read as exported, controlled in length, one image for two texts."""

from pathlib import Path

import pytest
import torch

from tests.train import tiny
from train import lora, model
from train.chat import IGNORED_LABEL
from train.collate import Collator
from train.data import ImageReader
from train.error import DataError
from train.model import TrainableLlava
from train.preference.collate import PairCollator, PairExample
from train.preference.llava import PreferenceLlava
from train.preference.pairs import PairRows, PairSet, prepare_pairs
from train.preference.recipe import DpoConfig
from train.reader import Reader
from train.recipe import TrainRecipe

SAME = ("A red square is on the left.", "A blue circle is on the left.")
LONGER = ("A red square is on the left. It is large. It is red.", "A red square.")


def config(**changes: object) -> DpoConfig:
    return DpoConfig.model_validate({"pairs": ["unread"], "epochs": 1} | changes)


@pytest.fixture
def rows(tmp_path: Path) -> PairRows:
    answers = [SAME, LONGER, ("A red square.", "A red square. "), ("A red square.", ""), SAME[::-1]]
    return PairRows(tiny.save_pairs(tmp_path / "pairs", answers))


def test_pairs_of_other_lengths_are_left_out_by_choice_and_broken_ones_as_faults(
    rows: PairRows, reader: Reader, recipe: TrainRecipe
) -> None:
    prepared = prepare_pairs([rows], reader.chat(recipe), config())
    assert [sample.row for sample in prepared.samples] == [0, 4]
    reasons = {drop.id[-1]: (drop.reason, drop.by_choice) for drop in prepared.dropped}
    assert reasons == {
        "1": ("length_ratio", True), "2": ("equal_answers", False), "3": ("empty_answer", False)
    }  # fmt: skip
    wide = prepare_pairs([rows], reader.chat(recipe), config(length_ratio=(0.1, 10)))
    assert [sample.row for sample in wide.samples] == [0, 1, 4]


def test_no_pair_left_is_an_error_that_says_what_to_do(
    tmp_path: Path, reader: Reader, recipe: TrainRecipe
) -> None:
    rows = PairRows(tiny.save_pairs(tmp_path / "pairs", [LONGER]))
    with pytest.raises(DataError, match=r"length_ratio': 1.*dpo\.length_ratio sets"):
        prepare_pairs([rows], reader.chat(recipe), config())


def test_a_dataset_without_pairs_is_refused_with_the_export_command(dataset: Path) -> None:
    with pytest.raises(DataError, match=r"lacks the columns .*export DATASET --format preference"):
        PairRows(dataset)


@pytest.fixture
def pairs(rows: PairRows, reader: Reader, recipe: TrainRecipe) -> list[PairExample]:
    prepared = prepare_pairs([rows], reader.chat(recipe), config(length_ratio=(0.1, 10)))
    read = ImageReader([rows], reader.processor.image_processor, 10**6, reader.image_size_px)
    made = PairSet(list(prepared.samples), read)
    return [item for item in (made[i] for i in range(3)) if isinstance(item, PairExample)]


def collator(reader: Reader) -> PairCollator:
    return PairCollator(
        Collator(reader.image_token_id, reader.image_tokens, reader.pad_token_id, packing=True)
    )


def test_both_texts_of_a_pair_share_one_image(pairs: list[PairExample], reader: Reader) -> None:
    batch = collator(reader)(pairs)
    assert batch["pixel_values"].shape[0] == 3 and len(batch["segment_lengths"]) == 6
    assert batch["record"].samples == tuple(pair.id for pair in pairs)
    assert batch["chosen_tokens"] == sum(int((pair.labels[0] != IGNORED_LABEL).sum()) for pair in pairs)


def test_log_probabilities_are_those_of_each_text_alone(
    pairs: list[PairExample], reader: Reader, recipe: TrainRecipe
) -> None:
    inputs = collator(reader)(pairs)
    alone = model.load(recipe.model)
    together = model.load(recipe.model, PreferenceLlava)
    names = ("input_ids", "labels", "segment_lengths", "position_ids", "pixel_values")
    with torch.no_grad():
        found = together(**{name: inputs[name] for name in names}).logps
        for row, pair in enumerate(pairs):
            for column, (ids, labels) in enumerate(zip(pair.ids, pair.labels, strict=True)):
                total = -_summed_loss(alone, ids, labels, pair.pixels)
                assert found[row, column].item() == pytest.approx(total, abs=1e-4)


def _summed_loss(
    llava: TrainableLlava, ids: torch.Tensor, labels: torch.Tensor, pixels: torch.Tensor
) -> float:
    output = llava(input_ids=ids[None], labels=labels[None], pixel_values=pixels[None], num_items_in_batch=1)
    return float(output.loss)


def test_loss_adds_up_over_micro_batches(
    pairs: list[PairExample], reader: Reader, recipe: TrainRecipe
) -> None:
    adapted = lora.attach(model.load(recipe.model, PreferenceLlava), recipe)
    known = [
        PairExample(pair.id, pair.index, pair.ids, pair.labels, pair.pixels, torch.tensor([-9.0, -11.0 - i]))
        for i, pair in enumerate(pairs)
    ]
    whole = collator(reader)(known)
    counts = torch.tensor([3.0, whole.pop("chosen_tokens")])
    parts = [collator(reader)([pair]) for pair in known]
    losses = []
    for batch in (whole, *parts):
        inputs = {name: value for name, value in batch.items() if name not in {"record", "chosen_tokens"}}
        losses.append(adapted(**inputs, num_items_in_batch=counts).loss.item())
    assert losses[0] == pytest.approx(sum(losses[1:]), abs=1e-5)
    alone = {name: value for name, value in whole.items() if name != "record"}
    assert adapted(**alone).loss.item() == pytest.approx(losses[0], abs=1e-6)  # counts its own batch
