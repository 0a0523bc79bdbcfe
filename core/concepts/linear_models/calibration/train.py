"""Are outputs probabilities? Logistic regression beside a network that learns its few examples by heart."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.calibration.params import (
    BINS,
    HELD,
    NAMES,
    TESTED,
    WARMTHS,
    Cooled,
    Result,
    Warmth,
    both_sizes,
    ticks,
)
from core.concepts.linear_models.models import clouds
from core.concepts.linear_models.params import Params
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule

RATE = 0.03  # of Adam, on all examples at once
SPREAD = 1.0  # of the classes, which overlap


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` epochs; at the end the weights [seeds, D] of both."""
    seeds, n, moments = params.seeds, params.examples, ticks(params)
    sets = [
        clouds(n + HELD + TESTED, 0, 0.0, SPREAD, stream("overlapping", params.data_seed + s)) for s in range(seeds)
    ]
    x, y = np.stack([x for x, _ in sets]).astype(np.float32), np.stack([y for _, y in sets])
    bounds = [0, n, n + HELD, n + HELD + TESTED]
    orders = np.tile(np.arange(n, dtype=np.int32), (seeds, params.epochs, 1))
    settings = [Settings("adam", RATE)] * seeds
    models = []
    for sizes in both_sizes(params):
        start = np.stack([initial_weights(sizes, params.weight_seed + s) for s in range(seeds)])
        models.append(Stacked(sizes, "relu", "softmax", start, settings, x, y, np.arange(seeds), orders, n))

    sizes_of = {"method": len(NAMES), "seed": seeds, "split": 3, "bin": BINS}
    record = Recording(Result, params, params.epochs, sizes_of, tick=moments, label=y[:, n + HELD :])

    for moment in schedule(params.epochs, chunk, tick=moments):
        for model in models:
            model.advance(len(moment.steps))
        if moment.due:
            odds = np.array([[log_odds(model, s, x[s]) for s in range(seeds)] for model in models])
            held, tested = odds[..., n : n + HELD], odds[..., n + HELD :]
            bins = np.array([[reliability(tested[m, s], y[s, n + HELD :]) for s in range(seeds)] for m in range(2)])
            loss, accuracy = map(np.array, zip(*(model.measure(bounds) for model in models)))
            count, said, true = np.moveaxis(bins, 2, 0)
            error = [[calibration_error(*found) for found in row] for row in bins]
            record.append("tick", loss=loss, accuracy=accuracy, count=count, said=said, true=true, error=error)
        if moment.last:
            warmth = np.array(
                [[best_temperature(held[m, s], y[s, n : n + HELD]) for s in range(seeds)] for m in range(2)]
            )
            cooled = [
                [calibration_error(*reliability(tested[m, s] / warmth[m, s], y[s, n + HELD :])) for s in range(seeds)]
                for m in range(2)
            ]
            record.set(warmth=warmth, cooled=cooled, tested=tested)
        yield record.result(moment.step)
    return {name: model.weights for name, model in zip(NAMES, models)}


def log_odds(model: Stacked, seed: int, x: np.ndarray) -> np.ndarray:
    """Of class 1, at inputs x [n, 2]: [n]."""
    z = model.outputs(x, np.array([seed]))[0]
    return z[1] - z[0]


def chance(odds: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    return 0.5 * (1 + np.tanh(odds.astype(float) / 2))


def odds_loss(odds: np.ndarray, y: np.ndarray) -> float:
    """Cross-entropy of the logistic function of log odds, in nats."""
    return float((np.logaddexp(0, odds.astype(float)) - y * odds).mean())


def reliability(odds: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By tenths of the probability said: how many examples, the mean of what was said, the share of class 1; 0 where
    there are none (DeGroot and Fienberg, 1983)."""
    p = chance(odds)
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS).astype(float)
    said, true = (np.bincount(place, values, BINS) / count.clip(1) for values in (p, y))
    return count, said, true


def best_temperature(odds: np.ndarray, y: np.ndarray) -> float:
    """That with the lowest loss, of those tried (Guo et al., 2017)."""
    return float(WARMTHS[int(np.argmin([odds_loss(odds / warm, y) for warm in WARMTHS]))])


def calibration_error(count: np.ndarray, said: np.ndarray, true: np.ndarray) -> float:
    """How far apart what was said and what was true are, mean over examples (Naeini, Cooper and Hauskrecht, 2015)."""
    return float((count * np.abs(said - true)).sum() / count.sum())


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Warmth) -> Cooled:
    """Error and loss on test data when all log odds are divided by the temperature."""
    pairs = [
        [
            (calibration_error(*reliability(z, y)), odds_loss(z, y))
            for z, y in zip(odds / question.temperature, result.label)
        ]
        for odds in result.tested
    ]
    error, loss = np.moveaxis(np.array(pairs).mean(1), -1, 0)
    return Cooled(question, 1, 1, error=error, loss=loss)
