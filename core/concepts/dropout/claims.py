"""What the notes say of dropout, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.dropout.params import HALF, NONE, PRESETS, REMOVED, Net, Params, Result, drops, on_points
from core.conclusions.stats import leaning

TRAIN, VALIDATION, TEST = range(3)
DECIDING: dict[str, Any] = {"seeds": 20, "data_seed": 51_000, "weight_seed": 51_000}  # seeds nobody looked at
MORE, MOST = Net(p=0.7), Net(p=0.9)
CLASSIC, UNSCALED = Net(scaling="classic"), Net(scaling="none")

Value = Callable[[Result], np.ndarray]  # a Result → [net, seed]
Fits = Callable[[Params], bool]
Measure = Callable[[Result], np.ndarray | None]


def best(result: Result) -> np.ndarray:
    """Up to every tick, the first tick of the highest validation accuracy: int [net, seed, tick]."""
    accuracy = result.accuracy[..., VALIDATION]
    before = np.maximum.accumulate(np.pad(accuracy, ((0, 0), (0, 0), (1, 0)), constant_values=-1), 2)[..., :-1]
    return np.maximum.accumulate(np.where(accuracy > before, np.arange(accuracy.shape[2]), 0), 2)


def stopped(result: Result) -> np.ndarray:
    """Test accuracy at the best validation epoch so far, [net, seed, tick]."""
    return np.take_along_axis(result.accuracy[..., TEST], best(result), 2)


def last(result: Result) -> np.ndarray:
    return result.accuracy[:, :, -1, TEST]


def early(result: Result) -> np.ndarray:
    return stopped(result)[:, :, -1]


def on(result: Result) -> np.ndarray:
    return result.on[:, :, -1]


def off(result: Result) -> np.ndarray:
    return result.loss[:, :, -1, TRAIN]


def memorised(result: Result) -> np.ndarray:
    return result.memorised[:, :, -1]


def test_loss(result: Result) -> np.ndarray:
    return result.loss[:, :, -1, TEST]


def averaged(name: str, count: int) -> Value:
    """Accuracy or loss of the scaled network (count 0) or of the mean over thinned ones (−1: all)."""
    return lambda result: getattr(result, name)[:, :, -1, count]


def kept(result: Result) -> np.ndarray:
    """How much accuracy is left when 40 % of the hidden units are taken away, less what there was."""
    robust = result.robust[:, :, -1].astype(float)
    return robust[..., REMOVED.index(0.4)] - robust[..., 0]


def end(name: str, *index: int) -> Value:
    return lambda result: getattr(result, name)[(slice(None), slice(None), -1, *index)]


def farther(result: Result) -> np.ndarray:
    """log₂ of how much more thinned networks differ far from the data than at test examples."""
    near, far = np.moveaxis(result.unsure[:, :, -1].astype(float), -1, 0)
    return np.log2(far.clip(1e-9) / near.clip(1e-9))


def noisy(params: Params) -> bool:
    return not params.own and params.wrong > 0


def clean(params: Params) -> bool:
    return not params.own and params.wrong == 0 and params.width >= 64


def narrow(params: Params) -> bool:
    return not params.own and params.wrong == 0 and params.width <= 8


def bent(params: Params) -> bool:
    return params.depth == 2 and params.activation != "identity"


def more(of: Value, net: Net, over: Value, other: Net, fits: Fits) -> Measure:
    """A measure: a value of one network less a value of another, per seed, where the settings fit."""

    def measure(result: Result) -> np.ndarray | None:
        nets = result.params.nets
        if not (result.complete and fits(result.params) and net in nets and other in nets):
            return None
        return of(result)[nets.index(net)].astype(float) - over(result)[nets.index(other)].astype(float)

    return measure


def alone(value: Value, net: Net, fits: Fits) -> Measure:
    """A measure: a value of one network per seed."""

    def measure(result: Result) -> np.ndarray | None:
        nets = result.params.nets
        return (
            value(result)[nets.index(net)].astype(float)
            if result.complete and fits(result.params) and net in nets
            else None
        )

    return measure


def preset(id: str, **changes: Any) -> Params:
    """The setting of a preset on deciding seeds."""
    return Params().replace(**next(p.changes for p in PRESETS if p.id == id), **DECIDING, **changes)


NOISY, CLEAN, NARROW, POINTS = preset("noisy"), preset("clean"), preset("underfits"), preset("points")
MUCH, SCALINGS = preset("too_much"), preset("scalings")
SHORT, LONG, SLOW = preset("noisy", epochs=25), preset("noisy", epochs=200), preset("noisy", lr=0.001)
ACCURACY, LOSS = "mean_accuracy", "mean_loss"

CLAIMS = (
    Claim("test_last", more(last, HALF, last, NONE, noisy), NOISY, 0.01),
    Claim("test_stopped", more(early, HALF, early, NONE, noisy), NOISY, 0.01, runs=3),
    Claim("underfits", more(last, NONE, last, HALF, narrow), NARROW, 0.05),
    Claim("stopping_alone", more(early, NONE, last, HALF, noisy), NOISY, 0.01),
    Claim("stopping_alone_slow", more(early, NONE, last, HALF, noisy), SLOW, 0.01, extends=True),
    Claim("clean", more(last, HALF, last, NONE, clean), CLEAN, 0.01, "within", runs=3),
    Claim("train_on", more(on, HALF, on, NONE, noisy), NOISY, 0.05, unit="nats"),
    Claim("train_off", more(off, HALF, off, NONE, noisy), NOISY, 0.05, unit="nats"),
    Claim("memorised", more(memorised, NONE, memorised, HALF, noisy), NOISY, 0.1),
    Claim("memorised_long", more(memorised, NONE, memorised, HALF, noisy), LONG, 0.1, extends=True),
    Claim("higher", more(last, MORE, last, HALF, noisy), NOISY, 0.01),
    Claim("higher_short", more(last, MORE, last, HALF, noisy), SHORT, 0.01, extends=True),
    Claim("too_high", more(last, HALF, last, MOST, noisy), MUCH, 0.01),
    Claim("linear", alone(end("gap", 1), HALF, bent), NOISY, 0.001, "within"),
    Claim("deep", alone(end("gap", 2), HALF, bent), NOISY, 0.001, "within"),
    Claim("deep_close", alone(end("gap", 2), HALF, bent), NOISY, 0.01, "within"),
    Claim("at_test", more(averaged(ACCURACY, 0), HALF, averaged(ACCURACY, 1), HALF, noisy), NOISY, 0.01),
    Claim("average", more(averaged(ACCURACY, 0), HALF, averaged(ACCURACY, -1), HALF, noisy), NOISY, 0.01, "within"),
    Claim(
        "average_loss", more(averaged(LOSS, 0), HALF, averaged(LOSS, -1), HALF, clean), CLEAN, 0.01, unit="nats", runs=3
    ),
    Claim(
        "average_loss_short",
        more(averaged(LOSS, 0), HALF, averaged(LOSS, -1), HALF, clean),
        preset("clean", epochs=20),
        0.01,
        unit="nats",
        extends=True,
    ),
    Claim("depends", more(kept, HALF, kept, NONE, noisy), NOISY, 0.05),
    Claim("correlated", more(end("correlation"), NONE, end("correlation"), HALF, noisy), NOISY, 0.01),
    Claim("random", alone(end("blind"), HALF, noisy), NOISY, 0.05, "within"),
    Claim("spread", more(end("spread"), HALF, end("spread"), NONE, noisy), NOISY, 0.01),
    Claim("spread_clean", more(end("spread"), HALF, end("spread"), NONE, clean), CLEAN, 0.01),
    Claim("small", more(end("size"), NONE, end("size"), HALF, noisy), NOISY, 0.005),
    Claim("small_clean", more(end("size"), NONE, end("size"), HALF, clean), CLEAN, 0.005),
    Claim("classic", more(last, CLASSIC, last, HALF, noisy), SCALINGS, 0.01, "within"),
    Claim("unscaled", more(last, CLASSIC, last, UNSCALED, noisy), SCALINGS, 0.01),
    Claim("unscaled_loss", more(test_loss, UNSCALED, test_loss, CLASSIC, noisy), SCALINGS, 0.05, unit="nats"),
    Claim("far", alone(farther, HALF, on_points), POINTS, 0.25, unit="log₂"),
)


def with_or_without(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Whether the first network with dropout ends with a higher test accuracy than the one without."""
    nets = result.params.nets
    kinds = [drops(net) for net in nets]
    if not result.complete or len(set(kinds)) < 2:
        return None
    dropped, whole = (last(result)[kinds.index(kind)].astype(float) for kind in (True, False))
    numbers = {"dropped": f"{dropped.mean():.3f}", "whole": f"{whole.mean():.3f}", "seeds": len(whole)}
    return leaning(dropped - whole), numbers


PREDICTIONS = (Prediction("test", ("more", "even", "less"), with_or_without),)
