"""Linear models: the same rows of weights, chosen to make different things small."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.models import (
    fewest_mistakes,
    first_rows,
    least_squares,
    load,
    mistakes_slope,
    newton,
    one_hot,
    penalised,
    right,
    squared_error,
    with_one,
)
from core.concepts.linear_models.params import (
    DISTANCES,
    NEWTON,
    Classified,
    Method,
    Params,
    Result,
    Spot,
    convex,
    drawn,
    in_plane,
    table_shape,
    used,
)
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [methods, seeds, classes, inputs]."""
    methods, seeds, (_, features, classes) = used(params), params.seeds, table_shape(params)
    sets = [load(params, params.data_seed + s) for s in range(seeds)]
    x, y = [[with_one(part) for part in data.x] for data in sets], [data.y for data in sets]
    start = np.stack([first_rows(classes, features + 1, params.weight_seed + s) for s in range(seeds)])
    w = np.tile(start, (len(methods), 1, 1, 1))
    distances, shown = DISTANCES[: len(DISTANCES) * drawn(params)], len(x[0][0]) * in_plane(params)
    sizes = {"method": len(methods), "seed": seeds, "step": NEWTON + 1, "split": 3, "class": classes}
    first = {"distance": distances, "x": x[0][0][:shown, :-1], "y": y[0][0][:shown]}
    record = Recording(Result, params, NEWTON, sizes | {"input": features + 1}, **first)

    for moment in schedule(NEWTON, chunk, step=range(NEWTON + 1)):
        found: list[list[float]] = []
        for m, method in enumerate(methods):
            for s in range(seeds):
                if moment.step:
                    w[m, s] = improved(method, w[m, s], x[s][0], y[s][0], moment.step)
                found.append([right(w[m, s], x[s][k], y[s][k]) for k in range(3)])
                found[-1].append(minimised(method, w[m, s], x[s][0], y[s][0]))
        values = np.array(found)
        record.append("step", accuracy=values[:, :3], objective=values[:, 3], path=w[:, 0])
        if moment.last:
            swept = [[sweep(params, method, start[s], s) for s in range(seeds)] for method in methods]
            record.set(moved=np.abs(w - start).max((2, 3)), swept=np.array(swept).reshape(*w.shape[:2], len(distances)))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": w}


def ridge_of(method: Method, inputs: int) -> np.ndarray:
    """The penalty of every input's weight; the bias is free, unless the mistake of penalising it is made."""
    return method.penalty * np.r_[np.ones(inputs - 1), float(method.on_bias)]


def improved(method: Method, w: np.ndarray, x: np.ndarray, y: np.ndarray, step: int) -> np.ndarray:
    """The weights after one more step. What has a closed form is done after the first."""
    targets, ridge = one_hot(y, len(w)), ridge_of(method, x.shape[1])
    if method.rule == "logistic":
        return newton(w, x, targets, ridge)
    if method.rule == "mistakes_gradient":  # wrong: steps against the slope of a staircase
        return w - mistakes_slope(w, x, y)
    if step > 1:
        return w
    return least_squares(x, targets, ridge) if method.rule == "least_squares" else fewest_mistakes(x, y)


def minimised(method: Method, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """The loss that the method makes small, with its penalty."""
    targets, ridge = one_hot(y, len(w)), ridge_of(method, x.shape[1])
    if method.rule == "logistic":
        return penalised(w, x, targets, ridge)
    if method.rule == "least_squares":
        return squared_error(x @ w.T, targets) + 0.5 * float((ridge * w**2).sum())
    return 1 - right(w, x, y)


def sweep(params: Params, method: Method, start: np.ndarray, seed: int) -> list[float]:
    """Test accuracy with the clump at every distance, all else as it is."""
    found = []
    for distance in DISTANCES if drawn(params) else ():
        if not convex(method):  # too slow to be searched for that often
            found.append(np.nan)
            continue
        data, w = load(params, params.data_seed + seed, float(distance)), start
        for step in range(1, NEWTON + 1 if method.rule == "logistic" else 2):
            w = improved(method, w, with_one(data.x[0]), data.y[0], step)
        found.append(right(w, with_one(data.x[2]), data.y[2]))
    return found


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Spot) -> Classified:
    """What every method of the first seed says of a point."""
    z = result.path[:, -1] @ np.array([question.x, question.y, 1.0]) if in_plane(params) else result.path[:, -1, :, -1]
    return Classified(question, 1, 1, label=z.argmax(1), ahead=z[:, 1] - z[:, 0])
