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
from core.figures.numbers import significant, spaced, whole

RED, INK, STONE = style.PALETTE[5], style.PALETTE[8], style.PALETTE[9]
FAR = 100.0  # drawn places end this far out: beyond any screen
AXES = ("x", "y")
REFERENCE = "2px 6px"  # no dash of a contender
PARTS = ("gradient", "average", "scale", "step_part")
ARROWS = {"gradient": (style.PALETTE[0], "dot"), "average": (style.PALETTE[3], "dash"), "step": (INK, "solid")}
LINES = {
    "truth": (INK, "dashdot", 1.6),
    "window": (style.PALETTE[2], "dot", 2.2),
    "plain": (style.PALETTE[1], "dash", 2.4),
    "corrected": (style.PALETTE[0], "solid", 2.6),
}
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
    if lost(result)[c]:
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


def grid(panels: Sized) -> tuple[int, int]:
    """Rows and columns of so many panels."""
    columns = min(len(panels), 2 if len(panels) <= 4 else 3)
    return ceil(len(panels) / columns), columns


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
    say, labels, clock = text(language).say, names(result, language), np.arange(result.path.shape[1])
    tracks = (26 * len(labels) + 52) / 700
    ratio = 0.68 + tracks
    heights = [0.68 / ratio, tracks / ratio]
    fig = plot.panels(2, 1, height=500, row_heights=heights, vertical_spacing=0.12 / ratio)
    above, below = ({"row": row, "col": 1, "showlegend": False} for row in (1, 2))
    add_field(fig, result, row=1, col=1)
    shown = slice(last_of(result) + 10)  # of the replay
    cut = []
    for c, name in enumerate(labels):
        cut.append(len(fig.data))
        when = f"<b>{name}</b>, {say('words.step')} %{{customdata}}"
        hover = f"{when}<br>(%{{x:.3f}}, %{{y:.3f}})<br>f − f* = %{{text}}<extra></extra>"
        look = plot.curve(c, width=2) | {"name": name, "customdata": clock, "meta": {"clock": clock.tolist()}}
        look |= {"text": [f"{h:.3g}" for h in result.height[c]], "hovertemplate": hover}
        fig.add_scatter(**plot.xy(drawn(result.path[c])), **look, **above)
    x, y = start_of(result.params)
    ring = {"mode": "markers", "marker": plot.marker(INK, "circle-open", 15, line={"width": 2})}
    hover = f"{say('words.start')}<br>(%{{x:.2f}}, %{{y:.2f}})<extra></extra>"
    fig.add_scatter(x=[x], y=[y], **ring, hovertemplate=hover, **above)
    median = median_of_starts(result)
    end = max(last_of(result), np.nanmax([*median, 0])) if result.complete else result.params.steps
    for c, name in enumerate(labels):
        row, arrived, gone, head = [len(labels) - c], np.isfinite(result.reached[c]), lost(result)[c], plot.head(c)
        if len(clock):
            place = drawn(result.path[c])
            place = np.where(np.isfinite(place), place, place[np.isfinite(place).all(1)][-1])
            look = {"mode": "markers", "marker": head | ({"symbol": "x"} if gone else {}), "hoverinfo": "skip"}
            fig.add_scatter(**plot.xy(place[-1:]), **look, **above).was(**plot.xy(place[shown, None]))
        gone_by = int(result.reached[c]) if arrived else max(len(clock) - 1, 0)
        run = np.minimum(clock, gone_by)[:, None] if len(clock) else np.zeros((1, 1))
        cut.append(len(fig.data))
        track = plot.curve(c, width=3) | {"mode": "lines", "hoverinfo": "skip"}
        fig.add_scatter(x=np.arange(gone_by + 1), y=row * (gone_by + 1), **track, **below)
        hover = f"{name}: {say('words.median_of', seeds=result.params.seeds)} %{{x:.0f}}<extra></extra>"
        bar = plot.marker(style.contender(c).colour, "line-ns-open", 13, line={"width": 2})
        fig.add_scatter(x=[median[c]], y=row, mode="markers", marker=bar, hovertemplate=hover, **below)
        hover = f"{name}: η = {result.chosen[c]:.3g}<extra></extra>"
        fig.add_scatter(x=run[-1], y=row, mode="markers", marker=head, hovertemplate=hover, **below).was(x=run[shown])
        what = say("words.diverged") if gone else ("" if arrived else "> ") + "%{customdata:.0f}"
        look = {"mode": "text", "texttemplate": f"{name}  <b>{what}</b>", "textposition": "middle right"}
        fig.add_scatter(x=[1.05 * end], y=row, customdata=run[-1], **look, hoverinfo="skip", **below)
        fig.was(customdata=run[shown])
    fit_axes(fig, result, row=1, col=1)
    title = {"text": say("words.steps_to", target=target(result)), "standoff": 2}
    fig.update_xaxes(title=title, range=[-0.02 * end, 1.5 * end], tickvals=ticks(end), row=2, col=1)
    fig.update_yaxes(range=[0.4, len(labels) + 0.6], showticklabels=False, showgrid=False, row=2, col=1)
    fig.update_layout(margin={"t": 8})
    plot.aspect(fig, ratio)
    return plot.film(fig, result, clock[shown], say("words.step"), cut)


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
    at = spaced(result.height.shape[1], 31)
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
    moves, parts = np.arange(result.gradient.shape[1]), parts_of(result)
    ways = np.stack([-result.gradient, -result.average, parts[-1]])  # of ARROWS
    with np.errstate(invalid="ignore", divide="ignore"):
        ways = 0.13 * (result.column[-1] - result.column[0]) * ways / np.linalg.norm(ways, axis=-1, keepdims=True)
    cut = []
    for c, name in enumerate(labels):
        own, path = {"contender": f"{c}"}, drawn(result.path[c])
        cut.append(len(fig.data))
        look = {"meta": own | {"clock": list(range(len(path)))}, "opacity": 0.6} | plot.QUIET
        fig.add_scatter(**plot.xy(path), **plot.curve(c, width=1.5), **look, **above)
        for (part, (colour, dash)), way in zip(ARROWS.items(), ways[:, c]):
            arrow = np.stack([path[: len(moves)], path[: len(moves)] + way], 1)  # [move, end, axis]
            word = say(f"words.arrow_{part}")
            look = {"name": word, "legendgroup": part, "showlegend": c == len(labels) - 1, "meta": own}
            look |= plot.arrow(colour, 3, 13, dash) | {"hovertemplate": f"{name}: {word}<extra></extra>"}
            fig.add_scatter(**plot.xy(arrow[0] if len(moves) else np.full((2, 2), np.nan)), **look, **above)
            if len(moves):
                fig.was(**plot.xy(arrow))
        for k, values in enumerate(parts[:, c]):
            for axis, dash, along in zip(AXES, ("solid", "dot"), values.T):
                cut.append(len(fig.data))
                look = plot.curve(c, dash, 1.8) | {"name": f"{name}, {axis}", "meta": own, "showlegend": False}
                hover = f"{name}, {axis}: %{{y:.3g}}<extra></extra>"
                fig.add_scatter(x=moves, y=along, **look, hovertemplate=hover, row=2 + k // 2, col=1 + k % 2)
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


def parts_of(result: Result) -> np.ndarray:
    """What PARTS name: [part, contender, move, axis]."""
    return np.stack([result.gradient, result.average, result.scale, -result.scale * result.average])


def table_update(result: Result, language: str) -> pd.DataFrame:
    """The first moves of every contender in numbers."""
    say, found = text(language).say, significant(parts_of(result)[:, :, :12], 4)
    columns = {"words.step": np.arange(found.shape[2])}
    columns |= {
        f"{say(f'words.{part}')} {axis}": found[k, ..., j]
        for k, part in enumerate(PARTS)
        for j, axis in enumerate(AXES)
    }
    return HERE.table(result, language, columns)


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
    rows, columns = grid(labels)
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
    said = text(language).say("words.steps_to", target=target(result))
    title = {"text": said, "side": "bottom", "font": {"size": 13}}
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
        look = {"mode": "markers", "marker": plot.head(c), "showlegend": False}
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
    fewest, best = at_best(result.sweep, result.rate)
    columns = {"words.best_rate": significant(best, 3), "words.fewest": whole(fewest)}
    return HERE.table(result, language, columns | {"words.good_band": good_band(result).round(2)})


def at_best(steps: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of steps [..., rate] the fewest, and the rate at which they are; NaN where nothing arrives."""
    known, arrives = np.nan_to_num(steps, nan=np.inf), np.isfinite(steps).any(-1)
    return np.where(arrives, known.min(-1), np.nan), np.where(arrives, rates[known.argmin(-1)], np.nan)


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
    rows, columns = grid(having)
    titles = [f"{labels[c]}: {memory_of(c, result, language)}" for c in having]
    fig = plot.panels(rows, columns, titles, 150 + 290 * rows, horizontal_spacing=0.1, vertical_spacing=0.2 / rows)
    axes = {"x": np.log10(PAD_RATES), "y": [f"{m:g}" for m in MEMORIES], "coloraxis": "coloraxis"}
    for i, c in enumerate(having):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        steps, (rate, memory, fewest) = result.pad[c], best_of_pad(result.pad[c])
        told = f"η = %{{customdata[1]:.3g}}, {memory_of(c, result, language)} = %{{y}}: %{{customdata[0]:.0f}}"
        look = {"customdata": np.stack(np.broadcast_arrays(steps, PAD_RATES), -1)} | axes
        fig.add_heatmap(z=np.log10(steps), **look, hovertemplate=f"{told}<extra>{labels[c]}</extra>", **place)
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
    fewest, rates = at_best(steps, PAD_RATES)
    m = int(np.nan_to_num(fewest, nan=np.inf).argmin())
    return rates[m], MEMORIES[m], fewest[m]


def table_pad(result: Result, language: str) -> pd.DataFrame:
    fewest, best = at_best(result.pad, PAD_RATES)  # [contender, memory]
    columns = {"words.memory": MEMORIES, "words.best_rate": significant(best, 3), "words.fewest": fewest}
    found = HERE.table(result, language, columns).astype({text(language).say("words.fewest"): "Int64"})
    having = np.isin(np.arange(len(fewest)), remembering(result))
    return found[having.repeat(len(MEMORIES))]


def summary_pad(result: Result, language: str) -> str:
    say, labels, said = text(language).say, names(result, language), []
    for c in remembering(result):
        _, memory, steps = best_of_pad(result.pad[c])
        if np.isfinite(steps):
            said.append(f"{labels[c]} {memory_of(c, result, language)} = {memory:g} ({steps:.0f})")
    return say("summaries.pad", listed=" · ".join(said)) if said else say("summaries.no_rates")


# Averages


def signals(result: Averages) -> dict[str, np.ndarray]:
    """What is averaged, and the averages, of the first seed."""
    plain, corrected, window = result.averaged[:, 0]
    return {"noisy": result.noisy[0], "truth": result.truth, "plain": plain, "corrected": corrected, "window": window}


def draw_averages(result: Averages, language: str) -> go.Figure:
    say, fig, found = text(language).say, plot.figure(460), signals(result)
    t = np.arange(1, len(result.truth) + 1)
    dots = {"mode": "markers", "marker": {"size": 4.5, "color": STONE, "opacity": 0.75}}
    fig.add_scatter(x=t, y=found["noisy"], name=say("words.noisy"), **dots, hovertemplate="%{y:.2f}")
    for word, (colour, dash, width) in LINES.items():
        look = {"mode": "lines", "line": plot.line(colour, width, dash), "hovertemplate": "%{y:.3f}"}
        fig.add_scatter(x=t, y=found[word], name=say(f"words.{word}", n=last_values(result)), **look)
    fig.update_xaxes(title=say("words.time"), range=[0, result.total + 1])
    fig.update_yaxes(title=say("words.value"))
    return plot.film(fig, result, t, say("words.time"), True)


def last_values(result: Averages) -> int:
    return round(1 / (1 - result.params.beta))


def table_averages(result: Averages, language: str) -> pd.DataFrame:
    t = np.unique(np.r_[:20, 20 : len(result.truth) : 20, len(result.truth) - 1]).clip(0)
    t = t[t < len(result.truth)]
    n, found = last_values(result), signals(result)
    columns = {text(language).say(f"words.{word}", n=n): values[t].round(3) for word, values in found.items()}
    return AVERAGES.frame(language, {"words.time": t + 1} | columns)


def summary_averages(result: Averages, language: str) -> str:
    say = text(language).say
    if not result.complete:
        return say("summaries.values_so_far", step=result.step, total=result.total)
    plain, corrected, _ = result.averaged
    gap = np.abs(plain - corrected).mean(0)
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
    columns = {
        "η": significant(result.chosen, 3)[:, None],
        "words.width": WIDTHS,
        f"{text(language).say('words.solved')} (%)": (100 * solved(result).mean(-1)).round(1),
        "words.median_loss": significant(np.median(result.loss, -1), 3),
    }
    return HERE.table(result, language, columns)


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
