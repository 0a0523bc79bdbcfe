"""Connectionist temporal classification (Graves et al., 2006): all paths that say a text, summed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Paths(NamedTuple):
    """log p of a text over all its paths [b], −∞ where there is none; and the share of these in which a frame has a
    symbol, the posterior [b, time, symbol]: the gradient of log p by the scores."""

    log_p: Tensor
    posterior: Tensor


def summed(scores: Tensor, texts: Tensor) -> Paths:
    """Scores [b, time, symbol], log probabilities or not; texts [b, k], padded on the right with the blank, which is
    the last symbol. Forward and backward over states blank, first symbol, blank, second symbol … blank."""
    b, time, symbols = scores.shape
    blank, last = symbols - 1, 2 * (texts < symbols - 1).sum(1, keepdim=True)
    states = texts.new_full((b, 2 * texts.shape[1] + 1), blank)
    states[:, 1::2] = texts
    place = torch.arange(states.shape[1], device=texts.device)
    skips = torch.zeros_like(states, dtype=torch.bool)  # whether a state may follow the one before the last
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    shown = scores.gather(2, states.unsqueeze(1).expand(-1, time, -1))
    none = scores.new_tensor(-torch.inf)

    def stepped(before: Tensor, way: int) -> Tensor:
        """What arrives from the same state and from one and two before it, or behind it."""
        one, two = before.roll(way, 1), before.roll(2 * way, 1)
        edge = place if way > 0 else len(place) - 1 - place
        one = one.where(edge > 0, none)
        two = two.where(skips if way > 0 else skips.roll(-2, 1) & (edge > 1), none)
        return torch.logaddexp(torch.logaddexp(before, one), two)

    ends = (place == last) | (place == last - 1)
    alpha, beta = [shown[:, 0].where(place < 2, none)], [torch.where(ends, scores.new_zeros(()), none)]
    for t in range(1, time):
        alpha.append(shown[:, t] + stepped(alpha[-1], 1))
        beta.append(stepped(beta[-1] + shown[:, time - t], -1))
    through = torch.stack(alpha, 1) + torch.stack(beta[::-1], 1)
    log_p = through[:, -1].logsumexp(1)
    share = (through - log_p.view(-1, 1, 1)).exp()
    posterior = torch.zeros_like(scores).scatter_add_(2, states.unsqueeze(1).expand(-1, time, -1), share)
    return Paths(log_p, posterior)
