"""The preference loss: TRL's formula, and its laws."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from train.preference.loss import preference_losses, rewards

BETA = 0.3


def example() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    logps, reference = -20 * torch.rand(5, 2), -20 * torch.rand(5, 2)
    return logps, reference, torch.randint(3, 12, (5, 2))


@pytest.mark.parametrize("per_token", [False, True])
def test_the_loss_is_that_of_the_paper(per_token: bool) -> None:
    logps, reference, tokens = example()
    found = preference_losses(rewards(logps, reference, tokens, BETA, per_token))
    for row in range(5):
        (chosen, rejected), (chosen_0, rejected_0) = logps[row].tolist(), reference[row].tolist()
        first, second = (tokens[row].tolist()) if per_token else (1, 1)
        margin = BETA * ((chosen - chosen_0) / first - (rejected - rejected_0) / second)
        assert found[row].item() == pytest.approx(math.log(1 + math.exp(-margin)), abs=1e-6)


@pytest.mark.parametrize("per_token", [False, True])
def test_loss_and_anchor_are_those_of_trl(per_token: bool) -> None:
    trainer = pytest.importorskip("trl.trainer.dpo_trainer").DPOTrainer
    torch.manual_seed(0)
    lengths, width = torch.tensor([[4, 6], [7, 3], [5, 5]]), 9
    per_token_logps, reference_logps = -3 * torch.rand(6, width), -3 * torch.rand(6, width)
    mask = torch.arange(width)[None] < lengths.T.reshape(-1, 1)  # chosen rows, then rejected ones
    logps, known = per_token_logps * mask, reference_logps * mask
    fake = SimpleNamespace(
        model=SimpleNamespace(training=True), accelerator=_Accelerator(), aux_loss_enabled=False, ld_alpha=None,
        precompute_ref_logps=True, f_divergence_type="reverse_kl", beta=BETA, use_weighting=False,
        loss_types=["sigmoid_norm" if per_token else "sigmoid", "sft"], loss_weights=[1.0, 0.7], label_smoothing=0.0,
        _metrics={"train": _Metrics()}, _total_train_tokens=0, _tp_size=1,
    )  # fmt: skip
    row = torch.zeros(6, 1)
    inputs = {
        "input_ids": torch.zeros(6, width + 1, dtype=torch.long), "attention_mask": torch.ones(6, width + 1),
        "completion_mask": torch.cat([row, mask.float()], dim=1),
        "ref_chosen_logps": known.sum(1)[:3], "ref_rejected_logps": known.sum(1)[3:],
    }  # fmt: skip
    expected = trainer._compute_loss(fake, lambda **_: _Output(logps), inputs, False)
    pairs = logps.sum(1).view(2, 3).T
    found = preference_losses(rewards(pairs, known.sum(1).view(2, 3).T, lengths, BETA, per_token)).mean()
    anchor = -pairs[:, 0].sum() / lengths[:, 0].sum()
    assert (found + 0.7 * anchor).item() == pytest.approx(float(expected), abs=1e-5)


class _Accelerator:
    device = torch.device("cpu")

    def gather_for_metrics(self, value: torch.Tensor) -> torch.Tensor:
        return value

    gather = gather_for_metrics


class _Metrics(dict[str, list[float]]):
    def __missing__(self, key: str) -> list[float]:
        return self.setdefault(key, [])


class _Output(SimpleNamespace):
    def __init__(self, logps: torch.Tensor) -> None:
        super().__init__(log_probs=logps)

    def __getattr__(self, name: str) -> Any:
        return torch.zeros(6, 9, dtype=torch.bool if name == "is_top1" else torch.float32)


def test_a_model_equal_to_its_reference_has_the_loss_of_a_coin() -> None:
    logps, _, tokens = example()
    losses = preference_losses(rewards(logps, logps, tokens, BETA, per_token=False))
    assert losses.tolist() == pytest.approx([math.log(2)] * 5)


def test_a_larger_margin_has_a_smaller_loss_and_swapping_mirrors_the_margin() -> None:
    rewarded = torch.tensor([[2.0, 1.0], [3.0, 1.0]])
    small, large = preference_losses(rewarded).tolist()
    assert large < small
    swapped = preference_losses(rewarded.flip(1))
    margins = rewarded[:, 0] - rewarded[:, 1]
    assert torch.allclose(swapped - preference_losses(rewarded), margins)
