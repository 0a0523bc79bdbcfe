"""Pictures of a perceptron at work: its line, its mistakes, its loss, its bound, and its two step sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concepts.perceptron.params import Result, activations
from core.figures import plot, style
from core.figures.gallery import Gallery
from core.figures.numbers import whole

CLASSES = ((-1, style.PALETTE[0], "circle"), (1, style.PALETTE[1], "diamond"))  # label, colour, symbol
PURPLE, RED, INK, STONE = style.PALETTE[3], style.PALETTE[5], style.PALETTE[8], style.PALETTE[9]
RATES = ((style.PALETTE[0], "solid", "circle"), (style.PALETTE[2], "dash", "square"))  # η and η′
FAR = 12.0  # the half planes are drawn this far out: beyond any screen
MOMENTS = 200  # moments one can scrub through
DRAWN = 2000  # points of a curve
ROWS = 40  # rows of a table

HERE = Gallery("perceptron")
text = HERE.text


def moments(count: int, most: int = MOMENTS) -> np.ndarray:
    """Which of 0 … count − 1 are shown: all, or, of many, the first and then ever fewer."""
    if count <= most:
        return np.arange(count)
    rest = np.geomspace(most // 2, count - 1, most - most // 2)
    return np.unique(np.r_[: most // 2, rest.round().astype(int)])


def thin(count: int) -> np.ndarray:
    """Evenly spread indices of a curve's points, the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, DRAWN)).round().astype(int))


def stopped(result: Result) -> np.ndarray:
    """Whether nothing is left to correct: [rate, seed]; not before the first pass."""
    return (result.pending[..., -1:] == 0).all(-1) & (result.pending.shape[-1] > 0)


def rate_names(result: Result) -> tuple[str, str]:
    return f"η = {result.params.rate:g}", f"η′ = {result.params.other_rate:g}"


def stacked() -> plot.Sheet:
    """Two panels over the same updates."""
    return plot.panels(2, 1, None, 460, "x unified", shared_xaxes=True, vertical_spacing=0.08)


# The line


