"""Pictures of normalisation: accuracy by rate, shift, whose averages at test, and what is not noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.batch_norm.claims import at_best, best, good, over_layers
from core.concepts.batch_norm.invariance.params import BIASES, SCALES
from core.concepts.batch_norm.invariance.params import KINDS as STARTED
from core.concepts.batch_norm.params import RATES, Result
from core.concepts.batch_norm.serving.params import DRIFTS, WAYS
from core.concepts.batch_norm.shift.params import KINDS, PERCENTS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents

STEP = ("step", lambda r: r.tick)
POWERS = {"type": "log", "exponentformat": "power", "dtick": 1}


def named(result: Result, text: Text) -> list[str]:
    return [text.say(f"options.norm.{net.norm}") for net in result.params.nets]


def further(part: str, rows: tuple[str, ...], key: str, head: str) -> Gallery:
    """Of an experiment whose rows are always these."""
    lost = (lambda r: ~np.isfinite(r.loss[:, :, -1:]).all(-1)) if part == "shift" else None
    return Gallery(
        "batch_norm", lambda r, text: [text.say(f"{key}.{row}") for row in rows], head, diverged=lost, of=part
    )


HERE = Gallery("batch_norm", named, "words.network")
SHIFT = further("shift", KINDS, "options.norm", "words.network")
SERVED = further("serving", WAYS, "ways", "words.way")
FITTED = further("serving", ("train", "test"), "splits", "words.data")
DRIFTED = further("serving", DRIFTS, "drifts", "words.data")
STARTS = further("invariance", STARTED, "options.norm", "words.network")


# Rates


def means(result: Result) -> np.ndarray:
    """Test accuracy, mean over seeds: [net, rate, tick]."""
    return result.test.astype(float).mean(2)


def bands(result: Result) -> np.ndarray:
    """The lowest and the highest good rate of every network at every tick, [net, tick, 2]; NaN where none is good."""
    fine = good(means(result)).swapaxes(1, 2) & (result.tick > 0)[:, None]  # before training all are equally good
    low, high = (np.where(fine, RATES, end) for end in (np.inf, -np.inf))
    ends = np.stack([low.min(-1), high.max(-1)], -1)
    return np.where(np.isfinite(ends), ends, np.nan)


def finish_rates(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Below the curves, for every network, the band of its good rates."""
    for i, band in enumerate(bands(result)):
        at = -0.05 - 0.045 * i
        look = plot.curve(i, "solid", width=9) | {"mode": "lines+markers", "marker": plot.mark(i, 11)}
        tip = f"{text.say('words.good')}<extra></extra>"
        fig.add_scatter(x=band[-1], y=[at, at], **look, showlegend=False, hovertemplate=tip).was(x=band)
    middle = -0.05 - 0.0225 * (len(bands(result)) - 1)
    where: dict[str, Any] = {"x": 0.01, "xref": "paper", "xanchor": "left", "y": middle}
    fig.add_annotation(text=text.say("words.good"), showarrow=False, **where)
    names = ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3"]
    fig.update_xaxes(type="log", tickvals=RATES, ticktext=names, tickangle=0, range=[-3.08, 0.58])
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    fig.update_yaxes(range=[-0.06 - 0.045 * len(bands(result)), 1.02], tickvals=ticks, zeroline=False)


def summary_rates(result: Result, language: str) -> str:
    text, band, top = HERE.text(language), bands(result)[:, -1], at_best(result).mean(1)

    def row(i: int) -> dict[str, Any]:
        found = {"top": f"{top[i]:.3f}", "rate": f"{RATES[best(result)[i]]:.1g}"}
        if np.isnan(band[i, 0]):
            return {"key": "summaries.no_rate"} | found
        low, high = (f"{rate:.1g}" for rate in band[i])
        return {"low": low, "high": high} | found | ({"key": "summaries.one_rate"} if low == high else {})

    return text.sentences([HERE.each(result, language, "summaries.rates", row)])


def table_rates(result: Result, language: str) -> pd.DataFrame:
    columns = {f"{rate:.1g}": means(result)[:, k, -1].round(4) for k, rate in enumerate(RATES)}
    return HERE.table(result, language, columns | {"words.at_best": at_best(result).mean(1).round(4)})


# Shift


def draw_spread(result: Any, language: str) -> go.Figure:
    """The input of one unit over training: its median, and between which numbers 70 % of the examples lie."""
    text, names = SHIFT.text(language), SHIFT.names(result, language)
    fig, places = plot.grid(names, len(names), gap=0.03, room=0.12, shared_yaxes=True)
    for i, place in enumerate(places):
        low, middle, high = result.spread[i].astype(float).T
        fig.add_scatter(x=result.tick, y=low, **plot.EDGE, **place)
        fill = {"fill": "tonexty", "fillcolor": style.fade(style.contender(i).colour, 0.25)}
        fig.add_scatter(x=result.tick, y=high, **plot.EDGE | fill, **place)
        tip = f"{text.say('words.step')} %{{x}}: %{{y:.2f}}<extra>{names[i]}</extra>"
        fig.add_scatter(x=result.tick, y=middle, **plot.curve(i), hovertemplate=tip, showlegend=False, **place)
    fig.update_xaxes(title=text.say("words.step"))
    fig.update_yaxes(title=text.say("words.input"), col=1)
    return plot.film(fig, result, result.tick, text.say("words.step"), cut=True)


def table_spread(result: Any, language: str) -> pd.DataFrame:
    columns = {"words.step": result.tick} | {f"{share} %": result.spread[..., k] for k, share in enumerate(PERCENTS)}
    rounded = {head: np.round(values, 4) for head, values in columns.items()}
    return SHIFT.table(result, language, rounded)


