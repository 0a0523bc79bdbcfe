"""Points that overlap, told apart by a weighted sum of bumps, with λ/2 · Σ w² on top of the mean cross-entropy."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import expit

from core.concepts.regularization.params import GRID, PIXELS, REACH, SIDE, Params, Result
from core.ml.data import points
from core.ml.linear import with_one
from core.ml.recording import Recording, schedule

NEWTON = 12  # steps of Newton's method at every penalty, from where the one before ended
FRESH = 1000  # examples that nothing is fitted to
AXIS = np.linspace(-REACH, REACH, PIXELS)
SPACING = 2 * REACH / (SIDE - 1)  # between centres, and the standard deviation of a bump


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` penalties; in the end the weights [seeds, bumps + 1] at the
    reader's own penalty, bias last."""
    seeds, n, tried = params.seeds, params.examples, np.array(GRID)
    sets = [points(params.data, n + FRESH, params.noise, params.data_seed + s) for s in range(seeds)]
    x = np.stack([with_one(bumps(x)) for x, _ in sets])  # [seed, example, input]
    y = np.stack([y for _, y in sets])
    plane = np.stack(np.meshgrid(AXIS, AXIS), -1).reshape(-1, 2)
    places = with_one(bumps(plane))
    w, mine = np.zeros((seeds, SIDE**2 + 1)), np.zeros((seeds, SIDE**2 + 1))
    sizes = {"seed": seeds, "place": len(tried), "set": 2, "own": 1, "row": PIXELS, "column": PIXELS}
    record = Recording(Result, params, len(tried), sizes, x=sets[0][0][:n], y=y[0, :n])

    for moment in schedule(len(tried), chunk, place=range(1, len(tried) + 1)):
        if moment.due:
            now = tried[moment.step - 1]
            w = lowest_weights(w, x[:, :n], y[:, :n], now * (n if params.over == "examples" else 1))
            wrong = ((x @ w[..., None])[..., 0] > 0) != y
            heights = (w @ places.T).reshape(seeds, PIXELS, PIXELS)
            turns = [turned(own, height) for own, height in zip(w, heights)]
            error = np.stack([wrong[:, :n].mean(1), wrong[:, n:].mean(1)], -1)
            record.append("place", penalty=now, error=error, size=np.linalg.norm(w[:, :-1], axis=1), turns=turns)
            if now == 10.0**params.exponent:
                mine = w
                record.append("own", region=(255 * expit(heights[0])).round())
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": mine}


def centres() -> np.ndarray:
    """Of the bumps, [SIDE², 2]."""
    side = np.linspace(-REACH, REACH, SIDE)
    return np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)


def bumps(x: np.ndarray) -> np.ndarray:
    """How high every bump is at places [n, 2], [n, SIDE²]: radial basis functions (Broomhead and Lowe, 1988)."""
    return np.exp(-((x[:, None] - centres()) ** 2).sum(-1) / (2 * SPACING**2))


def lowest_weights(w: np.ndarray, x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """The weights [seed, input] of the lowest penalised loss on x [seed, n, input], by Newton's method from w; the
    bias, last, has no penalty."""
    ridge = penalty * np.r_[np.ones(x.shape[2] - 1), 0]
    back = x.swapaxes(1, 2) / x.shape[1]
    for _ in range(NEWTON):
        p = expit(x @ w[..., None])[..., 0]
        slope = (back @ (p - y)[..., None])[..., 0] + ridge * w
        curvature = (back * (p * (1 - p))[:, None]) @ x + np.diag(ridge)
        w = w - np.linalg.solve(curvature, slope[..., None])[..., 0]
    return w


def turned(w: np.ndarray, height: np.ndarray) -> float:
    """The curvature |κ| along the boundary in the square, in turns of 2π: a circle has one, a straight line none.

    height: of the weighted sum at the places of the picture. A stretch ds of the boundary crosses (|n₁| + |n₂|) ds / h
    lines of the picture's grid, n its normal, h their distance; so every crossing stands for h / (|n₁| + |n₂|) of it.
    Where it turns by more than a half circle from one line to the next it is counted as a half.
    """
    h, found = AXIS[1] - AXIS[0], []
    for z, transposed in ((height, False), (height.T, True)):
        row, column = np.nonzero((z[:, 1:] > 0) != (z[:, :-1] > 0))
        a, b = z[row, column], z[row, column + 1]
        place = np.stack([AXIS[column] + h * a / (a - b), AXIS[row]], -1)
        found.append(place[:, ::-1] if transposed else place)
    away = centres() - np.concatenate(found)[:, None]  # [crossing, bump, 2]
    pull = w[:-1] * np.exp(-(away**2).sum(-1) / (2 * SPACING**2)) / SPACING**2
    fx, fy = np.einsum("kb,kbi->ik", pull, away)
    xx, xy, yy = np.einsum("kb,kbi,kbj->ijk", pull / SPACING**2, away, away, optimize=True)[[0, 0, 1], [0, 1, 1]]
    xx, yy = xx - pull.sum(1), yy - pull.sum(1)
    length = np.hypot(fx, fy).clip(1e-300)
    bend = np.abs(xx * fy**2 - 2 * xy * fx * fy + yy * fx**2) / length**3
    return float(
        (np.minimum(bend, np.pi / h) * h * length / (np.abs(fx) + np.abs(fy)).clip(1e-300)).sum() / (2 * np.pi)
    )
