"""Backpropagation with one mistake each, trained beside the right one.

    h₁ = tanh(W₁ x + b₁), h₂ = tanh(W₂ h₁ + b₂), h₃ = tanh(W₂ h₂ + b₂), p = softmax(W₃ h₃ + b₃)

The weights W₂ are used twice, so their gradient has two parts. All versions compute at once: arrays are
[version, seed, …], and a mistake is what happens in its own row.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import softmax

from core.concepts.backpropagation.bench.params import BATCH, CLASSES, INPUTS, SHAPES, UNITS, VERSIONS, Result
from core.concepts.backpropagation.params import Params
from core.ml.data import digits, split
from core.ml.random import stream
from core.ml.recording import Recording, schedule

LAYERS = {"1": (UNITS, INPUTS), "2": (UNITS, UNITS), "3": (CLASSES, UNITS)}
TICKS = 12  # moments measured, at most
EXAMPLES, NUDGED = 20, 10  # of the check: examples, and weights of every matrix
NUDGE = 1e-5
Arrays = dict[str, np.ndarray]  # W1, b1, … [version, seed, …]


def row(name: str) -> int:
    return VERSIONS.index(name)


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end the weights [version, seed, …]."""
    sets = [split(*digits(), params.data_seed + s) for s in range(params.seeds)]
    x, tested = (np.stack([data.x[k] for data in sets]).astype(float) for k in (0, 2))
    y, labels = (np.stack([data.y[k] for data in sets]) for k in (0, 2))
    orders = [stream("broken batches", params.data_seed + s) for s in range(params.seeds)]
    w, held = first(params), None
    moments = np.unique((params.steps * np.linspace(0, 1, TICKS + 1) ** 2).round().astype(int))
    sizes = {"version": len(VERSIONS), "seed": params.seeds, "tick": len(moments)}
    shape = np.array([product(*pair) for pair in SHAPES.values()])
    record = Recording(Result, params, params.steps, sizes, tick=moments, shape=shape)
    seeds = np.arange(params.seeds)[:, None]
    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            own = np.stack([rng.choice(x.shape[1], BATCH, replace=False) for rng in orders])
            with np.errstate(all="ignore"):  # a wrong version may leave all bounds
                held = gradients(w, x[seeds, own], y[seeds, own], params, held)
            w = {name: values - params.lr * held[name] for name, values in w.items()}
        if moment.due:
            p = outputs(w, x)[-1]
            chance = p[:, seeds, np.arange(x.shape[1]), y]
            loss = -np.log(chance.clip(1e-300)).mean(-1) + penalty(w, params.penalty)
            accuracy = (outputs(w, tested)[-1].argmax(-1) == labels).mean(-1)
            record.append("tick", loss=loss, accuracy=accuracy)
        if moment.step == 0 or moment.last:
            name = "again" if moment.step else "checked"
            record.set(**{name: check(w, x[:, :EXAMPLES], y[:, :EXAMPLES], params, held)})
        yield record.result(moment.step)
    return w


def first(params: Params) -> Arrays:
    """The same weights for every version, uniform in ±1/√fan-in."""
    found = Arrays()
    for name, (o, i) in LAYERS.items():
        rngs = [stream(f"broken {name}", params.weight_seed + s) for s in range(params.seeds)]
        drawn = np.stack([rng.uniform(-(i**-0.5), i**-0.5, (o, i)) for rng in rngs])
        found[f"W{name}"] = np.repeat(drawn[None], len(VERSIONS), 0)
        found[f"b{name}"] = np.zeros((len(VERSIONS), params.seeds, 1, o))
    return found


def outputs(w: Arrays, x: np.ndarray) -> list[np.ndarray]:
    """The values of every layer, [version, seed, n, units]; the last are probabilities."""
    values = [x]
    for name in ("1", "2", "2"):
        values.append(np.tanh(values[-1] @ w[f"W{name}"].swapaxes(-1, -2) + w[f"b{name}"]))
    return [*values, softmax(values[-1] @ w["W3"].swapaxes(-1, -2) + w["b3"], -1)]


