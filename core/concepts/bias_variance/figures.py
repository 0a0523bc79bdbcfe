"""Pictures of many fits, of the parts of their error, of learning curves, networks and double descent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.bias_variance.claims import PEAK, WIDEST, noise, off, whole
from core.concepts.bias_variance.descent.params import ROWS
from core.concepts.bias_variance.learning.params import DEGREES
from core.concepts.bias_variance.networks.params import WIDTHS
from core.concepts.bias_variance.params import MOST, Result, drawn
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery

PATTERNS = ("", "/", ".", "x")
LOG = {"type": "log", "tickvals": [k * 10.0**e for e in range(-5, 5) for k in (1, 2, 5)], "tickformat": "~g"}
FEW = (0, 2, PEAK, WIDEST - 2, WIDEST)  # numbers of features that an axis names
PARTS = "bias", "over_data", "over_weights"
TWO = kinds.Chips("split", {name: style.SPLITS[name].dash for name in ("train", "test")}, ("train", "test"))


def rows_of_descent(result: Any, text: Text) -> list[str]:
    numbers = {"wrong": f"{100 * result.params.wrong:.0f} %", "ridge": f"{result.params.ridge:g}"}
    return [text.say(f"rows.{row}", **numbers) if row != "clean" else text.say("rows.clean") for row in ROWS]


def gallery(part: str, head: str, grown: str, named: Any, **more: Any) -> Gallery:
    """Of one experiment; its figures are there when its array `grown` has a number."""
    return Gallery("bias_variance", named, head, of=part, known=lambda result: len(getattr(result, grown)) > 0, **more)


HERE = gallery("", "words.degree", "tick", lambda result, text: [text.say("words.polynomial")])
LEARNING = gallery(
    "learning", "words.degree", "size", lambda result, text: [text.say("words.of_degree", degree=d) for d in DEGREES]
)
NETS = gallery(
    "networks", "words.units", "tick", lambda result, text: [text.say("words.of_width", units=w) for w in WIDTHS],
    diverged=lambda result: ~np.isfinite(result.test).all((1, 2)),
)  # fmt: skip
DOUBLE = gallery("descent", "words.labels", "width", rows_of_descent)
AMOUNT = gallery("descent", "words.labels", "amount", rows_of_descent)


def stacked_bars(
    fig: plot.Sheet, x: Any, parts: dict[str, np.ndarray], whole_: tuple[str, np.ndarray], text: Text, **place: Any
) -> None:
    """Means over seeds of the parts of an error, on top of each other, and the error that was measured with its 95 %
    interval; values [x, seed, moment] by the word."""
    for i, (word, values) in enumerate(parts.items()):
        mean = values.mean(1).T
        filled = {"color": style.fade(style.PALETTE[i], 0.6), "pattern": {"shape": PATTERNS[i]}}
        fig.add_bar(x=x, y=mean[-1], name=text.say(f"words.{word}"), marker=filled, hovertemplate="%{y:.3f}", **place)
        fig.was(y=mean)
    word, values = whole_
    mean, half = plot.over_seeds(values)
    look: dict[str, Any] = {"mode": "markers", "marker": plot.mark(8, 9), "name": text.say(f"words.{word}")} | place
    plot.means(fig, x, mean.T, half.T, hovertemplate="%{y:.3f}", **look)
    fig.update_layout(barmode="relative", bargap=0.15)


def parts_of(result: Result) -> dict[str, np.ndarray]:
    """The parts of the error [degree, seed, tick] by their word; on the reader's own points bias² and noise are one."""
    if result.params.own:
        return {"rest": result.bias, "variance": result.variance}
    bias = "bias" if result.params.corrected else "uncorrected"
    noises = np.full(result.bias.shape, noise(result.params))
    return {bias: result.bias, "variance": result.variance, "noise": noises}


def tested(result: Result) -> str:
    return "left_out" if result.params.own else "test" if result.params.fresh else "not_fresh"


