"""What the notes say of dropout, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.dropout.params import HALF, NONE, PRESETS, REMOVED, Net, Params, Result, drops, on_points
from core.conclusions.measures import Contenders, Fits, final, more_or_less, preset, unseen

TRAIN, VALIDATION, TEST = range(3)
MORE, MOST = Net(p=0.7), Net(p=0.9)
CLASSIC, UNSCALED = Net(scaling="classic"), Net(scaling="none")
NETS = Contenders(lambda params: params.nets)


def best(result: Result) -> np.ndarray:
    """Up to every tick, the first tick of the highest validation accuracy: int [net, seed, tick]."""
    accuracy = result.accuracy[..., VALIDATION]
    before = np.maximum.accumulate(np.pad(accuracy, ((0, 0), (0, 0), (1, 0)), constant_values=-1), 2)[..., :-1]
    return np.maximum.accumulate(np.where(accuracy > before, np.arange(accuracy.shape[2]), 0), 2)


def stopped(result: Result) -> np.ndarray:
    """Test accuracy at the best validation epoch so far, [net, seed, tick]."""
    return np.take_along_axis(result.accuracy[..., TEST], best(result), 2)


def early(result: Result) -> np.ndarray:
    return stopped(result)[:, :, -1]


last, test_loss, on, off = final("accuracy", TEST), final("loss", TEST), final("on"), final("loss", TRAIN)
memorised, correlation, spread, size = (final(name) for name in ("memorised", "correlation", "spread", "size"))
# Of the scaled network, of one thinned network, of the mean over all thinned ones
(scaled, thinned, averaged), (scaled_loss, _, averaged_loss) = (
    [final(f"mean_{name}", count) for count in (0, 1, -1)] for name in ("accuracy", "loss")
)


def kept(result: Result) -> np.ndarray:
    """How much accuracy is left when 40 % of the hidden units are taken away, less what there was."""
    robust = result.robust[:, :, -1].astype(float)
    return robust[..., REMOVED.index(0.4)] - robust[..., 0]


def farther(result: Result) -> np.ndarray:
    """log₂ of how much more thinned networks differ far from the data than at test examples."""
    near, far = np.moveaxis(result.unsure[:, :, -1].astype(float), -1, 0)
    return np.log2(far.clip(1e-9) / near.clip(1e-9))


def ours(fits: Fits) -> Fits:
    """On the page's data, not on the reader's own."""
    return lambda params: not params.own and fits(params)


noisy = ours(lambda params: params.wrong > 0)
clean = ours(lambda params: params.wrong == 0 and params.width >= 64)
narrow = ours(lambda params: params.wrong == 0 and params.width <= 8)


def bent(params: Params) -> bool:
    return params.depth == 2 and params.activation != "identity"


def at(id: str, **changes: Any) -> Params:
    """The setting of a preset on the seeds that decide."""
    return unseen(preset(Params(), PRESETS, id), 20, 51_000, **changes)


NOISY, CLEAN, NARROW, POINTS = at("noisy"), at("clean"), at("underfits"), at("points")
MUCH, SCALINGS = at("too_much"), at("scalings")
SHORT, LONG, SLOW = at("noisy", epochs=25), at("noisy", epochs=200), at("noisy", lr=0.001)
AVERAGED = NETS.more(scaled_loss, HALF, HALF, clean, averaged_loss)

CLAIMS = (
    Claim("test_last", NETS.more(last, HALF, NONE, noisy), NOISY, 0.01),
    Claim("test_stopped", NETS.more(early, HALF, NONE, noisy), NOISY, 0.01, runs=3),
    Claim("underfits", NETS.more(last, NONE, HALF, narrow), NARROW, 0.05),
    Claim("stopping_alone", NETS.more(early, NONE, HALF, noisy, last), NOISY, 0.01),
    Claim("stopping_alone_slow", NETS.more(early, NONE, HALF, noisy, last), SLOW, 0.01, extends=True),
    Claim("clean", NETS.more(last, HALF, NONE, clean), CLEAN, 0.01, "within", runs=3),
    Claim("train_on", NETS.more(on, HALF, NONE, noisy), NOISY, 0.05, unit="nats"),
    Claim("train_off", NETS.more(off, HALF, NONE, noisy), NOISY, 0.05, unit="nats"),
    Claim("memorised", NETS.more(memorised, NONE, HALF, noisy), NOISY, 0.1),
    Claim("memorised_long", NETS.more(memorised, NONE, HALF, noisy), LONG, 0.1, extends=True),
    Claim("higher", NETS.more(last, MORE, HALF, noisy), NOISY, 0.01),
    Claim("higher_short", NETS.more(last, MORE, HALF, noisy), SHORT, 0.01, extends=True),
    Claim("too_high", NETS.more(last, HALF, MOST, noisy), MUCH, 0.01),
    Claim("linear", NETS.alone(final("gap", 1), HALF, bent), NOISY, 0.001, "within"),
    Claim("deep", NETS.alone(final("gap", 2), HALF, bent), NOISY, 0.001, "within"),
    Claim("deep_close", NETS.alone(final("gap", 2), HALF, bent), NOISY, 0.01, "within"),
    Claim("at_test", NETS.more(scaled, HALF, HALF, noisy, thinned), NOISY, 0.01),
    Claim("average", NETS.more(scaled, HALF, HALF, noisy, averaged), NOISY, 0.01, "within"),
    Claim("average_loss", AVERAGED, CLEAN, 0.01, unit="nats", runs=3),
    Claim("average_loss_short", AVERAGED, at("clean", epochs=20), 0.01, unit="nats", extends=True),
    Claim("depends", NETS.more(kept, HALF, NONE, noisy), NOISY, 0.05),
    Claim("correlated", NETS.more(correlation, NONE, HALF, noisy), NOISY, 0.01),
    Claim("random", NETS.alone(final("blind"), HALF, noisy), NOISY, 0.05, "within"),
    Claim("spread", NETS.more(spread, HALF, NONE, noisy), NOISY, 0.01),
    Claim("spread_clean", NETS.more(spread, HALF, NONE, clean), CLEAN, 0.01),
    Claim("small", NETS.more(size, NONE, HALF, noisy), NOISY, 0.005),
    Claim("small_clean", NETS.more(size, NONE, HALF, clean), CLEAN, 0.005),
    Claim("classic", NETS.more(last, CLASSIC, HALF, noisy), SCALINGS, 0.01, "within"),
    Claim("unscaled", NETS.more(last, CLASSIC, UNSCALED, noisy), SCALINGS, 0.01),
    Claim("unscaled_loss", NETS.more(test_loss, UNSCALED, CLASSIC, noisy), SCALINGS, 0.05, unit="nats"),
    Claim("far", NETS.alone(farther, HALF, on_points), POINTS, 0.25, unit="log₂"),
)

WRONG = preset(Params(), PRESETS, "scalings")
MISTAKES = (Mistake("unscaled_loss", "evaluation", WRONG, NETS.more(test_loss, UNSCALED, CLASSIC), 0.05, "loss"),)

WITH_OR_WITHOUT = {"dropped": NETS.alone(last, drops), "whole": NETS.alone(last, lambda net: not drops(net))}
PREDICTIONS = (more_or_less("test", WITH_OR_WITHOUT, "{:.3f}".format),)