def half_planes(path: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every line w·x + b = 0, (w, b) [moment, 3], the negative and the positive side up to FAR from the origin
    as polygons [moment, 2, 4], and the line itself [moment, 2, 2]. Without a line (w = 0) all is NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        *unit, off = (path / np.linalg.norm(path[:, :2], axis=1, keepdims=True)).T
    unit, along = np.stack(unit, 1), np.stack([unit[1], -unit[0]], 1)
    foot = -off[:, None] * unit
    line = np.stack([foot - FAR * along, foot + FAR * along], -1)
    reach = ((FAR + np.abs(off))[:, None] * unit)[..., None]
    minus, plus = (np.concatenate([line, line[..., ::-1] + side * reach], -1) for side in (-1, 1))
    return minus, plus, line


def draw_line(result: Result, language: str) -> go.Figure:
    """The plane of seed 0: tinted sides, a ring around what is misclassified, and the last correction."""
    say, fig = text(language).say, plot.figure(500, "closest")
    shown = moments(len(result.path)) if result.complete else np.array([len(result.path) - 1])
    path, x, y = result.path[shown], result.x, result.y
    reach = max(1.0, float(np.abs(x).max(initial=0.0))) + 0.12
    minus, plus, line = half_planes(path)
    before = half_planes(np.r_[np.zeros((1, 3)), result.path][shown])[2]

    activation = activations(result.path, result.params.rate, x)[shown]  # [moment, example]
    mistaken = np.where((y * activation <= 0)[:, None], x.T[None], np.nan)  # [moment, 2, example]
    just = np.array([x[i] if i >= 0 else (np.nan, np.nan) for i in result.corrected[shown]])[..., None]

    centre = x.mean(0) if len(x) else np.zeros(2)
    length = np.linalg.norm(path[:, :2], axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = path[:, :2] / length
        along = np.stack([unit[:, 1], -unit[:, 0]], 1)
        along = np.where(along[:, :1] > 0, -along, along)  # to the left, where few points are
        foot = centre - ((path[:, :2] @ centre + path[:, 2])[:, None] / length) * unit + 0.75 * reach * along
    normal = np.stack([foot, foot + 0.3 * reach * unit], -1)

    def moving(stack: np.ndarray, name: str = "", **look: object) -> None:
        """A trace that has its own place at every moment: stack [moment, 2, points]."""
        legend = {"name": say(name)} if name else {"showlegend": False}
        fig.add_scatter(x=stack[-1, 0], y=stack[-1, 1], hoverinfo="skip", **legend, **look)
        fig.was(x=stack[:, 0], y=stack[:, 1])

    for stack, (_, colour, _) in zip((minus, plus), CLASSES):
        moving(stack, mode="lines", line={"width": 0}, fill="toself", fillcolor=style.fade(colour, 0.11))
    moving(before, "words.before", mode="lines", line=plot.line(STONE, 2, "dot"))
    moving(line, mode="lines", line=plot.line(INK, 3))
    arrow = plot.arrow(INK, 2, 14) | {"mode": "lines+markers+text", "textposition": "top right", "marker_opacity": 1}
    moving(normal, text=["", "<b>w</b>"], textfont={"size": 15}, **arrow)
    for value, colour, symbol in CLASSES:
        chosen = y == value
        name = say("words.class", label=f"{value:+d}".replace("-", "−"))
        look = {"mode": "markers", "marker": plot.marker(colour, symbol, 9), "customdata": np.flatnonzero(chosen) + 1}
        hover = f"{say('words.example')} %{{customdata}} · {name}<br>(%{{x:.2f}}, %{{y:.2f}})<extra></extra>"
        fig.add_scatter(**plot.xy(x[chosen]), name=name, **look, hovertemplate=hover)
    ring = plot.marker(INK, "circle-open", 15, line={"width": 1.6})
    moving(mistaken, "words.misclassified", mode="markers", marker=ring)
    square = plot.marker(PURPLE, "square-open", 23, line={"width": 3})
    moving(just, "words.just_corrected", mode="markers", marker=square)

    fig.update_xaxes(title="x₁", range=[-reach, reach])
    fig.update_yaxes(title="x₂", range=[-reach, reach], scaleanchor="x")
    return plot.film(fig, result, shown, say("words.update"))


def table_line(result: Result, language: str) -> pd.DataFrame:
    shown = moments(len(result.path), ROWS)
    cause, (w_1, w_2, b) = result.corrected[shown], result.path[shown].T.round(4)
    found = np.array([[i + 1, *result.x[i], result.y[i]] if i >= 0 else [np.nan] * 4 for i in cause]).T
    columns = dict(zip(("words.example", "x₁", "x₂", "y"), (whole(found[0]), *found[1:3].round(3), whole(found[3]))))
    last = {"w₁": w_1, "w₂": w_2, "b": b, "words.misclassified": result.missed[shown]}
    return HERE.frame(language, {"words.update": shown, **columns, **last})


def summary_line(result: Result, language: str) -> str:
    say = text(language).say
    points, wrong, updates = len(result.y), int(result.missed[-1]), len(result.path) - 1
    if not points:
        return say("summaries.no_points")
    if not result.path[-1, :2].any():
        return say("summaries.idle" if stopped(result)[0, 0] and not updates else "summaries.no_line")
    key = "summaries.wrong" if wrong else "summaries.separated"
    return say(key, updates=updates, wrong=wrong, points=points)


# Mistakes per pass


def draw_mistakes(result: Result, language: str) -> go.Figure:
    say, fig = text(language).say, plot.figure(420)
    seeds = result.mistakes[0].astype(float)  # [seed, pass]
    passes = np.arange(1, seeds.shape[1] + 1)
    if len(seeds) > 1:
        look = {"mode": "lines", "line": plot.line(RATES[0][0], 2.5)}
        plot.bands(fig, passes, seeds, say("words.mean_of", seeds=len(seeds)), look, hover="%{y:.1f}")
    look = {"mode": "lines+markers" if len(passes) <= 60 else "lines", "line": plot.line(RED, 1.8, "dot")}
    fig.add_scatter(x=passes, y=seeds[0], name=say("words.first_seed"), **look, marker={"size": 6, "symbol": "diamond"})
    axis = say("words.move" if result.params.order == "by_hand" else "words.pass")
    fig.update_xaxes(title=axis, rangemode="tozero", tickformat="d")
    fig.update_yaxes(title=say("words.mistakes"), rangemode="tozero")
    return plot.film(fig, result, passes, axis, True)


def table_mistakes(result: Result, language: str) -> pd.DataFrame:
    shown = moments(result.mistakes.shape[2], ROWS)
    seeds = result.mistakes[0][:, shown]
    columns = {
        "words.move" if result.params.order == "by_hand" else "words.pass": shown + 1,
        "words.first_seed": seeds[0],
        "words.mean": seeds.mean(0).round(2),
        "words.fewest": seeds.min(0),
        "words.most": seeds.max(0),
        "words.stopped_seeds": (seeds == 0).sum(0),
    }
    return HERE.frame(language, columns)


def summary_mistakes(result: Result, language: str) -> str:
    say = text(language).say
    ended, updates = stopped(result)[0], result.mistakes[0].sum(1)
    if not result.mistakes.shape[2]:
        return say("summaries.not_begun")
    values = {"count": int(ended.sum()), "seeds": len(ended)}
    if not ended.any():
        return say("summaries.none_stopped", **values)
    few, many = int(updates[ended].min()), int(updates[ended].max())
    return say("summaries.stopped", few=few, many=many, **values)


# The loss, and the number misclassified


def draw_loss(result: Result, language: str) -> go.Figure:
    """Loss above, number misclassified below; triangles: fewer misclassified, no smaller loss."""
    say, fig = text(language).say, stacked()
    shown = thin(len(result.path))
    series = ("loss", result.loss, RATES[0][0]), ("misclassified", result.missed, style.PALETTE[1])
    for row, (word, values, colour) in enumerate(series, 1):
        place = {"row": row, "col": 1}
        look = {"line": plot.line(colour, 2, "solid"), "marker": {"size": 5}, "showlegend": False}
        look |= {"mode": "lines+markers" if len(shown) <= 60 else "lines", "name": say(f"words.{word}")}
        fig.add_scatter(x=shown, y=values[shown], **look, hovertemplate="%{y:.4~g}", **place)
        fig.update_yaxes(title=say(f"words.{word}"), rangemode="tozero", **place)
    odd = np.flatnonzero((np.diff(result.missed.astype(int)) < 0) & (np.diff(result.loss) >= 0))[:DRAWN] + 1
    look = {"mode": "markers", "marker": plot.marker(RED, "triangle-up", 10), "name": say("words.fewer_yet_larger")}
    fig.add_scatter(x=odd, y=result.loss[odd], **look, hovertemplate="%{y:.4~g}", row=1, col=1)
    fig.update_xaxes(title=say("words.update"), row=2, col=1)
    first = min(len(result.path), MOMENTS)  # a long run is shown by its beginning; zoom out for the rest
    fig.update_xaxes(range=[-0.5, max(first - 0.5, 1)])
    fig.update_layout(showlegend=True)
    return plot.film(fig, result, np.arange(first), say("words.update"), True)


def table_loss(result: Result, language: str) -> pd.DataFrame:
    shown = moments(len(result.path), ROWS)
    columns = {"words.misclassified": result.missed[shown], "words.loss": result.loss[shown].round(5)}
    return HERE.frame(language, {"words.update": shown, **columns})


def summary_loss(result: Result, language: str) -> str:
    say = text(language).say
    fewer, smaller = int(result.fewer[0].sum()), int(result.fewer_smaller[0].sum())
    if not fewer:
        return say("summaries.no_fewer")
    larger = fewer - smaller
    return say("summaries.fewer", fewer=fewer, larger=larger, percent=f"{100 * larger / fewer:.0f}")


# The bound


def draw_bound(result: Result, language: str) -> go.Figure:
    """Updates of every seed at both step sizes against the number Novikoff's proof allows."""
    say = text(language).say
    updates = result.mistakes.sum(-1).astype(float)  # [rate, seed]
    seeds = np.arange(1, updates.shape[1] + 1)
    fig = plot.figure(150 + 24 * len(seeds), "closest")
    limit = np.nanmax(np.nan_to_num(result.bound), axis=0)
    end = np.where(limit > 0, limit, updates.max(0))
    span = np.stack([updates.min(0), end, np.full(len(seeds), np.nan)], 1)
    span = np.where(span > 0, span, np.nan)  # a logarithmic axis has no zero
    look = {"mode": "lines", "line": plot.line(style.fade(STONE, 0.5), 2)} | plot.QUIET
    fig.add_scatter(x=span.ravel(), y=np.repeat(seeds, 3), **look)
    both = not np.allclose(result.bound[0], result.bound[1], equal_nan=True)
    for rate, ((colour, _, symbol), name) in enumerate(zip(RATES, rate_names(result))):
        count = np.where(updates[rate] > 0, updates[rate], np.nan)
        mark = plot.marker(colour, *((f"{symbol}-open", 13) if rate else (symbol, 8)), line={"width": 2})
        dots = {"y": seeds, "mode": "markers", "hovertemplate": f"{name}: %{{x:d}}<extra></extra>"}
        fig.add_scatter(x=count, **dots, marker=mark, name=say("words.updates_at", rate=name))
        if rate == 0 or both:
            tick = ("x-thin-open", 10) if rate else ("line-ns-open", 16)
            mark = plot.marker(colour if both else INK, *tick, line={"width": 3})
            title = say("words.bound_at", rate=name) if both else say("words.bound")
            fig.add_scatter(
                x=result.bound[rate], **dots | {"hovertemplate": "%{x:.0f}<extra></extra>"}, marker=mark, name=title
            )
    every = np.r_[updates.ravel(), result.bound.ravel()]
    top = max(10.0, float(np.nanmax(every, initial=1.0)))
    reach = [-0.15, np.log10(top) + 0.25]
    fig.update_xaxes(title=say("words.updates"), type="log", range=reach, tickformat="~s", dtick=1)
    few = len(seeds) <= 12
    fig.update_yaxes(title=say("words.seed"), range=[len(seeds) + 0.6, 0.4], dtick=1 if few else 5)
    if not np.isfinite(result.gamma).any():
        corner = {"xref": "paper", "yref": "paper", "x": 0.98, "y": 0.97, "xanchor": "right", "yanchor": "top"}
        fig.add_annotation(text=say("words.no_bound"), **corner)
    return fig


def table_bound(result: Result, language: str) -> pd.DataFrame:
    say, ended = text(language).say, stopped(result)
    columns: dict[str, Any] = {
        "words.seed": np.arange(1, len(result.gamma) + 1),
        "R": result.radius.round(3),
        "γ": result.gamma.round(5),
        "(R/γ)²": ((result.radius / result.gamma) ** 2).round(1),
    }
    for rate, name in enumerate(rate_names(result)):
        columns[say("words.updates_at", rate=name)] = result.mistakes[rate].sum(-1)
        columns[say("words.bound_at", rate=name)] = result.bound[rate].round(1)
        columns[say("words.stopped_at", rate=name)] = [say(f"words.{'yes' if e else 'no'}") for e in ended[rate]]
    return HERE.frame(language, columns)


def summary_bound(result: Result, language: str) -> str:
    say = text(language).say
    separable = np.isfinite(result.bound[0])
    if not len(result.y):
        return say("summaries.no_points")
    if not separable.any():
        return say("summaries.inseparable")
    used = result.mistakes[0].sum(-1)[separable] / result.bound[0][separable]
    values = {"separable": len(used), "seeds": len(separable), "kept": int((used <= 1).sum())}
    return say("summaries.bound", **values, percent=f"{100 * used.max():.0f}")


# Two step sizes


def angles(path: np.ndarray) -> np.ndarray:
    """Direction of w in degrees along a path, without jumps; NaN while w is zero."""
    moved, found = path[:, :2].any(1), np.full(len(path), np.nan)
    found[moved] = np.unwrap(np.degrees(np.arctan2(path[:, 1], path[:, 0]))[moved], period=360)
    return found


def lengths(path: np.ndarray) -> np.ndarray:
    """Length of w along a path; NaN while it is zero, for which a logarithmic axis has no place."""
    length = np.linalg.norm(path[:, :2], axis=1)
    return np.where(length, length, np.nan)


def draw_rates(result: Result, language: str) -> go.Figure:
    """Length and direction of w of seed 0 at both step sizes, over updates."""
    say, fig = text(language).say, stacked()
    for path, (colour, dash, _), name in zip((result.path, result.other_path), RATES, rate_names(result)):
        shown, wide = thin(len(path)), dash == "solid"  # the second lies on the first where they agree
        line = plot.line(style.fade(colour, 0.55) if wide else colour, 5 if wide else 2.2, dash)
        look = {"mode": "lines", "line": line}
        for row, values, unit in ((1, angles(path), "°"), (2, lengths(path), "")):
            name_and_place = {"name": name, "legendgroup": name, "showlegend": row == 1, "row": row, "col": 1}
            fig.add_scatter(x=shown, y=values[shown], **look, hovertemplate=f"%{{y:.4~g}}{unit}", **name_and_place)
    fig.update_yaxes(title=say("words.direction"), row=1, col=1)
    fig.update_yaxes(title=say("words.length"), type="log", tickformat="~g", dtick=1, row=2, col=1)
    fig.update_xaxes(title=say("words.update"), row=2, col=1)
    last = max(len(result.path), len(result.other_path))
    return plot.film(fig, result, moments(last), say("words.update"), True)


def table_rates(result: Result, language: str) -> pd.DataFrame:
    say, paths = text(language).say, (result.path, result.other_path)
    shown = moments(max(map(len, paths)), ROWS)
    columns: dict[str, Any] = {"words.update": shown}
    for path, name in zip(paths, rate_names(result)):
        ways = {"direction": angles(path).round(3), "length": np.linalg.norm(path[:, :2], axis=1).round(5)}
        for word, values in ways.items():
            found = np.where(shown < len(path), values[np.minimum(shown, len(path) - 1)], np.nan)
            columns[f"{say(f'words.{word}')}, {name}"] = found
    return HERE.frame(language, columns)


def summary_rates(result: Result, language: str) -> str:
    if not result.alike.size:
        return text(language).say("summaries.not_begun")
    one, other = rate_names(result)
    values = {"one": one, "other": other, "same": int(result.alike[:, -1].sum()), "seeds": len(result.gamma)}
    mean, other_mean = (f"{updates.mean():.1f}" for updates in result.mistakes.sum(-1))
    return text(language).say("summaries.rates", **values, mean=mean, other_mean=other_mean)


FIGURES = (
    Figure("line", draw_line, table_line, summary_line),
    Figure("mistakes", draw_mistakes, table_mistakes, summary_mistakes),
    Figure("loss", draw_loss, table_loss, summary_loss),
    Figure("bound", draw_bound, table_bound, summary_bound),
    Figure("rates", draw_rates, table_rates, summary_rates),
)
