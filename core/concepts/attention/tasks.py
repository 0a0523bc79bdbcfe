"""Sequences in, sequences out, and what is left of them for a model that cannot see their order. No torch."""

from __future__ import annotations

import numpy as np


def solved_by_hand(task: str, prompts: np.ndarray) -> np.ndarray:
    """The right answers [..., length] to prompts of symbols [..., length]."""
    if task == "sort":
        return np.sort(prompts, -1)
    return prompts[..., ::-1] if task == "reverse" else np.roll(prompts, -1, -1) if task == "shift" else prompts


def blind_shares(task: str, prompts: np.ndarray, symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """The most that can be expected of anyone who knows which symbols a prompt [n, length] has, but not their order:
    share of symbols right, share of whole answers right, [n] each.

    Of sorting it is all. Else every order is as likely, so that at any place the best guess is the symbol that comes
    most often, and of whole answers one of all different orders, n! / ∏ count!.
    """
    if task == "sort":
        return np.ones(len(prompts)), np.ones(len(prompts))
    count = (prompts[:, :, None] == np.arange(symbols)).sum(1)
    orders = np.log(np.arange(1, prompts.shape[1] + 1)).sum()
    factorials = np.r_[0, np.log(np.arange(1, prompts.shape[1] + 1)).cumsum()]
    return count.max(1) / prompts.shape[1], np.exp(factorials[count].sum(1) - orders)
