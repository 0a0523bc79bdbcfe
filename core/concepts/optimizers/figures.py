"""Pictures of optimizers on a surface: their paths, what an update is made of, many starts, rates, and averages."""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.params import applicable
from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.concepts.optimizers.params import (
    MEMORIES,
    MEMORY,
    PAD_RATES,
    SURFACES,
    WIDTHS,
    Result,
    in_plane,
    start_of,
)
from core.conclusions.stats import ends, interval
from core.figures import plot, style
from core.figures.numbers import significant, whole

RED, INK, STONE = style.PALETTE[5], style.PALETTE[8], style.PALETTE[9]
FAR = 100.0  # drawn places end this far out: beyond any screen
AXES = ("x", "y")
REFERENCE = "2px 6px"  # no dash of a contender
PARTS = ("gradient", "average", "step")
ARROWS = {"gradient": (style.PALETTE[0], "dot"), "average": (style.PALETTE[3], "dash"), "step": (INK, "solid")}
PLAIN, CORRECTED, WINDOW = range(3)
LITTLE = 0.01  # a correction that is hardly one


def text(language: str) -> Text:
    return words("optimizers", language)


def names(result: Result, language: str) -> list[str]:
    """A short name per contender: its rule, and the settings that tell it from others of the same rule."""
    say, contenders = text(language).say, result.params.contenders
    unseen = {"rule", "lr"} if result.params.rates == "best" else {"rule"}
    found = []
    for one in contenders:
        twins = [c for c in contenders if c.rule == one.rule]
        telling = [n for n in applicable(one) if n not in unseen and len({getattr(c, n) for c in twins}) > 1]
        told = ", ".join(f"{say(f'symbols.{n}')} {shown(getattr(one, n), language)}" for n in telling)
        found.append(say(f"options.rule.{one.rule}") + (f" ({told})" if told else ""))
    return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]


def shown(value: float | bool, language: str) -> str:
    if isinstance(value, bool):
        return text(language).say("words.on" if value else "words.off")
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


def diverged(result: Result, language: str) -> str:
    """Who left all bounds from the one start, or has networks that did; empty where nobody did."""
    on_xor = result.complete and ~np.isfinite(result.loss).all((1, 2))
    gone = lost(result) if in_plane(result.params) else np.broadcast_to(on_xor, len(result.params.contenders))
    found = text(language).listed(np.array(names(result, language))[gone])
    return text(language).say("summaries.diverged", names=found) if found else ""


# The field


def add_field(fig: go.Figure, result: Result, every: int = 1, **place: int) -> None:
    """The heights of the surface, of `every` so many rows and columns, and its minima."""
    levels = np.log10(result.field[::every, ::every] + 0.01 * np.median(result.field))
    plot.heights(fig, result.column[::every], result.row[::every], levels, **place)
    minima = np.array(SURFACES[result.params.surface].minima).reshape(-1, 2)
    fig.add_scatter(
        x=minima[:, 0],
        y=minima[:, 1],
        mode="markers",
        marker={"symbol": "star", "size": 11, "color": INK},
        hovertemplate="(%{x:.3f}, %{y:.3f})<extra></extra>",
        showlegend=False,
        **place,
    )


def fit_axes(fig: go.Figure, result: Result, x_axis: str = "x", **place: int) -> None:
    """The plane to scale: contours and gradients meet at right angles only so."""
    x, y = result.column, result.row
    names = ("w", "b") if result.params.surface == "cliff" else AXES
    fig.update_xaxes(
        range=[x[0], x[-1]], constrain="domain", title={"text": names[0], "standoff": 2}, showgrid=False, **place
    )
    fig.update_yaxes(
        range=[y[0], y[-1]],
        constrain="domain",
        showgrid=False,
        scaleanchor=x_axis,
        title={"text": names[1], "standoff": 2},
        **place,
    )


def drawn(places: np.ndarray) -> np.ndarray:
    """Places as far as they can be drawn; NaN where they were lost."""
    return np.where(np.isfinite(places), np.clip(places, -FAR, FAR), np.nan)


# Paths


