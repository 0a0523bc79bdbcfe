"""Linear regression under ½ mean (y − w x)² + λ (ρ Σ |w| + (1 − ρ)/2 Σ w²): ridge in closed form (Hoerl and Kennard,
1970), lasso (Tibshirani, 1996) and elastic net (Zou and Hastie, 2005) by proximal steps, and the lasso's loss by plain
gradient steps; ridge beside early stopping; a penalty chosen on one split or on k folds."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.regularization.params import Params, columns
from core.concepts.regularization.table.params import METHODS, PENALTIES, SHARES, WAYS, Result
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule

BATCH = 20  # rows of a step of SGD
RATE, ADAM = 0.01, 0.005  # of SGD and of Adam
BETA = 0.9, 0.999  # of Adam


def train(params: Params, device: str = "cpu", chunk: int = 100) -> Generator[Result, None, dict]:
    """Results every `chunk` steps; in the end the coefficients [methods, seeds, penalties, columns]."""
    seeds, count = params.seeds, columns(params)
    sets = [load(params, params.data_seed + s) for s in range(seeds)]
    x, y = (np.stack([one[k][0] for one in sets]) for k in (0, 1))  # [seed, row, column], [seed, row]
    gram, pull = x.swapaxes(1, 2) @ x / x.shape[1], (x.swapaxes(1, 2) @ y[..., None])[..., 0] / x.shape[1]
    top = np.linalg.eigvalsh(gram)[:, -1:, None]  # the largest curvature of every seed
    penalty = np.array(PENALTIES)
    l1 = penalty[:, None]
    w = np.zeros((len(METHODS), seeds, len(penalty), count))
    ridge, lasso, elastic, plain, noisy, adam = range(len(METHODS))
    w[ridge] = np.linalg.solve(gram[:, None] + l1[..., None] * np.eye(count), pull[:, None, :, None])[..., 0]
    ahead = Ahead(w[[lasso, elastic]])
    m, v = np.zeros_like(w[adam]), np.zeros_like(w[adam])
    rng = [stream("rows of a step", params.data_seed + s) for s in range(seeds)]

    sizes = {"method": len(METHODS), "seed": seeds, "column": count, "end": 1, "filter": 2, "direction": 2}
    record = Recording(Result, params, params.table_steps, sizes | {"way": len(WAYS)}, penalty=penalty)
    for moment in schedule(params.table_steps, chunk):
        for step in moment.steps:
            slope = ahead.place @ gram - pull[:, None]
            share = np.array([1.0, params.ratio])[:, None, None, None]
            shrunk = soft(ahead.place - slope / top, share * l1 / top) / (1 + (1 - share) * l1 / top)
            ahead.move(shrunk)
            w[plain] -= (w[plain] @ gram - pull[:, None] + l1 * np.sign(w[plain])) / top
            rows = np.stack([own.integers(0, x.shape[1], BATCH) for own in rng])
            some, target = np.take_along_axis(x, rows[..., None], 1), np.take_along_axis(y, rows, 1)
            error = w[noisy] @ some.swapaxes(1, 2) - target[:, None]
            w[noisy] -= RATE * (error @ some / BATCH + l1 * np.sign(w[noisy]))
            g = w[adam] @ gram - pull[:, None] + l1 * np.sign(w[adam])
            m, v = BETA[0] * m + (1 - BETA[0]) * g, BETA[1] * v + (1 - BETA[1]) * g**2
            unbiased = np.sqrt(v / (1 - BETA[1] ** (step + 1))) + 1e-8
            w[adam] -= ADAM * m / (1 - BETA[0] ** (step + 1)) / unbiased
        w[[lasso, elastic]] = ahead.now
        if moment.last:
            found = [ended(params, one, w[:, s]) for s, one in enumerate(sets)]
            ends = {name: np.stack([one[name] for one in found], 1) for name in found[0]}
            record.append("end", coefficient=w, **ends)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": w}


def load(params: Params, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Rows to fit, to choose by, and fresh ones: inputs, with columns of pure noise behind, and the target."""
    data = table(params.own)[0] if params.own else diabetes()
    rng = stream("rows of a table", seed)
    data = data[rng.permutation(len(data))]
    data = np.c_[data[:, :-1], rng.standard_normal((len(data), params.noise_columns)), data[:, -1]]
    first, second = (round(len(data) * share) for share in np.cumsum(SHARES)[:2])
    deviation = data[:first].std(0)
    data = (data - data[:first].mean(0)) / np.where(deviation > 0, deviation, 1)
    parts = np.split(data, [first, second])
    return [part[:, :-1] for part in parts], [part[:, -1] for part in parts]


