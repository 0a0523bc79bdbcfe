"""Pictures of losses: a neuron that is badly wrong, losses and slopes, surfaces, classifiers, lines and outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.loss_functions.claims import (
    FLOOR,
    chosen,
    doubled,
    ended,
    equal,
    moved,
    own_loss,
    slope_error,
    tuned,
)
from core.concepts.loss_functions.classifier.params import EQUAL, NAMES, RATES
from core.concepts.loss_functions.outliers.params import METHODS, POINTS
from core.concepts.loss_functions.params import SEEN, Result
from core.concepts.loss_functions.surface.params import KINDS, REACH
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents
from core.figures.numbers import spaced

STEP, EPOCH = ("step", lambda r: r.tick), ("epoch", lambda r: r.tick)
ROWS = 20  # of a long table
LEAST, LARGEST = -9, 2  # powers of ten within which the size of a gradient is drawn


def named(result: Result, text: Text) -> list[str]:
    """Every loss, and its rate where that is not the common one."""
    losses = result.params.losses
    more = [text.say("words.times", times=f"{neuron.times:g}") if neuron.times != 1 else "" for neuron in losses]
    return [text.say(f"options.loss.{neuron.loss}") + said for neuron, said in zip(losses, more)]


def further(part: str, names: tuple[str, ...], head: str = "words.loss_of") -> Gallery:
    """Of an experiment whose rows are always these."""
    return Gallery("loss_functions", lambda result, text: [text.say(f"rows.{name}") for name in names], head, of=part)


HERE = Gallery("loss_functions", named, "words.loss_of", lambda r: ~np.isfinite(ended(r)))
SURFACES = further("surface", tuple(f"{loss}_{layers}" for loss, layers in KINDS))
NETS = further("classifier", NAMES)
LINES = further("outliers", METHODS)


# One neuron


def finish_neuron(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_yaxes(range=[-0.04, 1.06], row=1, col=1)
    steep = np.log10(result.gradient[np.isfinite(result.gradient) & (result.gradient > 0)])
    low, high = (steep.min(), steep.max()) if steep.size else (0, 0)
    low, high = max(low, LEAST), min(high, LARGEST)
    ticks = {"exponentformat": "power", "dtick": max(1, round((high - low) / 4))}
    fig.update_yaxes(type="log", range=[low - 0.2, high + 0.2], **ticks, row=2, col=1)


def summary_neuron(result: Result, language: str) -> str:
    def of(i: int) -> dict[str, Any] | None:
        return {"output": float(last[i]), "fell": float(fell[i])} if np.isfinite(last[i]) else None

    last, fell = ended(result).mean(1), moved(result).mean(1)
    return HERE.each(result, language, "summaries.neuron", of, "summaries.none")


def finish_logit(fig: plot.Sheet, result: Result, text: Text) -> None:
    for row, reach in ((1, [-1.3, 6.3]), (2, [-1.3, 1.6])):
        fig.update_yaxes(range=reach, row=row, col=1)
        said = {"annotation_text": text.say("words.start"), "annotation_position": "top"} if row == 1 else {}
        fig.add_vline(x=result.params.wrong, line=plot.line(style.AXIS, 1.5, "dot"), **said, row=row, col=1)
    fig.update_xaxes(range=result.z[[0, -1]])


def summary_logit(result: Result, language: str) -> str:
    at = [float(np.interp(result.params.wrong, result.z, row)) for row in result.slope]
    values = lambda i: {"slope": at[i], "z": result.params.wrong} if np.isfinite(at[i]) else None  # noqa: E731
    return HERE.each(result, language, "summaries.logit", values, "summaries.none")


# Where it comes from


def from_labels(result: Result) -> dict[str, np.ndarray]:
    """The likelihood of the labels seen, its logarithm, and the negative mean of that: cross-entropy."""
    logs = np.log(result.likelihood.clip(1e-300))
    return {"likelihood": result.likelihood, "log": logs, "negative": -logs / SEEN}


def draw_likelihood(result: Result, language: str) -> go.Figure:
    """Three panels over the probability of a 1, their best place dotted; a mark on each moves with the slider below."""
    text, found = HERE.text(language), from_labels(result)
    fig = plot.panels(1, 3, [text.say(f"words.{word}") for word in found], 400, horizontal_spacing=0.09)
    for k, values in enumerate(found.values()):
        place = {"row": 1, "col": k + 1}
        look = plot.curve(k) | {"hovertemplate": "%{x:.2f}: %{y:.3g}<extra></extra>"}
        fig.add_scatter(x=result.chance, y=values, showlegend=False, **look, **place)
        fig.add_vline(x=result.chance[result.likelihood.argmax()], line=plot.line(style.AXIS, 1.5, "dot"), **place)
        at = {"x": result.chance[:, None], "y": values[:, None]}
        quiet = {"mode": "markers", "marker": plot.mark(k, 13)} | plot.QUIET
        fig.add_scatter(x=at["x"][-1], y=at["y"][-1], **quiet, **place)
        fig.was(**at)
    fig.update_xaxes(title=text.say("words.chance"), range=[0, 1])
    plot.stack(fig)
    return plot.film(fig, result, result.chance.round(3), "p")


def table_likelihood(result: Result, language: str) -> pd.DataFrame:
    rows = spaced(len(result.chance), ROWS)
    found = {f"words.{word}": values[rows] for word, values in from_labels(result).items()}
    return HERE.frame(language, {"words.chance": result.chance[rows].round(3), **found})


def summary_likelihood(result: Result, language: str) -> str:
    best = int(np.argmax(result.likelihood))
    if not np.isfinite([result.likelihood, result.chance]).all():
        return HERE.text(language).say("summaries.none")
    values = {"ones": result.params.ones, "seen": SEEN, "chance": result.chance[best]}
    negative = from_labels(result)["negative"][best]
    return HERE.text(language).say("summaries.likelihood", **values, negative=float(negative))


# The surface


def draw_surface(result: Any, language: str) -> go.Figure:
    fig, places = plot.grid(SURFACES.names(result, language), 2, gap=0.12, room=0.42)
    for height, (_, layers), place in zip(result.height, KINDS, places):
        plot.heights(fig, result.axis, result.axis, height.astype(float), **place)
        across, up = ("w", "b") if layers == 1 else ("w₁", "w₂")
        for update, name in ((fig.update_xaxes, across), (fig.update_yaxes, up)):
            update(title={"text": name, "standoff": 4}, range=[-REACH, REACH], **place)
    fig.update_layout(height=560, showlegend=False, margin={"t": 30})
    return fig


def table_surface(result: Any, language: str) -> pd.DataFrame:
    found = {"words.bent": result.bent, "words.minima": result.minima}
    means = {head: values.mean(1).round(4) for head, values in found.items() if values.size}
    return SURFACES.table(result, language, means)


def summary_surface(result: Any, language: str) -> str:
    if not result.bent.size:
        return SURFACES.text(language).say("summaries.later")
    return SUMMARY_BENT(result, language)


SUMMARY_BENT = SURFACES.saying("summaries.bent", share=lambda r: percents(r.bent))


# The classifier


def accuracies(result: Any) -> dict[str, np.ndarray]:
    return {"equal": equal(result), "tuned": tuned(result)}


def finish_rates(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=RATES, ticktext=[f"{rate:g}" for rate in RATES])
    fig.add_vline(x=EQUAL, line=plot.line(style.AXIS, 1.5, "dot"))
    fig.update_yaxes(range=[-0.03, 1.03])


def twice_or_once(result: Any) -> dict[str, np.ndarray]:
    """The training losses of cross-entropy and of that of a softmax too many; no numbers of the others."""
    own = [name in ("cross_entropy", "twice") for name in NAMES]
    return {"own_loss": np.where(np.array(own)[:, None, None], own_loss(result), np.nan)}


def finish_twice(fig: plot.Sheet, result: Any, text: Text) -> None:
    if result.params.data == "digits" and not result.params.own:
        said = {"annotation_text": text.say("words.floor", floor=f"{FLOOR:.3f}"), "annotation_position": "bottom right"}
        fig.add_hline(y=FLOOR, line=plot.line(style.AXIS, 2, "dot"), **said)
    fig.update_yaxes(rangemode="tozero")


def summary_twice(result: Any, language: str) -> str:
    last = twice_or_once(result)["own_loss"][:, :, -1].mean(1)
    values = lambda i: {"loss": float(last[i])} if np.isfinite(last[i]) else None  # noqa: E731
    return NETS.each(result, language, "summaries.twice", values, "summaries.none")


# Outliers


def draw_lines(result: Any, language: str) -> go.Figure:
    """The first seed's points, outliers as diamonds, and every method's line."""
    text, fig = LINES.text(language), plot.figure(430, "closest")
    for part, symbol, word in ((slice(POINTS), "circle", "point"), (slice(POINTS, None), "diamond", "outlier")):
        look = plot.marker(style.PALETTE[9 if word == "point" else 5], symbol, 9, 0.8)
        x, y = result.x[part], result.y[part]
        fig.add_scatter(x=x, y=y, mode="markers", marker=look, name=text.say(f"words.{word}"))
    ends = np.array([-1.05, 1.05])
    for i, name in enumerate(LINES.names(result, language)):
        heights = result.line[i, 0, :, :1] * ends + result.line[i, 0, :, 1:]
        tip = {"name": name, "hovertemplate": f"{name}: %{{y:.2f}}<extra></extra>"}
        fig.add_scatter(x=ends, y=heights[-1], **tip, **plot.curve(i, width=3) | {"mode": "lines"}).was(y=heights)
    low, high = min(result.y.min(), -2), max(result.y.max(), 3)
    fig.update_xaxes(title="x", range=ends)
    fig.update_yaxes(title="y", range=[low - 0.06 * (high - low), high + 0.06 * (high - low)])
    return plot.film(fig, result, np.arange(result.line.shape[2]), text.say("words.step"))


SUMMARY_LINES = LINES.saying(
    "summaries.lines", error=lambda r: slope_error(r).mean(1), perfect=lambda r: doubled(r).mean(1)
)
NEURON = kinds.curves(
    HERE, "neuron", *STEP, lambda r: {"output": r.output, "gradient": r.gradient}, summary_neuron, hover=".3g",
    ends=lambda r: np.isfinite(r.output).all(1).sum(-1), finish=finish_neuron,
)  # fmt: skip
LOGIT = kinds.swept(
    HERE, "logit", "z", lambda r: r.z, lambda r: {"value": r.value[:, None], "slope": r.slope[:, None]}, summary_logit,
    hover=".3g", finish=finish_logit,
)  # fmt: skip
CONVEXITY = kinds.intervals(
    SURFACES, "convexity", lambda r: {"bent": r.bent, "minima": r.minima}, summary_surface,
    finish=lambda fig, r, text: fig.update_xaxes(rangemode="tozero"),
)  # fmt: skip
SWEEP = kinds.swept(
    NETS, "rates", "rate", lambda r: np.array(RATES),
    lambda r: {"test_accuracy": r.accuracy[..., -1, 2].swapaxes(1, 2)},
    NETS.saying("summaries.tuned", equal=lambda r: percents(equal(r)), tuned=lambda r: percents(tuned(r)),
                rate=lambda r: [f"{RATES[k]:g}" for k in chosen(r)]),
    finish=finish_rates,
)  # fmt: skip
TUNED = kinds.intervals(
    NETS, "tuned", accuracies, SWEEP.summary, finish=lambda fig, r, text: fig.update_xaxes(range=[-0.04, 1.04])
)
TWICE = kinds.curves(NETS, "twice", *EPOCH, twice_or_once, summary_twice, finish=finish_twice)
SLOPES = kinds.intervals(LINES, "slopes", lambda r: {"slope_error": slope_error(r)}, SUMMARY_LINES)
FIGURES = (
    *HERE.figures(NEURON, LOGIT, Figure("likelihood", draw_likelihood, table_likelihood, summary_likelihood)),
    *SURFACES.figures(
        Figure("surface", draw_surface, table_surface, summary_surface),
        SURFACES.later(CONVEXITY, lambda result: bool(result.bent.size)),
    ),
    *NETS.figures(SWEEP, TUNED, TWICE),
    *LINES.figures(Figure("lines", draw_lines, SLOPES.table, SUMMARY_LINES), SLOPES),
)
