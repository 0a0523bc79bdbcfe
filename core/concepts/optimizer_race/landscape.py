"""The first seed's paths in a plane through the loss surface of its real network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concepts.optimizer_race.common import names, text
from core.concepts.optimizer_race.params import Result
from core.figures import plot, style
from core.figures.numbers import whole

INK = style.PALETTE[8]
TOP = 3  # times the loss at the start: what is higher is drawn so high


def held(result: Result) -> np.ndarray:
    """Share of each path's squared distances from the start that lies in the plane: [contender], NaN where it has no
    length or was lost."""
    inside, whole = (np.square(a.astype(float)) for a in (result.path, result.moved))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return inside.sum((1, 2)) / whole.sum(1)


def draw_slice(result: Result, language: str) -> go.Figure:
    """Paths over the training loss on the plane, which is known when training is over."""
    say = text(language).say
    fig = plot.figure(500, "closest")
    cut, stacks = [], {}
    if result.slice_loss.size:
        loss = np.nan_to_num(result.slice_loss.astype(float), nan=np.inf)
        start = float(result.path_loss[0, 0])
        x, y = result.slice_at.T
        plot.heights(fig, x, y, np.log10(np.clip(loss, start / 1e4, TOP * start)))
    for c, name in enumerate(names(result, language)):
        colour, _, symbol = style.contender(c)
        path = result.path[c].astype(float)
        cut.append(len(fig.data))
        fig.add_scatter(
            x=path[:, 0],
            y=path[:, 1],
            name=name,
            legendgroup=f"{c}",
            **plot.curve(c),
            meta={"clock": result.moment.tolist()},
            customdata=np.stack([result.moment, result.path_loss[c], result.moved[c]], 1),
            hovertemplate=f"<b>{name}</b>, {say('words.step')} %{{customdata[0]}}<br>"
            f"{say('words.training_loss')}: %{{customdata[1]:.4f}}<br>"
            f"{say('words.moved')}: %{{customdata[2]:.3f}}<extra></extra>",
        )
        if len(path):
            stacks[len(fig.data)] = {axis: path[:, i : i + 1] for i, axis in enumerate("xy")}
        fig.add_scatter(
            x=path[-1:, 0],
            y=path[-1:, 1],
            legendgroup=f"{c}",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 12, "line": {"width": 1.5, "color": "#ffffff"}},
            hoverinfo="skip",
            showlegend=False,
        )
    fig.add_scatter(
        x=[0],
        y=[0],
        mode="markers",
        marker={"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 2}},
        hovertemplate=f"{say('words.start')}<extra></extra>",
        showlegend=False,
    )
    for i, axis in enumerate((fig.update_xaxes, fig.update_yaxes)):
        limits = {"range": result.slice_at[[0, -1], i].tolist()} if len(result.slice_at) else {"range": [-1, 1]}
        axis(title=say(f"words.direction_{i + 1}"), showgrid=False, constrain="domain", **limits)
    fig.update_yaxes(scaleanchor="x")
    plot.aspect(fig, 0.95)
    if result.complete:
        plot.scrub(fig, result.moment, say("words.step"), cut, stacks)
    return fig


def table_slice(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    share = held(result) if result.path.shape[1] else np.full(len(result.path), np.nan)
    last = [a[:, -1] if a.shape[1] else np.full(len(a), np.nan) for a in (result.path_loss, result.moved)]
    return pd.DataFrame(
        {
            say("words.contender"): names(result, language),
            say("words.training_loss"): last[0].round(4),
            say("words.moved"): last[1].round(3),
            f"{say('words.held')} (%)": whole(100 * share),
        }
    )


def summary_slice(result: Result, language: str) -> str:
    say = text(language).say
    share = held(result)
    if not np.isfinite(share).any():
        return say("summaries.slice_later" if not result.complete else "summaries.slice_lost")
    return say(
        "summaries.slice",
        least=f"{100 * np.nanmin(share):.0f}",
        most=f"{100 * np.nanmax(share):.0f}",
        n=result.parameters,
    )
