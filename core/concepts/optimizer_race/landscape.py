"""The first seed's paths in a plane through the loss surface of its real network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concepts.optimizer_race.common import HERE, names, text
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
    say, fig = text(language).say, plot.figure(500, "closest")
    cut = []
    tip = (
        f"{say('words.step')} %{{customdata[0]}}<br>{say('words.training_loss')}: %{{customdata[1]:.4f}}<br>"
        f"{say('words.moved')}: %{{customdata[2]:.3f}}<extra></extra>"
    )
    if result.slice_loss.size:
        loss = np.nan_to_num(result.slice_loss.astype(float), nan=np.inf)
        start = float(result.path_loss[0, 0])
        x, y = result.slice_at.T
        plot.heights(fig, x, y, np.log10(np.clip(loss, start / 1e4, TOP * start)))
    for c, name in enumerate(names(result, language)):
        path = result.path[c].astype(float)
        cut.append(len(fig.data))
        tips = np.stack([result.moment, result.path_loss[c], result.moved[c]], 1)
        look = plot.curve(c) | {"name": name, "legendgroup": f"{c}", "meta": {"clock": result.moment.tolist()}}
        fig.add_scatter(**plot.xy(path), customdata=tips, hovertemplate=f"<b>{name}</b>, {tip}", **look)
        head = {"mode": "markers", "marker": plot.head(c), "legendgroup": f"{c}"} | plot.QUIET
        fig.add_scatter(**plot.xy(path[-1:]), **head)
        if len(path):
            fig.was(**plot.xy(path[:, None]))
    ring = {"mode": "markers", "marker": plot.marker(INK, "circle-open", 15, line={"width": 2}), "showlegend": False}
    fig.add_scatter(x=[0], y=[0], **ring, hovertemplate=f"{say('words.start')}<extra></extra>")
    for i, axis in enumerate((fig.update_xaxes, fig.update_yaxes)):
        limits = {"range": result.slice_at[[0, -1], i].tolist()} if len(result.slice_at) else {"range": [-1, 1]}
        axis(title=say(f"words.direction_{i + 1}"), showgrid=False, constrain="domain", **limits)
    fig.update_yaxes(scaleanchor="x")
    plot.aspect(fig, 0.95)
    return plot.film(fig, result, result.moment, say("words.step"), cut)


def table_slice(result: Result, language: str) -> pd.DataFrame:
    nowhere = np.full(len(result.path), np.nan)
    loss, moved = (a[:, -1] if a.shape[1] else nowhere for a in (result.path_loss, result.moved))
    share = held(result) if result.path.shape[1] else nowhere
    columns = {"words.training_loss": loss.round(4), "words.moved": moved.round(3)}
    return HERE.table(result, language, columns | {f"{text(language).say('words.held')} (%)": whole(100 * share)})


def summary_slice(result: Result, language: str) -> str:
    say, share = text(language).say, held(result)
    if not np.isfinite(share).any():
        return say("summaries.slice_later" if not result.complete else "summaries.slice_lost")
    least, most = (f"{100 * pick(share):.0f}" for pick in (np.nanmin, np.nanmax))
    return say("summaries.slice", least=least, most=most, n=result.parameters)


SLICE = Figure("slice", draw_slice, table_slice, summary_slice, shown=lambda params: params.surface)
