"""What the notes say of convolution, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.convolution.algebra.params import BACK, MOVED, UPSAMPLED, VIEWS
from core.concepts.convolution.arithmetic import patches
from core.concepts.convolution.params import POOLS, PRESETS, SIDE, Params, Result
from core.concepts.convolution.pooling.params import NETS as POOLED
from core.concepts.convolution.shuffled.params import NETS, ORDERS
from core.conclusions.measures import Contenders, Measure, finished, more_or_less, preset, unseen

ORDERED, SHUFFLED = range(len(ORDERS))
TEST = 1
FLAT = 0.05  # the share of windows that are taken for flat
NEAR = 0.1  # as a share of the brightness
FARTHEST = 3  # pixels by which a picture is tried to have moved
RACERS, POOLERS = Contenders(lambda params: tuple(NETS)), Contenders(lambda params: tuple(POOLED))


def algebraic(name: str, row: int | None = None) -> Measure:
    """An array of what is measured, or a row of it."""
    return finished(lambda result: getattr(result, name) if row is None else getattr(result, name)[row])


def back(way: str) -> Measure:
    return algebraic("lost", BACK.index(way))


def moved(where: str) -> Measure:
    return algebraic("moved", MOVED.index(where))


def exact(name: str) -> Measure:
    """1 where a share is whole."""
    return finished(lambda result: getattr(result, name) == 1)


def wider(result: Any) -> np.ndarray:
    """How many more inputs an output sees through dilated layers than through plain ones of as many weights."""
    ways = list(VIEWS)
    return result.seen[ways.index("dilation")] - result.seen[ways.index("depth")]


def reached(order: int) -> Callable[[Any], np.ndarray]:
    """Test accuracies at the end on signals in this order: [net, seed]."""
    return lambda result: result.accuracy[:, order, :, -1]


def cost_of_shuffling(result: Any) -> np.ndarray:
    return reached(ORDERED)(result) - reached(SHUFFLED)(result)


def at(count: int) -> Callable[[Any], np.ndarray]:
    """Test accuracies after so many examples, by place in COUNTS: [net, seed]."""
    return lambda result: result.accuracy[:, count, :, TEST]


def few_less_many(result: Any) -> np.ndarray:
    return at(0)(result) - at(-1)(result)


def moved_by(result: Result) -> np.ndarray | None:
    """By how many pixels the output lies off that of centred windows; None where their sizes differ."""
    right, output, params = result.ways[int(result.params.turned)], result.output, result.params
    if params.stride > 1 or params.dilation > 1 or output.shape != right.shape:
        return None
    inner = slice(FARTHEST, -FARTHEST)
    steps = sorted(product(range(-FARTHEST, FARTHEST + 1), repeat=2), key=lambda step: max(map(abs, step)))
    off = [np.abs(np.roll(right, step, (0, 1)) - output)[inner, inner].mean() for step in steps]
    return np.array([max(map(abs, steps[int(np.argmin(np.round(off, 9)))]))], float)


def on_flat(result: Result) -> tuple[float, float]:
    """The mean brightness of the flattest windows, and the mean answer to them."""
    covered = patches(result.picture, SIDE)
    unrest = np.ptp(covered, axis=(-2, -1))
    flat = unrest <= np.quantile(unrest, FLAT)
    return float(covered.mean((-2, -1))[flat].mean()), float(result.ways[0][1:-1, 1:-1][flat].mean())


def flat(result: Result) -> tuple[str, dict[str, Any]] | None:
    if not 0 < result.step == result.total:
        return None
    bright, answer = on_flat(result)
    option = "zero" if abs(answer) < NEAR * bright else "same" if abs(answer - bright) < NEAR * bright else "other"
    return option, {"bright": bright, "answer": answer}


DECIDES = {
    "algebra": unseen(Params(), 20),
    "shuffled": unseen(Params(), 20),
    "pooling": unseen(Params(), 20),
}


def claim(id: str, of: str, measure: Measure, smallest: float, direction: str = "above", share: bool = False) -> Claim:
    return Claim(id, measure, DECIDES[of], smallest, direction, share=share, of=of)


def lead(order: int) -> Measure:
    return RACERS.more(reached(order), "cnn", "mlp")


CLAIMS = (
    claim("shuffled_lead", "shuffled", lead(SHUFFLED), 0.02, "below"),
    claim("lead", "shuffled", lead(ORDERED), 0.05),
    claim("mlp_same", "shuffled", RACERS.alone(cost_of_shuffling, "mlp"), 0.02, "within"),
    claim("sharing", "shuffled", RACERS.more(reached(ORDERED), "one", "local"), 0.02),
    claim("sharing_shuffled", "shuffled", RACERS.more(reached(SHUFFLED), "one", "local"), 0.02, "below"),
    claim("deeper", "shuffled", RACERS.more(reached(ORDERED), "cnn", "one"), 0.02),
    claim("few", "pooling", POOLERS.more(at(0), "max", "none"), 0.01),
    claim("few_many", "pooling", POOLERS.more(few_less_many, "max", "none"), 0.01),
    claim("activation", "pooling", POOLERS.more(at(-1), "max_alone", "mean_alone"), 0.05),
    claim("relu_too", "pooling", POOLERS.more(at(-1), "max", "max_alone"), 0.01),
    claim("found", "algebra", moved("inside"), 1e-9, "below"),
    claim("border", "algebra", moved("border"), 0.05),
    claim("strided", "algebra", moved("strided"), 0.05),
    claim("sizes", "algebra", exact("sized"), 0.8, share=True),
    claim("as_matrix", "algebra", algebraic("dense"), 1e-9, "below"),
    claim("full", "algebra", algebraic("full"), 1e-9, "below"),
    claim("spread", "algebra", algebraic("spread"), 1e-9, "below"),
    claim("restored", "algebra", exact("restored"), 0.8, share=True),
    claim("not_inverse", "algebra", back("transposed"), 0.1),
    claim("solved", "algebra", back("solved"), 1e-6, "below"),
    claim("checkerboard", "algebra", algebraic("uneven", UPSAMPLED.index(3)), 0.5),
    claim("even", "algebra", algebraic("uneven", UPSAMPLED.index(4)), 0.3, "below"),
    claim("dilated", "algebra", finished(wider), 5),
    claim("mean_linear", "algebra", algebraic("linear", POOLS.index("mean")), 1e-9, "below"),
    claim("max_not", "algebra", algebraic("linear", POOLS.index("max")), 0.01),
    claim("unpooled", "algebra", exact("unpooled"), 0.8, share=True),
)

RACE = {"cnn": RACERS.alone(reached(SHUFFLED), "cnn"), "mlp": RACERS.alone(reached(SHUFFLED), "mlp")}
PREDICTIONS = (
    Prediction("flat", ("zero", "same", "other"), flat),
    more_or_less("order", RACE, lambda share: f"{100 * share:.0f}", "shuffled"),
)
MISTAKES = (
    Mistake("off_by_one", "output", preset(Params(), PRESETS, "off_by_one"), finished(moved_by), 0.5, "slide"),
    Mistake("inverse", "output", Params(), back("transposed"), 0.1, "inverse"),
)
