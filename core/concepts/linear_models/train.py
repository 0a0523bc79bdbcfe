"""Linear models: the same rows of weights, chosen to make different things small."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.data import load
from core.concepts.linear_models.params import NEWTON, Method, Params, Result, in_plane, table_shape, used
from core.ml.linear import Loss, first_rows, right, with_one
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [methods, seeds, classes, inputs]."""
    methods, seeds, (_, features, classes) = used(params), params.seeds, table_shape(params)
    sets = [load(params, params.data_seed + s) for s in range(seeds)]
    x, y = [[with_one(part) for part in data.x] for data in sets], [data.y for data in sets]
    start = np.stack([first_rows(classes, features + 1, params.weight_seed + s) for s in range(seeds)])
    w = np.tile(start, (len(methods), 1, 1, 1))
    sizes = {"method": len(methods), "seed": seeds, "step": NEWTON + 1, "split": 3}
    sizes |= {"class": classes, "input": features + 1}
    shown = len(x[0][0]) * in_plane(params)
    record = Recording(Result, params, NEWTON, sizes, x=x[0][0][:shown, :-1], y=y[0][0][:shown])

    for moment in schedule(NEWTON, chunk, step=range(NEWTON + 1)):
        for m, s in np.ndindex(len(methods), seeds if moment.step else 0):
            w[m, s] = improved(methods[m], w[m, s], x[s][0], y[s][0], moment.step)
        accuracy = [[[right(rows[s], *pair) for pair in zip(x[s], y[s])] for s in range(seeds)] for rows in w]
        record.append("step", accuracy=accuracy, path=w[:, 0])
        if moment.last:
            record.set(moved=np.abs(w - start).max((2, 3)))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": w}


def improved(method: Method, w: np.ndarray, x: np.ndarray, y: np.ndarray, step: int) -> np.ndarray:
    """The weights after one more step. The closed form and the search are done after the first."""
    if method.rule == "mistakes_gradient":  # wrong: steps against the slope of a staircase
        return w - mistakes_slope(w, x, y)
    if method.rule != "logistic" and step > 1:
        return w
    if method.rule == "fewest_mistakes":
        return fewest_mistakes(x, y)
    ridge = method.penalty * np.r_[np.ones(x.shape[1] - 1), float(method.on_bias)]
    return Loss(x, y, len(w), ridge, method.rule == "logistic").newton(w)


def fewest_mistakes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A line with the fewest mistakes there can be, as weights [2, 3]. Some best line goes through two of the points;
    each of these can then be put on either side, so four lines close by are tried for every pair."""
    i, j = np.triu_indices(len(x), 1)
    way, middle = (x[j] - x[i])[:, :2], (x[i] + x[j])[:, :2] / 2
    normal = np.c_[-way[:, 1], way[:, 0]]
    normals = np.concatenate([normal, normal, normal + 1e-6 * way, normal - 1e-6 * way])
    shift = 1e-6 * np.r_[(normal**2).sum(1), -(normal**2).sum(1), np.zeros(2 * len(i))]
    tried = np.c_[normals, shift - (normals * np.tile(middle, (4, 1))).sum(1)]
    wrong = ((x @ tried.T > 0) != (y == 1)[:, None]).sum(0)
    best = int(np.minimum(wrong, len(x) - wrong).argmin())
    line = tried[best] if 2 * wrong[best] <= len(x) else -tried[best]
    return np.stack([np.zeros(3), line / np.linalg.norm(line[:2]).clip(1e-300)])


def mistakes_slope(w: np.ndarray, x: np.ndarray, y: np.ndarray, by: float = 1e-6) -> np.ndarray:
    """The slope of the share of mistakes in every weight, by central differences."""
    nudges = by * np.eye(w.size).reshape(w.size, *w.shape)
    return np.array([right(w - n, x, y) - right(w + n, x, y) for n in nudges]).reshape(w.shape) / (2 * by)
