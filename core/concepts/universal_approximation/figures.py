"""Pictures of fits and their kinks, errors by width and depth, straight pieces, frequencies, circuits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.universal_approximation.claims import found, own_error
from core.concepts.universal_approximation.depth.params import CLOSE, DEPTHS
from core.concepts.universal_approximation.frequencies.params import FREQUENCIES
from core.concepts.universal_approximation.params import Result
from core.concepts.universal_approximation.parity.params import WAYS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent

STEP = ("step", lambda r: r.tick)
POWERS = {"type": "log", "exponentformat": "power", "dtick": 1}
TENTHS = {"type": "log", "tickvals": [k * 10.0**e for e in range(-4, 6) for k in (1, 2, 5)], "tickformat": "~g"}
NETS = ("built", "drawn", "trained")


def named(result: Any, text: Text) -> list[str]:
    """The network, and the one without an activation."""
    params = result.params
    kind = text.say(f"options.activation.{params.activation}")
    return [text.say("words.network", units=params.units, kind=kind), text.say("words.straight")]


def shaped(result: Any, text: Text) -> list[str]:
    """Layers and their width."""
    return [text.say("words.shape", depth=d, width=int(w)) for d, w in zip(DEPTHS, result.width)]


def worded(part: str, head: str, rows: tuple[str, ...]) -> Gallery:
    """Of a further experiment whose rows are these words."""
    return Gallery(
        "universal_approximation", lambda result, text: [text.say(f"rows.{row}") for row in rows], head, of=part
    )


HERE = Gallery("universal_approximation", named, "words.networks")
ONE = Gallery("universal_approximation", lambda result, text: named(result, text)[:1], "words.networks")
WIDE = Gallery(
    "universal_approximation",
    lambda result, text: [text.say(f"options.activation.{result.params.activation}")],
    "words.networks",
)
DEPTH = Gallery("universal_approximation", shaped, "words.networks", of="depth")
PIECES = worded("depth", "words.networks", NETS)
SIZE = worded("depth", "words.networks", ("trained",))
SINES = Gallery(
    "universal_approximation",
    lambda result, text: [text.say("words.sine", k=k) for k in FREQUENCIES],
    "words.frequency",
    of="frequencies",
)
CIRCUITS = worded("parity", "words.circuit", WAYS)


# One hidden layer


def curve_of(fig: plot.Sheet, result: Any, text: Text, **place: Any) -> None:
    """The curve to be fitted, behind what is fitted to it."""
    look = {"mode": "lines", "line": plot.line(style.fade(style.PALETTE[9], 0.6), 7, "12px,3px")}
    fig.add_scatter(x=result.place, y=result.truth, name=text.say("words.curve"), **look, **place)


def draw_fit(result: Result, language: str) -> go.Figure:
    """The first seed on the curve, its kinks, the line without an activation; beside it the error of all widths."""
    text, (name, straight) = HERE.text(language), HERE.names(result, language)
    fig = plot.panels(1, 2, None, 390, column_widths=[0.7, 0.3], horizontal_spacing=0.12)
    fit, bends = plot.curve(0, width=3), {"x": result.kink, "y": result.kink_value}
    quiet: dict[str, Any] = {"hoverinfo": "skip"}
    left: dict[str, Any] = {"row": 1, "col": 1}
    right: dict[str, Any] = {"row": 1, "col": 2}
    curve_of(fig, result, text, **quiet, **left)
    tip = {"hovertemplate": "%{x:.2f}: %{y:.3f}"}
    line = plot.curve(1, "dash", 2) | {"mode": "lines"}
    fig.add_scatter(x=result.place, y=result.straight[-1], name=straight, **tip, **line, **left).was(y=result.straight)
    fig.add_scatter(x=result.place, y=result.fit[0, -1], name=name, **tip, **fit, **left).was(y=result.fit[0])
    now = {axis: places[-1] for axis, places in bends.items()}
    mark = {"mode": "markers", "marker": plot.mark(0, 10) | {"line": plot.line("#ffffff", 1.5)}}
    fig.add_scatter(**now, name=text.say("words.kink"), **tip, **mark, **left).was(**bends)
    errors = result.error.transpose(1, 2, 0).astype(float)  # [seed, tick, width]
    look = plot.curve(0, width=2.4) | {"mode": "lines+markers", "marker": plot.mark(0, 6)}
    plot.bands(fig, result.width, errors, name, look, hover="%{x}: %{y:.3f}", log=True, showlegend=False, **right)
    own = list(result.width).index(result.params.units)
    here = np.median(errors[:, :, own], 0)[:, None]
    ring = {"mode": "markers", "marker": plot.mark(0, 16) | {"symbol": "circle-open", "line": {"width": 3}}}
    fig.add_scatter(x=[result.params.units], y=here[-1], showlegend=False, **quiet, **ring, **right).was(y=here)
    inside = result.truth[np.isfinite(result.truth) & (np.abs(result.place) <= 1)]
    room = 0.18 * np.ptp(inside)
    fig.update_xaxes(title="x", range=[-1.04, 1.04], **left)
    fig.update_yaxes(title="y", range=[inside.min() - room, inside.max() + room], **left)
    fig.update_xaxes(title=text.say("words.units"), type="log", tickvals=result.width, **right)
    fig.update_xaxes(ticktext=[f"{w}" for w in result.width], tickangle=0, tickfont={"size": 11}, **right)
    fig.update_yaxes(title=text.say("words.error"), **TENTHS, **right)
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_widths(result: Result, language: str) -> pd.DataFrame:
    values = {"words.error": np.median(result.error[:, :, -1], 1), "words.worst": np.median(result.worst[:, :, -1], 1)}
    rounded = {head: numbers.astype(float).round(4) for head, numbers in values.items()}
    return HERE.frame(language, {"words.units": result.width, **rounded})


def summary_fit(result: Result, language: str) -> str:
    say, (name, _), seeds = HERE.text(language).say, HERE.names(result, language), result.params.seeds
    error, line = (f"{np.median(found):.3f}" for found in (own_error(result), result.straight_error[:, -1]))
    said = say("summaries.fit", name=name, seeds=seeds, error=error, line=line)
    kinks = int(np.isfinite(result.kink[-1]).sum())
    return f"{said} {say('summaries.kinks', kinks=kinks)}" if result.params.activation == "relu" else said


def finish_outside(fig: plot.Sheet, result: Result, text: Text) -> None:
    curve_of(fig, result, text, hoverinfo="skip")
    fig.add_vrect(x0=-1, x1=1, fillcolor=style.AXIS, opacity=0.12, line_width=0, layer="below")
    fig.add_annotation(x=0, y=1, yref="paper", text=text.say("words.data"), showarrow=False, yanchor="top")
    fig.update_yaxes(range=[-3, 3])


def summary_outside(result: Result, language: str) -> str:
    off = np.abs(result.fit[:, -1].astype(float) - result.truth).mean(0)
    inside = np.abs(result.place) <= 1
    numbers = {"inside": f"{np.nanmean(off[inside]):.2f}"}
    known = np.isfinite(off[~inside])
    numbers["outside"] = f"{off[~inside][known].mean() if known.any() else np.nan:.2f}"
    return HERE.text(language).say("summaries.outside", name=HERE.names(result, language)[0], **numbers)


def finish_widths(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=result.width, ticktext=[f"{w}" for w in result.width])
    fig.update_yaxes(**TENTHS)


# Width or depth


def pieces(result: Any) -> dict[str, np.ndarray]:
    """Straight pieces [built, drawn, trained; seed; depth]."""
    built = np.broadcast_to(result.built[:, None], result.pieces.shape[:2])
    return {"pieces": np.stack([built.T, result.pieces[:, :, 0].T, result.pieces[:, :, -1].T])}


def by_depth(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(tickvals=DEPTHS)
    fig.update_yaxes(**TENTHS)


SUMMARY_PIECES = DEPTH.saying(
    "summaries.pieces",
    built=lambda r: r.built,
    drawn=lambda r: np.median(r.pieces[:, :, 0], 1),
    trained=lambda r: np.median(r.pieces[:, :, -1], 1),
)
SHARES = DEPTH.saying("summaries.found", share=lambda r: [percent(found(depth)(r).mean()) for depth in DEPTHS])


def summary_found(result: Any, language: str) -> str:
    """On how many seeds it was found, and at how many depths it can be built."""
    say, shares, built = DEPTH.text(language).say, SHARES(result, language), int((result.built_error < CLOSE).sum())
    if result.params.target != "tent":
        return shares
    return f"{shares} {say('summaries.by_hand', built=built, depths=len(DEPTHS))}"


SUMMARY_DEPTH = DEPTH.saying(
    "summaries.depth",
    error=lambda r: np.median(r.error[:, :, -1], 1),
    parameters=lambda r: r.parameters,
)


def draw_fits(result: Any, language: str) -> go.Figure:
    """The first seed of every depth on the curve."""
    text, names = DEPTH.text(language), DEPTH.names(result, language)
    fig, places = plot.grid(names, 3, gap=0.05, room=0.3)
    for i, place in enumerate(places):
        curve_of(fig, result, text, hoverinfo="skip", **place)
        look = plot.curve(i, width=2) | {"mode": "lines", "name": names[i], "hovertemplate": "%{x:.2f}: %{y:.3f}"}
        fig.add_scatter(x=result.place, y=result.fit[i, -1], **look, **place).was(y=result.fit[i])
    fig.update_xaxes(range=[-1, 1], tickvals=[-1, 0, 1])
    fig.update_xaxes(showticklabels=False, row=1)
    fig.update_yaxes(range=[-1.3, 1.3], tickvals=[-1, 0, 1])
    plot.bare(fig)
    plot.aspect(fig, 0.56, 260)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_depth(result: Any, language: str) -> pd.DataFrame:
    columns = {
        "words.parameters": result.parameters,
        "words.error": np.median(result.error[:, :, -1], 1).astype(float).round(4),
        "words.share": np.array([found(depth)(result).mean() for depth in DEPTHS]).round(3),
        "words.built": result.built_error.astype(float).round(4),
    }
    return DEPTH.table(result, language, columns)


# Frequencies, circuits


def reached(result: Any) -> np.ndarray:
    return result.share.mean(1)


def table_parity(result: Any, language: str) -> pd.DataFrame:
    text, columns = CIRCUITS.text(language), dict[str, Any]()
    for i, name in enumerate(CIRCUITS.names(result, language)):
        for word, values in (("units", result.units), ("layers", result.layers), ("right", result.right)):
            columns[f"{name}, {text.say(f'words.{word}')}"] = values[i]
    return CIRCUITS.frame(language, {"words.bits": result.bits, **columns})


def summary_parity(result: Any, language: str) -> str:
    bits = [int(result.bits[-1])] * len(WAYS)
    values = {"bits": bits, "units": result.units[:, -1], "layers": result.layers[:, -1]}
    of = lambda i: {name: int(column[i]) for name, column in values.items()}  # noqa: E731
    return CIRCUITS.each(result, language, "summaries.parity", of)


def finish_share(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.add_hline(y=1, line=plot.line(style.AXIS, 1.5, "dot"))
    fig.update_yaxes(range=[-0.3, 1.4])


FIT = Figure("fit", draw_fit, table_widths, summary_fit)
OUTSIDE = kinds.swept(
    ONE, "outside", "x", lambda r: r.place, lambda r: {"y": r.fit[None]}, summary_outside, moments=STEP,
    finish=finish_outside,
)  # fmt: skip
WIDTHS = kinds.swept(
    WIDE, "width", "units", lambda r: r.width,
    lambda r: {"error": r.error.transpose(1, 2, 0)[None], "worst": r.worst.transpose(1, 2, 0)[None]},
    summary_fit, moments=STEP, log=True, marked=True, table=table_widths, finish=finish_widths,
)  # fmt: skip
COUNTED = kinds.swept(
    PIECES, "pieces", "depth", lambda r: np.array(DEPTHS), pieces, SUMMARY_PIECES, log=True, marked=True,
    hover=".0f", finish=by_depth,
)  # fmt: skip
FITS = Figure("fits", draw_fits, table_depth, summary_found)
FOUND = kinds.solved(
    DEPTH, "found", *STEP, lambda r: np.maximum.accumulate(r.error < CLOSE, -1), summary_found,
    shown=lambda p: p.target == "tent", finish=lambda fig, r, text: fig.update_yaxes(range=[-0.02, 1.02]),
)  # fmt: skip
ERRORS = kinds.swept(
    SIZE, "depth", "depth", lambda r: np.array(DEPTHS), lambda r: {"error": r.error.transpose(1, 2, 0)[None]},
    SUMMARY_DEPTH, moments=STEP, log=True, marked=True, table=table_depth, finish=by_depth,
)  # fmt: skip
SPECTRUM = kinds.curves(
    SINES, "frequencies", *STEP, lambda r: {"height": r.share},
    SINES.saying("summaries.frequencies", share=lambda r: [percent(s) for s in reached(r)[:, -1]]),
    finish=finish_share,
)  # fmt: skip
PARITY = kinds.swept(
    CIRCUITS, "parity", "bits", lambda r: r.bits, lambda r: {"units": r.units[:, None]}, summary_parity, log=True,
    marked=True, hover=".0f", table=table_parity,
    finish=lambda fig, r, text: fig.update_yaxes(**POWERS).update_xaxes(dtick=1),
)  # fmt: skip
FIGURES = (
    *HERE.figures(FIT),
    *ONE.figures(OUTSIDE),
    *WIDE.figures(WIDTHS),
    *PIECES.figures(COUNTED),
    *DEPTH.figures(FITS, FOUND),
    *SIZE.figures(ERRORS),
    *SINES.figures(SPECTRUM),
    *CIRCUITS.figures(CIRCUITS.later(PARITY, lambda result: len(result.bits) > 0)),
)
