"""What the notes say of backpropagation, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.backpropagation.bench.params import VERSIONS
from core.concepts.backpropagation.check.params import CHECKS, EPSILONS
from core.concepts.backpropagation.params import PRESETS, WEIGHTS, Params, Result
from core.concepts.backpropagation.speed.params import GRADIENTS, WAYS
from core.conclusions.measures import Contenders, Measure, finished, preset, unseen

VERSION, CHECK = Contenders(lambda params: VERSIONS), Contenders(lambda params: CHECKS)
QUIET = "overwritten", "early", "penalty"  # wrong, and the loss falls all the same
SEEN = {"sign": "chance", "slope": "diverges", "zeroing": "diverges"} | dict.fromkeys(QUIET, "hidden")
FLAT = 1e-4  # a smaller gradient is none to the eye
TOLERANCE = 1e-4  # of a check
DOUBLE, KINKED = 1e-5, 1e-4  # nudges: the best in double precision, and one that reaches over the kink


def at(epsilon: float, field: str = "start") -> Callable[[Any], np.ndarray]:
    """log₁₀ of the relative error of every check with this nudge: [check, seed]."""
    place = int(np.argmin(np.abs(np.log(EPSILONS / epsilon))))
    return lambda result: np.log10(getattr(result, field)[:, :, place].clip(1e-300))


def order(result: Any) -> np.ndarray:
    """The power of ε with which the error falls between 10⁻² and 10⁻³: [check, seed]."""
    return at(1e-2)(result) - at(1e-3)(result)


def off(power: int) -> Callable[[Any], np.ndarray]:
    return lambda result: order(result) - power


def best(result: Any) -> np.ndarray:
    """log₁₀ of the nudge with the smallest error, as a multiple of DOUBLE: [check, seed]."""
    return np.log10(EPSILONS[result.start.argmin(-1)] / DOUBLE)


def accuracy(result: Any) -> np.ndarray:
    """On test data, in the end: [version, seed]."""
    return result.accuracy[:, :, -1].astype(float)


def wrongness(result: Any) -> np.ndarray:
    """log₁₀ of the relative error of the check before training: [version, seed]."""
    return np.log10(result.checked.clip(1e-300))


def caught(result: Any) -> np.ndarray:
    """Decades between the error of the right version and the smallest of a wrong one: [seed]."""
    found = wrongness(result)
    return found[1:].min(0) - found[0]


def falls(result: Any) -> np.ndarray:
    """Per seed: 1 where all the quiet mistakes at least halve the loss."""
    rows = [VERSIONS.index(name) for name in QUIET]
    return (result.loss[rows, :, -1] < 0.5 * result.loss[rows, :, 0]).all(0)


def faster(result: Any) -> np.ndarray:
    """log₁₀ of how many times longer loops take than NumPy, on the most examples: [seed]."""
    seconds = result.seconds[:, :, -1]
    return np.log10(seconds[WAYS.index("loop")] / seconds[WAYS.index("numpy")])


def passes(which: str) -> Callable[[Any], np.ndarray]:
    """Forward passes that a gradient of the widest network takes, in processor time: [seed]."""
    return lambda result: result.passes[GRADIENTS.index(which), :, -1]


def saved(result: Any) -> np.ndarray:
    """log₁₀ of how many times longer nudging takes than one backward pass: [seed]."""
    return np.log10(passes("nudges")(result) / passes("backward")(result))


def half(result: Result) -> np.ndarray:
    """How far outputs are from ½ before training, mean over outputs: [seed]."""
    return np.abs(result.output - 0.5).mean(1)


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "", **more: Any) -> Claim:
    """At the defaults or a preset, on the seeds that decide."""
    params = preset(Params(), PRESETS, at) if at else Params()
    return Claim(id, measure, unseen(params, 20), smallest, direction, **more)


def less(version: str, smallest: float, direction: str = "above", id: str = "", at: str = "") -> Claim:
    """By how much this version's accuracy is below that of the right one."""
    fits = (lambda p: p.lr < 0.1) if at else (lambda p: p.lr >= 0.1)
    return claim(id or version, VERSION.more(accuracy, "right", version, fits), smallest, direction, at, of="bench")


smooth = lambda p: p.activation != "relu"  # noqa: E731
DECADES: dict[str, Any] = {"unit": "log₁₀", "of": "check"}
CLAIMS = (
    claim("exact", finished(lambda r: r.apart), 1e-12, "within"),
    claim("half", finished(half, lambda p: p.loss == "squared"), 0.15, "below"),
    claim("two_sided", CHECK.alone(off(2), "two", smooth), 0.1, "within", of="check"),
    claim("one_sided", CHECK.alone(off(1), "one", smooth), 0.1, "within", of="check"),
    claim("best", CHECK.alone(best, "two", smooth), 1, "within", **DECADES),
    claim("single", CHECK.more(at(DOUBLE), "two_32", "two", smooth), 4, **DECADES),
    claim("dropout", CHECK.more(at(DOUBLE), "dropout", "two", smooth), 4, **DECADES),
    claim("kink", CHECK.more(at(KINKED), "kink", "two", smooth), 4, **DECADES),
    claim("trained", CHECK.more(at(KINKED, "trained"), "two", "two", smooth, over=at(KINKED)), 0.3, **DECADES),
    claim("caught", finished(caught), 3, unit="log₁₀", of="bench"),
    claim("falls", finished(falls), 0.8, share=True, of="bench"),
    less("sign", 0.5),
    less("slope", 0.2),
    less("slope", 0.2, id="slope_slow", at="slow"),
    less("zeroing", 0.5),
    less("overwritten", 0.03, "within"),
    less("early", 0.02, "within"),
    less("penalty", 0.02, "within"),
    claim("one_pass", finished(passes("backward")), 4, "below", of="speed"),
    claim("nudges", finished(saved), 3, unit="log₁₀", of="speed"),
    claim("loops", finished(faster), 1.5, unit="log₁₀", of="speed"),
)


def rises(result: Result) -> tuple[str, dict[str, Any]] | None:
    """What the loss does when the weight that is lit grows a little."""
    if not result.complete:
        return None
    found = float(result.gradient[-1, WEIGHTS.index(result.params.lit)])
    return "same" if abs(found) < FLAT else "rises" if found > 0 else "falls", {"gradient": f"{found:.3g}"}


PREDICTIONS = (Prediction("grows", ("rises", "falls", "same"), rises),)

BROKEN = np.log10(TOLERANCE)
MISTAKES = (
    *(
        Mistake(version, sign, Params(), VERSION.alone(wrongness, version), float(BROKEN), "broken")
        for version, sign in SEEN.items()
    ),
    Mistake("dropout", "check", Params(), CHECK.alone(at(DOUBLE), "dropout"), float(BROKEN), "check"),
    Mistake("kink", "check", Params(), CHECK.alone(at(KINKED), "kink"), float(BROKEN), "check"),
    Mistake("single", "check", Params(), CHECK.alone(at(DOUBLE), "two_32"), float(BROKEN), "check"),
)
