"""What the notes say of what networks can represent, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.universal_approximation.depth.params import CLOSE, DEPTHS
from core.concepts.universal_approximation.params import PRESETS, Params
from core.conclusions.measures import Fits, Measure, anything, finished, more_or_less, preset, unseen

FEW, MANY = 2, 32  # units between which an error is said to fall
EARLY = 0.1  # of all steps


def on(data: str, **wanted: Any) -> Fits:
    """Whether a run is on this curve, at these settings."""
    return lambda p: p.data == data and not p.own and all(getattr(p, name) == v for name, v in wanted.items())


def at_width(values: np.ndarray, result: Any, units: int) -> np.ndarray:
    """Of values [width, seed, tick], those of one width in the end: [seed]."""
    return values[list(result.width).index(units), :, -1].astype(float)


def falls(fits: Fits) -> Measure:
    """log₂ of how many times smaller the error is with MANY units than with FEW."""
    return finished(
        lambda r: np.log2(at_width(r.error, r, FEW) / at_width(r.error, r, MANY).clip(1e-9)),
        lambda p: p.units not in (FEW, MANY) and fits(p),
    )


def widest(fits: Fits) -> Measure:
    """The largest error with MANY units."""
    return finished(lambda r: at_width(r.worst, r, MANY), fits)


def own_error(result: Any) -> np.ndarray:
    return at_width(result.error, result, result.params.units)


def beyond(result: Any) -> np.ndarray:
    """log₂ of how many times larger the error is where there are no data: [seed]."""
    off = (result.fit[:, -1].astype(float) - result.truth)[:, np.abs(result.place) > 1]
    return np.log2(np.sqrt((off**2).mean(-1)) / own_error(result).clip(1e-9))


def found(depth: int) -> Any:
    """Whether networks of a depth have found the curve in the end: [seed]."""
    return lambda result: result.error[DEPTHS.index(depth), :, -1] < CLOSE


def deeper(tick: int) -> Any:
    """log₂ of how many times more straight pieces four layers have than one: [seed]."""
    return lambda r: np.log2(r.pieces[DEPTHS.index(4), :, tick] / r.pieces[0, :, tick])


def per_seed(result: Any, value: float) -> np.ndarray:
    """What is the same for every seed, once for each."""
    return np.full(result.params.seeds, value)


def built_pieces(result: Any) -> np.ndarray:
    """Whether zigzags of w units in each of L layers make w ** L pieces at every depth."""
    return per_seed(result, float((result.built == result.width ** np.array(DEPTHS)).all()))


def built_tent(result: Any) -> np.ndarray:
    """Whether weights for the tent are known at every depth."""
    return per_seed(result, float((result.built_error < 1e-6).all()))


def unused(result: Any) -> np.ndarray:
    """log₂ of how many times more pieces four layers built by hand have than four that were trained."""
    return np.log2(result.built[DEPTHS.index(4)] / result.pieces[DEPTHS.index(4), :, -1])


def early(result: Any, low: int, high: int) -> np.ndarray:
    """By how much more of one frequency than of another is there after a tenth of the steps."""
    at = int(np.abs(result.tick - EARLY * result.total).argmin())
    return (result.share[low, :, at] - result.share[high, :, at]).astype(float)


def tents(folds: int, equal: str = "units") -> Fits:
    return lambda p: p.target == "tent" and p.folds == folds and p.equal == equal and p.total == 24


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "hills", **more: Any
) -> Claim:
    """At the setting of a preset, with its `changes`, on the seeds that decide."""
    params = preset(Params(), PRESETS, at).replace(**more.pop("changes", {}))
    return Claim(id, measure, unseen(params, 20), smallest, direction, **more)


def of_depth(id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    return claim(id, measure, smallest, direction, of="depth", **more)


three, one = found(3), found(1)
more_found: Any = lambda r: three(r).astype(float) - one(r)  # noqa: E731
CLAIMS = (
    claim("width", falls(on("hills", activation="relu")), 2, unit="log₂"),
    claim("width_tanh", falls(on("hills", activation="tanh")), 2, at="smooth", unit="log₂"),
    claim("none", falls(lambda p: p.activation == "identity"), 0.1, "within", at="none", unit="log₂"),
    claim("jump", widest(on("jump")), 0.5, at="jump"),
    claim("no_jump", widest(on("hills", activation="relu")), 0.3, "below"),
    claim("outside", finished(beyond, on("waves", units=MANY)), 3, at="beyond", unit="log₂"),
    of_depth("built", finished(built_pieces), 0.8, share=True),
    of_depth("drawn", finished(deeper(0), lambda p: p.equal == "units"), 1, "within", unit="log₂"),
    of_depth("trained", finished(deeper(-1), tents(3)), 1, "below", unit="log₂"),
    of_depth("unused", finished(unused, tents(3)), 3, unit="log₂"),
    of_depth("exists", finished(built_tent, tents(4)), 0.8, share=True, at="folds"),
    of_depth("two_folds", finished(found(2), tents(2)), 0.7, share=True, changes={"folds": 2}),
    of_depth("four_folds", finished(found(4), tents(4)), 0.2, "below", share=True, at="folds"),
    of_depth("deep_units", finished(more_found, tents(3)), 0.1),
    of_depth("deep_parameters", finished(more_found, tents(3, "parameters")), 0.1, changes={"equal": "parameters"}),
    of_depth(
        "smooth",
        finished(lambda r: np.log2(r.error[0, :, -1] / r.error[2, :, -1]), lambda p: p.target == "curve"),
        1, "within", at="parameters", unit="log₂",
    ),
    claim("low_first", finished(lambda r: early(r, 0, 3)), 0.3, of="frequencies"),
    claim("neighbours", finished(lambda r: early(r, 1, 2)), 0.2, of="frequencies"),
)  # fmt: skip
MISTAKES = (
    Mistake(
        "no_activation",
        "floor",
        preset(Params(), PRESETS, "none"),
        finished(own_error, lambda p: p.units >= 16 and not p.own and p.data == "hills"),
        0.3,
        "fit",
    ),
)


def close(result: Any) -> tuple[str, dict[str, Any]] | None:
    errors = finished(own_error)(result)
    if errors is None:
        return None
    error = float(np.median(errors))
    option = "close" if error < 0.05 else "rough" if error < 0.25 else "far"
    return option, {"error": f"{error:.3f}", "units": result.params.units, "seeds": len(errors)}


SHARES = {"deep": finished(three, anything), "wide": finished(one, anything)}
PREDICTIONS = (
    Prediction("fit", ("close", "rough", "far"), close),
    more_or_less("tent", SHARES, lambda share: f"{100 * share:.0f}", of="depth"),
)
