"""Are outputs probabilities? Logistic regression beside a network that learns its few examples by heart."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import expit

from core.concepts.linear_models.calibration.params import NAMES, Cooled, Result, Warmth
from core.concepts.linear_models.data import clouds
from core.concepts.linear_models.networks import on_all_at_once
from core.concepts.linear_models.params import Params, ticks
from core.ml.calibration import calibration_error, reliability
from core.ml.random import stream
from core.ml.recording import Recording, schedule

RATE = 0.03  # of Adam, on all examples at once
SPREAD = 1.0  # of the classes, which overlap
HELD, TESTED = 500, 1000  # examples the temperature is chosen on, and those it is judged on
TICKS = 20  # moments measured, at most
BINS = 10  # of the probability
WARMTHS = np.geomspace(0.25, 64, 65)  # temperatures tried


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` epochs; at the end the weights [seeds, D] of both."""
    seeds, n, moments = params.seeds, params.examples, ticks(params.epochs, TICKS)
    streams = [stream("overlapping", params.data_seed + s) for s in range(seeds)]
    sets = [clouds(n + HELD + TESTED, 0, 0.0, SPREAD, rng) for rng in streams]
    x, y = (np.stack(parts) for parts in zip(*sets))
    shapes = (2, 2), (2, params.width, params.width, 2)
    training = params.epochs, params.weight_seed, RATE
    models = [on_all_at_once(units, x.astype(np.float32), y, n, *training) for units in shapes]
    held, tested = slice(n, n + HELD), slice(n + HELD, None)
    sizes = {"method": len(NAMES), "seed": seeds, "bin": BINS}
    record = Recording(Result, params, params.epochs, sizes, tick=moments, label=y[:, tested])

    for moment in schedule(params.epochs, chunk, tick=moments):
        for model in models:
            model.advance(len(moment.steps))
        if moment.due:
            outputs = np.array([[model.outputs(x[s], np.array([s]))[0] for s in range(seeds)] for model in models])
            odds = (outputs[:, :, 1] - outputs[:, :, 0]).astype(float)  # log odds of class 1, [method, seed, example]
            count, said, true = reliability(expit(odds[..., tested]), y[:, tested], BINS)
            accuracy = ((odds > 0) == y)[..., tested].mean(-1)
            record.append("tick", accuracy=accuracy, count=count, said=said, true=true)
        if moment.last:
            losses = [odds_loss(odds[..., held] / warm, y[:, held]) for warm in WARMTHS]
            warmth = WARMTHS[np.argmin(losses, 0)]  # Guo et al., 2017
            p = expit(odds[..., tested] / warmth[..., None])
            cooled = calibration_error(*reliability(p, y[:, tested], BINS))
            record.set(warmth=warmth, cooled=cooled, tested=odds[..., tested])
        yield record.result(moment.step)
    return {name: model.weights for name, model in zip(NAMES, models)}


def odds_loss(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cross-entropy of the logistic function of log odds [..., n], mean over examples, in nats."""
    return (np.logaddexp(0, odds) - y * odds).mean(-1)


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Warmth) -> Cooled:
    """Error and loss on test data when all log odds are divided by the temperature."""
    odds = result.tested.astype(float) / question.temperature
    error = calibration_error(*reliability(expit(odds), result.label, BINS))
    return Cooled(question, 1, 1, error=error.mean(1), loss=odds_loss(odds, result.label).mean(1))
