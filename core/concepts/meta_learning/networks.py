"""Starts that are learned: how one adapts to a task, and what a step of meta-training changes in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Loss = Callable[[Tensor], Tensor]  # of weights [members, D] the loss of each on its task, [members]
STRIDE = 3  # steps of gradient descent on a task between two updates of Reptile


class Lot(NamedTuple):
    """Tasks of all members, as losses on what is adapted to, on what is judged, and on both together."""

    support: Loss
    query: Loss
    both: Loss


def adapted(
    weights: Tensor, loss: Loss, rate: float, steps: int, first: bool = False, part: slice | None = None
) -> Tensor:
    """Weights [members, D] after so many steps of gradient descent, w ← w − α ∇L(w), as a function of where they began.

    first: gradients count as constants, so that no second derivatives flow back. part: of the weights, that alone move.
    """
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(loss(weights).sum(), weights, create_graph=not first)
        if part is not None:
            held = torch.zeros_like(gradient)
            held[:, part] = gradient[:, part]
            gradient = held
        weights = weights - rate * gradient
    return weights


def moved_on(weights: Tensor, loss: Loss, rate: float, steps: int, part: slice | None = None) -> Tensor:
    """The same weights as numbers, for who asks no gradient of them."""
    for _ in range(steps):
        weights = adapted(weights.detach().requires_grad_(), loss, rate, 1, True, part)
    return weights.detach()


def meta_gradient(kind: str, start: Tensor, tasks: int, lot: Lot, rate: float, inner: int) -> Tensor:
    """What an optimizer of the starts [members, D] is given, [members, D], from so many tasks of each.

    maml: ∇ of the mean loss after `inner` steps, through these steps (Finn, Abbeel and Levine, 2017).
    fomaml: the same without second derivatives. joint: ∇ of the mean loss of the start itself, on all that a task has.
    reptile: (w − mean of adapted w) / (α steps), on all that a task has (Nichol, Achiam and Schulman, 2018).
    """
    leaf = start.detach().requires_grad_()
    each = leaf.repeat_interleave(tasks, 0)
    if kind == "reptile":
        after = moved_on(each, lot.both, rate, STRIDE)
        return (start - after.view(len(start), tasks, -1).mean(1)) / (rate * STRIDE)
    if kind == "joint":
        loss = lot.both(each)
    else:
        loss = lot.query(adapted(each, lot.support, rate, inner, first=kind == "fomaml"))
    return torch.autograd.grad(loss.sum() / tasks, leaf)[0]
