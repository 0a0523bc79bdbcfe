"""Learning curves: polynomials of three degrees on training sets of every size."""

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
    set_stream,
    training_set,
)
from core.concepts.bias_variance.learning.params import DEGREES, SIZES, Result
from core.concepts.bias_variance.params import PLACES, Params
from core.ml.recording import Recording, schedule

FRESH = 50  # test points for every training set


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, None]:
    """Results, each fuller than the last, at least one every `chunk` sizes."""
    place, weight = nodes()
    truth = height(params.data, place)[:, None]
    axes = {"degree": len(DEGREES), "seed": params.seeds, "split": 2}
    record = Recording(Result, params, len(SIZES), axes, size=np.array(SIZES))
    for moment in schedule(len(SIZES), chunk):
        for step in moment.steps:
            sums, error = Sums(params.seeds, PLACES, len(DEGREES)), np.zeros((2, params.seeds, len(DEGREES)))
            for which in range(params.sets):
                rng = [set_stream(params, seed, which) for seed in range(params.seeds)]
                x, y = np.stack([training_set(params, SIZES[step], own) for own in rng], 1)
                x_test, y_test = np.stack([fresh_set(params, FRESH, own) for own in rng], 1)
                q, r, z = least_squares(x, y)
                at = np.concatenate([np.tile(place, (params.seeds, 1)), x_test], 1)
                fits, inside = fits_of_all(at, r, z)[..., DEGREES], np.cumsum(q * z[:, None], -1)[..., DEGREES]
                sums.add(fits[:, :PLACES])
                error += [((inside - y[..., None]) ** 2).mean(1), ((fits[:, PLACES:] - y_test[..., None]) ** 2).mean(1)]
            bias = weight @ ((sums.mean - truth) ** 2 - sums.variance / sums.count)
            errors = error.transpose(2, 1, 0) / params.sets
            record.append("size", bias=bias.T, variance=(weight @ sums.variance).T, error=errors)
        yield record.result(moment.step)
