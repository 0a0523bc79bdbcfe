"""What is said of batch norm, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.batch_norm.invariance.params import BIASES, SCALES
from core.concepts.batch_norm.invariance.params import KINDS as STARTED
from core.concepts.batch_norm.params import GOOD, PRESETS, RATES, Net, Params
from core.concepts.batch_norm.serving.params import DRIFTS, WAYS
from core.concepts.batch_norm.shift.params import KINDS
from core.conclusions.measures import Contenders, Fits, Measure, final, finished, more_or_less, preset, unseen

NETS, SHIFTED = Contenders(lambda params: params.nets), Contenders(lambda params: KINDS)
SERVED, DRIFTED = Contenders(lambda params: WAYS), Contenders(lambda params: DRIFTS)
BEGUN = Contenders(lambda params: STARTED)
NONE, BEFORE, AFTER, LAYER, BARE, NOISY, EVAL = (
    Net(norm=norm) for norm in ("none", "before", "after", "layer", "bare", "noisy", "eval")
)


def good(accuracy: np.ndarray) -> np.ndarray:
    """Which accuracies [net, rate, …] are at most GOOD below the best of all networks and rates."""
    return accuracy >= accuracy.max((0, 1)) - GOOD


def largest(result: Any) -> np.ndarray:
    """log₁₀ of the largest good rate, [net, seed]; where none is, it is below the smallest that was tried."""
    fine = good(result.test[..., -1].astype(float))
    return np.where(fine, np.log10(RATES)[:, None], np.log10(RATES[0]) - 0.5).max(1)


def best(result: Any) -> np.ndarray:
    """The place of the rate with the highest mean validation accuracy, of every network."""
    return result.validation[..., -1].mean(2).argmax(1)


def at_best(result: Any) -> np.ndarray:
    """Test accuracy at the best rate, [net, seed]."""
    return result.test[np.arange(len(result.test)), best(result), :, -1].astype(float)


def grouped(group: int) -> Callable[[Any], np.ndarray]:
    """Test accuracy with groups of this size, [way, seed]."""
    return lambda r: r.test[:, :, -1, list(r.group).index(group)].astype(float)


def fitted(group: int) -> Callable[[Any], np.ndarray]:
    return lambda r: r.fitted[:, -1, list(r.group).index(group)].astype(float)


def over_layers(name: str) -> Callable[[Any], np.ndarray]:
    """The mean of what a layer does from step to step, over steps and layers: [net, seed]."""
    return lambda r: np.nanmean(getattr(r, name).astype(float), (2, 3))


def scaled(scale: float) -> Callable[[Any], np.ndarray]:
    return lambda r: r.scaled[:, SCALES.index(scale), :, -1].astype(float)


def shifted(bias: float) -> Callable[[Any], np.ndarray]:
    return lambda r: r.shifted[:, BIASES.index(bias), :, -1].astype(float)


def gradient(result: Any) -> np.ndarray:
    """That at ten times the weights times ten, [net, seed]: 1 where gradients are divided by as much."""
    return 10 * result.gradient[:, SCALES.index(10)]


def depth(layers: int, **wanted: Any) -> Fits:
    """Whether a run is on the digits with so many hidden layers, and otherwise as it is meant."""
    meant = {"data": "digits", "own": "", "rule": "momentum", "depth": layers} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def small(params: Params) -> bool:
    return params.batch == 2 and params.data == "digits" and not params.own


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "band", **more: Any) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


six, one, twelve, adam = depth(6), depth(1), depth(12), depth(6, rule="adam")
LOG: dict[str, Any] = {"unit": "log₁₀"}
SHIFT, SERVE, START = {"of": "shift"}, {"of": "serving"}, {"of": "invariance"}
moved, turned = over_layers("moved"), over_layers("turned")
test, drifts = final("test"), final("drift")
SORTED = SERVED.more(grouped(128), "running", "sorted", six)
MOVED_ON = DRIFTED.more(drifts, "kept", "drifting", lambda p: p.other != "same")
CLAIMS = (
    claim("larger_rates", NETS.more(largest, BEFORE, NONE, six), 0.5, **LOG),
    claim("better", NETS.more(at_best, BEFORE, NONE, six), 0.02),
    claim("layer_norm", NETS.more(largest, LAYER, NONE, six), 0.5, "below", **LOG),
    claim("shallow", NETS.more(at_best, BEFORE, NONE, one), 0.02, "within", "shallow"),
    claim("deep", NETS.more(at_best, BEFORE, NONE, twelve), 0.1, at="deep"),
    claim("adam", NETS.more(largest, BEFORE, NONE, adam), 0.5, at="adam", **LOG),
    claim("after", NETS.more(at_best, AFTER, BEFORE, six), 0.02, "within", "places"),
    claim("bare", NETS.more(at_best, BARE, BEFORE, six), 0.02, "within", "places"),
    claim("bare_rates", NETS.more(largest, BARE, BEFORE, six), 0.25, at="places", **LOG),
    claim("batch_of_two", NETS.alone(at_best, BEFORE, small), 0.4, "below", "tiny_batch"),
    claim("layer_of_two", NETS.more(at_best, LAYER, BEFORE, small), 0.2, at="tiny_batch"),
    claim("eval", NETS.more(at_best, EVAL, NONE, six), 0.02, "within", "eval"),
    claim("noise_rates", NETS.more(at_best, NOISY, NONE, six), 0.02, at="noise"),
    claim("less_shift", SHIFTED.more(moved, "none", "before", six), 0.02, **SHIFT),
    claim("more_shift", SHIFTED.more(moved, "noisy", "none", six), 0.1, **SHIFT),
    claim("yet_faster", SHIFTED.more(test, "noisy", "none", six), 0.03, **SHIFT),
    claim("noise_costs", SHIFTED.more(test, "before", "noisy", six), 0.02, "within", **SHIFT),
    claim("by_itself", SHIFTED.more(turned, "before", "none", six), 0.05, **SHIFT),
    claim("running", SERVED.more(grouped(128), "running", "own", six), 0.02, "within", **SERVE),
    claim("running_small", SERVED.more(grouped(8), "running", "own", six), 0.05, **SERVE),
    claim("sorted", SORTED, 0.2, **SERVE),
    claim("small_groups", SERVED.more(grouped(128), "running", "running", six, over=grouped(4)), 0.1, **SERVE),
    claim("averages", SERVED.more(grouped(4), "exact", "running", six), 0.02, **SERVE),
    claim("biased", SERVED.more(grouped(16), "biased", "running", six), 0.01, "within", **SERVE),
    claim("fits_less", finished(lambda r: fitted(128)(r) - fitted(8)(r), six), 0.05, **SERVE),
    claim("regularises", SERVED.more(grouped(16), "running", "running", six, over=grouped(128)), 0.01, **SERVE),
    claim("drift", MOVED_ON, 0.1, **SERVE),
    claim("scale", BEGUN.alone(lambda r: gradient(r) - 1, "before"), 0.01, "within", **START),
    claim("tolerates", BEGUN.more(scaled(10), "before", "none", six), 0.3, **START),
    claim("bias", BEGUN.more(shifted(10), "before", "before", six, over=shifted(0)), 0.01, "within", **START),
    claim("bias_none", BEGUN.more(shifted(0), "none", "none", six, over=shifted(10)), 0.3, **START),
    claim("bias_layer", BEGUN.more(shifted(0), "layer", "layer", six, over=shifted(10)), 0.3, **START),
)  # fmt: skip

MISTAKES = (
    Mistake("eval_mode", "worse", preset(Params(), PRESETS, "eval"), NETS.more(largest, BEFORE, EVAL), 0.4, "rates"),
    Mistake("company", "evaluation", Params(), SORTED, 0.1, "serving"),
    Mistake("drift", "evaluation", preset(Params(), PRESETS, "frozen"), MOVED_ON, 0.05, "drift"),
)


def larger(result: Any) -> tuple[str, dict[str, Any]] | None:
    """How many times larger the largest good rate is with batch norm."""
    found = NETS.more(largest, BEFORE, NONE)(result)
    if found is None:
        return None
    times = 10 ** float(np.median(found))
    option = "same" if times < 2 else "few" if times < 8 else "tens"
    return option, {"times": f"{times:.1f}", "seeds": len(found)}


ENDS = {"noisy": SHIFTED.alone(test, "noisy"), "plain": SHIFTED.alone(test, "none")}
PREDICTIONS = (
    Prediction("larger", ("same", "few", "tens"), larger),
    more_or_less("shift", ENDS, "{:.3f}".format, of="shift"),
)
