"""Polynomials of every degree, by least squares, on one training set after another: the error taken apart."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.bias_variance.draws import (
    Sums,
    fits_of_all,
    fresh_set,
    height,
    least_squares,
    nodes,
    own_points,
    set_stream,
    training_set,
)
from core.concepts.bias_variance.params import CLOUD, MOST, PLACES, Params, Result, moments, size_of_sets
from core.ml.recording import Recording, schedule

TESTED = 50  # fresh points for every training set


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` training sets; in the end the coefficients of the
    chosen degree [seeds, sets, degree + 1], of Legendre polynomials."""
    seeds, n, ticks = params.seeds, size_of_sets(params), moments(params.sets)
    place, weight = nodes()
    own = own_points(params.own).T if params.own else np.zeros((2, 0))
    truth = np.full(PLACES, np.nan) if params.own else height(params.data, place)
    sums = Sums(seeds, own.shape[1] or PLACES, MOST + 1)  # on the reader's own points, or on the places of the curve
    shown, errors = np.zeros((PLACES, 1)), np.zeros((2, seeds, MOST + 1))  # sums of fits; of test and training errors
    coefficients = np.zeros((seeds, params.sets, params.degree + 1))
    first = drawn_sets(params, n, own, 0)
    known = {"tick": ticks, "place": place, "truth": truth, "x": first[0][0], "y": first[1][0]}
    axes = {"degree": MOST + 1, "seed": seeds, "curve": CLOUD}
    record = Recording(Result, params, params.sets, axes, **known)

    for moment in schedule(params.sets, chunk, tick=ticks):
        for which in moment.steps:
            x, y, x_test, y_test, judged = drawn_sets(params, n, own, which)
            q, r, z = least_squares(x, y)
            fits = fits_of_all(np.concatenate([np.tile(place, (seeds, 1)), x_test], 1), r, z)
            inside = np.cumsum(q * z[:, None], -1)
            off = (fits[:, PLACES:] - y_test[..., None]) ** 2 * judged
            errors += off.sum(1) / judged.sum(1), ((inside - y[..., None]) ** 2).mean(1)
            sums.add(*(fits[:, PLACES:], judged) if params.own else (fits[:, :PLACES],))
            chosen = fits[0, :PLACES, params.degree]
            shown += chosen[:, None]
            if which < CLOUD:
                record.arrays["fit"][which] = chosen
            k = slice(params.degree + 1)
            coefficients[:, which] = np.linalg.solve(r[:, k, k], z[:, k, None])[..., 0]
        if moment.due:
            test, train_error = errors / moment.step
            if params.own:
                variance = np.nanmean(sums.variance, 1)
                bias = test - variance
            else:
                variance = weight @ sums.variance
                left = sums.variance / sums.count if params.corrected else 0.0
                bias = weight @ ((sums.mean - truth[:, None]) ** 2 - left)
            parts = {"bias": bias, "variance": variance, "test": test, "train": train_error}
            record.append("tick", mean=shown[:, 0] / moment.step, **{name: v.T for name, v in parts.items()})
        yield record.result(moment.step)
    return {"coefficients": coefficients}


def drawn_sets(params: Params, n: int, own: np.ndarray, which: int) -> tuple[np.ndarray, ...]:
    """A training set of every seed, x and y [seeds, n], and the points to test it on [seeds, m], with 1 for those that
    count [seeds, m, 1]. Of the reader's own points [2, m] some are for training; only the others count."""
    found = []
    for seed in range(params.seeds):
        rng = set_stream(params, seed, which)
        if params.own:
            rows = rng.permutation(own.shape[1])[:n]
            count = np.ones(own.shape[1])
            count[rows] = 0
            found.append((*own[:, rows], *own, count[:, None]))
            continue
        x, y = training_set(params, n, rng)
        tested = fresh_set(params, TESTED, rng) if params.fresh else (x, y)
        found.append((x, y, *tested, np.ones((len(tested[0]), 1))))
    return tuple(np.stack(each) for each in zip(*found))
