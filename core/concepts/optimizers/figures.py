"""Pictures of optimizers on a surface: their paths, what an update is made of, many starts, rates, and averages."""

from __future__ import annotations

from collections.abc import Sized
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.optimizers.averages.params import Result as Averages
from core.concepts.optimizers.params import (
    MEMORIES,
    MEMORY,
    PAD_RATES,
    SURFACES,
    WIDTHS,
    Params,
    Result,
    in_plane,
    start_of,
)
from core.conclusions.stats import ends, interval
from core.figures import plot, style
from core.figures.gallery import Gallery, by_rule
from core.figures.numbers import significant, whole

RED, INK, STONE = style.PALETTE[5], style.PALETTE[8], style.PALETTE[9]
FAR = 100.0  # drawn places end this far out: beyond any screen
AXES = ("x", "y")
REFERENCE = "2px 6px"  # no dash of a contender
PARTS = ("gradient", "average", "scale", "step_part")
ARROWS = {"gradient": (style.PALETTE[0], "dot"), "average": (style.PALETTE[3], "dash"), "step": (INK, "solid")}
PLAIN, CORRECTED, WINDOW = range(3)
LITTLE = 0.01  # a correction that is hardly one


def named(result: Result, text: Text) -> list[str]:
    unseen = ["lr"] if result.params.rates == "best" else []
    return by_rule(result.params.contenders, text, shown, "options.rule", unseen)


def shown(contender: Any, name: str, text: Text) -> str:
    value = getattr(contender, name)
    if isinstance(value, bool):
        return text.say("words.on" if value else "words.off")
    return f"{value:.3g}"


def count(steps: float, result: Result) -> str:
    """Steps to the target in words: what was not reached is more than the run has."""
    if np.isfinite(steps):
        return f"{steps:.0f}"
    return f"> {result.params.steps}" if result.complete else ""


def ending(c: int, result: Result, language: str) -> str:
    """How the path of a contender ended, in words: a table has no number of steps for what did not arrive."""
    say = text(language).say
    if np.isfinite(result.reached[c]):
        return say("words.arrived")
    if result.height.shape[1] and lost(result)[c]:
        return say("words.diverged")
    return say("words.not_within", steps=result.params.steps) if result.complete else ""


def median_of_starts(result: Result) -> np.ndarray:
    """Median steps to the target over the further starts: [contender], NaN where half or more did not arrive."""
    found = np.median(np.nan_to_num(result.reached_by, nan=np.inf), axis=1)
    return np.where(np.isfinite(found), found, np.nan)


def target(result: Result) -> str:
    return f"{result.params.target:g} f₀"


def lost(result: Result) -> np.ndarray:
    """Whether a contender left all bounds: [contender]."""
    return ~np.isfinite(result.height).all(1)


def diverged(result: Result) -> np.ndarray:
    """Who left all bounds from the one start, or has networks that did: [contender]."""
    if in_plane(result.params):
        return lost(result)
    return ~np.isfinite(result.loss).all((1, 2)) & result.complete


HERE = Gallery("optimizers", named, diverged=diverged)
AVERAGES = Gallery("optimizers", of="averages")
text, names = HERE.text, HERE.names


def across(panels: Sized) -> int:
    """Columns of so many panels."""
    return min(len(panels), 2 if len(panels) <= 4 else 3)


# The field


def add_field(fig: plot.Sheet, result: Result, every: int = 1, **place: int) -> None:
    """The heights of the surface, of `every` so many rows and columns, and its minima."""
    levels = np.log10(result.field[::every, ::every] + 0.01 * np.median(result.field))
    plot.heights(fig, result.column[::every], result.row[::every], levels, **place)
    look = {"mode": "markers", "marker": plot.marker(INK, "star", 11), "showlegend": False}
    minima = plot.xy(np.array(SURFACES[result.params.surface].minima).reshape(-1, 2))
    fig.add_scatter(**minima, **look, hovertemplate="(%{x:.3f}, %{y:.3f})<extra></extra>", **place)


