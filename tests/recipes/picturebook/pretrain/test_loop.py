"""The training loop of the small checkpoints."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recipes.picturebook.pretrain.loop import Loop
from recipes.picturebook.pretrain.tokenizer import kept_tokenizer, train_tokenizer


def train(folder: Path, steps: int, stop: int | None = None) -> tuple[Tensor, list[float]]:
    """Train a small layer, broken off at a step if asked, and return its weights and the rates it saw."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    rates: list[float] = []

    def loss(step: int) -> Tensor:
        if step == stop:
            raise KeyboardInterrupt
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        return ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()

    loop = Loop(folder, steps, 4, 1e-2, save_every=5, bf16=False)
    try:
        loop.run(model, loss)
    except KeyboardInterrupt:
        assert stop is not None
    rates.append(
        float(torch.load(folder / "state.pt", weights_only=True)["optimizer"]["param_groups"][0]["lr"])
    )
    return model.weight.detach().clone(), rates


def test_a_run_that_was_cut_off_ends_like_one_that_was_not(tmp_path: Path) -> None:
    straight, _ = train(tmp_path / "straight", 20)
    train(tmp_path / "cut", 20, stop=10)
    resumed, _ = train(tmp_path / "cut", 20)
    assert torch.equal(straight, resumed)


def test_a_run_goes_on_with_more_steps_on_the_longer_schedule(tmp_path: Path) -> None:
    _, (ended,) = train(tmp_path / "longer", 20)
    train(tmp_path / "longer", 40, stop=31)
    _, (longer,) = train(tmp_path / "longer", 40, stop=31)
    _, (straight,) = train(tmp_path / "straight", 40, stop=31)
    assert longer == pytest.approx(straight) and longer > 10 * ended


def test_the_first_tokenizer_is_kept(tmp_path: Path) -> None:
    def learn(text: str):  # type: ignore[no-untyped-def]
        return lambda: train_tokenizer([text] * 40, 64)

    first = kept_tokenizer(tmp_path, learn("a red boat"))
    again = kept_tokenizer(tmp_path, learn("the green cake"))
    assert again.get_vocab() == first.get_vocab() and again.chat_template == first.chat_template
    assert again.decode(again("a red boat").input_ids) == "a red boat"
    assert again.eos_token == "</s>" and again.model_max_length == 64
