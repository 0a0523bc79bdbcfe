"""What is said of recurrent memory, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.recurrent_memory.params import (
    BASELINES,
    BIASES,
    BOTH,
    CARRIED,
    CLIPS,
    CNN,
    GRU,
    LSTM,
    ORTHOGONAL,
    PLAIN,
    QUANTITIES,
    READERS,
    SOLVED,
    UNCLIPPED,
    VARIANTS,
    Clip,
    Net,
    Params,
    Reader,
    used,
)
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, unseen

NETS, CLIPPED = Contenders(used), Contenders(lambda params: params.clips)
READING = Contenders(lambda params: params.readers)
NEAR = Net(cell="cnn", layers=4)
DEEP, FED_BACK = VARIANTS[2:]
READ = {kind: Reader(kind=kind) for kind in READERS}
SIGMOID = 1 / (1 + np.exp(-1.0))  # σ(1): what a forget gate with bias 1 lets through when nothing comes in


def solved(result: Any) -> np.ndarray:
    """Whether the task is solved at a tick for the first time or before, [net, seed, tick]."""
    return np.maximum.accumulate(result.error < SOLVED * BASELINES[result.params.task], 2)


def ever(result: Any) -> np.ndarray:
    return solved(result)[..., -1]


def when(result: Any) -> np.ndarray:
    """The step at which it is first found solved, or the last one, [net, seed]."""
    found = solved(result)
    return np.where(found[..., -1], result.tick[found.argmax(2)], result.total).astype(float)


def error(result: Any) -> np.ndarray:
    return result.error[..., -1].astype(float)


def through(look: int) -> Callable[[Any], np.ndarray]:
    """log₁₀ of how much the answer depends on the state at the first step, over the last: [net, seed]."""
    return lambda r: np.log10(np.maximum(r.through[:, :, look, 0], 1e-30).astype(float))


def leap(result: Any) -> np.ndarray:
    """log₁₀ of the longest gradient of training over the median of the longest between ticks, [net, seed]."""
    return np.log10(result.norm[..., 1:].max(-1)) - np.log10(np.median(result.norm[..., 1:], -1))


def readable(look: int) -> Callable[[Any], np.ndarray]:
    """How many of the values that came in can be read out of the last state: the sum of R², [net, seed]."""
    return lambda r: np.nansum(r.held[:, :, look], -1).astype(float)


def gate(quantity: str) -> Callable[[Any], np.ndarray]:
    """By how much a gate is more open at marks than elsewhere, in the end."""
    return lambda r: np.diff(r.mean_gate[:, :, -1, QUANTITIES.index(quantity)].astype(float))[..., 0]


def beyond(result: Any) -> np.ndarray:
    """The error less 1/12, the variance of a value that has not come in yet."""
    return error(result) - 1 / 12


def sigma(result: Any) -> np.ndarray:
    """log₁₀ of the dependence at the start less that of σ(1) to the power of the steps between."""
    return through(0)(result) - (result.params.length - 1) * np.log10(SIGMOID)


def longest(result: Any) -> np.ndarray:
    return np.log10(result.longest)


def ended(result: Any) -> np.ndarray:
    return np.log10(np.maximum(result.loss[..., -1], 1e-12))


def reads(result: Any) -> np.ndarray:
    """Accuracy on test names in the end, [reader, seed]."""
    return result.accuracy[:, :, -1, 1].astype(float)


def overfits(result: Any) -> np.ndarray:
    return result.accuracy[:, :, -1, 0] - reads(result)


def run(**wanted: Any) -> Fits:
    """Whether a run is as the default, but for these fields."""
    meant = {"task": "adding", "length": 20, "rule": "adam", "rate": 0.01, "steps": 500, "units": 16} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    """At the default with changes, on the seeds that decide."""
    about = {name: more.pop(name) for name in ("of", "unit", "share") if name in more}
    return Claim(id, measure, unseen(Params(), 20, **more), smallest, direction, **about)


default, short, echo = run(), run(length=8), run(task="echo")
AHEAD: dict[str, Any] = {"task": "ahead", "nets": (GRU, BOTH)}
CLIFF: dict[str, Any] = {"of": "cliff", "clips": tuple(Clip(kind=kind) for kind in CLIPS)}
NAMES: dict[str, Any] = {"of": "names", "readers": tuple(READ[k] for k in ("rnn", "lstm", "gru", "padding", "letters"))}
LOG: dict[str, Any] = {"unit": "log₁₀"}
CLAIMS = (
    claim("rnn", NETS.alone(ever, PLAIN, default), 0.5, "below", share=True),
    claim("lstm", NETS.alone(ever, LSTM, default), 0.7, share=True),
    claim("gru", NETS.alone(ever, GRU, default), 0.7, share=True),
    claim("sooner", NETS.more(when, LSTM, GRU, default), 50, unit="steps"),
    claim("vanishes", NETS.alone(lambda r: -through(0)(r), PLAIN, default), 3, **LOG),
    claim("sigma", NETS.alone(sigma, LSTM, default), 1, "within", **LOG),
    claim("learns", NETS.more(through(-1), LSTM, LSTM, default, over=through(0)), 1, **LOG),
    claim("leaps", NETS.alone(leap, LSTM, default), 0.3, **LOG),
    claim("gates", NETS.alone(gate("input"), LSTM, default), 0.1),
    claim("not_all", NETS.alone(readable(-1), LSTM, default), 10, "below", unit="values"),
    claim("forgets", NETS.more(readable(0), GRU, GRU, default, over=readable(-1)), 1, unit="values"),
    claim("near", NETS.alone(error, PLAIN, short), 1 / 24, "below", length=8, nets=(PLAIN, ORTHOGONAL)),
    claim("orthogonal", NETS.more(through(0), ORTHOGONAL, PLAIN, short), 1, length=8, nets=(PLAIN, ORTHOGONAL), **LOG),
    claim("echo", NETS.more(error, LSTM, ORTHOGONAL, echo), 0.02, task="echo", nets=(ORTHOGONAL, LSTM)),
    claim("clip", NETS.more(error, UNCLIPPED, PLAIN, default), 0.04, "within", nets=(PLAIN, UNCLIPPED)),
    claim("bias_low", NETS.more(error, BIASES[0], LSTM, default), 0.01, nets=BIASES),
    claim("bias_high", NETS.more(through(0), BIASES[2], LSTM, default), 1, nets=BIASES, **LOG),
    claim("fed_back", NETS.alone(ever, FED_BACK, default), 0.5, "below", share=True, nets=(*VARIANTS[:2], FED_BACK)),
    claim("peephole", NETS.more(when, VARIANTS[1], LSTM, default), 100, "within", unit="steps",
          nets=(*VARIANTS[:2], FED_BACK)),
    claim("cnn", NETS.alone(ever, CNN, default), 0.7, share=True, nets=(NEAR, CNN)),
    claim("cnn_near", NETS.alone(ever, NEAR, default), 0.5, "below", share=True, nets=(NEAR, CNN)),
    claim("both", NETS.alone(ever, BOTH, run(task="ahead")), 0.7, share=True, **AHEAD),
    claim("forward", NETS.alone(beyond, GRU, run(task="ahead")), 0.01, "within", **AHEAD),
    claim("tamed", CLIPPED.more(longest, Clip(kind="none"), Clip(kind="norm")), 0.5, **CLIFF, **LOG),
    claim("stays", CLIPPED.more(ended, Clip(kind="none"), Clip(kind="norm")), 0.5, **CLIFF, **LOG),
    claim("order", READING.more(reads, READ["gru"], READ["letters"]), 0.03, **NAMES),
    claim("read_rnn", READING.more(reads, READ["lstm"], READ["rnn"]), 0.02, **NAMES),
    claim("overfit", READING.more(reads, READ["gru"], READ["lstm"]), 0.01, **NAMES),
)  # fmt: skip

TURNED = CLIPPED.more(lambda r: r.turned, Clip(kind="tensor"), Clip(kind="norm"))
MISTAKES = (
    Mistake("tensor", "hidden", Params(seeds=20, clips=CLIFF["clips"]), TURNED, 5, "cliff"),
    Mistake("above", "diverges", Params(seeds=20, clips=CLIFF["clips"]),
            CLIPPED.more(longest, Clip(kind="above"), Clip(kind="norm")), 0.5, "cliff"),
    Mistake("carried", "floor", Params(nets=(GRU, CARRIED), steps=300), NETS.more(error, CARRIED, GRU), 0.005, "error"),
    Mistake("padding", "slow", Params(readers=tuple(READ[k] for k in ("gru", "padding", "letters"))),
            READING.more(lambda r: r.accuracy[:, :, 2, 1], READ["gru"], READ["padding"]), 0.05, "names"),
)  # fmt: skip

SOLVES = {cell: NETS.alone(ever, net) for cell, net in (("rnn", PLAIN), ("lstm", LSTM))}
ORDER = {kind: READING.alone(reads, READ[kind]) for kind in ("gru", "letters")}
PREDICTIONS = (
    more_or_less("solves", SOLVES, "{:.0%}".format, length=lambda p: p.length),
    more_or_less("letters", ORDER, "{:.0%}".format, of="names"),
)