def draw_paths(result: Result, language: str) -> go.Figure:
    """The paths on the field; below, as tracks, how many steps each contender took to the target."""
    say = text(language).say
    labels, steps = names(result, language), result.params.steps
    tracks = (26 * len(labels) + 52) / 700
    ratio = 0.68 + tracks
    fig = make_subplots(
        2,
        1,
        row_heights=[0.68 / ratio, tracks / ratio],
        vertical_spacing=0.12 / ratio,
        figure=plot.figure(500, "closest"),
    )
    add_field(fig, result, row=1, col=1)
    clock = np.arange(result.path.shape[1])
    cut, stacks = [], {}
    for c, name in enumerate(labels):
        path = drawn(result.path[c])
        cut.append(len(fig.data))
        fig.add_scatter(
            x=path[:, 0],
            y=path[:, 1],
            name=name,
            **plot.curve(c, width=2),
            meta={"clock": clock.tolist()},
            customdata=clock,
            text=[f"{h:.3g}" for h in result.height[c]],
            hovertemplate=f"<b>{name}</b>, {say('words.step')} %{{customdata}}<br>"
            f"(%{{x:.3f}}, %{{y:.3f}})<br>f − f* = %{{text}}<extra></extra>",
            showlegend=False,
            row=1,
            col=1,
        )
    x, y = start_of(result.params)
    fig.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        marker={"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 2}},
        hovertemplate=f"{say('words.start')}<br>(%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
        showlegend=False,
        row=1,
        col=1,
    )
    median = median_of_starts(result)
    last_arrival = max(last_of(result), np.nanmax([*median, 0]))
    end = last_arrival if result.complete else steps
    for c, name in enumerate(labels):
        colour, _, symbol = style.contender(c)
        head = {"symbol": symbol, "size": 12, "color": colour, "line": {"width": 1.5, "color": "#ffffff"}}
        quiet = {"showlegend": False}
        if len(clock):
            place = drawn(result.path[c])
            finite = np.flatnonzero(np.isfinite(place).all(1))
            last = place[finite[-1]] if finite.size else np.full(2, np.nan)
            place = np.where(np.isfinite(place), place, last)
            stacks[len(fig.data)] = {axis: place[:, i : i + 1] for i, axis in enumerate(AXES)}
            gone = lost(result)[c]
            fig.add_scatter(
                x=place[-1:, 0],
                y=place[-1:, 1],
                mode="markers",
                marker=head | ({"symbol": "x"} if gone else {}),
                hoverinfo="skip",
                row=1,
                col=1,
                **quiet,
            )
        arrived = np.isfinite(result.reached[c])
        gone_by = int(result.reached[c]) if arrived else max(len(clock) - 1, 0)
        run = np.minimum(clock, gone_by) if len(clock) else np.zeros(1)
        row = len(labels) - c
        cut.append(len(fig.data))
        fig.add_scatter(
            x=np.arange(gone_by + 1),
            y=[row] * (gone_by + 1),
            **plot.curve(c, width=3) | {"mode": "lines"},
            hoverinfo="skip",
            row=2,
            col=1,
            **quiet,
        )
        fig.add_scatter(
            x=[median[c]],
            y=[row],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 13, "color": colour, "line": {"width": 2}},
            hovertemplate=f"{name}: {say('words.median_of', seeds=result.params.seeds)} %{{x:.0f}}<extra></extra>",
            row=2,
            col=1,
            **quiet,
        )
        stacks[len(fig.data)] = {"x": run[:, None]}
        fig.add_scatter(
            x=run[-1:],
            y=[row],
            mode="markers",
            marker=head,
            hovertemplate=f"{name}: η = {result.chosen[c]:.3g}<extra></extra>",
            row=2,
            col=1,
            **quiet,
        )
        stacks[len(fig.data)] = {"customdata": run[:, None]}
        more = "" if arrived else "> "
        what = say("words.diverged") if len(clock) and lost(result)[c] else f"{more}%{{customdata:.0f}}"
        fig.add_scatter(
            x=[1.05 * end],
            y=[row],
            mode="text",
            customdata=run[-1:],
            texttemplate=f"{name}  <b>{what}</b>",
            textposition="middle right",
            hoverinfo="skip",
            row=2,
            col=1,
            **quiet,
        )
    fit_axes(fig, result, row=1, col=1)
    title = {"text": say("words.steps_to", target=target(result)), "standoff": 2}
    fig.update_xaxes(title=title, range=[-0.02 * end, 1.5 * end], tickvals=ticks(end), row=2, col=1)
    fig.update_yaxes(range=[0.4, len(labels) + 0.6], showticklabels=False, showgrid=False, row=2, col=1)
    fig.update_layout(margin={"t": 8})
    plot.aspect(fig, ratio)
    if result.complete:
        replayed = len(clock) if np.isnan(result.reached).any() else min(last_of(result) + 10, len(clock))
        stacks = {i: {name: stack[:replayed] for name, stack in named.items()} for i, named in stacks.items()}
        plot.scrub(fig, clock[:replayed], say("words.step"), cut, stacks)
    return fig


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
    done = result.complete
    median, share = median_of_starts(result), np.isfinite(result.reached_by).mean(1)
    ends = result.height[:, -1] if result.height.shape[1] else np.full(len(result.chosen), np.nan)
    columns = {
        say("words.contender"): names(result, language),
        "η": significant(result.chosen, 3),
        say("words.steps_to", target=target(result)): whole(result.reached),
        say("words.median_of", seeds=result.params.seeds): whole(median),
        f"{say('words.share_of')} (%)": whole(100 * share if done else np.full(len(share), np.nan)),
        say("words.height_end"): significant(ends, 2),
        say("words.ending"): [ending(c, result, language) for c in range(len(ends))],
    }
    return pd.DataFrame(columns)


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
    say = text(language).say
    fig = plot.figure(440)
    first = float(result.height[0, 0]) if result.height.shape[1] else 1.0
    floor = max(first * result.params.target * 1e-4, 1e-300)
    for c, name in enumerate(names(result, language)):
        with np.errstate(invalid="ignore"):
            values = np.where(result.height[c] > floor * 1e-3, result.height[c], np.nan)
        fig.add_scatter(
            x=np.arange(len(values)),
            y=values,
            name=name,
            **plot.curve(c),
            hovertemplate="%{y:.3g}",
        )
    low, high = np.log10(floor), np.log10(max(first, 1e-300)) + 1
    fig.add_scatter(
        x=[0, result.params.steps],
        y=[first * result.params.target] * 2,
        name=say("words.target", target=target(result)),
        mode="lines",
        line={"color": style.AXIS, "dash": REFERENCE, "width": 1.5},
        hoverinfo="skip",
    )
    fig.update_yaxes(title="f − f*", type="log", range=[low, high], tickformat="~e", dtick=2)
    fig.update_xaxes(title=say("words.step"), range=[0, result.params.steps])
    fig.update_layout(showlegend=True)
    if result.complete:
        plot.scrub(fig, np.arange(result.height.shape[1]), say("words.step"), list(range(len(fig.data) - 1)), {})
    return fig


