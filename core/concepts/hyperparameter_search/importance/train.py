"""Random settings of nine hyperparameters, trained, and how much of the variance of accuracy each explains alone."""

from __future__ import annotations

from collections.abc import Generator
from itertools import product
from typing import Any

import numpy as np

from core.concepts.hyperparameter_search.importance.params import (
    BINS,
    CASES,
    CHOICES,
    FACTORS,
    RATES,
    THIRDS,
    Result,
    groups,
    tasks,
)
from core.concepts.hyperparameter_search.params import Params, table_shape
from core.concepts.hyperparameter_search.tasks import Task, task_of, value
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording

RATE, MOMENTUM, DECAY, EPOCHS = map(FACTORS.index, ("rate", "momentum", "decay", "epochs"))
CHOSEN = [FACTORS.index(name) for name in CHOICES]


def train(
    params: Params, device: str = "cpu", chunk: int = 8, population: Any = Stacked
) -> Generator[Result, None, None]:
    """Results, each with more settings trained than the last, every `chunk` populations.

    population: the class that trains, `Stacked` or one with the same face.
    """
    place = np.stack([drawn(params, params.data_seed + s) for s in range(params.seeds)], 1)
    record = Recording(Result, params, len(tasks(params)) * groups(), {}, place=place)
    accuracy, step = np.full(place.shape[:3], np.nan), 0
    yield record.result(0)
    for data, each in enumerate(tasks(params)):
        task, cases = task_of(each), slice(2 * data, 2 * data + 2)
        for choice in product(*(range(len(options)) for options in CHOICES.values())):
            range_of, seed, draw = np.nonzero((place[cases][..., CHOSEN] == choice).all(-1))
            if len(seed):
                chosen = dict(zip(CHOICES, (options[i] for i, options in zip(choice, CHOICES.values()))))
                settings = place[cases][range_of, seed, draw], range_of, seed
                accuracy[cases][range_of, seed, draw] = trained(each, task, chosen, settings, population, device)
            step += 1
            if step % groups() == 0:
                record.set(accuracy=accuracy, **explained(place, accuracy))
            if step % chunk == 0 or step == record.total:
                record.set(accuracy=accuracy)
                yield record.result(step)


def drawn(params: Params, seed: int) -> np.ndarray:
    """Settings [case, draw, factor]: places from 0 to 1, or which of the choices; the same of both data sets."""
    rng = stream("settings", seed)
    place = rng.random((2, params.draws, len(FACTORS)))
    for name, options in CHOICES.items():
        place[..., FACTORS.index(name)] = rng.integers(len(options), size=place.shape[:2])
    place[..., EPOCHS] = rng.integers(len(THIRDS), size=place.shape[:2])
    return np.concatenate([place] * (CASES // 2))


def trained(
    params: Params,
    task: Task,
    chosen: dict[str, Any],
    settings: tuple[np.ndarray, np.ndarray, np.ndarray],
    population: Any,
    device: str,
) -> np.ndarray:
    """Validation accuracies of networks that share what is `chosen`, after their own number of epochs."""
    place, range_of, which = settings
    _, inputs, classes = table_shape(params)
    sizes = inputs, *[chosen["width"]] * chosen["depth"], classes
    rows = np.stack([initial_weights(sizes, params.weight_seed + s) for s in which])
    ends = np.log10(np.array(list(RATES.values())))[range_of]
    rate = 10 ** (ends[:, 0] + (ends[:, 1] - ends[:, 0]) * place[:, RATE])
    momentum, decay = (value(params, name, place[:, FACTORS.index(name)]) for name in ("momentum", "decay"))
    inside, batch = -(-int(task.bounds[1]) // chosen["batch"]), chosen["batch"]
    factors = 1 / (1 + decay[:, None] * np.arange(params.epochs).repeat(inside))
    targets = 2 * np.eye(classes, dtype=np.float32)[task.y] - 1 if chosen["loss"] == "squared" else task.y

    def networks(loss: str, y: np.ndarray, weights: np.ndarray) -> Any:
        rules = [Settings("momentum", eta, momentum=m) for eta, m in zip(rate.tolist(), momentum.tolist())]
        data = task.x, y, which, task.orders, batch, factors
        return population(sizes, chosen["activation"], loss, weights, rules, *data, device=device)

    nets, right, done = networks(chosen["loss"], targets, rows), [], 0
    for third in THIRDS:
        epochs = params.epochs * third // len(THIRDS)
        nets.advance((epochs - done) * inside)
        done = epochs
        judge = nets if chosen["loss"] == "softmax" else networks("softmax", task.y, nets.weights)
        right.append(judge.measure(task.bounds[1:3])[1][:, 0])
    return np.choose(place[:, EPOCHS].astype(int), right)


def explained(place: np.ndarray, accuracy: np.ndarray) -> dict[str, np.ndarray]:
    """Shares [case, seed, factor] of the variance of accuracy, and the best accuracy [case, seed]."""
    shares = np.full((*accuracy.shape[:2], len(FACTORS)), np.nan)
    for case, seed in np.ndindex(*accuracy.shape[:2]):
        for k, name in enumerate(FACTORS):
            values = place[case, seed, :, k]
            whole = name in CHOICES or name == "epochs"
            shares[case, seed, k] = share(values if whole else np.floor(BINS * values), accuracy[case, seed])
    return {"share": shares, "best": accuracy.max(-1)}


def share(group: np.ndarray, y: np.ndarray) -> float:
    """Of the variance of y [n], what the means of its groups explain, less what they would explain by chance: ε²
    (Kelley, 1935), the adjusted R². NaN where y does not vary or is not known."""
    _, which, count = np.unique(group, return_inverse=True, return_counts=True)
    means = np.bincount(which, y) / count
    total = ((y - y.mean()) ** 2).sum()
    within = ((y - means[which]) ** 2).sum() / max(len(y) - len(count), 1)
    return float(1 - within * (len(y) - 1) / total) if total > 0 else np.nan
