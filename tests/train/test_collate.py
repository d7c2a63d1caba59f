"""Batches of examples: shapes, positions, and the checks a forward pass does not make."""

import pytest
import torch

from train.chat import IGNORED_LABEL
from train.collate import Collator, Dropped, Example
from train.error import DataError

IMAGE = 2


def example(name: str, images: int, text: int, has_image: bool = True) -> Example:
    ids = torch.tensor([IMAGE] * images + list(range(10, 10 + text)))
    pixels = torch.zeros(3, 4, 4) if has_image else None
    return Example(name, ids, ids.masked_fill(ids == IMAGE, IGNORED_LABEL), pixels)


def test_a_packed_row_restarts_its_positions_and_has_no_mask() -> None:
    batch = Collator(IMAGE, 4, 0, packing=True)([example("a", 4, 3), example("b", 4, 1)])
    assert batch["input_ids"].shape == (1, 12)
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4]]
    assert batch["segment_lengths"] == [7, 5]
    assert "attention_mask" not in batch and batch["pixel_values"].shape == (2, 3, 4, 4)


def test_padded_rows_are_padded_at_the_right_and_not_supervised_there() -> None:
    batch = Collator(IMAGE, 4, 99, packing=False)([example("a", 4, 3), example("b", 4, 1)])
    assert batch["input_ids"][1].tolist() == [2, 2, 2, 2, 10, 99, 99]
    assert batch["labels"][1].tolist() == [-100] * 4 + [10] + [-100] * 2
    assert "attention_mask" not in batch


@pytest.mark.parametrize("packing", [True, False])
def test_image_tokens_are_counted_per_sample_not_per_batch(packing: bool) -> None:
    two_and_none = [example("a", 8, 3), example("b", 0, 3)]  # the totals agree, the samples do not
    with pytest.raises(DataError, match="sample a: 8 image tokens for an image that takes 4"):
        Collator(IMAGE, 4, 0, packing)(two_and_none)


def test_text_only_samples_bring_no_image() -> None:
    batch = Collator(IMAGE, 4, 0, packing=True)([example("a", 0, 3, has_image=False)])
    assert "pixel_values" not in batch and "image_features" not in batch


def test_a_dropped_sample_leaves_the_batch_and_is_named() -> None:
    batch = Collator(IMAGE, 4, 0, packing=True)([example("a", 4, 3), Dropped("b", "image_unreadable")])
    assert batch["record"].samples == ("a",) and batch["record"].tokens == 7
    assert batch["record"].dropped == (Dropped("b", "image_unreadable"),)


def test_a_batch_of_dropped_samples_alone_is_an_error_with_their_ids() -> None:
    with pytest.raises(DataError, match="b, c"):
        Collator(IMAGE, 4, 0, packing=True)([Dropped("b", "x"), Dropped("c", "x")])
