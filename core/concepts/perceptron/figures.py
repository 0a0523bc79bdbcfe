"""Pictures of a perceptron at work: its line, its mistakes, its loss, its bound, and its two step sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.parts import Figure
from core.concept.text import Text, words
from core.concepts.perceptron.params import Result, activations
from core.figures import plot, style
from core.figures.numbers import whole

CLASSES = ((-1, style.PALETTE[0], "circle"), (1, style.PALETTE[1], "diamond"))  # label, colour, symbol
PURPLE, RED, INK, STONE = style.PALETTE[3], style.PALETTE[5], style.PALETTE[8], style.PALETTE[9]
RATES = ((style.PALETTE[0], "solid", "circle"), (style.PALETTE[2], "dash", "square"))  # η and η′
FAR = 12.0  # the half planes are drawn this far out: beyond any screen
MOMENTS = 200  # moments one can scrub through
DRAWN = 2000  # points of a curve
ROWS = 40  # rows of a table


def text(language: str) -> Text:
    return words("perceptron", language)


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


# The line


def half_planes(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sides where w·x + b is negative and positive, as polygons [2, 6] within ±FAR, and the line [2, 2].

    Without a line (w = 0) everything is NaN.
    """
    corners = FAR * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    value = corners @ w[:2] + w[2]
    sides: dict[int, list[np.ndarray]] = {-1: [], 1: []}
    cuts = []
    for k in range(4):
        if value[k]:
            sides[int(np.sign(value[k]))].append(corners[k])
        here, there = value[k], value[(k + 1) % 4]
        if here * there < 0 or (here == 0) != (there == 0):
            cut = corners[k] + here / (here - there) * (corners[(k + 1) % 4] - corners[k])
            cuts.append(cut)
            for side in sides.values():
                side.append(cut)
    if not w[:2].any():
        sides, cuts = {-1: [], 1: []}, []

    def padded(found: list[np.ndarray], length: int) -> np.ndarray:
        return np.array((found + found[-1:] * length)[:length]).T if found else np.full((2, length), np.nan)

    ends = cuts[:1] + cuts[-1:] if len(cuts) > 1 else []
    return padded(sides[-1], 6), padded(sides[1], 6), padded(ends, 2)


