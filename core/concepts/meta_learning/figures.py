"""Pictures of meta-learning: fits after a few steps, what adapts, glyphs, and tasks that can be calculated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.meta_learning.claims import after, best_rate, part, right
from core.concepts.meta_learning.glyphs.params import CLASSES, LEARNERS, SIDE
from core.concepts.meta_learning.params import COUNTS, MOST, PARTS, RATES, SIZES, Fits, Result, best_still, places
from core.concepts.meta_learning.quadratic.params import FINDERS
from core.concepts.meta_learning.quadratic.params import places as starts
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents

SHOWN = 2  # ways on the first screen, and drawings of a glyph
STEP = ("step", lambda r: r.tick)
LAYERS = tuple(f"layer_{i + 1}" for i in range(len(SIZES) - 1))
NEAR = 0.6  # how far to either side of the best start quadratics are drawn
GREY = {"line": plot.line(style.AXIS, 1.8, "dot")}


def named(result: Any, text: Text) -> list[str]:
    return [text.say(f"options.kind.{way.kind}") for way in result.params.ways]


def without(result: Any, text: Text) -> str:
    floor = float(result.floor.mean())
    return text.say("summaries.floor", floor=floor) if np.isfinite(floor) else ""


def listed(names: tuple[str, ...]) -> Any:
    return lambda result, text: [text.say(f"rows.{name}") for name in names]


HERE = Gallery(
    "meta_learning", named, "words.way", diverged=lambda r: ~np.isfinite(r.error).all((2, 3)), remark=without
)
GLYPHS = Gallery(
    "meta_learning", listed(LEARNERS), "words.way", diverged=lambda r: ~np.isfinite(r.loss).all((2, 3)), of="glyphs"
)
CURVES = Gallery("meta_learning", listed(FINDERS), "words.way", of="quadratic")


# Sinusoids


def fitted(fig: plot.Sheet, x: np.ndarray, names: list[str], fits: np.ndarray, points: np.ndarray, text: Text) -> None:
    """What networks make of points [point, xy]: fits [way, …, grid], where there are moments the last of them."""
    for i, (name, fit) in enumerate(zip(names, fits)):
        moving = fit.ndim > 1
        fig.add_scatter(
            x=x, y=fit[-1] if moving else fit, name=name, hovertemplate="%{y:.2f}", **plot.curve(i, width=3)
        )
        if moving:
            fig.was(y=fit)
    mark = plot.marker(style.PALETTE[5], "circle", 12, 1.5)
    tip = {"name": text.say("words.points"), "hovertemplate": "%{y:.2f}"}
    fig.add_scatter(**plot.xy(points), mode="markers", marker=mark, **tip)
    fig.update_xaxes(title="x", range=[x[0] - 0.1, x[-1] + 0.1])
    fig.update_yaxes(title="y", range=[-6, 6])


def draw_fit(result: Result, language: str) -> go.Figure:
    """An unseen task, and two ways that adapt to its points; the scrubber counts their steps."""
    text, x = HERE.text(language), places()
    fig = plot.figure(390)
    true = {"name": text.say("words.truth"), "line": plot.line(style.fade(style.PALETTE[8], 0.35), 7, "6px,3px")}
    fig.add_scatter(x=x, y=result.truth, hovertemplate="%{y:.2f}", mode="lines", **true)
    still = {"name": text.say("words.still"), "hovertemplate": "%{y:.2f}", "mode": "lines"}
    fig.add_scatter(x=x, y=best_still(x), **still, **GREY)
    fitted(fig, x, HERE.names(result, language)[:SHOWN], result.fit[:SHOWN, -1], result.shown, text)
    return plot.film(fig, result, np.arange(MOST + 1), text.say("words.move"))


def table_fit(result: Result, language: str) -> pd.DataFrame:
    """Values of the first unseen task."""
    x, names = places(), HERE.names(result, language)
    found = {"x": x.round(2), "words.truth": result.truth.round(3), "words.still": best_still(x).round(3)}
    return HERE.frame(language, found | {name: fit[-1, -1].round(3) for name, fit in zip(names, result.fit)})


def summary_fit(result: Result, language: str) -> str:
    one, most = (after(moves)(result).mean(1) for moves in (1, MOST))

    def row(i: int) -> dict[str, Any] | None:
        known = i < SHOWN and np.isfinite(one[i]) and np.isfinite(most[i])
        return {"one": one[i], "most": most[i], "moves": MOST} if known else None

    return HERE.each(result, language, "summaries.fit", row)


def line_of_floor(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: the best that does without adapting."""
    fig.add_hline(y=float(result.floor.mean()), **GREY)
    fig.update_yaxes(title=text.say("words.error"), type="log", tickvals=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])


