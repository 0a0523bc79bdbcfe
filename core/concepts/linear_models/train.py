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


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [methods, seeds, classes, inputs]."""
    methods, seeds, (_, features, classes) = used(params), params.seeds, table_shape(params)
    sets = [load(params, params.data_seed + s) for s in range(seeds)]
    x, y = [[with_one(part) for part in data.x] for data in sets], [data.y for data in sets]
    start = np.stack([first_rows(classes, features + 1, params.weight_seed + s) for s in range(seeds)])
    w = np.tile(start, (len(methods), 1, 1, 1))
    accuracy = np.zeros((len(methods), seeds, NEWTON + 1, 3), np.float32)
    objective = np.full(accuracy.shape[:3], np.nan)
    path = np.zeros((len(methods), NEWTON + 1, classes, features + 1))
    moved = np.zeros((len(methods), seeds))
    distances = DISTANCES if drawn(params) else DISTANCES[:0]
    swept = np.full((len(methods), seeds, len(distances)), np.nan)
    shown = slice(None) if in_plane(params) else slice(0)

    for step in range(NEWTON + 1):
        for m, method in enumerate(methods):
            for s in range(seeds):
                if step:
                    w[m, s] = improved(method, w[m, s], x[s][0], y[s][0], step)
                for k in range(3):
                    accuracy[m, s, step, k] = right(w[m, s], x[s][k], y[s][k])
                objective[m, s, step] = minimised(method, w[m, s], x[s][0], y[s][0])
            path[m, step] = w[m, 0]
        if step == NEWTON:
            moved = np.abs(w - start).max((2, 3))
            swept = np.array([[sweep(params, method, start[s], s) for s in range(seeds)] for method in methods])
            swept = swept.reshape(len(methods), seeds, len(distances))
        if step % chunk == 0 or step == NEWTON:
            yield Result(
                params,
                step,
                NEWTON,
                accuracy=accuracy[:, :, : step + 1],
                objective=objective[:, :, : step + 1],
                moved=moved,
                distance=distances,
                swept=swept,
                x=x[0][0][shown, :-1],
                y=y[0][0][shown],
                path=path[:, : step + 1],
            )
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
