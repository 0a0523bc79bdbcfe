"""The perceptron: one neuron, corrected at its mistakes one at a time; many seeds side by side.

What is exactly zero decides here, so nothing is decided in floating point: points lie on a grid, the sum of the
examples corrected is whole, and w is its start plus η times that sum.
"""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from math import lcm

import numpy as np
from scipy.optimize import nnls

from core.concepts.perceptron.params import GRID, Classified, Params, Result, Spot, activations
from core.ml.data import batch_orders, into_square, points
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording

OVERLAP = 0.25  # how far the overlapping clouds reach over the line between them
LATER = np.iinfo(np.int64).max  # the turn of an example that has none


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` passes (by hand: moves). NumPy on any device."""
    seeds = params.seeds
    sets = [examples(params, params.data_seed + i) for i in range(seeds)]
    n = len(sets[0][1])
    # Member = rate · seeds + seed. The last of the three inputs is 1 and carries the bias.
    x = np.tile([np.c_[inputs, np.ones(n)] for inputs, _ in sets], (2, 1, 1))  # [member, n, 3]
    y = np.tile([labels for _, labels in sets], (2, 1))  # [member, n], −1 or +1
    first = w = np.tile([first_weights(params, params.weight_seed + i) for i in range(seeds)], (2, 1))  # [member, 3]
    rate = np.repeat([params.rate, params.other_rate], seeds)[:, None]
    radius, gamma, bound = guarantee(x, y, w, rate)
    yx = np.rint(y[..., None] * x * GRID).astype(np.int64)  # [member, n, 3]
    across = np.stack([yx[..., 1], -yx[..., 0], 0 * yx[..., 2]], -1)  # its sign with w says which way adding yx turns w
    ahead, ahead_across = (head_start(z, w, rate[:, 0]) for z in (yx, across))

    by_hand = params.order == "by_hand"
    plan = params.moves if by_hand else "p" * params.passes
    total = max(1, len(plan))
    orders = np.tile(np.arange(n), (seeds, 1, 1))  # [seed, pass, n]
    if params.order == "shuffled":
        orders = np.stack([batch_orders(n, total, params.data_seed + i) for i in range(seeds)])
    places = np.tile(orders.argsort(-1), (2, 1, 1))  # [member, pass, n]: when the turn of each example comes
    start = np.zeros((2 * seeds, 1), int)  # by hand, a move begins where the one before ended

    most = n * len(plan) + 1
    axes = {"rate": 2, "pass": len(plan), "update": most, "other_update": most, "weight": 3}
    known = {"x": x[0, :, :2], "y": y[0], "radius": radius, "gamma": gamma, "bound": bound}
    record = Recording(Result, params, total, axes, **known)

    member = np.arange(2 * seeds)
    side = np.zeros(2 * seeds)  # to which side w turned last: +1 left, −1 right
    same = np.ones(seeds, bool)
    learned = np.zeros((2 * seeds, 3), np.int64)  # Σ y x over the updates, in steps of the grid
    added = np.zeros((2 * seeds, n), np.int64)  # what the updates added to y (w·x + b), in steps of η/GRID²
    signed = ahead  # has the sign and the order of y (w·x + b): negative where the prediction is wrong
    at_first = (yx @ first[..., None])[..., 0] / GRID  # y (w·x + b) before the updates

    def losses() -> np.ndarray:
        """Σ −y (w·x + b) over the misclassified: [member]."""
        mistaken = signed < 0
        return 0.0 - (at_first * mistaken).sum(1) - rate[:, 0] * ((added * mistaken).sum(1) / GRID**2)

    lost = losses()
    record.append("update", path=w[0], corrected=-1, missed=(signed[0] <= 0).sum(), loss=lost[0])
    record.append("other_update", other_path=w[seeds])
    yield record.result(0)

    for t, move in enumerate(plan if n else ""):
        looks, corrections = {"n": (1, 1), "m": (n, 1), "p": (n, n)}[move]
        place = (places[:, t % places.shape[1]] - start) % n
        looked, done, turned_back = np.zeros((3, 2 * seeds), int)
        fewer, fewer_smaller = np.zeros((2, seeds), int)
        while True:
            wrong = signed < 0 if params.comparison == "below" else signed <= 0
            if params.order == "largest_mistake":
                turn = np.where(wrong, signed, LATER)
            else:
                turn = np.where(wrong & (place >= looked[:, None]) & (place < looks), place, LATER)
            i = turn.argmin(1)  # each member's next mistake
            going = (turn[member, i] < LATER) & (done < corrections)
            if not going.any():
                break

            # The perceptron rule: w ← w + η y x
            before, learned = learned, learned + np.where(going[:, None], yx[member, i], 0)
            w = first + rate * (learned / GRID)
            looked = np.where(going, place[member, i] + 1, looked)
            done += going

            # What the update did
            added = (yx @ learned[..., None])[..., 0]
            was, signed = signed, (n + 1) * added + ahead
            more, lost = lost, losses()
            same &= (going[:seeds] == going[seeds:]) & (~going[:seeds] | (i[:seeds] == i[seeds:]))
            turned = going * np.sign((n + 1) * (across[member, i] * before).sum(-1) + ahead_across[member, i])
            turned_back += turned * side < 0
            side = np.where(turned, turned, side)
            now, then = signed[:seeds], was[:seeds]
            drop = (now <= 0).sum(1) < (then <= 0).sum(1)
            fewer += drop
            fewer_smaller += drop & (lost < more)[:seeds]
            if going[0]:
                record.append("update", path=w[0], corrected=i[0], missed=(signed[0] <= 0).sum(), loss=lost[0])
            if going[seeds]:
                record.append("other_update", other_path=w[seeds])

        if by_hand:
            start = (start + np.where(done[:, None] < corrections, looks, looked[:, None])) % n
        record.append(
            "pass",
            mistakes=done,
            misclassified=(signed <= 0).sum(1),
            pending=wrong.sum(1),
            turned_back=turned_back,
            fewer=fewer,
            fewer_smaller=fewer_smaller,
            alike=same,
            apart=np.linalg.norm(direction(w[:seeds]) - direction(w[seeds:]), axis=1),
        )
        if not by_hand and not done.any():  # a whole pass without a mistake, on every seed
            yield record.result(t + 1, total=t + 1)
            break
        if (t + 1) % chunk == 0 or t + 1 == total:
            yield record.result(t + 1)
    else:
        if not n or not plan:
            yield record.result(total)
    return {"weights": record.parted("rate seed", w)}


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Spot) -> Classified:
    """What seed 0, trained at η, says of a point."""
    w = result.path[-1]
    activation = activations(result.path, params.rate, np.array([[question.x, question.y]]))[-1, 0]
    length = np.hypot(w[0], w[1])
    distance = activation / length if length else np.nan
    return Classified(question, 1, 1, np.array(activation), np.array(np.sign(activation)), np.array(distance))


def examples(params: Params, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, 2] on the grid and their labels −1 or +1 [n] of one seed, those the reader placed at the end."""
    if params.own:
        x, classes = table(params.own)
        x, y = into_square(x), 2.0 * classes - 1
    elif params.data == "placed":
        x, y = np.zeros((0, 2)), np.zeros(0)
    elif params.data in ("blobs", "overlap"):
        x, y = clouds(params.n, params.margin if params.data == "blobs" else -OVERLAP, seed)
        if params.data == "overlap":
            x = x + params.noise * stream("perceptron noise", seed).standard_normal(x.shape)
    else:
        inputs, classes = points(params.data, params.n, params.noise, seed)
        x, y = inputs.astype(float), 2.0 * classes - 1
    placed = np.array([[p.x, p.y] for p in params.added]).reshape(-1, 2)
    signs = [1.0 if p.label == "plus" else -1.0 for p in params.added]
    return np.rint(np.r_[x, placed] * GRID) / GRID, np.r_[y, signs]


def clouds(n: int, gap: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two Gaussian clouds on both sides of a hidden line, each slid until its nearest point is `gap` away
    from it (if negative, until one point is that far on the wrong side)."""
    rng = stream("perceptron clouds", seed)
    angle, offset = 2 * np.pi * rng.random(), rng.uniform(-0.25, 0.25)
    normal, along = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    y = np.where(np.arange(n) % 2, 1.0, -1.0)
    depth, width = 0.2 * rng.standard_normal(n), 0.45 * rng.standard_normal(n)
    for label in (-1, 1):
        depth[y == label] += gap + 1 / GRID - depth[y == label].min()  # the grid may take back most of a step
    return (offset + y * depth)[:, None] * normal + width[:, None] * along, y


def first_weights(params: Params, seed: int) -> np.ndarray:
    """(w₁, w₂, b) before training."""
    return np.zeros(3) if params.initial == "zero" else stream("perceptron weights", seed).standard_normal(3)


def head_start(z: np.ndarray, w: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """What first weights w [member, 3] give w·z to begin with, for vectors z [member, n, 3] in steps of the grid.

    w·z is (w₀ + η Σ y x)·z. Counted in η/GRID², Σ y x · z is whole, and w₀·z a whole number and a fraction of 1.
    So (n + 1) (Σ y x · z) plus what comes back, (n + 1) times that whole number plus the rank of its fraction among
    all n, has exactly the sign and the order of w·z: int64 [member, n].
    """
    n = z.shape[1]
    ahead = np.zeros(z.shape[:2], np.int64)
    for m in np.flatnonzero(w.any(1)):
        exact = [GRID * Fraction(str(weight)) / Fraction(str(rate[m].item())) for weight in w[m].tolist()]
        common = lcm(*(weight.denominator for weight in exact))
        parts = z[m].astype(object) @ [int(weight * common) for weight in exact]
        rank = np.unique([0, *(part % common for part in parts)], return_inverse=True)[1][1:]
        ahead[m] = (n + 1) * (parts // common) + rank
    return ahead


def direction(w: np.ndarray) -> np.ndarray:
    """Weights [member, 3] divided by their lengths; zero stays zero."""
    length = np.linalg.norm(w, axis=1, keepdims=True)
    return np.divide(w, length, out=np.zeros_like(w), where=length > 0)


def guarantee(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, rate: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R [seed], γ [seed] and the most updates there can be [rate, seed]; NaN where not separable.

    Novikoff (1962): after M updates from w₀, with u the best direction, |w| ≥ w·u ≥ w₀·u + η M γ, and
    |w|² ≤ |w₀|² + η² M R². Both hold up to the larger root of a quadratic in M, (R/γ)² when w₀ = 0.
    """
    seeds = len(x) // 2
    radius, gamma, best = np.full(seeds, np.nan), np.full(seeds, np.nan), np.full((seeds, 3), np.nan)
    for i in range(seeds if x.size else 0):
        radius[i] = np.linalg.norm(x[i], axis=1).max()
        best[i] = best_direction(y[i][:, None] * x[i])
        gamma[i] = (1 - 1e-9) * (y[i] * (x[i] * best[i]).sum(-1)).min()  # rounded down, lest the bound be too low
    r, g, u = np.tile(radius, 2), np.tile(gamma, 2), np.tile(best, (2, 1))
    along, square, eta = (w * u).sum(1), (w * w).sum(1), rate[:, 0]
    a, b, c = (eta * g) ** 2, 2 * along * eta * g - (eta * r) ** 2, along**2 - square
    bound = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
    return radius, gamma, bound.reshape(2, seeds)


def best_direction(z: np.ndarray) -> np.ndarray:
    """The unit vector u with the largest min z·u over the rows of z [n, 3]; NaN if no u makes all positive.

    It is v/|v| for the shortest v with z·v ≥ 1, which non-negative least squares gives exactly (Lawson and
    Hanson, 1974, chapter 23: least distance programming).
    """
    system = np.r_[z.T, np.ones((1, len(z)))]
    shares, _ = nnls(system, np.array([0.0, 0.0, 0.0, 1.0]), maxiter=100 * len(z))
    v = z.T @ shares
    length = np.linalg.norm(v)
    u = np.round(v / length, 12) if length > 0 else v  # the last digits differ between builds of the solver
    return u if (z * u).sum(-1).min() > 1e-9 else np.full(3, np.nan)