def over_counts(fig: plot.Sheet, result: Result, text: Text) -> None:
    line_of_floor(fig, result, text)
    fig.update_xaxes(type="log", tickvals=COUNTS, ticktext=[f"{n}" for n in COUNTS])


def over_rates(fig: plot.Sheet, result: Result, text: Text) -> None:
    line_of_floor(fig, result, text)
    fig.update_xaxes(type="log", tickvals=RATES, ticktext=[f"{rate:g}" for rate in RATES])
    fig.update_yaxes(range=[-1, 1.3])


def all_parts(result: Result) -> dict[str, np.ndarray]:
    layers = {name: result.moved[:, :, -1, i] for i, name in enumerate(LAYERS)}
    return {name: part(name)(result) for name in PARTS} | layers


def finish_parts(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: the best that does without adapting."""
    fig.add_vline(x=float(result.floor.mean()), **GREY, row=1, col=1)
    fig.update_layout(legend={"y": 1.04}, height=430)
    fig.update_xaxes(rangemode="tozero")


def means(value: Any) -> Any:
    return lambda r: value(r).astype(float).mean(1)


def same(value: Any) -> Any:
    """One number for every row."""
    return lambda r: [value] * len(r.params.ways)


TOGETHER = {
    "error": {name: (i, style.SYMBOLS[i]) for i, name in enumerate(PARTS)},
    "moved": {name: (i, style.SYMBOLS[i]) for i, name in enumerate(LAYERS, len(PARTS))},
}
SINUSOIDS = HERE.figures(
    Figure("fit", draw_fit, table_fit, summary_fit),
    kinds.swept(
        HERE, "steps", "move", lambda r: np.arange(MOST + 1), lambda r: {"error": r.error},
        HERE.saying("summaries.steps", zero=means(after(0)), one=means(after(1)), most=means(after(MOST)),
                    moves=same(MOST)),
        moments=STEP, log=True, marked=True, finish=line_of_floor,
    ),
    HERE.later(kinds.swept(
        HERE, "points", "count", lambda r: np.array(COUNTS), lambda r: {"error": r.by_points[:, :, -1]},
        HERE.saying("summaries.points", one=means(lambda r: r.by_points[:, :, -1, 0]),
                    many=means(lambda r: r.by_points[:, :, -1, -1]), count=same(COUNTS[-1])),
        log=True, marked=True, finish=over_counts,
    )),
    HERE.later(kinds.swept(
        HERE, "rates", "rate", lambda r: np.array(RATES), lambda r: {"error": r.by_rate[:, :, -1]},
        HERE.saying("summaries.rates", best=means(best_rate),
                    rate=lambda r: [f"{RATES[i]:g}" for i in r.by_rate[:, :, -1].mean(1).argmin(1)]),
        log=True, marked=True, finish=over_rates,
    )),
    HERE.later(kinds.intervals(
        HERE, "parts", all_parts,
        HERE.saying("summaries.parts", **{name: means(part(name)) for name in PARTS},
                    last=means(lambda r: r.moved[:, :, -1, -1])),
        together=TOGETHER, finish=finish_parts,
    )),
)  # fmt: skip


def draw_adapt(found: Fits, result: Result, language: str) -> go.Figure:
    """What the starts of a run make of a reader's points."""
    fig = plot.figure(380)
    fitted(fig, places(), HERE.names(result, language), found.fit, np.array(found.params.marks), HERE.text(language))
    return fig


def summary_adapt(found: Fits, result: Result, language: str) -> str:
    return HERE.each(
        result, language, "summaries.adapt", lambda i: {"error": float(found.error[i]), "moves": found.params.moves}
    )


# Glyphs


def draw_glyphs(result: Any, language: str) -> go.Figure:
    """Left: a task, what is adapted to above, what is to be named below. Right: accuracy by steps of adapting."""
    text, names = GLYPHS.text(language), GLYPHS.names(result, language)
    titles = [text.say("words.task"), ""]
    fig = plot.panels(1, 2, titles, 410, column_widths=[0.27, 0.73], horizontal_spacing=0.11)
    left, wanted = {"row": 1, "col": 1}, result.example[[0, -1]]
    pictures = wanted.reshape(1, SHOWN, CLASSES, SIDE, SIDE).swapaxes(1, 2)
    low, high = float(wanted.min()), float(wanted.max())
    ink = 1 - (plot.mosaic(pictures, fill=low) - low) / max(high - low, 1e-9)
    plot.images(fig, ink, **left)
    side: dict[str, Any] = {"visible": False, "constrain": "domain"}
    fig.update_xaxes(**side, **left)
    fig.update_yaxes(**side, scaleanchor="x", **left)
    where: dict[str, Any] = {"row": 1, "col": 2}
    x = np.arange(MOST + 1)
    for i, name in enumerate(names):
        hover = f"%{{y:.3f}}<extra>{name}</extra>"
        plot.bands(fig, x, result.accuracy[i].astype(float), name, plot.curve(i, marked=True), hover=hover, **where)
    fig.add_hline(y=1 / CLASSES, **GREY, **where)
    fig.update_xaxes(title=text.say("words.move"), **where)
    fig.update_yaxes(title=text.say("words.accuracy"), range=[0, 1.02], **where)
    fig.update_layout(legend={"y": 1.1})
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_glyphs(result: Any, language: str) -> pd.DataFrame:
    text = GLYPHS.text(language)
    columns = {text.say("words.moves", count=m): result.accuracy[:, :, -1, m] for m in (1, 3, MOST)}
    return GLYPHS.table(result, language, kinds.with_half(columns))


NAMED = Figure(
    "glyphs", draw_glyphs, table_glyphs,
    GLYPHS.saying("summaries.glyphs", share=lambda r: percents(right(r))),
)  # fmt: skip


# Quadratics


def draw_quadratic(result: Any, language: str) -> go.Figure:
    """Of the first seed, the loss after adapting by where one starts, and where the ways have come."""
    text, x = CURVES.text(language), starts()
    fig = plot.figure(410, "closest")
    line = {"line": plot.line(style.PALETTE[8], 2.4), "name": text.say("words.after"), "mode": "lines"}
    fig.add_scatter(x=x, y=result.curve, hovertemplate="%{x:.2f}: %{y:.3f}<extra></extra>", **line)
    fig.add_vline(x=float(result.best[0]), **GREY)
    for i, name in enumerate(CURVES.names(result, language)):
        at, high = result.start[i, 0, :, None], result.after[i, 0, :, None]
        tip = f"{name}: %{{x:.3f}} → %{{y:.4f}}<extra></extra>"
        mark = plot.mark(i, 15) | {"line": plot.line("#ffffff", 1.5)}
        fig.add_scatter(x=at[-1], y=high[-1], mode="markers", marker=mark, name=name, hovertemplate=tip)
        fig.was(x=at, y=high)
    near = np.abs(x - result.best[0]) < NEAR
    low, high = float(result.curve[near].min()), float(result.curve[near].max())
    fig.update_xaxes(title=text.say("words.begin"), range=[x[near][0], x[near][-1]])
    fig.update_yaxes(title=text.say("words.mean_loss"), range=[low - 0.1 * (high - low), high])
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_quadratic(result: Any, language: str) -> pd.DataFrame:
    """Means over seeds."""
    text, rows = CURVES.text(language), len(FINDERS)
    columns = {
        "words.begin": result.start[:, :, -1].mean(1).round(4),
        "words.best": np.repeat(result.best.mean().round(4), rows),
        "words.after": result.after[:, :, -1].mean(1).round(4),
        "words.lowest": np.repeat(result.lowest.mean().round(4), rows),
        "words.off": result.off.mean(1).round(6),
    }
    return CURVES.table(result, language, {text.say(head): values for head, values in columns.items()})


CALCULATED = Figure(
    "quadratic", draw_quadratic, table_quadratic,
    CURVES.saying(
        "summaries.quadratic",
        off=lambda r: percents(r.off.astype(float)),
        loss=lambda r: r.after[:, :, -1].astype(float).mean(1),
        lowest=lambda r: [float(r.lowest.mean())] * len(FINDERS),
    ),
)  # fmt: skip
FIGURES = (*SINUSOIDS, *GLYPHS.figures(NAMED), *CURVES.figures(CALCULATED))