def diabetes() -> np.ndarray:
    """442 patients of Efron et al. (2004): ten measurements, and how far the disease went a year later."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    return np.c_[bunch.data, bunch.target]


def soft(w: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The proximal step of the absolute value: towards zero by so much, and no farther than zero."""
    return np.sign(w) * np.maximum(np.abs(w) - by, 0)


class Ahead:
    """Proximal steps from a place ahead of the newest one (Beck and Teboulle, 2009), which fall back to it where they
    would turn (O'Donoghue and Candès, 2015)."""

    def __init__(self, start: np.ndarray):
        self.now, self.place, self.time = start, start, np.ones((*start.shape[:-1], 1))

    def move(self, shrunk: np.ndarray) -> None:
        way = shrunk - self.now
        turns = ((self.place - shrunk) * way).sum(-1, keepdims=True) > 0
        later = np.where(turns, 1, (1 + np.sqrt(1 + 4 * self.time**2)) / 2)
        self.place = shrunk + np.where(turns, 0, (self.time - 1) / later) * way
        self.now, self.time = shrunk, later


def ended(params: Params, sets: tuple[list[np.ndarray], list[np.ndarray]], w: np.ndarray) -> dict[str, np.ndarray]:
    """What one seed's models [method, penalty, column] are worth, and what needs no steps."""
    (x, others, fresh), (y, targets, truth) = sets
    choice = {"validation": chosen_on(x, y, others, targets)}
    both, all_y = np.concatenate([x, others]), np.concatenate([y, targets])
    parts = np.array_split(np.arange(len(both)), params.folds)
    rests = [np.setdiff1d(np.arange(len(both)), part) for part in parts]
    left_out = [chosen_on(both[r], all_y[r], both[p], all_y[p]) * len(p) for r, p in zip(rests, parts)]
    choice["folds"] = np.sum(left_out, 0)
    choice["fresh"] = error = chosen_on(both, all_y, fresh, truth)  # all are fitted again to all that was seen
    best = np.array([choice[way].argmin() for way in WAYS])

    value, vector = np.linalg.eigh(x.T @ x / len(x))
    value, along = value[::-1].clip(0), vector.T[::-1] @ x.T @ y / len(x)
    kept = np.stack(filters(value))  # [filter, penalty, direction]
    models = kept * along / np.maximum(value, 1e-12) @ vector.T[::-1]
    return {
        "error": squares(w, fresh, truth),
        "kept": kept[:, :, [0, -1]],
        "stopped": squares(models, fresh, truth),
        "chosen": np.array(PENALTIES)[best],
        "reached": error[best],
    }


def squares(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The mean squared error of models w […, column]."""
    return ((w @ x.T - y) ** 2).mean(-1)


def chosen_on(x: np.ndarray, y: np.ndarray, others: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The errors [penalty] on other rows of ridge regression on x, y."""
    value, vector = np.linalg.eigh(x.T @ x / len(x))
    along = vector.T @ x.T @ y / len(x)
    return squares(along / (value.clip(0) + np.array(PENALTIES)[:, None]) @ vector.T, others, targets)


def filters(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shares of least squares that are kept in directions of such curvature, [penalty, direction]: by ridge, and by
    1/(ηλ) steps of gradient descent from zero at the rate η = 1 over the largest one (Bishop, 1995)."""
    penalty = np.array(PENALTIES)[:, None]
    steps = np.maximum((value.max() / penalty).round(), 1)
    return value / (value + penalty), 1 - (1 - value / value.max()) ** steps
