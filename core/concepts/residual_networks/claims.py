"""What is said of residual networks, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.residual_networks.copy.params import CHAINS, STARTED
from core.concepts.residual_networks.params import PRESETS, Net, Params
from core.concepts.residual_networks.rates.params import NETS as TUNED
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, preset, unseen

TRAIN, TEST = range(2)
PLAIN, RESIDUAL, RANDOM, POSITIVE, UNREAD = (
    Net(kind=kind) for kind in ("plain", "residual", "random", "positive", "unread")
)
NETS, COPIES = Contenders(lambda params: params.nets), Contenders(lambda params: STARTED)
# Rows of the rates: each of both networks at the depth before the deepest, then at the deepest
ROWS = tuple((net.kind, deepest) for net in TUNED for deepest in (False, True))
RATED = Contenders(lambda params: ROWS)


def reached(split: int, depth: int = -1) -> Callable[[Any], np.ndarray]:
    """Accuracy in the end at one of the depths, [net, seed]."""
    return lambda r: r.accuracy[:, depth, :, -1, split].astype(float)


def backward(result: Any, tick: int = 0) -> np.ndarray:
    """log₁₀ of the gradient at the first place over that at the last, [net, seed]."""
    return np.log10(result.gradient[:, :, tick, 0]) - np.log10(result.gradient[:, :, tick, -1])


def grown(result: Any) -> np.ndarray:
    """log₂ of how many times larger activations are at the last place than at the first, at the start: [net, seed]."""
    return np.log2(result.size[:, :, 0, -1]) - np.log2(result.size[:, :, 0, 0])


def kept(name: str) -> Callable[[Any], np.ndarray]:
    """What part of its test accuracy a network keeps, mean over blocks: [net, seed]."""

    def share(result: Any) -> np.ndarray:
        found = getattr(result, name)[:, :, -1].astype(float)
        there = np.isfinite(found)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(there, found, 0).sum(-1) / there.sum(-1) / reached(TEST)(result)

    return share


def same(result: Any) -> np.ndarray:
    """Whether accuracies are the same at all depths, [net, seed]."""
    return (np.ptp(result.accuracy[..., -1, TRAIN], axis=1) == 0).astype(float)


def copied(blocks: int) -> Callable[[Any], np.ndarray]:
    """log₂ of the error in the end, [net, seed]."""
    return lambda r: np.log2(r.error[:, CHAINS.index(blocks), :, -1].astype(float))


def best_rate(result: Any) -> np.ndarray:
    """The place of the rate with the highest mean training accuracy of every row."""
    return result.accuracy[..., -1, TRAIN].mean(2).argmax(1)


def at_best(result: Any) -> np.ndarray:
    """Training accuracy at that rate, [row, seed]."""
    return result.accuracy[np.arange(len(ROWS)), best_rate(result), :, -1, TRAIN].astype(float)


def run(deepest: int = 20, **wanted: Any) -> Fits:
    """Whether a run is on signals, so deep, and otherwise as it is meant."""
    meant = {"data": "signals", "own": "", "norm": "batch", "steps": 180, "lr": 0.01, "deepest": deepest} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    """At the default with changes, on the seeds that decide."""
    part = {name: more.pop(name) for name in ("of", "unit") if name in more}
    return Claim(id, measure, unseen(Params(), 20, **more), smallest, direction, **part)


def deeper(net: Net, fits: Fits) -> Measure:
    """By how much training accuracy is higher at the depth before the deepest."""
    return NETS.more(reached(TRAIN, -2), net, net, fits, over=reached(TRAIN))


default, deep, bare, longer = run(), run(56), run(norm="none"), run(steps=360)
STARTS: dict[str, Any] = {"nets": (RESIDUAL, RANDOM, POSITIVE)}
LOG10, LOG2 = {"unit": "log₁₀"}, {"unit": "log₂"}
CLAIMS = (
    claim("degrades", deeper(PLAIN, default), 0.1),
    claim("repaired", deeper(RESIDUAL, default), 0.05, "below"),
    claim("shortcut", NETS.more(reached(TRAIN), RESIDUAL, PLAIN, default), 0.1),
    claim("generalises", NETS.more(reached(TEST), RESIDUAL, PLAIN, default), 0.1),
    claim("shallow", NETS.more(reached(TRAIN, -2), RESIDUAL, PLAIN, default), 0.1, "within"),
    claim("no_vanishing", NETS.alone(backward, PLAIN, default), 0.3, **LOG10),
    claim("even", NETS.alone(backward, RESIDUAL, default), 0.3, "within", **LOG10),
    claim("deep_plain", deeper(PLAIN, deep), 0.3, deepest=56),
    claim("deep_residual", deeper(RESIDUAL, deep), 0.05, "below", deepest=56),
    claim("longer", deeper(PLAIN, longer), 0.05, steps=360, nets=(PLAIN,)),
    claim("removed", NETS.more(kept("removed"), RESIDUAL, PLAIN, default), 0.2),
    claim("swapped", NETS.more(kept("swapped"), RESIDUAL, PLAIN, default), 0.2),
    claim("bare", NETS.more(reached(TRAIN), RESIDUAL, PLAIN, bare), 0.1, norm="none"),
    claim("bare_gradient", NETS.alone(backward, PLAIN, bare), 0.5, "within", norm="none", **LOG10),
    claim("zero_start", NETS.more(reached(TRAIN), RESIDUAL, RANDOM, default), 0.02, **STARTS),
    claim("positive", NETS.more(reached(TRAIN), RANDOM, POSITIVE, default), 0.05, **STARTS),
    claim("copy_one", COPIES.more(copied(1), "plain", "random", default), 1.0, of="copy", **LOG2),
    claim("copy_four", COPIES.more(copied(4), "plain", "random", default), 1.0, of="copy", **LOG2),
    claim("tuned", RATED.more(at_best, ROWS[0], ROWS[1], default), 0.05, of="rates"),
    claim("tuned_residual", RATED.more(at_best, ROWS[2], ROWS[3], default), 0.05, "below", of="rates"),
)  # fmt: skip

MISTAKES = (
    Mistake(
        "relu_first", "signal", preset(Params(), PRESETS, "positive"), NETS.more(grown, POSITIVE, RANDOM), 0.3, "signal"
    ),
    Mistake("unread", "measure", preset(Params(), PRESETS, "unread"), NETS.alone(same, UNREAD), 0.5, "depth"),
)


def measured(value: Callable[[Any], np.ndarray], net: Net, field: str = "accuracy") -> Measure:
    """Of a run in which accuracies and the field are known."""
    alone = NETS.alone(value, net)
    return lambda result: alone(result) if result.accuracy.size and getattr(result, field).size else None


def of_plain(depth: int) -> Callable[[Any], np.ndarray | None]:
    return measured(reached(TRAIN, depth), PLAIN)


KEPT = {net.kind: measured(kept("removed"), net, "removed") for net in (RESIDUAL, PLAIN)}
PREDICTIONS = (
    more_or_less("deeper", {"deep": of_plain(-1), "shallow": of_plain(-2)}, "{:.3f}".format),
    more_or_less("removed", KEPT, "{:.0%}".format),
)