def penalty(w: Arrays, strength: float) -> np.ndarray:
    return 0.5 * strength * sum(np.square(w[name]).sum((-1, -2)) for name in ("W1", "W2", "W3"))


def gradients(w: Arrays, x: np.ndarray, y: np.ndarray, params: Params, held: Arrays | None) -> Arrays:
    """What every version takes for the gradient on examples x [seed, n, in] of classes y [seed, n]. held: what it took
    for it the step before, which is still there where nobody set it to zero."""
    _, h1, h2, h3, p = outputs(w, x)
    found, passing = Arrays(), dict(w)

    def layer(name: str, delta: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Keep the gradient of this use of a layer; what comes back to the values below."""
        new = {f"W{name}": delta.swapaxes(-1, -2) @ below, f"b{name}": delta.sum(-2, keepdims=True)}
        for key, values in new.items():
            old = found.get(key, np.zeros_like(values)).copy()
            old[row("overwritten")] = 0  # wrong
            found[key] = old + values
        back = delta @ passing[f"W{name}"]
        changed = w[f"W{name}"][row("early")] - params.lr * found[f"W{name}"][row("early")]
        back[row("early")] = delta[row("early")] @ changed  # wrong
        return back

    def slope(h: np.ndarray) -> np.ndarray:
        found = 1 - h**2
        found[row("slope")] = 1  # wrong
        return found

    delta = layer("3", (p - np.eye(CLASSES)[y]) / x.shape[-2], h3) * slope(h3)
    delta = layer("2", delta, h2) * slope(h2)
    delta = layer("2", delta, h1) * slope(h1)
    delta[row("sign")] *= -1  # wrong
    layer("1", delta, x)
    for name in ("W1", "W2", "W3"):
        shrinks = params.penalty * w[name]
        shrinks[row("penalty")] = 0  # wrong
        found[name] = found[name] + shrinks
    for name, values in found.items():
        values[row("zeroing")] += held[name][row("zeroing")] if held else 0  # wrong
    return found


def check(w: Arrays, x: np.ndarray, y: np.ndarray, params: Params, held: Arrays | None) -> np.ndarray:
    """Relative error of every version's gradient against two-sided differences, on some weights of every matrix. It
    calls backward twice, as a loop does, so that what is left over from before is seen."""
    held = gradients(w, x, y, params, held)
    claimed, measured = [], []
    chance = np.arange(x.shape[-2])
    for name in ("W1", "W2", "W3"):
        o, i = w[name].shape[-2:]
        which = stream(f"nudged {name}", params.weight_seed).choice(o * i, NUDGED, replace=False)
        found = gradients(w, x, y, params, held)[name]
        for a, b in zip(*np.unravel_index(which, (o, i))):
            ends = []
            for by in (NUDGE, -NUDGE):
                moved = w | {name: w[name].copy()}
                moved[name][..., a, b] += by
                p = outputs(moved, x)[-1][:, np.arange(len(x))[:, None], chance, y]
                ends.append(-np.log(p.clip(1e-300)).mean(-1) + penalty(moved, params.penalty))
            claimed.append(found[..., a, b])
            measured.append((ends[0] - ends[1]) / (2 * NUDGE))
    g, d = np.array(claimed), np.array(measured)
    return np.linalg.norm(g - d, axis=0) / (np.linalg.norm(g, axis=0) + np.linalg.norm(d, axis=0)).clip(1e-300)


def product(left: tuple[int, int], right: tuple[int, int]) -> list[int]:
    """Dimensions of two matrices and of their product; 0 where NumPy refuses it."""
    try:
        return [*left, *right, *(np.zeros(left) @ np.zeros(right)).shape]
    except ValueError:
        return [*left, *right, 0, 0]
