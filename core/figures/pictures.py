"""Kinds of figures that show things in panels side by side: images, boxes, matrices, points, arrows, graphs.

They are written like those of `core/figures/kinds.py`. With `when`, (word, moments), values have a moment axis behind
that of the row, and a finished run can be scrubbed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.figures import plot, style
from core.figures.gallery import Gallery
from core.figures.kinds import Array, Finish, Sentence, Table, everything

Titles = Callable[[Any, Text], list[str]]


def beside(
    here: Gallery,
    id: str,
    paint: Callable[..., None],
    table: Table,
    summary: Sentence,
    *,
    titles: Titles | None = None,
    columns: int = 4,
    ratio: float = 1.0,
    when: tuple[str, Array] | None = None,
    axes: bool = False,
    finish: Finish | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """A panel per row of the page, or per title, which `paint(fig, result, text, i, **place)` fills; its height is
    `ratio` times its width. Without axes unless wanted."""

    def draw(result: Any, language: str) -> go.Figure:
        text = here.text(language)
        labels = titles(result, text) if titles else here.names(result, language)
        across = min(columns, len(labels))
        down = ceil(len(labels) / across)
        room: dict[str, Any] = {"horizontal_spacing": (0.1 if axes else 0.02) / across, "vertical_spacing": 0.22 / down}
        fig = plot.panels(down, across, labels, 420, **room)
        for i in range(len(labels)):
            paint(fig, result, text, i, row=i // across + 1, col=i % across + 1)
        fig.update_xaxes(visible=axes, constrain="domain")
        fig.update_yaxes(visible=axes, constrain="domain")
        fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
        fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
        plot.aspect(fig, 1.12 * ratio * down / across)
        if finish:
            finish(fig, result, text)
        return plot.film(fig, result, when[1](result), text.say(f"words.{when[0]}")) if when else fig

    return Figure(id, draw, table, summary, shown)


def images(
    here: Gallery,
    id: str,
    values: Array,
    table: Table,
    summary: Sentence,
    *,
    said: Array | None = None,
    scale: tuple[float, float] = (0, 1),
    **more: Any,
) -> Figure:
    """Images as a mosaic. values: [row, moment, down, across, height, width]. said: texts under the images of the
    lowest line, [row, moment, across]."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        found = values(result)[i]
        plot.images(fig, plot.mosaic(found), *scale, **place)
        if said:
            count, wide = found.shape[-3], found.shape[-1]
            middle = (wide + 1) * np.arange(count) + (wide - 1) / 2
            small = {"textfont": {"size": 11}}
            plot.words(fig, middle, np.full(count, -0.8), said(result)[i], "bottom center", **small, **place)

    return beside(here, id, paint, table, summary, **more)


def boxes(
    here: Gallery,
    id: str,
    pictures: Array,
    found: Array,
    table: Table,
    summary: Sentence,
    *,
    masks: Array | None = None,
    **more: Any,
) -> Figure:
    """Boxes, and masks, over images. pictures: [row, height, width]. found: [row, moment, box, 5], left, top, right,
    bottom in pixels and the number of a look, NaN where there is no box. masks: [row, moment, height, width]."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        picture = pictures(result)[i]
        plot.images(fig, picture[None, ::-1], **place)
        if masks:
            tint = [[0, "#00000000"], [1, style.fade(style.PALETTE[1], 0.5)]]
            mask = masks(result)[i][:, ::-1].astype(np.float32)
            look = {"zmin": 0, "zmax": 1, "colorscale": tint, "showscale": False, "hoverinfo": "skip"}
            fig.add_heatmap(z=mask[-1], **look, **place).was(z=mask)
        drawn = found(result)[i].astype(float)
        for k in np.unique(drawn[..., 4][np.isfinite(drawn[..., 4])]).astype(int):
            left, top, right, bottom = np.where(drawn[..., 4:] == k, drawn[..., :4], np.nan).transpose(2, 0, 1)
            x = np.stack([left, right, right, left, left, np.full_like(left, np.nan)], -1).reshape(len(left), -1)
            y = np.stack([top, top, bottom, bottom, top, np.full_like(top, np.nan)], -1).reshape(len(top), -1)
            y = len(picture) - 1 - y
            fig.add_scatter(x=x[-1], y=y[-1], **plot.curve(k) | {"mode": "lines"}, hoverinfo="skip", **place).was(
                x=x, y=y
            )

    return beside(here, id, paint, table, summary, **more)


def matrix(
    here: Gallery,
    id: str,
    values: Array,
    down: Callable[[Any], Sequence[str]],
    across: Callable[[Any], Sequence[str]],
    summary: Sentence,
    *,
    digits: int = 2,
    numbers: bool = True,
    diverging: bool = False,
    when: tuple[str, Array] | None = None,
    **more: Any,
) -> Figure:
    """Matrices with their numbers: confusion, attention (a text with its alignment: its signs are `down` and `across`).

    values: [row, down, across], with `when` [row, moment, down, across]. diverging: zero is the middle of the colours.
    """

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        found = values(result)
        top = float(np.nanmax(np.abs(found), initial=0)) or 1.0
        cells = found[i] if when else found[i][None]
        look = {"zmin": -top if diverging else 0, "zmax": top, "showscale": False, "xgap": 1, "ygap": 1}
        colours = style.colorscale(style.DIVERGING if diverging else style.SEQUENTIAL)
        said = {"texttemplate": f"%{{z:.{digits}f}}"} if numbers else {}
        tip = f"%{{y}}, %{{x}}: %{{z:.{digits}f}}<extra></extra>"
        axis = {"x": np.arange(cells.shape[-1]), "y": np.arange(cells.shape[-2])}
        fig.add_heatmap(z=cells[-1], **axis, colorscale=colours, hovertemplate=tip, **look, **said, **place).was(
            z=cells
        )
        signs = (fig.update_xaxes, across, {"side": "bottom"}), (fig.update_yaxes, down, {"autorange": "reversed"})
        for update, names, about in signs:
            labels = list(names(result))
            update(tickvals=np.arange(len(labels)), ticktext=labels, showgrid=False, **about, **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        names, found = here.names(result, language), values(result)
        found = found[:, -1] if when else found
        i, d = (a.ravel() for a in np.indices(found.shape[:2]))
        rows = {here.text(language).say(here.head): [names[k] for k in i], "": [list(down(result))[k] for k in d]}
        return pd.DataFrame(rows | {f"{k}": found[i, d, j].round(digits + 2) for j, k in enumerate(across(result))})

    return beside(here, id, paint, table, summary, axes=True, when=when, **more)


def points(
    here: Gallery, id: str, places: Array, classes: Array, table: Table, summary: Sentence, **more: Any
) -> Figure:
    """Maps of points by class. places: [row, moment, n, 2]. classes: [n], each with a look of its own."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        for k in np.unique(classes(result)):
            own = places(result)[i][:, classes(result) == k].astype(float)
            tip = f"{text.say('words.class')} {k}<extra></extra>"
            fig.add_scatter(**plot.xy(own[-1]), mode="markers", marker=plot.mark(int(k), 6), hovertemplate=tip, **place)
            fig.was(**plot.xy(own))

    return beside(here, id, paint, table, summary, **more)