def draw_line(result: Result, language: str) -> go.Figure:
    """The plane of seed 0: tinted sides, a ring around what is misclassified, and the last correction."""
    say = text(language).say
    fig = plot.figure(500, "closest")
    shown = moments(len(result.path)) if result.complete else np.array([len(result.path) - 1])
    path, x, y = result.path[shown], result.x, result.y
    reach = max(1.0, float(np.abs(x).max(initial=0.0))) + 0.12
    planes = zip(*map(half_planes, path))
    minus, plus, line = (np.stack(parts) for parts in planes)  # each [moment, 2, corners]
    before = np.stack([half_planes(result.path[u - 1] if u else np.zeros(3))[2] for u in shown])

    activation = activations(result.path, result.params.rate, x)[shown]  # [moment, example]
    mistaken = np.where((y * activation <= 0)[:, None], x.T[None], np.nan)  # [moment, 2, example]
    cause = result.corrected[shown]
    just = np.array([x[i] if i >= 0 else (np.nan, np.nan) for i in cause])[..., None]

    centre = x.mean(0) if len(x) else np.zeros(2)
    length = np.linalg.norm(path[:, :2], axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = path[:, :2] / length
        along = np.stack([unit[:, 1], -unit[:, 0]], 1)
        along = np.where(along[:, :1] > 0, -along, along)  # to the left, where few points are
        foot = centre - ((path[:, :2] @ centre + path[:, 2])[:, None] / length) * unit + 0.75 * reach * along
    normal = np.stack([foot, foot + 0.3 * reach * unit], -1)

    stacks: dict[int, dict[str, np.ndarray]] = {}

    def moving(stack: np.ndarray, **look: object) -> None:
        """A trace that has its own place at every moment: stack [moment, 2, points]."""
        stacks[len(fig.data)] = {"x": stack[:, 0], "y": stack[:, 1]}
        fig.add_scatter(x=stack[-1, 0], y=stack[-1, 1], **look)

    quiet = {"hoverinfo": "skip", "showlegend": False}
    for stack, (_, colour, _) in zip((minus, plus), CLASSES):
        tint = style.fade(colour, 0.11)
        moving(stack, mode="lines", line={"width": 0}, fill="toself", fillcolor=tint, **quiet)
    dotted = {"color": STONE, "width": 2, "dash": "dot"}
    moving(before, mode="lines", line=dotted, name=say("words.before"), hoverinfo="skip")
    moving(line, mode="lines", line={"color": INK, "width": 3}, **quiet)
    arrow = {
        "symbol": ["circle", "arrow"],
        "size": [1, 14],
        "angleref": "previous",
        "color": INK,
        "opacity": 1,
    }
    label = {"text": ["", "<b>w</b>"], "textposition": "top right", "textfont": {"size": 15}}
    moving(normal, mode="lines+markers+text", line={"color": INK, "width": 2}, marker=arrow, **label, **quiet)
    example = f"{say('words.example')} %{{customdata}}"
    for value, colour, symbol in CLASSES:
        chosen = y == value
        name = say("words.class", label=f"{value:+d}".replace("-", "−"))
        fig.add_scatter(
            x=x[chosen, 0],
            y=x[chosen, 1],
            name=name,
            mode="markers",
            marker={"size": 9, "symbol": symbol, "color": colour},
            customdata=np.flatnonzero(chosen) + 1,
            hovertemplate=f"{example} · {name}<br>(%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
        )
    ring = {"symbol": "circle-open", "color": INK, "size": 15, "line": {"width": 1.6}}
    moving(mistaken, mode="markers", marker=ring, name=say("words.misclassified"), hoverinfo="skip")
    star = {"symbol": "square-open", "color": PURPLE, "size": 23, "line": {"width": 3}}
    moving(just, mode="markers", marker=star, name=say("words.just_corrected"), hoverinfo="skip")

    fig.update_xaxes(title="x₁", range=[-reach, reach])
    fig.update_yaxes(title="x₂", range=[-reach, reach], scaleanchor="x")
    if result.complete:
        plot.scrub(fig, shown, say("words.update"), [], stacks)
    return fig


def table_line(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    shown = moments(len(result.path), ROWS)
    cause = result.corrected[shown]
    point = np.array([result.x[i] if i >= 0 else (np.nan, np.nan) for i in cause])
    label = [result.y[i] if i >= 0 else np.nan for i in cause]
    return pd.DataFrame(
        {
            say("words.update"): shown,
            say("words.example"): whole(np.where(cause >= 0, cause + 1.0, np.nan)),
            "x₁": point[:, 0].round(3),
            "x₂": point[:, 1].round(3),
            "y": whole(label),
            "w₁": result.path[shown, 0].round(4),
            "w₂": result.path[shown, 1].round(4),
            "b": result.path[shown, 2].round(4),
            say("words.misclassified"): result.missed[shown],
        }
    )


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
    say = text(language).say
    fig = plot.figure(420)
    seeds = result.mistakes[0].astype(float)  # [seed, pass]
    passes = np.arange(1, seeds.shape[1] + 1)
    colour = RATES[0][0]
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    if len(seeds) > 1:
        fig.add_scatter(x=passes, y=seeds.min(0), **edge)
        fig.add_scatter(x=passes, y=seeds.max(0), fill="tonexty", fillcolor=style.fade(colour, 0.15), **edge)
        fig.add_scatter(
            x=passes,
            y=seeds.mean(0),
            name=say("words.mean_of", seeds=len(seeds)),
            line={"color": colour, "width": 2.5},
            mode="lines",
            hovertemplate="%{y:.1f}",
        )
    fig.add_scatter(
        x=passes,
        y=seeds[0],
        name=say("words.first_seed"),
        mode="lines+markers" if len(passes) <= 60 else "lines",
        line={"color": RED, "width": 1.8, "dash": "dot"},
        marker={"size": 6, "symbol": "diamond"},
    )
    axis = say("words.move" if result.params.order == "by_hand" else "words.pass")
    fig.update_xaxes(title=axis, rangemode="tozero", tickformat="d")
    fig.update_yaxes(title=say("words.mistakes"), rangemode="tozero")
    if result.complete:
        plot.scrub(fig, passes, axis, list(range(len(fig.data))), {})
    return fig


def table_mistakes(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    shown = moments(result.mistakes.shape[2], ROWS)
    seeds = result.mistakes[0][:, shown]
    return pd.DataFrame(
        {
            say("words.move" if result.params.order == "by_hand" else "words.pass"): shown + 1,
            say("words.first_seed"): seeds[0],
            say("words.mean"): seeds.mean(0).round(2),
            say("words.fewest"): seeds.min(0),
            say("words.most"): seeds.max(0),
            say("words.stopped_seeds"): (seeds == 0).sum(0),
        }
    )


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
    say = text(language).say
    fig = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08, figure=plot.figure(460))
    shown = thin(len(result.path))
    mode = "lines+markers" if len(shown) <= 60 else "lines"
    for row, (values, colour, dash, name) in enumerate(
        (
            (result.loss, RATES[0][0], "solid", say("words.loss")),
            (result.missed, style.PALETTE[1], "solid", say("words.misclassified")),
        ),
        1,
    ):
        fig.add_scatter(
            x=shown,
            y=values[shown],
            name=name,
            showlegend=False,
            mode=mode,
            line={"color": colour, "width": 2, "dash": dash},
            marker={"size": 5},
            hovertemplate="%{y:.4~g}",
            row=row,
            col=1,
        )
    odd = np.flatnonzero((np.diff(result.missed.astype(int)) < 0) & (np.diff(result.loss) >= 0)) + 1
    odd = odd[:DRAWN]
    fig.add_scatter(
        x=odd,
        y=result.loss[odd],
        name=say("words.fewer_yet_larger"),
        mode="markers",
        marker={"symbol": "triangle-up", "size": 10, "color": RED},
        hovertemplate="%{y:.4~g}",
        row=1,
        col=1,
    )
    fig.update_yaxes(title=say("words.loss"), rangemode="tozero", row=1, col=1)
    fig.update_yaxes(title=say("words.misclassified"), rangemode="tozero", row=2, col=1)
    fig.update_xaxes(title=say("words.update"), row=2, col=1)
    first = min(len(result.path), MOMENTS)  # a long run is shown by its beginning; zoom out for the rest
    fig.update_xaxes(range=[-0.5, max(first - 0.5, 1)])
    fig.update_layout(showlegend=True)
    if result.complete:
        plot.scrub(fig, np.arange(first), say("words.update"), [0, 1, 2], {})
    return fig


def table_loss(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    shown = moments(len(result.path), ROWS)
    return pd.DataFrame(
        {
            say("words.update"): shown,
            say("words.misclassified"): result.missed[shown],
            say("words.loss"): result.loss[shown].round(5),
        }
    )


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
    fig.add_scatter(
        x=span.ravel(),
        y=np.repeat(seeds, 3),
        mode="lines",
        line={"color": style.fade(STONE, 0.5), "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    both = not np.allclose(result.bound[0], result.bound[1], equal_nan=True)
    for rate, ((colour, _, symbol), name) in enumerate(zip(RATES, rate_names(result))):
        count = np.where(updates[rate] > 0, updates[rate], np.nan)
        mark = {"symbol": f"{symbol}-open", "size": 13} if rate else {"symbol": symbol, "size": 8}
        fig.add_scatter(
            x=count,
            y=seeds,
            name=say("words.updates_at", rate=name),
            mode="markers",
            marker=mark | {"color": colour, "line": {"width": 2}},
            hovertemplate=f"{name}: %{{x:d}}<extra></extra>",
        )
        tick = {
            "symbol": "x-thin-open" if rate else "line-ns-open",
            "size": 10 if rate else 16,
            "color": colour if both else INK,
            "line": {"width": 3},
        }
        if rate == 0 or both:
            fig.add_scatter(
                x=result.bound[rate],
                y=seeds,
                name=say("words.bound_at", rate=name) if both else say("words.bound"),
                mode="markers",
                marker=tick,
                hovertemplate="%{x:.0f}<extra></extra>",
            )
    every = np.r_[updates.ravel(), result.bound.ravel()]
    top = max(10.0, float(np.nanmax(every, initial=1.0)))
    reach = [-0.15, np.log10(top) + 0.25]
    fig.update_xaxes(title=say("words.updates"), type="log", range=reach, tickformat="~s", dtick=1)
    few = len(seeds) <= 12
    fig.update_yaxes(title=say("words.seed"), range=[len(seeds) + 0.6, 0.4], dtick=1 if few else 5)
    if not np.isfinite(result.gamma).any():
        corner = {
            "xref": "paper",
            "yref": "paper",
            "x": 0.98,
            "y": 0.97,
            "xanchor": "right",
            "yanchor": "top",
        }
        fig.add_annotation(text=say("words.no_bound"), **corner)
    return fig


def table_bound(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    updates, ended = result.mistakes.sum(-1), stopped(result)
    columns: dict[str, object] = {
        say("words.seed"): np.arange(1, len(result.gamma) + 1),
        "R": result.radius.round(3),
        "γ": result.gamma.round(5),
        "(R/γ)²": ((result.radius / result.gamma) ** 2).round(1),
    }
    for rate, name in enumerate(rate_names(result)):
        columns[say("words.updates_at", rate=name)] = updates[rate]
        columns[say("words.bound_at", rate=name)] = result.bound[rate].round(1)
        columns[say("words.stopped_at", rate=name)] = [say(f"words.{'yes' if e else 'no'}") for e in ended[rate]]
    return pd.DataFrame(columns)


def summary_bound(result: Result, language: str) -> str:
    say = text(language).say
    separable = np.isfinite(result.bound[0])
    if not len(result.y):
        return say("summaries.no_points")
    if not separable.any():
        return say("summaries.inseparable")
    used = result.mistakes[0].sum(-1)[separable] / result.bound[0][separable]
    return say(
        "summaries.bound",
        separable=int(separable.sum()),
        seeds=len(separable),
        kept=int((used <= 1).sum()),
        percent=f"{100 * used.max():.0f}",
    )


# Two step sizes


def angles(path: np.ndarray) -> np.ndarray:
    """Direction of w in degrees along a path, without jumps; NaN while w is zero."""
    angle = np.degrees(np.arctan2(path[:, 1], path[:, 0]))
    moved = path[:, :2].any(1)
    found = np.full(len(path), np.nan)
    found[moved] = np.unwrap(angle[moved], period=360)
    return found


def draw_rates(result: Result, language: str) -> go.Figure:
    """Length and direction of w of seed 0 at both step sizes, over updates."""
    say = text(language).say
    fig = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08, figure=plot.figure(460))
    both = zip((result.path, result.other_path), RATES, rate_names(result))
    for path, (colour, dash, _), name in both:
        shown, wide = thin(len(path)), dash == "solid"  # the second lies on the first where they agree
        look = {
            "color": style.fade(colour, 0.55) if wide else colour,
            "width": 5 if wide else 2.2,
            "dash": dash,
        }
        length = np.linalg.norm(path[shown, :2], axis=1)
        length[length == 0] = np.nan
        for row, values, unit in ((1, angles(path)[shown], "°"), (2, length, "")):
            fig.add_scatter(
                x=shown,
                y=values,
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                mode="lines",
                line=look,
                hovertemplate=f"%{{y:.4~g}}{unit}",
                row=row,
                col=1,
            )
    fig.update_yaxes(title=say("words.direction"), row=1, col=1)
    fig.update_yaxes(title=say("words.length"), type="log", tickformat="~g", dtick=1, row=2, col=1)
    fig.update_xaxes(title=say("words.update"), row=2, col=1)
    if result.complete:
        last = max(len(result.path), len(result.other_path))
        plot.scrub(fig, moments(last), say("words.update"), [0, 1, 2, 3], {})
    return fig


def table_rates(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    shown = moments(max(len(result.path), len(result.other_path)), ROWS)
    columns: dict[str, object] = {say("words.update"): shown}
    for path, name in zip((result.path, result.other_path), rate_names(result)):
        there = shown < len(path)
        at = np.minimum(shown, len(path) - 1)
        columns[f"{say('words.direction')}, {name}"] = np.where(there, angles(path)[at], np.nan).round(3)
        length = np.linalg.norm(path[at, :2], axis=1)
        columns[f"{say('words.length')}, {name}"] = np.where(there, length, np.nan).round(5)
    return pd.DataFrame(columns)


def summary_rates(result: Result, language: str) -> str:
    say = text(language).say
    one, other = rate_names(result)
    updates = result.mistakes.sum(-1)
    if not result.alike.size:
        return say("summaries.not_begun")
    return say(
        "summaries.rates",
        one=one,
        other=other,
        same=int(result.alike[:, -1].sum()),
        seeds=len(result.gamma),
        mean=f"{updates[0].mean():.1f}",
        other_mean=f"{updates[1].mean():.1f}",
    )


FIGURES = (
    Figure("line", draw_line, table_line, summary_line),
    Figure("mistakes", draw_mistakes, table_mistakes, summary_mistakes),
    Figure("loss", draw_loss, table_loss, summary_loss),
    Figure("bound", draw_bound, table_bound, summary_bound),
    Figure("rates", draw_rates, table_rates, summary_rates),
)
