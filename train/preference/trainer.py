"""The training loop over pairs: the loop of fine-tuning with another loss, counted in pairs."""

from collections.abc import Iterator
from typing import Any

import torch

from train.gather import gather_objects
from train.loop import Finetuner


class PreferenceTrainer(Finetuner):
    """Train on pairs; reports how often and by how much the chosen answer is preferred."""

    _rewards: list[torch.Tensor]

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """Take the micro batches of a step, and count its pairs and chosen tokens over all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        pairs = sum(len(batch["record"].samples) for batch in batches)
        chosen = sum(batch["chosen_tokens"] for batch in batches)
        counts = torch.tensor([pairs, chosen], dtype=torch.float32, device=device)  # (2,)
        return batches, self.accelerator.gather(counts).view(-1, 2).sum(dim=0)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss, keeping the rewards for the log."""
        inputs = {name: value for name, value in inputs.items() if name != "chosen_tokens"}
        loss, output = super().compute_loss(model, inputs, True, num_items_in_batch)
        self._kept.append(output["rewards"])
        return (loss, output) if return_outputs else loss

    @property
    def _kept(self) -> list[torch.Tensor]:
        if not hasattr(self, "_rewards"):
            self._rewards = []
        return self._rewards

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Report the rewards since the last report beside the loss."""
        if "loss" in logs:
            seen = torch.cat(gather_objects(torch.cat(self._kept).float().cpu()))  # (pairs, 2)
            self._kept.clear()
            margins = seen[:, 0] - seen[:, 1]
            logs = logs | {
                "preferred": round(float((margins > 0).float().mean()), 4),
                "margin": round(float(margins.mean()), 5),
                "reward_chosen": round(float(seen[:, 0].mean()), 5),
                "reward_rejected": round(float(seen[:, 1].mean()), 5),
            }
        super().log(logs, start_time)