def arrows(
    here: Gallery, id: str, values: Array, ways: Array, summary: Sentence, *, digits: int = 2, **more: Any
) -> Figure:
    """Values of the places of a grid, [row, moment, y, x], and where one goes from them: ways [row, moment, y, x, 2],
    steps to the right and down, zero where one stays; y counts downward."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        found, way = values(result)[i], ways(result)[i].astype(float)
        look = {"colorscale": style.colorscale(style.SEQUENTIAL), "showscale": False, "xgap": 1, "ygap": 1}
        tip = f"%{{x}}, %{{y}}: %{{z:.{digits}f}}<extra></extra>"
        fig.add_heatmap(z=found[-1], hovertemplate=tip, **look, **place).was(z=found)
        y, x = np.indices(found.shape[1:])
        start = np.stack([x, y], -1)[None] - 0.3 * way
        lines = np.stack([start, start + 0.6 * way, np.full_like(way, np.nan)], -2)  # [moment, y, x, 3, axis]
        lines = np.where(way.any(-1)[..., None, None], lines, np.nan).reshape(len(found), -1, 2)
        size = [0, 11, 0] * (lines.shape[1] // 3)
        mark = {"symbol": "arrow", "angleref": "previous", "size": size, "color": style.PALETTE[8], "opacity": 1}
        line = {"color": style.PALETTE[8], "width": 2}
        fig.add_scatter(**plot.xy(lines[-1]), mode="lines+markers", line=line, marker=mark, hoverinfo="skip", **place)
        fig.was(**plot.xy(lines))
        fig.update_yaxes(autorange="reversed", **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        names, found, way = here.names(result, language), values(result)[:, -1], ways(result)[:, -1]
        i, y, x = (a.ravel() for a in np.indices(found.shape))
        columns = {here.text(language).say(here.head): [names[k] for k in i], "x": x, "y": y}
        columns |= {here.text(language).say("words.value"): found[i, y, x].round(digits + 2)}
        return pd.DataFrame(columns | {"→": way[i, y, x, 0], "↓": way[i, y, x, 1]})

    return beside(here, id, paint, table, summary, **more)


def graph(
    here: Gallery,
    id: str,
    nodes: Callable[[Any], dict[str, tuple[float, float]]],
    edges: Callable[[Any], Sequence[tuple[str, str]]],
    numbers: Callable[[Any], tuple[np.ndarray, np.ndarray]],
    summary: Sentence,
    *,
    digits: int = 2,
    **more: Any,
) -> Figure:
    """A graph with numbers on its nodes and edges. nodes: name → place. edges: from, to. numbers: [moment, node] and
    [moment, edge]; the last is drawn."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        at, pairs, (inside, along) = nodes(result), edges(result), numbers(result)
        ends = np.array([[at[a], at[b]] for a, b in pairs]).reshape(-1, 2, 2)
        lines = np.concatenate([ends, np.full((len(ends), 1, 2), np.nan)], 1).reshape(-1, 2)
        grey = {"color": style.AXIS, "width": 1.5}
        fig.add_scatter(**plot.xy(lines), mode="lines", line=grey, hoverinfo="skip", **place)
        where = np.array(list(at.values()), float)
        names = [f"{name}: %{{text}}<extra></extra>" for name in at]
        mark = {"symbol": "circle", "size": 40, "color": style.fade(style.PALETTE[0], 0.25)}
        fig.add_scatter(**plot.xy(where), mode="markers", marker=mark, hovertemplate=names, **place)
        middle = 0.6 * ends[:, 0] + 0.4 * ends[:, 1]  # crossing edges do not cross there
        for spots, found, way in ((where, inside, "middle center"), (middle, along, "top center")):
            said = np.array([[f"{value:.{digits}f}" for value in row] for row in found])
            plot.words(fig, spots[:, 0], spots[:, 1], said, way, textfont={"size": 12}, **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        inside, along = numbers(result)
        names = [*nodes(result), *(f"{a} → {b}" for a, b in edges(result))]
        values = np.r_[inside[-1], along[-1]].round(digits + 2)
        return pd.DataFrame({here.text(language).say(here.head): names, here.text(language).say("words.value"): values})

    return beside(here, id, paint, table, summary, titles=lambda result, text: [""], ratio=0.6, **more)
