"""Rules on the same bowls: gradient descent and momentum at the rates that are best for a bowl, Adam at the best of
many."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.feature_scaling.adam import Adam
from core.concepts.feature_scaling.bowl import Bowl
from core.concepts.feature_scaling.data import first_model, points_of, scaling_of
from core.concepts.feature_scaling.params import Params
from core.concepts.feature_scaling.rules.params import RATES, SCALINGS, STRETCHES, Result
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 500) -> Generator[Result, None, None]:
    """Results, each fuller than the last, every `chunk` steps."""
    seeds, bowls = range(params.seeds), []
    problems = [[points_of(params, k, params.data_seed + s) for k in STRETCHES] for s in seeds]
    for rule in SCALINGS:
        for s in seeds:
            for x, y in problems[s]:
                bowls.append(Bowl(x, y, scaling_of(rule, x), first_model(x, y, params.weight_seed + s)))
    shape = len(SCALINGS), params.seeds, len(STRETCHES)
    start, lowest, curvature, pull = (
        np.array([getattr(bowl, name) for bowl in bowls]) for name in ("start", "lowest", "curvature", "pull")
    )
    condition = np.array([bowl.condition for bowl in bowls]).reshape(shape)
    record = Recording(Result, params, params.steps, {"rule": 3, "weight": 3}, condition=condition)
    record.set(weights=start.reshape(*shape, -1))

    # A row of members per rate: gradient descent, momentum, then Adam at each of its rates.
    tuned = np.array([bowl.with_momentum for bowl in bowls])
    rate = np.array([[bowl.rate for bowl in bowls], tuned[:, 0], *np.outer(RATES, np.ones(len(bowls)))])[..., None]
    keep = np.array([np.zeros(len(bowls)), tuned[:, 1]])[..., None]  # momentum of the first two rows
    w = np.tile(start, (len(rate), 1, 1))
    b, adam = np.zeros_like(w[:2]), Adam(w[2:])
    begin = 0.5 * ((start - lowest) * ((curvature @ start[..., None])[..., 0] - pull)).sum(-1)
    first = np.full(w.shape[:2], np.nan)  # step at which a member arrives

    for moment in schedule(params.steps, chunk):
        step = moment.step
        for before in moment.steps:
            g = np.einsum("mij,rmj->rmi", curvature, w) - pull
            arrived = 0.5 * ((w - lowest) * g).sum(-1) <= params.target * begin
            first[np.isnan(first) & arrived] = before
            step = before
            if everybody(first):
                break
            b = keep * b + g[:2]
            w[:2] -= rate[:2] * b
            w[2:] -= rate[2:] * adam.way(g[2:])
            step = before + 1
        done = moment.last or everybody(first)
        tried = np.nan_to_num(first[2:], nan=np.inf)
        soonest = np.where(np.isfinite(tried.min(0)), tried.min(0), np.nan)
        best = np.where(np.isfinite(soonest), np.array(RATES)[tried.argmin(0)], np.nan)
        record.set(reached=np.stack([first[0], first[1], soonest]).reshape(3, *shape), best=best.reshape(shape))
        yield record.result(step, step if done else None)
        if done:
            break


def everybody(first: np.ndarray) -> bool:
    """Whether every rule has arrived, at one rate at least."""
    return bool(np.isfinite(first[:2]).all() and np.isfinite(first[2:]).any(0).all())