def some(result: Any) -> bool:
    return len(result.tick) > 0


SUMMARY_SHIFT = SHIFT.saying(
    "summaries.shift",
    moved=lambda r: over_layers("moved")(r).mean(1),
    test=lambda r: r.test[..., -1].mean(1),
    step=lambda r: [int(r.tick[-1])] * len(KINDS),
)


def turned(result: Any) -> np.ndarray:
    """Mean over all layers but the first, [net, seed, tick]; NaN where there is one."""
    found = result.turned[..., 1:].astype(float)
    return found.mean(-1) if found.shape[-1] else np.full(found.shape[:-1], np.nan)


def finish_moved(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(**POWERS, row=1)
    fig.update_yaxes(type="log", tickvals=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2], row=2)


# At test


def finish_groups(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=result.group, ticktext=[f"{g}" for g in result.group], tickangle=0)
    fig.update_yaxes(range=[-0.02, 1.02])


def shares(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[-0.02, 1.02])


def both(result: Any) -> np.ndarray:
    """Accuracy with running averages on training and on test data, [split, seed, tick, group]."""
    return np.stack([result.fitted, result.test[WAYS.index("running")]])


def between(key: str, gallery: Gallery, values: Any) -> Any:
    """What the smallest and the largest group reach."""
    ends = {"least": lambda r: percents(values(r)[:, :, -1, 0]), "most": lambda r: percents(values(r)[:, :, -1, -1])}
    sizes = {"small": lambda r: [int(r.group[0])] * 9, "large": lambda r: [int(r.group[-1])] * 9}
    return gallery.saying(key, **ends, **sizes)


# What is not noticed


def finish_scale(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=SCALES, ticktext=[f"{k:g}" for k in SCALES])
    fig.update_yaxes(type="log", exponentformat="power", dtick=2, range=[-7, 7], row=1)
    fig.update_yaxes(range=[-0.02, 1.02], row=2)


def finish_bias(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(tickvals=BIASES, ticktext=[f"±{b:g}" if b else "0" for b in BIASES])
    shares(fig, result, text)


def size(off: float) -> str:
    return f"{off:,.0f}" if off >= 10 else f"{off:.2g}" if off >= 0.001 else "< 0.001"


def of_starts(name: str, off: str) -> Any:
    """Outputs and accuracies of the largest change."""
    return {
        "off": lambda r: [size(v) for v in getattr(r, off)[:, -1].mean(1)],
        "same": lambda r: percents(
            getattr(r, name)[:, BIASES.index(0) if name == "shifted" else SCALES.index(1), :, -1]
        ),
        "right": lambda r: percents(getattr(r, name)[:, -1, :, -1]),
    }


RATES_OF = kinds.swept(
    HERE, "rates", "rate", lambda r: np.array(RATES), lambda r: {"test_accuracy": r.test.transpose(0, 2, 3, 1)},
    summary_rates, moments=STEP, marked=True, table=table_rates, finish=finish_rates,
)  # fmt: skip
SPREAD = Figure("spread", draw_spread, table_spread, SUMMARY_SHIFT)
MOVED = kinds.curves(
    SHIFT, "moved", *STEP, lambda r: {"moved": np.nanmean(r.moved, -1), "loss": r.loss}, SUMMARY_SHIFT, log=True,
    marked=True, finish=finish_moved,
)  # fmt: skip
TURNED = kinds.curves(
    SHIFT, "turned", *STEP, lambda r: {"turned": turned(r)},
    SHIFT.saying("summaries.turned", turned=lambda r: turned(r).mean((1, 2))), marked=True,
    shown=lambda params: params.depth > 1,
)  # fmt: skip
SERVING = kinds.swept(
    SERVED, "serving", "group", lambda r: r.group, lambda r: {"test_accuracy": r.test},
    between("summaries.serving", SERVED, lambda r: r.test), moments=STEP, marked=True, finish=finish_groups,
)  # fmt: skip
FITS = kinds.swept(
    FITTED, "fitted", "group", lambda r: r.group, lambda r: {"accuracy": both(r)},
    between("summaries.fitted", FITTED, both), moments=STEP, marked=True, finish=finish_groups,
)  # fmt: skip
DRIFT = kinds.curves(
    DRIFTED, "drift", "passed", lambda r: r.passed, lambda r: {"test_accuracy": r.drift},
    DRIFTED.saying("summaries.drift", first=lambda r: percents(r.drift[..., 0]),
                   last=lambda r: percents(r.drift[..., -1])),
    marked=True, finish=shares,
)  # fmt: skip
SCALE = kinds.swept(
    STARTS, "scale", "factor", lambda r: np.array(SCALES),
    lambda r: {"gradient": r.gradient.swapaxes(1, 2), "test_accuracy": r.scaled[..., -1].swapaxes(1, 2)},
    STARTS.saying("summaries.scale", **of_starts("scaled", "scaled_off")), marked=True, hover=".3g",
    finish=finish_scale,
)  # fmt: skip
BIAS = kinds.swept(
    STARTS, "bias", "bias", lambda r: np.array(BIASES),
    lambda r: {"test_accuracy": r.shifted[..., -1].swapaxes(1, 2)},
    STARTS.saying("summaries.bias", **of_starts("shifted", "shifted_off")), marked=True, finish=finish_bias,
)  # fmt: skip
FIGURES = (
    *HERE.figures(RATES_OF),
    *SHIFT.figures(SHIFT.later(MOVED, some), SHIFT.later(SPREAD, some), SHIFT.later(TURNED, some)),
    *SERVED.figures(SERVING),
    *FITTED.figures(FITS),
    *DRIFTED.figures(DRIFTED.later(DRIFT, lambda r: len(r.passed) > 0)),
    *STARTS.figures(SCALE, BIAS),
)
