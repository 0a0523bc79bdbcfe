"""Linear models in NumPy and double precision: a row of weights w [classes, inputs] per class. The last input of every
example is 1, so that the last weight is the bias; the largest of x wᵀ is the answer."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, softmax

from core.ml.random import stream


def with_one(x: np.ndarray) -> np.ndarray:
    return np.c_[x, np.ones(len(x))].astype(float)


def first_rows(classes: int, inputs: int, seed: int) -> np.ndarray:
    """Small random weights [classes, inputs]."""
    return 0.1 * stream("linear weights", seed).standard_normal((classes, inputs))


def right(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """The share of right answers."""
    return float(((x @ w.T).argmax(1) == y).mean())


class Loss:
    """What a linear model makes small on examples x [n, inputs] of classes y [n]: the cross-entropy of the softmax of
    its outputs (`logistic`, nats), or half the squared distance to targets of 0 and 1; mean over examples, with
    ½ Σ ridge · w² on top, ridge [inputs]."""

    def __init__(self, x: np.ndarray, y: np.ndarray, classes: int, ridge: np.ndarray, logistic: bool):
        self.x, self.targets, self.ridge, self.logistic = x, np.eye(classes)[y], ridge, logistic

    def errors(self, z: np.ndarray) -> np.ndarray:
        """Of outputs z [n, classes]: [n]."""
        if self.logistic:
            return logsumexp(z, 1) - (z * self.targets).sum(1)
        return 0.5 * ((z - self.targets) ** 2).sum(1)

    def back(self, z: np.ndarray) -> np.ndarray:
        """The slope of every example's error in its outputs, [n, classes]."""
        return (softmax(z, 1) if self.logistic else z) - self.targets

    def __call__(self, w: np.ndarray) -> float:
        return float(self.errors(self.x @ w.T).mean() + 0.5 * (self.ridge * w**2).sum())

    def slope(self, w: np.ndarray) -> np.ndarray:
        """The gradient at w, [classes, inputs]."""
        return self.back(self.x @ w.T).T @ self.x / len(self.x) + self.ridge * w

    def curvature(self, w: np.ndarray) -> np.ndarray:
        """The Hessian at w, [classes · inputs]²: for classes a and b the mean of h x xᵀ, where h is δ_ab, and of
        cross-entropy p_a (δ_ab − p_b)."""
        p = softmax(self.x @ w.T, 1)
        parts = []
        for a, own in enumerate(np.eye(len(w))):
            h = p[:, [a]] * (own - p) if self.logistic else np.tile(own, (len(p), 1))
            parts.append(np.einsum("nb,ni,nj->ibj", h, self.x, self.x, optimize=True) / len(p))
        return np.stack(parts).reshape(w.size, w.size) + np.diag(np.tile(self.ridge, len(w)))

    def newton(self, w: np.ndarray) -> np.ndarray:
        """The weights after one step of Newton's method, halved until the loss does not rise. Of squared error it ends
        at the lowest place: the closed form (Legendre, 1805; Hoerl and Kennard, 1970)."""
        flat = 1e-9 * self.logistic * np.eye(w.size)  # equal biases for all classes change no softmax
        step = np.linalg.solve(self.curvature(w) + flat, self.slope(w).ravel()).reshape(w.shape)
        now = self(w)
        return next((w - step / 2**k for k in range(20) if self(w - step / 2**k) <= now), w)