def draw_fits(result: Result, language: str) -> go.Figure:
    """Fits of one degree to many training sets, their mean and the curve; beside it the error of all degrees."""
    text, degree = HERE.text(language), result.params.degree
    fig = plot.panels(1, 2, None, 390, column_widths=[0.5, 0.5], horizontal_spacing=0.1)
    left: dict[str, Any] = {"row": 1, "col": 1}
    right: dict[str, Any] = {"row": 1, "col": 2}
    gaps = np.full((len(result.fit), 1), np.nan)
    x, y = np.tile(np.r_[result.place, np.nan], len(result.fit)), np.concatenate([result.fit, gaps], 1)
    shown = np.where(np.arange(len(y))[:, None] < result.tick[:, None, None], y, np.nan).reshape(len(result.tick), -1)
    quiet: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip"}
    thin = {"line": plot.line(style.fade(style.PALETTE[0], 0.4), 1.2, "4px,1px"), "name": text.say("words.fit")}
    fig.add_scatter(x=x, y=shown[-1], **quiet, **thin, **left).was(y=shown)
    if np.isfinite(result.truth).any():
        thick = {"line": plot.line(style.PALETTE[9], 4, "12px,3px"), "name": text.say("words.curve")}
        fig.add_scatter(x=result.place, y=result.truth, **quiet, **thick, **left)
    middle = plot.curve(1, "solid", 3.2) | {"mode": "lines", "name": text.say("words.mean")}
    tip = {"hovertemplate": "%{x:.2f}: %{y:.3f}"}
    fig.add_scatter(x=result.place, y=result.mean[-1], **middle, **tip, **left).was(y=result.mean)
    points = {"mode": "markers", "marker": plot.marker(style.PALETTE[8], "circle", 5, 0.8)}
    fig.add_scatter(x=result.x, y=result.y, name=text.say("words.points"), hoverinfo="skip", **points, **left)
    stacked_bars(fig, np.arange(MOST + 1), parts_of(result), (tested(result), result.test), text, **right)
    here = result.test[degree].mean(0)[:, None]
    ring = {"mode": "markers", "marker": plot.mark(1, 17) | {"symbol": "circle-open", "line": {"width": 3}}}
    fig.add_scatter(x=[degree], y=here[-1], showlegend=False, hoverinfo="skip", **ring, **right).was(y=here)
    room, error = 0.1 * np.ptp(result.y), result.test[..., -1].mean(1)
    top = 1.15 * min(error.max(), 2.5 * max(error[0], error[degree]))
    fig.update_xaxes(title="x", range=[-1.03, 1.03], **left)
    fig.update_yaxes(title="y", range=[result.y.min() - room, result.y.max() + room], **left)
    fig.update_xaxes(title=text.say("words.degree"), dtick=2, **right)
    fig.update_yaxes(title=text.say("words.error"), range=[0, top], **right)
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.sets"))


def in_the_end(head: str, x: Any, found: dict[str, np.ndarray], language: str) -> pd.DataFrame:
    """Means over seeds of what was found [x, seed, moment] at the last moment."""
    columns = {f"words.{word}": values[..., -1].mean(1).round(4) for word, values in found.items()}
    return HERE.frame(language, {head: np.array(x), **columns})


def table_fits(result: Result, language: str) -> pd.DataFrame:
    found = parts_of(result) | {"sum": whole(result), tested(result): result.test, "train": result.train}
    return in_the_end("words.degree", range(MOST + 1), found, language)


def summary_fits(result: Result, language: str) -> str:
    """The parts at the chosen degree, their sum, the error that was measured, and the degree where it is lowest."""
    text, params = HERE.text(language), result.params
    here = {text.say(f"words.{word}"): values[params.degree, :, -1].mean() for word, values in parts_of(result).items()}
    listed = " + ".join(f"{word} {value:.3f}" for word, value in here.items())
    error = result.test[..., -1].mean(1)
    found = {"sum": whole(result)[params.degree, :, -1].mean(), "error": error[params.degree], "lowest": error.min()}
    more = {"parts": listed, "word": text.say(f"words.{tested(result)}"), "best": int(error.argmin())}
    return text.say(
        "summaries.fits", degree=params.degree, **more, **{name: f"{value:.3f}" for name, value in found.items()}
    )


def draw_gap(result: Result, language: str) -> go.Figure:
    """The error that was measured less the sum of its parts, in percent of that, with 95 % intervals over seeds."""
    text, (mean, half) = HERE.text(language), plot.over_seeds(100 * off(result))
    fig = plot.figure(400)
    look: dict[str, Any] = {"mode": "markers", "marker": plot.mark(0, 11), "name": text.say("words.gap")}
    plot.means(fig, np.arange(MOST + 1), mean.T, half.T, width=6, hovertemplate="%{y:.1f} %", **look)
    fig.add_hline(y=0, line=plot.line(style.AXIS, 2, "dot"))
    fig.update_xaxes(title=text.say("words.degree"), dtick=1)
    fig.update_yaxes(title=text.say("words.gap"))
    return plot.film(fig, result, result.tick, text.say("words.sets"))


