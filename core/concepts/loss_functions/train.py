"""One neuron that is badly wrong at the start, under several losses: which of them still teaches it?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import expit

from core.concepts.loss_functions.losses import error, slope
from core.concepts.loss_functions.params import SEEN, Params, Result, moments
from core.ml.random import stream
from core.ml.recording import Recording, schedule

FAR = 1e12  # a weighted sum beyond this has diverged
REACH = 10.0  # losses are drawn over weighted sums within ±REACH
POINTS = 201  # places along a drawn curve
TARGET = np.zeros(1)


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [losses, seeds, (w, b)]."""
    seeds, losses, ticks = params.seeds, [neuron.loss for neuron in params.losses], moments(params.steps)
    x = np.array([stream("one neuron", params.data_seed + s).uniform(0.8, 1.2) for s in range(seeds)])
    w = np.array([stream("weights", params.weight_seed + s).standard_normal() for s in range(seeds)])
    start = np.stack([w, params.wrong - w * x], -1)  # the same weighted sum for every seed
    weights, inputs = np.tile(start, (len(losses), 1, 1)), np.stack([x, np.ones(seeds)], -1)
    rates = params.rate * np.array([[[neuron.times]] for neuron in params.losses])

    z, chance = np.linspace(-REACH, REACH, POINTS), np.linspace(0, 1, POINTS)[1:-1]
    value, steep = (np.array([of(loss, z, TARGET) for loss in losses]) for of in (error, slope))
    likelihood = chance**params.ones * (1 - chance) ** (SEEN - params.ones)
    curves = {"z": z, "value": value, "slope": steep, "chance": chance, "likelihood": likelihood}
    record = Recording(Result, params, params.steps, {"loss": len(losses), "seed": seeds}, tick=ticks, **curves)

    for moment in schedule(params.steps, chunk, tick=ticks):
        for _ in moment.steps:
            weights -= rates * gradients(losses, weights, inputs)
            weights[np.abs(weights) > FAR] = np.nan
        if moment.due:
            steep = np.linalg.norm(gradients(losses, weights, inputs), axis=-1)
            record.append("tick", output=answers(losses, (weights * inputs).sum(-1)), gradient=steep)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": weights}


def gradients(losses: list[str], weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """∂loss/∂(w, b), [loss, seed, 2]."""
    z = (weights * inputs).sum(-1)
    return np.stack([slope(loss, own, TARGET) for loss, own in zip(losses, z)])[..., None] * inputs


def answers(losses: list[str], z: np.ndarray) -> np.ndarray:
    """What every neuron answers, 0 … 1: σ(z), and of a linear output the output itself, cut to that range."""
    linear = np.array([[loss == "linear"] for loss in losses])
    return np.where(linear, z.clip(0, 1), expit(z))
