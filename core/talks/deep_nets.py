"""Why deep nets were hard to train: one line, a hidden layer, and then a gradient that does not arrive."""

from __future__ import annotations

import numpy as np

from core.concepts.activations.figures import TEST, shrinkage
from core.concepts.activations.params import Result as Deep
from core.concepts.activations.params import of
from core.concepts.optimizer_race.params import Result as Race
from core.concepts.perceptron.figures import stopped
from core.concepts.perceptron.params import Result as Line
from core.ml.rules import Contender
from core.talk import Beat

Said = dict[str, str] | None
THREE = {"contenders": of("sigmoid", "tanh", "relu")}
TEN = THREE | {"depth": 10}
HE = 2.45  # times the usual weights: those of He et al. (2015)
CHANCE, LEARNED = 0.6, 0.95  # test accuracies


# What the lines say: the numbers of a Result, or None where it does not bear the line out.


def right(result: Deep) -> dict[str, np.ndarray]:
    """Mean test accuracy after training by activation: [depth]."""
    mean = result.accuracy[:, :, :, -1, TEST].astype(float).mean(2)
    return dict(zip((unit.activation for unit in result.params.contenders), mean))


def percent(value: float) -> str:
    return f"{100 * value:.0f}"


def factors(result: Deep) -> dict[str, float]:
    """By how much a step back through one layer divides the gradient, before training, by activation."""
    return dict(zip((unit.activation for unit in result.params.contenders), shrinkage(result).mean(1)))


def line(result: Line) -> Said:
    return {"updates": str(len(result.path) - 1)} if stopped(result).all() and not result.missed[-1] else None


def xor(result: Line) -> Said:
    numbers = {"updates": len(result.path) - 1, "wrong": int(result.missed[-1]), "points": len(result.y)}
    return {name: str(n) for name, n in numbers.items()} if not stopped(result).any() else None


def hidden(result: Race) -> Said:
    found = float(result.accuracy[0, 0, -1, TEST])  # the first seed, which is drawn
    return {"right": percent(found)} if found > 0.85 else None


def sigmoid(result: Deep) -> Said:
    one, *more = right(result)["sigmoid"]
    return {"one": percent(one), "two": percent(more[0])} if one > 0.85 and max(more) < CHANCE else None


def gradient(result: Deep) -> Said:
    found = factors(result)["sigmoid"]
    return {"factor": f"{found:.0f}"} if found > 4 else None


def functions(result: Deep) -> Said:
    steepest = dict(zip((unit.activation for unit in result.params.contenders), result.slope.max(1)))
    quarter = steepest["sigmoid"] <= 0.25 and min(steepest["tanh"], steepest["relu"]) > 0.99
    return {} if quarter else None


def relu(result: Deep) -> Said:
    found = {name: values[-1] for name, values in right(result).items()}
    good = found["sigmoid"] < CHANCE and found["tanh"] > LEARNED and found["relu"] > 0.8
    return {name: percent(value) for name, value in found.items()} if good else None


def ten(result: Deep) -> Said:
    return {} if max(values[-1] for values in right(result).values()) < CHANCE else None


def start(result: Deep) -> Said:
    where = [unit.activation for unit in result.params.contenders].index("relu")
    seeds = result.accuracy[where, -1, :, -1, TEST] > LEARNED
    return {"learned": str(int(seeds.sum())), "seeds": str(len(seeds))} if seeds.mean() > 0.5 else None


def arrives(result: Deep) -> Said:
    found = factors(result)
    whole = max(abs(found[name] - 1) for name in ("tanh", "relu")) < 0.2 and found["sigmoid"] > 2
    return {"sigmoid": f"{found['sigmoid']:.1f}"} if whole else None


def dead(result: Deep) -> Said:
    names = [unit.activation for unit in result.params.contenders]
    share = dict(zip(names, result.dead[:, :, -1].mean((1, 2)) / result.params.width))
    return {"relu": percent(share["relu"])} if share["relu"] > 0.5 and not share["leaky_relu"] else None


def end(result: Deep) -> Said:
    found = right(result)["sigmoid"]
    return {"six": percent(found[5])} if found[2] > LEARNED and found[5] < 0.8 else None


BEATS = (
    Beat("line", "perceptron", "line", line, {}, {"stops": "holds"}, ("data", "margin")),
    Beat("xor", "perceptron", "line", xor, {"data": "xor", "passes": 50}, {"xor_never": "holds"}, ("data", "noise")),
    Beat(
        "hidden",
        "optimizer_race",
        "regions",
        hidden,
        {"data": "xor", "contenders": (Contender(rule="adam", lr=0.01),), "width": 16, "epochs": 60},
        knobs=("width", "activation"),
    ),
    Beat(
        "sigmoid",
        "activations",
        "depth",
        sigmoid,
        {"contenders": of("sigmoid")},
        {"beyond_sigmoid": "holds"},
        ("lr", "contenders"),
    ),
    Beat(
        "gradient",
        "activations",
        "layers",
        gradient,
        {"contenders": of("sigmoid")},
        {"shrinks_four": "holds"},
        still=True,
    ),
    Beat("functions", "activations", "functions", functions, THREE, {"slope_quarter": "holds"}),
    Beat(
        "relu",
        "activations",
        "depth",
        relu,
        THREE,
        {"relu_sigmoid": "holds", "tanh_sigmoid": "holds"},
        ("lr", "contenders"),
    ),
    Beat("ten", "activations", "depth", ten, TEN, {"beyond_relu": "holds"}, ("gain",)),
    Beat("start", "activations", "depth", start, TEN | {"gain": HE}, {"beyond_he": "fails"}, ("gain",)),
    Beat("arrives", "activations", "layers", arrives, TEN | {"gain": HE}, knobs=("gain",), still=True),
    Beat(
        "dead",
        "activations",
        "dead",
        dead,
        {"depth": 3, "lr": 0.3, "contenders": of("tanh", "relu", "leaky_relu")},
        {"kills_rate": "holds"},
        ("lr",),
    ),
    Beat(
        "end",
        "activations",
        "depth",
        end,
        THREE | {"rule": "adam", "lr": 0.01},
        {"adam_three": "holds", "adam_six": "fails"},
        ("rule", "lr"),
    ),
)