def table_gap(result: Result, language: str) -> pd.DataFrame:
    mean, half = plot.over_seeds(100 * off(result)[..., -1])
    columns = {"words.degree": np.arange(MOST + 1), "words.gap": mean.round(2), "± 95 %": half.round(2)}
    return HERE.frame(language, columns)


def summary_gap(result: Result, language: str) -> str:
    found = 100 * off(result)[result.params.degree, :, -1]
    numbers = {
        name: f"{value:+.1f}" for name, value in zip(("mean", "low", "high"), (found.mean(), *np.sort(found)[[0, -1]]))
    }
    return HERE.text(language).say("summaries.gap", degree=result.params.degree, seeds=len(found), **numbers)


def errors(result: Result) -> dict[str, np.ndarray]:
    return {"error": np.stack([result.train[..., -1].T, result.test[..., -1].T], -1)[None]}


def summary_errors(result: Result, language: str) -> str:
    train, test = (values[..., -1].mean(1) for values in (result.train, result.test))
    degrees = {"least": int(train.argmin()), "best": int(test.argmin())}
    numbers = {"train": f"{train.min():.3f}", "test": f"{test.min():.3f}"}
    return HERE.text(language).say("summaries.errors", **degrees, **numbers)


# Networks


def net_parts(result: Any) -> dict[str, np.ndarray]:
    parts = {name: getattr(result, name) for name in PARTS}
    return parts | {"noise": np.full(result.bias.shape, result.params.noise**2)}


def draw_networks(result: Any, language: str) -> go.Figure:
    text, top = NETS.text(language), np.nanmax(result.test.mean(1)[..., -1:], initial=0.1)
    fig = plot.figure(410)
    stacked_bars(fig, [f"{width}" for width in WIDTHS], net_parts(result), ("test", result.test), text)
    fig.update_xaxes(title=text.say("words.units"), type="category")
    fig.update_yaxes(title=text.say("words.error"), range=[0, 1.2 * top])
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_networks(result: Any, language: str) -> pd.DataFrame:
    return in_the_end("words.units", WIDTHS, net_parts(result) | {"test": result.test}, language)


SUMMARY_NETWORKS = NETS.saying(
    "summaries.networks",
    bias=lambda r: r.bias[..., -1].mean(1),
    data=lambda r: r.over_data[..., -1].mean(1),
    weights=lambda r: r.over_weights[..., -1].mean(1),
)


# Learning curves, double descent


def ratios(field: str, low: float, high: float | None, named: tuple[int, ...] = (), line: bool = True) -> Any:
    """What a figure over the numbers in `field` adds: both axes in ratios, heights from 10^low to 10^high, and a line
    where features are as many as examples. named: the only numbers that the axis names. The legend stands over the
    titles of panels."""

    def finish(fig: plot.Sheet, result: Any, text: Text) -> None:
        numbers = [n for k, n in enumerate(getattr(result, field)) if not named or k in named]
        fig.update_xaxes(type="log", tickvals=numbers, ticktext=[f"{n}" for n in numbers], tickangle=0)
        fig.update_yaxes(**LOG, range=[low, np.log10(1.5 * result.variance.max()) if high is None else high])
        if len(list(fig.select_xaxes())) > 1:
            fig.update_layout(legend={"y": 1.12})
        if line:
            fig.add_vline(x=result.params.examples, line=plot.line(style.AXIS, 1.5, "dot"))

    return finish


def plain_shares(fig: plot.Sheet, result: Any, text: Text) -> None:
    ratios("width", 0, 1, FEW)(fig, result, text)
    fig.update_yaxes(type="linear", tickvals=None, range=[0, 0.55])


def median(values: np.ndarray, at: int) -> list[float]:
    return [float(row) for row in np.median(values[:, :, at], 1)]


def middle(values: np.ndarray) -> np.ndarray:
    """Medians over seeds, as of one seed."""
    return np.median(values, 1, keepdims=True)


def at_most(values: np.ndarray) -> list[str]:
    return [f"{row:.3g}" if row < 1000 else f"{row:,.0f}" for row in np.median(values, 1).max(1)]


