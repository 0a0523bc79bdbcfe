"""The arithmetic of linear models, in NumPy and double precision, and the data they are tried on.

Examples are rows x [n, inputs] whose last input is 1, so that a row of weights [classes, inputs] ends in its bias.
"""

from __future__ import annotations

import numpy as np

from core.concepts.linear_models.params import TESTED, Params, drawn
from core.ml.data import Data, digits, split, standardised
from core.ml.own import table
from core.ml.random import stream

TILT = 0.5  # the clump moves away below the axis, by this angle


def clouds(n: int, clump: int, distance: float, spread: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """n points of two normal classes around (−1, 0) and (1, 0), and a clump of class 1 far away on its right side."""
    y = np.r_[np.arange(n) % 2, np.ones(clump, int)]
    x = rng.standard_normal((n, 2)) * (spread, 1) + np.c_[2.0 * y[:n] - 1, np.zeros(n)]
    centre = 1 + distance * np.cos(TILT), -distance * np.sin(TILT)
    return np.r_[x, centre + 0.3 * rng.standard_normal((clump, 2))], y


def load(params: Params, seed: int, distance: float | None = None) -> Data:
    """Three splits; tables are standardised, points of the plane are not."""
    if drawn(params):
        far = params.distance if distance is None else distance
        parts = []
        for name, times in (("train", 1), ("validation", 1), ("test", TESTED)):
            rng = stream(f"linear {name}", seed)
            x, y = clouds(times * params.points, times * params.clump, far, params.spread, rng)
            parts.append((x + params.offset, y))
        return Data(tuple(x for x, _ in parts), tuple(y for _, y in parts), 2)
    x, y = table(params.own) if params.own else named(params.data)
    return standardised(split(x, y, seed))


def named(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Tables of scikit-learn; of diabetes, whether the disease got worse than the median patient's."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

    if data == "digits":
        return digits()
    bunch = {"iris": load_iris, "breast_cancer": load_breast_cancer, "diabetes": load_diabetes}[data]()
    y = bunch.target > np.median(bunch.target) if data == "diabetes" else bunch.target
    return bunch.data, y.astype(np.int64)


def with_one(x: np.ndarray) -> np.ndarray:
    return np.c_[x, np.ones(len(x))].astype(float)


def one_hot(y: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes)[y]


def first_rows(classes: int, inputs: int, seed: int) -> np.ndarray:
    """Small random weights [classes, inputs]."""
    return 0.1 * stream("linear weights", seed).standard_normal((classes, inputs))


def softmax_of(z: np.ndarray) -> np.ndarray:
    """Along the last axis; the largest output is taken off first, which changes nothing but prevents overflow."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(z: np.ndarray, targets: np.ndarray) -> float:
    """Of the softmax of outputs [n, classes], mean over examples, in nats."""
    top = z.max(1, keepdims=True)
    return float((np.log(np.exp(z - top).sum(1)) + top[:, 0] - (z * targets).sum(1)).mean())


def squared_error(z: np.ndarray, targets: np.ndarray) -> float:
    """½ |z − t|², mean over examples."""
    return float(0.5 * ((z - targets) ** 2).sum(1).mean())


def right(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    return float(((x @ w.T).argmax(1) == y).mean())


def least_squares(x: np.ndarray, targets: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """The weights of least squared error + ½ Σ ridge · w², in closed form (Legendre, 1805; Hoerl and Kennard, 1970)."""
    n = len(x) ** 0.5
    rows, aims = np.r_[x / n, np.diag(ridge**0.5)], np.r_[targets / n, np.zeros((len(ridge), targets.shape[1]))]
    return np.linalg.lstsq(rows, aims, rcond=None)[0].T


def penalised(w: np.ndarray, x: np.ndarray, targets: np.ndarray, ridge: np.ndarray) -> float:
    return cross_entropy(x @ w.T, targets) + 0.5 * float((ridge * w**2).sum())


def curvature(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The Hessian of the cross-entropy, [classes · inputs]²: for classes a and b, Σ p_a (δ_ab − p_b) x xᵀ / n."""
    (n, inputs), classes = x.shape, len(w)
    p = softmax_of(x @ w.T)
    found = np.empty((classes, inputs, classes, inputs))
    for a in range(classes):
        for b in range(a + 1):
            found[a, :, b] = found[b, :, a] = (x * (p[:, a] * ((a == b) - p[:, b]) / n)[:, None]).T @ x
    return found.reshape(2 * (classes * inputs,))


def newton(w: np.ndarray, x: np.ndarray, targets: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """One step of Newton's method on the penalised cross-entropy, halved until the loss does not rise."""
    gradient = (softmax_of(x @ w.T) - targets).T @ x / len(x) + ridge * w
    whole = curvature(w, x) + np.diag(np.tile(ridge, len(w)) + 1e-9)  # equal biases for all classes change nothing
    step = np.linalg.solve(whole, gradient.ravel()).reshape(w.shape)
    now = penalised(w, x, targets, ridge)
    for _ in range(20):
        if penalised(w - step, x, targets, ridge) <= now:
            return w - step
        step = step / 2
    return w


def fewest_mistakes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A line with the fewest mistakes there can be, as weights [2, 3]. Some best line goes through two of the points;
    each of these can then be put on either side, so four lines close by are tried for every pair."""
    i, j = np.triu_indices(len(x), 1)
    normal = np.c_[x[i, 1] - x[j, 1], x[j, 0] - x[i, 0]]
    lines = np.c_[normal, -(normal * x[i, :2]).sum(1)]
    along = 1e-6 * np.c_[x[j, :2] - x[i, :2], np.zeros(len(i))]
    along[:, 2] = -(along[:, :2] * (x[i, :2] + x[j, :2])).sum(1) / 2
    shift = 1e-6 * np.c_[np.zeros((len(i), 2)), (normal**2).sum(1)]
    tried = np.concatenate([lines + along, lines - along, lines + shift, lines - shift])
    wrong = ((x @ tried.T > 0) != (y == 1)[:, None]).sum(0)
    best = int(np.minimum(wrong, len(x) - wrong).argmin())
    line = tried[best] if 2 * wrong[best] <= len(x) else -tried[best]
    return np.stack([np.zeros(3), line / np.linalg.norm(line[:2]).clip(1e-300)])


def mistakes_slope(w: np.ndarray, x: np.ndarray, y: np.ndarray, by: float = 1e-6) -> np.ndarray:
    """The slope of the share of mistakes in every weight, by central differences."""
    slope = np.zeros_like(w)
    for place in np.ndindex(w.shape):
        nudge = np.zeros_like(w)
        nudge[place] = by
        slope[place] = (right(w - nudge, x, y) - right(w + nudge, x, y)) / (2 * by)
    return slope