def table_heights(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    at = np.unique(np.linspace(0, max(result.height.shape[1] - 1, 0), 31).round().astype(int))[: result.height.shape[1]]
    columns = {name: significant(result.height[c, at], 4) for c, name in enumerate(names(result, language))}
    return pd.DataFrame({say("words.step"): at} | columns)


# What an update is made of


def draw_update(result: Result, language: str) -> go.Figure:
    """Directions of gradient, average and step where each contender stands; below, all parts over the steps."""
    say = text(language).say
    labels = names(result, language)
    fig = make_subplots(
        3,
        2,
        specs=[[{"colspan": 2}, None], [{}, {}], [{}, {}]],
        row_heights=[0.46, 0.27, 0.27],
        vertical_spacing=0.1,
        horizontal_spacing=0.16,
        subplot_titles=[say(f"words.{part}") for part in ("directions", "gradient", "average", "scale", "step_part")],
        figure=plot.figure(860, "closest"),
    )
    add_field(fig, result, row=1, col=1)
    moves = np.arange(result.gradient.shape[1])
    step = -result.scale * result.average
    length = 0.13 * (result.column[-1] - result.column[0])
    cut, stacks = [], {}
    for c, name in enumerate(labels):
        own = {"contender": f"{c}"}
        path = drawn(result.path[c])
        cut.append(len(fig.data))
        fig.add_scatter(
            x=path[:, 0],
            y=path[:, 1],
            **plot.curve(c, width=1.5),
            opacity=0.6,
            meta=own | {"clock": list(range(len(path)))},
            hoverinfo="skip",
            showlegend=False,
            row=1,
            col=1,
        )
        for part, vectors in (("gradient", -result.gradient[c]), ("average", -result.average[c]), ("step", step[c])):
            size = np.linalg.norm(vectors, axis=1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):
                ends = path[: len(moves)] + length * vectors / size
            arrow = np.stack([path[: len(moves)], ends], -1)  # [move, axis, 2]
            if len(moves):
                stacks[len(fig.data)] = {axis: arrow[:, i] for i, axis in enumerate(AXES)}
            now = arrow[0] if len(moves) else np.full((2, 2), np.nan)
            fig.add_scatter(
                x=now[0],
                y=now[1],
                name=say(f"words.arrow_{part}"),
                legendgroup=part,
                mode="lines+markers",
                line={"color": ARROWS[part][0], "width": 3, "dash": ARROWS[part][1]},
                marker={
                    "symbol": ["circle", "arrow"],
                    "size": [1, 13],
                    "angleref": "previous",
                    "color": ARROWS[part][0],
                },
                meta=own,
                hovertemplate=f"{name}: {say(f'words.arrow_{part}')}<extra></extra>",
                showlegend=c == len(labels) - 1,
                row=1,
                col=1,
            )
        curves = {(2, 1): result.gradient[c], (2, 2): result.average[c], (3, 1): result.scale[c], (3, 2): step[c]}
        for (row, col), values in curves.items():
            for axis in range(2):
                cut.append(len(fig.data))
                fig.add_scatter(
                    x=moves,
                    y=values[:, axis],
                    name=f"{name}, {AXES[axis]}",
                    **plot.curve(c, ("solid", "dot")[axis], 1.8),
                    meta=own,
                    hovertemplate=f"{name}, {AXES[axis]}: %{{y:.3g}}<extra></extra>",
                    showlegend=False,
                    row=row,
                    col=col,
                )
    fit_axes(fig, result, row=1, col=1)
    scales = np.abs(result.scale[np.isfinite(result.scale) & (result.scale > 0)])
    if scales.size:
        fig.update_yaxes(
            type="log", tickformat="~g", range=np.log10(np.quantile(scales, [0.01, 0.99]) * [0.5, 2]), row=3, col=1
        )
    for row in (2, 3):
        fig.update_xaxes(title=say("words.step") if row == 3 else None, row=row)
    fig.update_layout(showlegend=True, legend={"y": 1.04})
    plot.chips(fig, "contender", {f"{c}": name for c, name in enumerate(labels)}, [f"{len(labels) - 1}"])
    if result.complete:
        plot.scrub(fig, moves, say("words.step"), cut, stacks)
    return fig


def table_update(result: Result, language: str) -> pd.DataFrame:
    """The first moves of every contender in numbers."""
    say = text(language).say
    rows = []
    for c, name in enumerate(names(result, language)):
        for t in range(min(result.gradient.shape[1], 12)):
            parts = result.gradient[c, t], result.average[c, t], result.scale[c, t]
            values = [*parts, -parts[2] * parts[1]]
            rows.append([name, t, *significant(values, 4).ravel()])
    heads = [
        f"{say(f'words.{part}')} {axis}" for part in ("gradient", "average", "scale", "step_part") for axis in AXES
    ]
    return pd.DataFrame(rows, columns=[say("words.contender"), say("words.step"), *heads])


def summary_update(result: Result, language: str) -> str:
    say = text(language).say
    if not result.gradient.shape[1]:
        return say("summaries.not_begun")
    c = len(result.chosen) - 1
    x, y = (f"{v:.3g}" for v in result.scale[c, 0])
    if not np.isfinite(result.scale[c, 0]).all():
        return say("summaries.no_scale", name=names(result, language)[c])
    return say("summaries.update", name=names(result, language)[c], x=x, y=y)


# Many starts


def draw_starts(result: Result, language: str) -> go.Figure:
    """Every start coloured by the steps from it to the target, and where the contender was at each moment."""
    say, labels = text(language).say, names(result, language)
    columns = min(len(labels), 2 if len(labels) <= 4 else 3)
    rows = ceil(len(labels) / columns)
    fig = make_subplots(
        rows,
        columns,
        subplot_titles=labels,
        horizontal_spacing=0.03,
        vertical_spacing=0.22 / rows,
        figure=plot.figure(480, "closest"),
    )
    stacks = {}
    for c in range(len(labels)):
        place = {"row": c // columns + 1, "col": c % columns + 1}
        add_field(fig, result, 3, **place)
        swarm = drawn(result.swarm[c])  # [seed, frame, axis]
        if swarm.shape[1]:
            by = result.reached_by[c]
            there = np.isfinite(by)
            for chosen, symbol in ((there, "square"), (~there, "x-thin-open")):
                look: dict = {"size": 9 if symbol == "square" else 7, "symbol": symbol, "color": STONE}
                if symbol == "square":
                    look |= {"color": np.log10(by[chosen]), "coloraxis": "coloraxis", "opacity": 0.9}
                fig.add_scatter(
                    x=swarm[chosen, 0, 0],
                    y=swarm[chosen, 0, 1],
                    mode="markers",
                    marker=look,
                    text=[count(n, result) for n in by[chosen]],
                    hovertemplate=f"(%{{x:.2f}}, %{{y:.2f}}): %{{text}} {say('words.steps')}<extra>{labels[c]}</extra>",
                    **place,
                )
            stacks[len(fig.data)] = {axis: swarm[:, :, i].T for i, axis in enumerate(AXES)}
            fig.add_scatter(
                x=swarm[:, -1, 0],
                y=swarm[:, -1, 1],
                mode="markers",
                marker={"size": 5, "color": RED, "line": {"width": 0.7, "color": "#ffffff"}},
                hoverinfo="skip",
                **place,
            )
        fit_axes(fig, result, "x" if c == 0 else f"x{c + 1}", **place)
    fig.update_xaxes(title=None, showticklabels=False)
    fig.update_yaxes(title=None, showticklabels=False)
    fig.update_layout(
        showlegend=False, margin={"t": 28, "b": 56}, coloraxis=step_colours(result.reached_by, result, language)
    )
    plot.aspect(fig, 0.62 * rows / columns + 0.09 * rows + 0.08)
    if result.complete:
        plot.scrub(fig, result.frame, say("words.step"), [], stacks)
    return fig


def step_colours(steps: np.ndarray, result: Result, language: str, drop: int = 0) -> dict:
    """A colour axis of log₁₀ steps from the fewest to all of the run, its bar `drop` pixels under the picture."""
    low = np.log10(np.nanmin(steps)) if np.isfinite(steps).any() else 0.0
    high = max(np.log10(result.params.steps), low + 0.1)
    marks = [n for k in range(4) for n in np.array([1, 2, 5]) * 10**k if low <= np.log10(n) <= high]
    return {
        "colorscale": style.colorscale(style.SEQUENTIAL[::-1]),
        "cmin": low,
        "cmax": high,
        "colorbar": {
            "orientation": "h",
            "y": 0,
            "yanchor": "top",
            "ypad": 8 + drop,
            "thickness": 10,
            "len": 0.7,
            "title": {
                "text": text(language).say("words.steps_to", target=target(result)),
                "side": "bottom",
                "font": {"size": 13},
            },
            "tickvals": np.log10(marks).tolist(),
            "ticktext": [f"{n:.0f}" for n in marks],
        },
    }


def table_starts(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    first = result.swarm[0, :, 0] if result.frame.size else np.zeros((0, 2))
    n = len(first)
    columns = {name: whole(result.reached_by[c, :n]) for c, name in enumerate(names(result, language))}
    return pd.DataFrame(
        {say("words.start"): range(1, n + 1), "x": first[:, 0].round(3), "y": first[:, 1].round(3)} | columns
    )


def summary_starts(result: Result, language: str) -> str:
    say = text(language).say
    if not result.complete:
        return say("summaries.under_way", step=max(result.path.shape[1] - 1, 0))
    arrived = np.isfinite(result.reached_by).sum(1)
    listed = " · ".join(f"{name} {number}" for name, number in zip(names(result, language), arrived))
    return say(
        "summaries.starts", seeds=result.params.seeds, target=target(result), steps=result.params.steps, listed=listed
    )


# Rates


def draw_rates(result: Result, language: str) -> go.Figure:
    say = text(language).say
    fig = plot.figure(440, "closest")
    for c, name in enumerate(names(result, language)):
        colour, _, symbol = style.contender(c)
        fig.add_scatter(
            x=result.rate,
            y=result.sweep[c],
            name=name,
            **plot.curve(c),
            hovertemplate=f"{name}<br>η = %{{x:.3g}}: %{{y:.0f}} {say('words.steps')}<extra></extra>",
        )
        near = (
            int(np.abs(np.log(result.rate) - np.log(result.chosen[c])).argmin()) if np.isfinite(result.chosen[c]) else 0
        )
        fig.add_scatter(
            x=result.chosen[c : c + 1],
            y=result.sweep[c, near : near + 1],
            mode="markers",
            marker={"symbol": symbol, "size": 12, "color": colour, "line": {"width": 1.5, "color": "#ffffff"}},
            hovertemplate=f"{name}: η = %{{x:.3g}}<extra></extra>",
            showlegend=False,
        )
    fig.update_xaxes(title=say("words.rate"), type="log", tickformat="~g", dtick=1, range=[-4, 2])
    top = np.log10(result.params.steps)
    fig.update_yaxes(
        title=say("words.steps_to", target=target(result)),
        type="log",
        range=[-0.1, top + 0.05],
        tickformat="~g",
        dtick="D2",
    )
    fig.update_layout(showlegend=True)
    return fig


def good_band(result: Result) -> np.ndarray:
    """Over how many decades of η a contender needs at most twice its fewest steps: [contender]; 0 where it never
    arrives."""
    with np.errstate(invalid="ignore"):
        fewest = np.nanmin(np.where(np.isfinite(result.sweep), result.sweep, np.inf), axis=1, keepdims=True)
        good = result.sweep <= 2 * fewest
    return good.sum(1) * np.log10(result.rate[1] / result.rate[0])


def table_rates(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    arrived = np.isfinite(result.sweep)
    fewest = [np.nanmin(row) if a.any() else np.nan for row, a in zip(result.sweep, arrived)]
    best = [result.rate[np.nanargmin(row)] if a.any() else np.nan for row, a in zip(result.sweep, arrived)]
    return pd.DataFrame(
        {
            say("words.contender"): names(result, language),
            say("words.best_rate"): significant(best, 3),
            say("words.fewest"): whole(fewest),
            say("words.good_band"): good_band(result).round(2),
        }
    )


def summary_rates(result: Result, language: str) -> str:
    say = text(language).say
    if not np.isfinite(result.sweep).any():
        return say("summaries.no_rates")
    band, labels = good_band(result), names(result, language)
    arrived = np.flatnonzero(np.isfinite(result.sweep).any(1))
    wide, narrow = (
        text(language).listed(labels[arrived[c]] for c in who) for who in ends(band[arrived], lambda b: f"{b:.1f}")
    )
    values = {"wide": wide, "most": f"{band[arrived].max():.1f}", "least": f"{band[arrived].min():.1f}"}
    return say("summaries.rates", narrow=narrow, **values) if narrow else say("summaries.rates_alike", **values)


# Rates and memories


def remembering(result: Result) -> list[int]:
    return [c for c, contender in enumerate(result.params.contenders) if contender.rule in MEMORY]


def draw_pad(result: Result, language: str) -> go.Figure:
    """Steps to the target over learning rate and memory, one map for every contender that has a memory."""
    say, labels = text(language).say, names(result, language)
    having = remembering(result)
    columns = min(len(having), 2 if len(having) <= 4 else 3)
    rows = ceil(len(having) / columns)
    symbols = [say(f"symbols.{MEMORY[result.params.contenders[c].rule]}") for c in having]
    fig = make_subplots(
        rows,
        columns,
        subplot_titles=[f"{labels[c]}: {symbol}" for c, symbol in zip(having, symbols)],
        horizontal_spacing=0.1,
        vertical_spacing=0.2 / rows,
        figure=plot.figure(150 + 290 * rows, "closest"),
    )
    ticks = [f"{m:g}" for m in MEMORIES]
    for i, c in enumerate(having):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        steps = result.pad[c]
        fig.add_heatmap(
            x=np.log10(PAD_RATES),
            y=ticks,
            z=np.log10(steps),
            customdata=np.stack([steps, np.tile(PAD_RATES, (len(MEMORIES), 1))], -1),
            coloraxis="coloraxis",
            hovertemplate=f"η = %{{customdata[1]:.3g}}, {symbols[i]} = %{{y}}: %{{customdata[0]:.0f}}"
            f"<extra>{labels[c]}</extra>",
            **place,
        )
        if np.isfinite(steps).any():
            m, r = np.unravel_index(np.nanargmin(steps), steps.shape)
            fig.add_scatter(
                x=[np.log10(PAD_RATES[r])],
                y=[ticks[m]],
                mode="markers",
                marker={"symbol": "star", "size": 13, "color": RED, "line": {"width": 1, "color": "#ffffff"}},
                hoverinfo="skip",
                **place,
            )
    fig.update_xaxes(tickvals=[-4, -2, 0, 2], ticktext=["10⁻⁴", "0.01", "1", "100"], range=[-4.1, 2.1])
    fig.update_xaxes(title={"text": "η", "standoff": 0}, row=rows)
    fig.update_yaxes(type="category")
    fig.update_layout(showlegend=False, margin={"b": 76}, coloraxis=step_colours(result.pad, result, language, drop=46))
    return fig


def best_of_pad(result: Result) -> dict[int, tuple[float, float, float]]:
    """Contender → its best memory, the rate with it, the steps; none where nothing arrives."""
    found = {}
    for c in remembering(result):
        if np.isfinite(result.pad[c]).any():
            m, r = np.unravel_index(np.nanargmin(result.pad[c]), result.pad[c].shape)
            found[c] = (float(MEMORIES[m]), float(PAD_RATES[r]), float(result.pad[c, m, r]))
    return found


def table_pad(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    rows = []
    for c in remembering(result):
        for m, memory in enumerate(MEMORIES):
            row = result.pad[c, m]
            there = np.isfinite(row).any()
            best, fewest = (PAD_RATES[np.nanargmin(row)], np.nanmin(row)) if there else (np.nan, np.nan)
            rows.append([labels[c], memory, float(f"{best:.3g}"), fewest])
    found = pd.DataFrame(rows, columns=[say(f"words.{w}") for w in ("contender", "memory", "best_rate", "fewest")])
    return found.assign(**{say("words.fewest"): whole(found[say("words.fewest")])})


def summary_pad(result: Result, language: str) -> str:
    say, labels, found = text(language).say, names(result, language), best_of_pad(result)
    if not found:
        return say("summaries.no_rates")
    listed = " · ".join(
        f"{labels[c]} {say(f'symbols.{MEMORY[result.params.contenders[c].rule]}')} = {m:g} ({n:.0f})"
        for c, (m, _, n) in found.items()
    )
    return say("summaries.pad", listed=listed)


# Averages


def draw_averages(result: Result, language: str) -> go.Figure:
    say = text(language).say
    fig = plot.figure(460)
    t = np.arange(1, len(result.truth) + 1)
    fig.add_scatter(
        x=t,
        y=result.noisy[0],
        name=say("words.noisy"),
        mode="markers",
        marker={"size": 4.5, "color": STONE, "opacity": 0.75},
        hovertemplate="%{y:.2f}",
    )
    look = f"{last_values(result)}"
    lines = (
        (result.truth, INK, "dashdot", 1.6, say("words.truth")),
        (result.averaged[WINDOW, 0], style.PALETTE[2], "dot", 2.2, say("words.window", n=look)),
        (result.averaged[PLAIN, 0], style.PALETTE[1], "dash", 2.4, say("words.plain")),
        (result.averaged[CORRECTED, 0], style.PALETTE[0], "solid", 2.6, say("words.corrected")),
    )
    for values, colour, dash, width, name in lines:
        fig.add_scatter(
            x=t,
            y=values,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": width},
            hovertemplate="%{y:.3f}",
        )
    fig.update_xaxes(title=say("words.time"), range=[0, len(t) + 1])
    fig.update_yaxes(title=say("words.value"))
    if result.complete:
        plot.scrub(fig, t, say("words.time"), list(range(len(fig.data))), {})
    return fig


def last_values(result: Result) -> int:
    return round(1 / (1 - result.params.beta))


def table_averages(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    t = np.unique(np.r_[:20, 20 : len(result.truth) : 20, len(result.truth) - 1])
    return pd.DataFrame(
        {
            say("words.time"): t + 1,
            say("words.noisy"): result.noisy[0, t].round(3),
            say("words.truth"): result.truth[t].round(3),
            say("words.plain"): result.averaged[PLAIN, 0, t].round(3),
            say("words.corrected"): result.averaged[CORRECTED, 0, t].round(3),
            say("words.window", n=last_values(result)): result.averaged[WINDOW, 0, t].round(3),
        }
    )


def summary_averages(result: Result, language: str) -> str:
    say = text(language).say
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
    say = text(language).say
    fig = plot.figure(430, "closest")
    labels = [f"{w}" for w in WIDTHS]
    shift = np.linspace(-0.12, 0.12, len(result.params.contenders))
    for c, name in enumerate(names(result, language)):
        found = [interval(s.astype(float), share=True) for s in solved(result)[c]]
        mean = np.array([f.mean for f in found])
        fig.add_scatter(
            x=np.arange(len(WIDTHS)) + shift[c],
            y=100 * mean,
            name=name,
            **plot.curve(c, marked=True),
            error_y={
                "array": [100 * (f.high - f.mean) for f in found],
                "arrayminus": [100 * (f.mean - f.low) for f in found],
                "thickness": 1.3,
                "width": 4,
                "color": style.AXIS,
            },
            hovertemplate=f"{name}: %{{y:.0f}} %<extra></extra>",
        )
    fig.update_xaxes(title=say("words.width"), tickvals=list(range(len(WIDTHS))), ticktext=labels)
    fig.update_yaxes(title=say("words.solved"), range=[-4, 104], ticksuffix=" %")
    fig.update_layout(showlegend=True)
    return fig


def table_network(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    rows = []
    for c, name in enumerate(labels):
        for w, width in enumerate(WIDTHS):
            share, loss = solved(result)[c, w].mean(), float(f"{np.median(result.loss[c, w]):.3g}")
            rows.append([name, *significant(result.chosen[c : c + 1], 3), width, round(100 * share, 1), loss])
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


FIGURES = (
    *with_note(
        (
            Figure("paths", draw_paths, table_paths, summary_paths, in_plane),
            Figure("network", draw_network, table_network, summary_network, lambda p: not in_plane(p)),
            Figure("heights", draw_heights, table_heights, summary_paths, in_plane),
            Figure("update", draw_update, table_update, summary_update, in_plane),
            Figure("starts", draw_starts, table_starts, summary_starts, in_plane),
            Figure("rates", draw_rates, table_rates, summary_rates, in_plane),
            Figure(
                "pad",
                draw_pad,
                table_pad,
                summary_pad,
                lambda p: in_plane(p) and any(c.rule in MEMORY for c in p.contenders),
            ),
        ),
        diverged,
    ),
    Figure("averages", draw_averages, table_averages, summary_averages),
)