def fit_axes(fig: plot.Sheet, result: Result, x_axis: str = "x", **place: int) -> None:
    """The plane to scale: contours and gradients meet at right angles only so."""
    x, y = ({"text": name, "standoff": 2} for name in (("w", "b") if result.params.surface == "cliff" else AXES))
    look: dict[str, Any] = {"constrain": "domain", "showgrid": False} | place
    fig.update_xaxes(range=result.column[[0, -1]].tolist(), title=x, **look)
    fig.update_yaxes(range=result.row[[0, -1]].tolist(), title=y, scaleanchor=x_axis, **look)


def drawn(places: np.ndarray) -> np.ndarray:
    """Places as far as they can be drawn; NaN where they were lost."""
    return np.where(np.isfinite(places), np.clip(places, -FAR, FAR), np.nan)


# Paths


def draw_paths(result: Result, language: str) -> go.Figure:
    """The paths on the field; below, as tracks, how many steps each contender took to the target."""
    say, labels = text(language).say, names(result, language)
    tracks = (26 * len(labels) + 52) / 700
    ratio = 0.68 + tracks
    heights = [0.68 / ratio, tracks / ratio]
    fig = plot.panels(2, 1, height=500, row_heights=heights, vertical_spacing=0.12 / ratio)
    above, below = ({"row": row, "col": 1, "showlegend": False} for row in (1, 2))
    add_field(fig, result, row=1, col=1)
    clock = np.arange(result.path.shape[1])
    cut = []
    for c, name in enumerate(labels):
        cut.append(len(fig.data))
        fig.add_scatter(
            **plot.xy(drawn(result.path[c])),
            **plot.curve(c, width=2),
            meta={"clock": clock.tolist()},
            name=name,
            customdata=clock,
            text=[f"{h:.3g}" for h in result.height[c]],
            hovertemplate=f"<b>{name}</b>, {say('words.step')} %{{customdata}}<br>"
            f"(%{{x:.3f}}, %{{y:.3f}})<br>f − f* = %{{text}}<extra></extra>",
            **above,
        )
    x, y = start_of(result.params)
    ring = {"mode": "markers", "marker": plot.marker(INK, "circle-open", 15, line={"width": 2})}
    hover = f"{say('words.start')}<br>(%{{x:.2f}}, %{{y:.2f}})<extra></extra>"
    fig.add_scatter(x=[x], y=[y], **ring, hovertemplate=hover, **above)
    median = median_of_starts(result)
    end = max(last_of(result), np.nanmax([*median, 0])) if result.complete else result.params.steps
    for c, name in enumerate(labels):
        row, arrived = [len(labels) - c], np.isfinite(result.reached[c])
        gone = bool(len(clock)) and lost(result)[c]
        head = plot.head(c)
        if len(clock):
            place = drawn(result.path[c])
            finite = np.flatnonzero(np.isfinite(place).all(1))
            last = place[finite[-1]] if finite.size else np.full(2, np.nan)
            place = np.where(np.isfinite(place), place, last)
            look = {"mode": "markers", "marker": head | ({"symbol": "x"} if gone else {}), "hoverinfo": "skip"}
            fig.add_scatter(**plot.xy(place[-1:]), **look, **above).was(**plot.xy(place[:, None]))
        gone_by = int(result.reached[c]) if arrived else max(len(clock) - 1, 0)
        run = np.minimum(clock, gone_by)[:, None] if len(clock) else np.zeros((1, 1))
        cut.append(len(fig.data))
        track = plot.curve(c, width=3) | {"mode": "lines", "hoverinfo": "skip"}
        fig.add_scatter(x=np.arange(gone_by + 1), y=row * (gone_by + 1), **track, **below)
        hover = f"{name}: {say('words.median_of', seeds=result.params.seeds)} %{{x:.0f}}<extra></extra>"
        bar = plot.marker(style.contender(c).colour, "line-ns-open", 13, line={"width": 2})
        fig.add_scatter(x=[median[c]], y=row, mode="markers", marker=bar, hovertemplate=hover, **below)
        hover = f"{name}: η = {result.chosen[c]:.3g}<extra></extra>"
        fig.add_scatter(x=run[-1], y=row, mode="markers", marker=head, hovertemplate=hover, **below).was(x=run)
        what = say("words.diverged") if gone else ("" if arrived else "> ") + "%{customdata:.0f}"
        look = {"mode": "text", "texttemplate": f"{name}  <b>{what}</b>", "textposition": "middle right"}
        fig.add_scatter(x=[1.05 * end], y=row, customdata=run[-1], **look, hoverinfo="skip", **below)
        fig.was(customdata=run)
    fit_axes(fig, result, row=1, col=1)
    title = {"text": say("words.steps_to", target=target(result)), "standoff": 2}
    fig.update_xaxes(title=title, range=[-0.02 * end, 1.5 * end], tickvals=ticks(end), row=2, col=1)
    fig.update_yaxes(range=[0.4, len(labels) + 0.6], showticklabels=False, showgrid=False, row=2, col=1)
    fig.update_layout(margin={"t": 8})
    plot.aspect(fig, ratio)
    replayed = len(clock) if np.isnan(result.reached).any() else min(last_of(result) + 10, len(clock))
    for named in fig.stacks.values():
        named.update({name: stack[:replayed] for name, stack in named.items()})
    return plot.film(fig, result, clock[:replayed], say("words.step"), cut)


