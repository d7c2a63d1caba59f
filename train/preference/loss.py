"""The loss of preference training, over log-probabilities of whole answers.

With r(y) = log p(y|x) - log p_ref(y|x), the loss of a pair is -log sigmoid(beta (r(chosen) - r(rejected)))
(Rafailov et al. 2023, arXiv:2305.18290, equation 7; TRL's loss types `sigmoid` and, with mean log-probabilities per
token, `sigmoid_norm`). The anchor adds the mean cross-entropy of the chosen tokens (Pang et al. 2024,
arXiv:2404.19733; TRL's `sft`): without it the chosen answer may become unlikely too, if only the rejected one does
so faster.
"""

import torch
from torch.nn.functional import logsigmoid


def rewards(
    logps: torch.Tensor, reference: torch.Tensor, tokens: torch.Tensor, beta: float, per_token: bool
) -> torch.Tensor:
    """Return beta r(y), (pairs, 2), from summed log-probabilities and numbers of tokens of the same shape."""
    ratios = logps - reference
    return beta * (ratios / tokens.clamp(min=1) if per_token else ratios)


def preference_losses(rewarded: torch.Tensor) -> torch.Tensor:
    """Return the loss of each pair, (pairs,), from rewards of chosen and rejected, (pairs, 2)."""
    return -logsigmoid(rewarded[:, 0] - rewarded[:, 1])
