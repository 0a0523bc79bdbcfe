"""The range test: one short run whose rate grows at every step, and what the rate read off it is worth.

The rate grows geometrically from step to step (Smith, 2017; in this form by Gugger, 2018). Losses of batches are
smoothed by an average with decay KEPT, corrected for its start; a test stops where that exceeds STOP times its lowest.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from core.concepts.learning_rate.networks import Sets, raced, racing, sets_of, starts
from core.concepts.learning_rate.params import Params, layout, steps_per_epoch
from core.concepts.learning_rate.range_test.params import (
    ERROR,
    FIRST,
    GRID,
    HIGH,
    LOW,
    METHODS,
    RECIPE,
    TRIED,
    Result,
)
from core.ml.networks import forward
from core.ml.population import Stacked
from core.ml.recording import Recording

KEPT, STOP = 0.98, 4.0
SKIPPED = TRIED // 10, 5  # steps of the test that no method reads, at its start and end
USUAL = 0.01  # the customary first try


def train(
    params: Params, device: str = "cpu", chunk: int = 100, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end weights [methods and rates of the grid, seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    sets, seeds, per_epoch = sets_of(params), params.seeds, steps_per_epoch(params)
    total, first = params.epochs * per_epoch, starts(params)
    rates = np.geomspace(LOW, HIGH, TRIED)
    smooth, spoilt = range_test(params, sets, first, rates)
    switched = first_switch(params, sets, first, total)
    read = {"steepest": steepest, "tenth": tenth, "valley": valley}
    found = {name: np.array([method(*readable(rates, row)) for row in smooth]) for name, method in read.items()}
    found |= {"recipe": np.full(seeds, RECIPE), "usual": np.full(seeds, USUAL), "unrestored": found["valley"]}
    suggested = np.stack([found[name] for name in METHODS])

    all_rates = np.concatenate([suggested, np.repeat(np.array(GRID)[:, None], seeds, 1)])
    factors = np.ones((len(all_rates), seeds, total))
    factors[METHODS.index("recipe")] = np.where(np.arange(total) < switched[:, None], FIRST / RECIPE, 1)
    weights = np.tile(first, (len(all_rates), 1, 1))
    weights[METHODS.index("unrestored")] = spoilt
    race = racing(params, sets, all_rates, factors, weights, population, device)
    epochs = np.unique(np.linspace(0, params.epochs, 5).round().astype(int))
    axes = {"net": len(all_rates), "seed": seeds, "split": 3}
    known = {"tried": rates, "trial": smooth.astype(np.float32), "suggested": suggested, "switched": switched}
    record = Recording(Result, params, total, axes, tick=epochs, **known)
    yield from raced(race, record, sets, chunk, epochs * per_epoch)
    return {"weights": record.parted("net seed", race.weights)}


def slope(w: torch.Tensor, params: Params, sets: Sets, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss [seeds] on the batch of this step, and its gradient [seeds, D]; epochs are repeated where they end."""
    epoch, k = divmod(step, steps_per_epoch(params))
    rows = sets.orders[:, epoch % params.epochs, k * params.batch : (k + 1) * params.batch]
    x = torch.as_tensor(np.take_along_axis(sets.x, rows[..., None], 1)).mT
    y = torch.as_tensor(np.take_along_axis(sets.y, rows, 1))
    leaf = w.detach().requires_grad_()
    loss = functional.cross_entropy(forward(leaf, x, layout(params), "relu"), y, reduction="none").mean(1)
    return loss.detach(), torch.autograd.grad(loss.sum(), leaf)[0]


def range_test(params: Params, sets: Sets, first: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed losses [seeds, steps], NaN once a test has stopped, and the weights [seeds, D] that it leaves behind."""
    w, going = torch.as_tensor(first).clone(), np.ones(len(first), bool)
    average, lowest = np.zeros(len(first)), np.full(len(first), np.inf)
    found = np.full((len(first), len(rates)), np.nan)
    for step, rate in enumerate(rates):
        loss, gradient = slope(w, params, sets, step)
        average = KEPT * average + (1 - KEPT) * loss.numpy().astype(float)
        smooth = average / (1 - KEPT ** (step + 1))
        going &= np.isfinite(smooth) & (smooth <= STOP * lowest)
        found[going, step] = smooth[going]
        lowest = np.minimum(lowest, np.where(going, smooth, np.inf))
        w = torch.where(torch.as_tensor(going)[:, None], w - float(rate) * gradient, w)
    return found, w.numpy()


def first_switch(params: Params, sets: Sets, first: np.ndarray, total: int) -> np.ndarray:
    """After how many steps at the first rate the training error is below ERROR, [seeds]; `total` where it never is."""
    w, found, n = torch.as_tensor(first).clone(), np.full(len(first), total), int(sets.bounds[1])
    x, y = torch.as_tensor(sets.x[:, :n]).mT, torch.as_tensor(sets.y[:, :n])
    for step in range(total):
        wrong = (forward(w, x, layout(params), "relu").argmax(1) != y).float().mean(1).numpy()
        found = np.where((wrong < ERROR) & (found == total), step, found)
        if (found < total).all():
            break
        w = w - FIRST * slope(w, params, sets, step)[1]
    return found


def readable(rates: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a method reads of a test: without the first steps, the last ones, and what came after it was stopped."""
    begin, end = SKIPPED
    kept = slice(begin, max(begin + 2, int(np.isfinite(losses).sum()) - end))
    return rates[kept], losses[kept]


def steepest(rates: np.ndarray, losses: np.ndarray) -> float:
    """Where the loss falls fastest over the logarithm of the rate, in which all steps are equal."""
    return float(rates[np.diff(losses).argmin()])


def tenth(rates: np.ndarray, losses: np.ndarray) -> float:
    """A tenth of the rate at which the loss is lowest."""
    return float(rates[losses.argmin()]) / 10


def valley(rates: np.ndarray, losses: np.ndarray) -> float:
    """The middle of the longest sequence of ever lower losses (others may lie between them), which is taken to be as
    many steps long as it has members."""
    length = np.ones(len(losses), int)
    for i in range(1, len(losses)):
        length[i] += max(length[:i][losses[:i] > losses[i]], default=0)
    end = int(length.argmax())
    return float(rates[max(0, end - int(length[end]) // 2)])