SUMMARY_ACROSS = DOUBLE.saying(
    "summaries.across",
    width=lambda r: [int(r.width[: PEAK + 1][-1])] * len(ROWS),
    **{n: lambda r, n=n: median(getattr(r, n), min(PEAK, len(r.width) - 1)) for n in PARTS},
)
SUMMARY_LEARNING = LEARNING.saying(
    "summaries.learning",
    few=lambda r: np.median(r.error[:, :, 0, 1], 1),
    many=lambda r: np.median(r.error[:, :, -1, 1], 1),
    least=lambda r: [int(r.size[0])] * len(DEGREES),
    most=lambda r: [int(r.size[-1])] * len(DEGREES),
)
SUMMARY_MORE = LEARNING.saying(
    "summaries.more",
    bias=lambda r: np.median(r.bias[:, :, -1], 1),
    variance=lambda r: np.median(r.variance[:, :, -1], 1),
    most=lambda r: [int(r.size[-1])] * len(DEGREES),
)
SUMMARY_DESCENT = DOUBLE.saying(
    "summaries.descent",
    high=lambda r: at_most(r.test),
    where=lambda r: r.width[np.median(r.test, 1).argmax(1)],
    last=lambda r: median(r.test, -1),
    most=lambda r: [int(r.width[-1])] * len(ROWS),
)
SUMMARY_MISSED = DOUBLE.saying(
    "summaries.missed",
    last=lambda r: [100 * share for share in median(r.missed, -1)],
    most=lambda r: [int(r.width[-1])] * len(ROWS),
)
SUMMARY_HURTS = AMOUNT.saying(
    "summaries.hurts",
    high=lambda r: at_most(r.by_amount),
    where=lambda r: r.amount[np.median(r.by_amount, 1).argmax(1)],
    last=lambda r: median(r.by_amount, -1),
    most=lambda r: [int(r.amount[-1])] * len(ROWS),
)
FITS = Figure("fits", draw_fits, table_fits, summary_fits)
GAP = Figure("gap", draw_gap, table_gap, summary_gap, drawn)
ERRORS = kinds.swept(
    HERE, "errors", "degree", lambda r: np.arange(MOST + 1), errors, summary_errors, parts=TWO, log=True,
    shown=lambda p: bool(p.own) or p.fresh,
    finish=lambda fig, r, text: fig.update_yaxes(**LOG).update_xaxes(dtick=1),
)  # fmt: skip
LEARNT = kinds.swept(
    LEARNING, "learning", "size", lambda r: r.size, lambda r: {"error": r.error}, SUMMARY_LEARNING, parts=TWO,
    log=True, finish=ratios("size", -2, 1.3, line=False),
)  # fmt: skip
MORE = kinds.swept(
    LEARNING, "more", "size", lambda r: r.size, lambda r: {"bias": r.bias, "variance": r.variance}, SUMMARY_MORE,
    log=True, marked=True, side=True, hover=".2g", finish=ratios("size", -4, None, line=False),
)  # fmt: skip
NETWORKS = Figure("networks", draw_networks, table_networks, SUMMARY_NETWORKS)
DESCENT = kinds.swept(
    DOUBLE, "descent", "features", lambda r: r.width, lambda r: {"test": r.test}, SUMMARY_DESCENT, log=True,
    marked=True, hover=".3g", finish=ratios("width", -0.3, 1.7, FEW),
)  # fmt: skip
ACROSS = kinds.swept(
    DOUBLE, "across", "features", lambda r: r.width,
    lambda r: {name: middle(getattr(r, name)) for name in PARTS}, SUMMARY_ACROSS,
    log=True, side=True, hover=".2g", finish=ratios("width", -2.2, 1.7, FEW),
)  # fmt: skip
MISSED = kinds.swept(
    DOUBLE, "missed", "features", lambda r: r.width, lambda r: {"missed": r.missed}, SUMMARY_MISSED, marked=True,
    finish=plain_shares,
)  # fmt: skip
HURTS = kinds.swept(
    AMOUNT, "hurts", "examples", lambda r: r.amount, lambda r: {"test": r.by_amount}, SUMMARY_HURTS, log=True,
    marked=True, hover=".3g", finish=ratios("amount", -0.3, 1.7),
)  # fmt: skip
FIGURES = (
    *HERE.figures(*(HERE.later(figure) for figure in (FITS, GAP, ERRORS))),
    *LEARNING.figures(LEARNING.later(LEARNT), LEARNING.later(MORE)),
    *NETS.figures(NETS.later(NETWORKS)),
    *DOUBLE.figures(*(DOUBLE.later(figure) for figure in (DESCENT, ACROSS, MISSED))),
    *AMOUNT.figures(AMOUNT.later(HURTS)),
)
