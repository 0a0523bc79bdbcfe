"""Adam in NumPy, for weights of any shape."""

from __future__ import annotations

import numpy as np

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # as torch.optim has them


class Adam:
    """m ← β₁ m + (1−β₁) g and v ← β₂ v + (1−β₂) g²; a step goes against m̂ / (√v̂ + ε), m̂ = m/(1−β₁ᵗ) and
    v̂ = v/(1−β₂ᵗ), times the rate (Kingma and Ba, 2015)."""

    def __init__(self, w: np.ndarray):
        self.m, self.v, self.t = np.zeros_like(w), np.zeros_like(w), 0

    def way(self, g: np.ndarray) -> np.ndarray:
        """What the rate is multiplied by, after one more gradient."""
        self.t += 1
        self.m = BETA1 * self.m + (1 - BETA1) * g
        self.v = BETA2 * self.v + (1 - BETA2) * g**2
        return (self.m / (1 - BETA1**self.t)) / (np.sqrt(self.v / (1 - BETA2**self.t)) + EPS)