def last_of(result: Result) -> int:
    """The step at which the last contender is at the target; all of the run where one is not."""
    return max(int(np.nan_to_num(result.reached, nan=result.params.steps).max()), 10)


def ticks(end: float) -> list[float]:
    """Round numbers from 0 to `end`, about five."""
    size = 10 ** np.floor(np.log10(end / 4))
    size *= max(k for k in (1, 2, 5) if k * size <= end / 4)
    return np.arange(0, end + size / 2, size).tolist()


def table_paths(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    nowhere = np.full(len(result.chosen), np.nan)
    ends = result.height[:, -1] if result.height.shape[1] else nowhere
    share = np.isfinite(result.reached_by).mean(1) if result.complete else nowhere
    columns = {
        "η": significant(result.chosen, 3),
        say("words.steps_to", target=target(result)): whole(result.reached),
        say("words.median_of", seeds=result.params.seeds): whole(median_of_starts(result)),
        f"{say('words.share_of')} (%)": whole(100 * share),
        say("words.height_end"): significant(ends, 2),
        say("words.ending"): [ending(c, result, language) for c in range(len(ends))],
    }
    return HERE.table(result, language, columns)


def summary_paths(result: Result, language: str) -> str:
    say = text(language).say
    if not result.complete:
        return say("summaries.under_way", step=max(result.path.shape[1] - 1, 0))
    labels, reached = names(result, language), result.reached
    arrived = np.flatnonzero(np.isfinite(reached))
    values = {"target": target(result), "steps": result.params.steps}
    if not arrived.size:
        return say("summaries.none", **values)
    order = arrived[np.argsort(reached[arrived], kind="stable")]
    listed = " · ".join(f"{labels[i]} {reached[i]:.0f}" for i in order)
    missing = len(labels) - len(arrived)
    return say("summaries.some" if missing else "summaries.all", listed=listed, missing=missing, **values)


# Heights


def draw_heights(result: Result, language: str) -> go.Figure:
    say, fig = text(language).say, plot.figure(440)
    first = float(result.height[0, 0]) if result.height.shape[1] else 1.0
    floor = max(first * result.params.target * 1e-4, 1e-300)
    moments = np.arange(result.height.shape[1])
    for c, name in enumerate(names(result, language)):
        with np.errstate(invalid="ignore"):
            values = np.where(result.height[c] > floor * 1e-3, result.height[c], np.nan)
        fig.add_scatter(x=moments, y=values, name=name, **plot.curve(c), hovertemplate="%{y:.3g}")
    look = {"mode": "lines", "line": plot.line(style.AXIS, 1.5, REFERENCE), "hoverinfo": "skip"}
    goal, name = [first * result.params.target] * 2, say("words.target", target=target(result))
    fig.add_scatter(x=[0, result.params.steps], y=goal, name=name, **look)
    low, high = np.log10(floor), np.log10(max(first, 1e-300)) + 1
    fig.update_yaxes(title="f − f*", type="log", range=[low, high], tickformat="~e", dtick=2)
    fig.update_xaxes(title=say("words.step"), range=[0, result.params.steps])
    fig.update_layout(showlegend=True)
    return plot.film(fig, result, moments, say("words.step"), range(len(fig.data) - 1))


def table_heights(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    at = np.unique(np.linspace(0, max(result.height.shape[1] - 1, 0), 31).round().astype(int))[: result.height.shape[1]]
    columns = {name: significant(result.height[c, at], 4) for c, name in enumerate(names(result, language))}
    return pd.DataFrame({say("words.step"): at} | columns)


# What an update is made of


def draw_update(result: Result, language: str) -> go.Figure:
    """Directions of gradient, average and step where each contender stands; below, all parts over the steps."""
    say, labels = text(language).say, names(result, language)
    titles = [say(f"words.{part}") for part in ("directions", *PARTS)]
    room: dict[str, Any] = {"row_heights": [0.46, 0.27, 0.27], "vertical_spacing": 0.1, "horizontal_spacing": 0.16}
    fig = plot.panels(3, 2, titles, 860, specs=[[{"colspan": 2}, None], [{}, {}], [{}, {}]], **room)
    above: dict[str, Any] = {"row": 1, "col": 1}
    add_field(fig, result, **above)
    moves = np.arange(result.gradient.shape[1])
    step = -result.scale * result.average
    length = 0.13 * (result.column[-1] - result.column[0])
    cut = []
    for c, name in enumerate(labels):
        own = {"contender": f"{c}"}
        path = drawn(result.path[c])
        cut.append(len(fig.data))
        look = {"meta": own | {"clock": list(range(len(path)))}, "opacity": 0.6} | plot.QUIET
        fig.add_scatter(**plot.xy(path), **plot.curve(c, width=1.5), **look, **above)
        for part, vectors in (("gradient", -result.gradient[c]), ("average", -result.average[c]), ("step", step[c])):
            with np.errstate(invalid="ignore", divide="ignore"):
                way = length * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            arrow = np.stack([path[: len(moves)], path[: len(moves)] + way], 1)  # [move, end, axis]
            colour, dash = ARROWS[part]
            word = say(f"words.arrow_{part}")
            look = {"name": word, "legendgroup": part, "showlegend": c == len(labels) - 1, "meta": own}
            look |= plot.arrow(colour, 3, 13, dash) | {"hovertemplate": f"{name}: {word}<extra></extra>"}
            fig.add_scatter(**plot.xy(arrow[0] if len(moves) else np.full((2, 2), np.nan)), **look, **above)
            if len(moves):
                fig.was(**plot.xy(arrow))
        curves = {(2, 1): result.gradient[c], (2, 2): result.average[c], (3, 1): result.scale[c], (3, 2): step[c]}
        for (row, col), values in curves.items():
            for axis, dash, along in zip(AXES, ("solid", "dot"), values.T):
                cut.append(len(fig.data))
                look = plot.curve(c, dash, 1.8) | {"name": f"{name}, {axis}", "meta": own, "showlegend": False}
                hover = f"{name}, {axis}: %{{y:.3g}}<extra></extra>"
                fig.add_scatter(x=moves, y=along, **look, hovertemplate=hover, row=row, col=col)
    fit_axes(fig, result, **above)
    scales = np.abs(result.scale[np.isfinite(result.scale) & (result.scale > 0)])
    if scales.size:
        reach = np.log10(np.quantile(scales, [0.01, 0.99]) * [0.5, 2])
        fig.update_yaxes(type="log", tickformat="~g", range=reach, row=3, col=1)
    fig.update_xaxes(title=None, row=2)
    fig.update_xaxes(title=say("words.step"), row=3)
    fig.update_layout(showlegend=True, legend={"y": 1.04})
    plot.chips(fig, "contender", {f"{c}": name for c, name in enumerate(labels)}, [f"{len(labels) - 1}"])
    return plot.film(fig, result, moves, say("words.step"), cut)


def table_update(result: Result, language: str) -> pd.DataFrame:
    """The first moves of every contender in numbers."""
    say = text(language).say
    parts = np.stack([result.gradient, result.average, result.scale, -result.scale * result.average], 2)[:, :12]
    found = significant(parts, 4).reshape(*parts.shape[:2], 8)
    rows = [[name, t, *row] for name, own in zip(names(result, language), found) for t, row in enumerate(own)]
    heads = [f"{say(f'words.{part}')} {axis}" for part in PARTS for axis in AXES]
    return pd.DataFrame(rows, columns=[say("words.contender"), say("words.step"), *heads])


def summary_update(result: Result, language: str) -> str:
    say = text(language).say
    if not result.gradient.shape[1]:
        return say("summaries.not_begun")
    name, (x, y) = names(result, language)[-1], result.scale[-1, 0]
    if not np.isfinite([x, y]).all():
        return say("summaries.no_scale", name=name)
    return say("summaries.update", name=name, x=f"{x:.3g}", y=f"{y:.3g}")


# Many starts


def draw_starts(result: Result, language: str) -> go.Figure:
    """Every start coloured by the steps from it to the target, and where the contender was at each moment."""
    say, labels = text(language).say, names(result, language)
    columns = across(labels)
    rows = ceil(len(labels) / columns)
    fig = plot.panels(rows, columns, labels, 480, horizontal_spacing=0.03, vertical_spacing=0.22 / rows)
    for c, name in enumerate(labels):
        place: dict[str, Any] = {"row": c // columns + 1, "col": c % columns + 1}
        add_field(fig, result, 3, **place)
        swarm, by = drawn(result.swarm[c]), result.reached_by[c]  # [seed, frame, axis], [seed]
        if swarm.shape[1]:
            there = np.isfinite(by)
            square = plot.marker(np.log10(by[there]), "square", 9, coloraxis="coloraxis", opacity=0.9)
            hover = f"(%{{x:.2f}}, %{{y:.2f}}): %{{text}} {say('words.steps')}<extra>{name}</extra>"
            for chosen, marker in ((there, square), (~there, plot.marker(STONE, "x-thin-open", 7))):
                look = {"mode": "markers", "marker": marker, "text": [count(n, result) for n in by[chosen]]}
                fig.add_scatter(**plot.xy(swarm[chosen, 0]), **look, hovertemplate=hover, **place)
            look = {"mode": "markers", "marker": plot.marker(RED, None, 5, 0.7), "hoverinfo": "skip"}
            fig.add_scatter(**plot.xy(swarm[:, -1]), **look, **place).was(**plot.xy(swarm.swapaxes(0, 1)))
        fit_axes(fig, result, "x" if c == 0 else f"x{c + 1}", **place)
    fig.update_xaxes(title=None, showticklabels=False)
    fig.update_yaxes(title=None, showticklabels=False)
    colours = step_colours(result.reached_by, result, language)
    fig.update_layout(showlegend=False, margin={"t": 28, "b": 56}, coloraxis=colours)
    plot.aspect(fig, 0.62 * rows / columns + 0.09 * rows + 0.08)
    return plot.film(fig, result, result.frame, say("words.step"))


def step_colours(steps: np.ndarray, result: Result, language: str, drop: int = 0) -> dict:
    """A colour axis of log₁₀ steps from the fewest to all of the run, its bar `drop` pixels under the picture."""
    low = np.log10(np.nanmin(steps)) if np.isfinite(steps).any() else 0.0
    high = max(np.log10(result.params.steps), low + 0.1)
    marks = [n for k in range(4) for n in np.array([1, 2, 5]) * 10**k if low <= np.log10(n) <= high]
    title = {
        "text": text(language).say("words.steps_to", target=target(result)),
        "side": "bottom",
        "font": {"size": 13},
    }
    bar = {"orientation": "h", "y": 0, "yanchor": "top", "ypad": 8 + drop, "thickness": 10, "len": 0.7, "title": title}
    bar |= {"tickvals": np.log10(marks).tolist(), "ticktext": [f"{n:.0f}" for n in marks]}
    return {"colorscale": style.colorscale(style.SEQUENTIAL[::-1]), "cmin": low, "cmax": high, "colorbar": bar}


def table_starts(result: Result, language: str) -> pd.DataFrame:
    first = result.swarm[0, :, 0] if result.frame.size else np.zeros((0, 2))
    start = {"x": first[:, 0].round(3), "y": first[:, 1].round(3)}
    by = {name: whole(steps[: len(first)]) for name, steps in zip(names(result, language), result.reached_by)}
    return pd.DataFrame({text(language).say("words.start"): range(1, len(first) + 1)} | start | by)


def summary_starts(result: Result, language: str) -> str:
    say, params = text(language).say, result.params
    if not result.complete:
        return say("summaries.under_way", step=max(result.path.shape[1] - 1, 0))
    arrived = zip(names(result, language), np.isfinite(result.reached_by).sum(1))
    listed = " · ".join(f"{name} {number}" for name, number in arrived)
    return say("summaries.starts", seeds=params.seeds, target=target(result), steps=params.steps, listed=listed)


# Rates


def draw_rates(result: Result, language: str) -> go.Figure:
    say, fig = text(language).say, plot.figure(440, "closest")
    for c, name in enumerate(names(result, language)):
        hover = f"{name}<br>η = %{{x:.3g}}: %{{y:.0f}} {say('words.steps')}<extra></extra>"
        fig.add_scatter(x=result.rate, y=result.sweep[c], name=name, **plot.curve(c), hovertemplate=hover)
        lr = result.chosen[c]
        near = int(np.abs(np.log(result.rate) - np.log(lr)).argmin()) if np.isfinite(lr) else 0
        look = {
            "mode": "markers",
            "marker": plot.head(c),
            "showlegend": False,
        }
        hover = f"{name}: η = %{{x:.3g}}<extra></extra>"
        fig.add_scatter(x=result.chosen[c : c + 1], y=result.sweep[c, near : near + 1], **look, hovertemplate=hover)
    fig.update_xaxes(title=say("words.rate"), type="log", tickformat="~g", dtick=1, range=[-4, 2])
    axis = {"type": "log", "range": [-0.1, np.log10(result.params.steps) + 0.05], "tickformat": "~g", "dtick": "D2"}
    fig.update_yaxes(title=say("words.steps_to", target=target(result)), **axis)
    fig.update_layout(showlegend=True)
    return fig


def good_band(result: Result) -> np.ndarray:
    """Over how many decades of η a contender needs at most twice its fewest steps: [contender]; 0 where it never
    arrives."""
    fewest = np.nan_to_num(result.sweep, nan=np.inf).min(1, keepdims=True)
    return (result.sweep <= 2 * fewest).sum(1) * np.log10(result.rate[1] / result.rate[0])


def table_rates(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    steps = np.nan_to_num(result.sweep, nan=np.inf)  # [contender, rate]
    fewest = steps.min(1)
    best = significant(np.where(np.isfinite(fewest), result.rate[steps.argmin(1)], np.nan), 3)
    columns = {"best_rate": best, "fewest": whole(fewest), "good_band": good_band(result).round(2)}
    return HERE.table(result, language, {say(f"words.{word}"): column for word, column in columns.items()})


def summary_rates(result: Result, language: str) -> str:
    say, labels, arrived = text(language).say, names(result, language), np.isfinite(result.sweep).any(1)
    if not arrived.any():
        return say("summaries.no_rates")
    band = np.where(arrived, good_band(result), np.nan)
    wide, narrow = (text(language).listed(labels[c] for c in who) for who in ends(band, lambda b: f"{b:.1f}"))
    values = {"wide": wide, "most": f"{np.nanmax(band):.1f}", "least": f"{np.nanmin(band):.1f}"}
    return say("summaries.rates", narrow=narrow, **values) if narrow else say("summaries.rates_alike", **values)


# Rates and memories


def remembering(result: Result) -> list[int]:
    return [c for c, contender in enumerate(result.params.contenders) if contender.rule in MEMORY]


def memory_of(c: int, result: Result, language: str) -> str:
    return text(language).say(f"symbols.{MEMORY[result.params.contenders[c].rule]}")


def draw_pad(result: Result, language: str) -> go.Figure:
    """Steps to the target over learning rate and memory, one map for every contender that has a memory."""
    labels, having = names(result, language), remembering(result)
    columns = across(having)
    rows = ceil(len(having) / columns)
    titles = [f"{labels[c]}: {memory_of(c, result, language)}" for c in having]
    fig = plot.panels(rows, columns, titles, 150 + 290 * rows, horizontal_spacing=0.1, vertical_spacing=0.2 / rows)
    ticks = [f"{m:g}" for m in MEMORIES]
    for i, c in enumerate(having):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        steps, (rate, memory, fewest) = result.pad[c], best_of_pad(result.pad[c])
        told = f"η = %{{customdata[1]:.3g}}, {memory_of(c, result, language)} = %{{y}}: %{{customdata[0]:.0f}}"
        fig.add_heatmap(
            x=np.log10(PAD_RATES),
            y=ticks,
            z=np.log10(steps),
            customdata=np.stack(np.broadcast_arrays(steps, PAD_RATES), -1),
            coloraxis="coloraxis",
            hovertemplate=f"{told}<extra>{labels[c]}</extra>",
            **place,
        )
        if np.isfinite(fewest):
            look = {"mode": "markers", "marker": plot.marker(RED, "star", 13, 1), "hoverinfo": "skip"}
            fig.add_scatter(x=[np.log10(rate)], y=[f"{memory:g}"], **look, **place)
    fig.update_xaxes(tickvals=[-4, -2, 0, 2], ticktext=["10⁻⁴", "0.01", "1", "100"], range=[-4.1, 2.1])
    fig.update_xaxes(title={"text": "η", "standoff": 0}, row=rows)
    fig.update_yaxes(type="category")
    fig.update_layout(showlegend=False, margin={"b": 76}, coloraxis=step_colours(result.pad, result, language, drop=46))
    return fig


def best_of_pad(steps: np.ndarray) -> tuple[float, float, float]:
    """Of steps [memory, rate] the fewest, with their rate and memory; NaN where nothing arrives."""
    if not np.isfinite(steps).any():
        return np.nan, np.nan, np.nan
    m, r = np.unravel_index(np.nanargmin(steps), steps.shape)
    return PAD_RATES[r], MEMORIES[m], steps[m, r]


def table_pad(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    rows = []
    for c in remembering(result):
        for memory, steps in zip(MEMORIES, result.pad[c]):
            rate, _, fewest = best_of_pad(steps[None])
            rows.append([labels[c], memory, float(f"{rate:.3g}"), fewest])
    found = pd.DataFrame(rows, columns=[say(f"words.{w}") for w in ("contender", "memory", "best_rate", "fewest")])
    return found.assign(**{say("words.fewest"): whole(found[say("words.fewest")])})


def summary_pad(result: Result, language: str) -> str:
    labels, found = names(result, language), {c: best_of_pad(result.pad[c]) for c in remembering(result)}
    listed = " · ".join(
        f"{labels[c]} {memory_of(c, result, language)} = {memory:g} ({steps:.0f})"
        for c, (_, memory, steps) in found.items()
        if np.isfinite(steps)
    )
    return text(language).say("summaries.pad", listed=listed) if listed else text(language).say("summaries.no_rates")


# Averages


def draw_averages(result: Averages, language: str) -> go.Figure:
    say, fig = text(language).say, plot.figure(460)
    t = np.arange(1, len(result.truth) + 1)
    dots = {"mode": "markers", "marker": {"size": 4.5, "color": STONE, "opacity": 0.75}}
    fig.add_scatter(x=t, y=result.noisy[0], name=say("words.noisy"), **dots, hovertemplate="%{y:.2f}")
    n = f"{last_values(result)}"
    lines = (
        (result.truth, INK, "dashdot", 1.6, say("words.truth")),
        (result.averaged[WINDOW, 0], style.PALETTE[2], "dot", 2.2, say("words.window", n=n)),
        (result.averaged[PLAIN, 0], style.PALETTE[1], "dash", 2.4, say("words.plain")),
        (result.averaged[CORRECTED, 0], style.PALETTE[0], "solid", 2.6, say("words.corrected")),
    )
    for values, colour, dash, width, name in lines:
        look = {"mode": "lines", "line": plot.line(colour, width, dash), "hovertemplate": "%{y:.3f}"}
        fig.add_scatter(x=t, y=values, name=name, **look)
    fig.update_xaxes(title=say("words.time"), range=[0, result.total + 1])
    fig.update_yaxes(title=say("words.value"))
    return plot.film(fig, result, t, say("words.time"), True)


def last_values(result: Averages) -> int:
    return round(1 / (1 - result.params.beta))


def table_averages(result: Averages, language: str) -> pd.DataFrame:
    say = text(language).say
    t = np.unique(np.r_[:20, 20 : len(result.truth) : 20, len(result.truth) - 1]).clip(0)
    t = t[t < len(result.truth)]
    columns = {
        say("words.noisy"): result.noisy[0],
        say("words.truth"): result.truth,
        say("words.plain"): result.averaged[PLAIN, 0],
        say("words.corrected"): result.averaged[CORRECTED, 0],
        say("words.window", n=last_values(result)): result.averaged[WINDOW, 0],
    }
    return pd.DataFrame({say("words.time"): t + 1} | {head: values[t].round(3) for head, values in columns.items()})


def summary_averages(result: Averages, language: str) -> str:
    say = text(language).say
    if not result.complete:
        return say("summaries.values_so_far", step=result.step, total=result.total)
    gap = np.abs(result.averaged[PLAIN] - result.averaged[CORRECTED]).mean(0)
    above = np.flatnonzero(gap >= LITTLE)
    after = int(above[-1]) + 2 if above.size else 1  # values are numbered from 1
    values = {"beta": f"{result.params.beta:g}", "n": last_values(result), "little": f"{LITTLE:g}"}
    return say("summaries.averages" if after <= len(gap) else "summaries.averages_still", **values, after=after)


# Networks


def solved(result: Result) -> np.ndarray:
    """Whether all four points of XOR are right: [contender, width, seed]."""
    return result.right == 4


def draw_network(result: Result, language: str) -> go.Figure:
    say, fig = text(language).say, plot.figure(430, "closest")
    shift = np.linspace(-0.12, 0.12, len(result.params.contenders))
    for c, name in enumerate(names(result, language)):
        found = [interval(s.astype(float), share=True) for s in solved(result)[c]]
        low, mean, high = (100 * np.array([getattr(f, end) for f in found]) for end in ("low", "mean", "high"))
        bars = plot.error((high - mean).tolist(), 4, 1.3) | {"arrayminus": (mean - low).tolist()}
        look = plot.curve(c, marked=True) | {"hovertemplate": f"{name}: %{{y:.0f}} %<extra></extra>"}
        fig.add_scatter(x=np.arange(len(WIDTHS)) + shift[c], y=mean, name=name, error_y=bars, **look)
    widths = {"tickvals": list(range(len(WIDTHS))), "ticktext": [f"{w}" for w in WIDTHS]}
    fig.update_xaxes(title=say("words.width"), **widths)
    fig.update_yaxes(title=say("words.solved"), range=[-4, 104], ticksuffix=" %")
    fig.update_layout(showlegend=True)
    return fig


def table_network(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    share, loss = (100 * solved(result).mean(-1)).round(1), significant(np.median(result.loss, -1), 3)
    rows = [
        [name, lr, width, share[c, w], loss[c, w]]
        for c, (name, lr) in enumerate(zip(names(result, language), significant(result.chosen, 3)))
        for w, width in enumerate(WIDTHS)
    ]
    heads = [say("words.contender"), "η", say("words.width"), f"{say('words.solved')} (%)", say("words.median_loss")]
    return pd.DataFrame(rows, columns=heads)


def summary_network(result: Result, language: str) -> str:
    say = text(language).say
    right = solved(result).sum(-1)  # [contender, width]

    def numbers(counts: np.ndarray) -> str:
        low, high = int(counts.min()), int(counts.max())
        return f"{low}" if low == high else say("words.from_to", low=low, high=high)

    narrow, wide = numbers(right[:, WIDTHS.index(2)]), numbers(right[:, -1])
    return say("summaries.network", narrow=narrow, widest=WIDTHS[-1], wide=wide, seeds=result.params.seeds)


def with_memory(params: Params) -> bool:
    return in_plane(params) and any(c.rule in MEMORY for c in params.contenders)


FIGURES = (
    *HERE.figures(
        Figure("paths", draw_paths, table_paths, summary_paths, in_plane),
        Figure("network", draw_network, table_network, summary_network, lambda p: not in_plane(p)),
        Figure("heights", draw_heights, table_heights, summary_paths, in_plane),
        Figure("update", draw_update, table_update, summary_update, in_plane),
        Figure("starts", draw_starts, table_starts, summary_starts, in_plane),
        Figure("rates", draw_rates, table_rates, summary_rates, in_plane),
        Figure("pad", draw_pad, table_pad, summary_pad, with_memory),
    ),
    *AVERAGES.figures(Figure("averages", draw_averages, table_averages, summary_averages)),
)
