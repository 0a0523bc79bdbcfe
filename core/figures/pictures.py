"""Kinds of figures that show things in panels: images, alone or over curves, boxes, matrices, points, arrows, graphs.

They are written like those of `core/figures/kinds.py`. With `when`, (word, moments), values have a moment axis behind
that of the row, and a finished run can be scrubbed.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from core.concept.parts import Figure
from core.concept.text import Text
from core.figures import plot, style
from core.figures.gallery import Gallery
from core.figures.kinds import Array, Arrays, Sentence, Table, When, curves, figure

Titles = Callable[[Any, Text], list[str]]
CELLS: dict[str, Any] = {"showscale": False, "xgap": 1, "ygap": 1}


def beside(
    here: Gallery,
    id: str,
    paint: Callable[..., None],
    table: Table,
    summary: Sentence,
    *,
    titles: Titles | None = None,
    columns: int = 4,
    ratio: float = 1.12,
    least: int = 0,
    room: float = 0.22,
    axes: bool = False,
    **more: Any,
) -> Figure:
    """A panel per row of the page, or per title, which `paint(fig, result, text, i, **place)` fills; with its title
    its height is `ratio` times its width, and `least` pixels at least. Without axes unless wanted. room: for titles, as
    `plot.grid` has it."""

    def painted(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        labels = titles(result, text) if titles else labels
        across = min(columns, len(labels))
        fig, places = plot.grid(labels, across, gap=(0.1 if axes else 0.02) / across, room=room)
        for i, place in enumerate(places):
            paint(fig, result, text, i, **place)
        fig.update_xaxes(visible=axes, constrain="domain")
        fig.update_yaxes(visible=axes, constrain="domain")
        fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
        plot.bare(fig)
        down = places[-1]["row"]
        plot.aspect(fig, ratio * down / across, least * down)
        return fig

    return figure(here, id, painted, table, summary, **more)


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
            middle, small = (wide + 1) * np.arange(count) + (wide - 1) / 2, {"textfont": {"size": 11}}
            plot.words(fig, middle, np.full(count, -0.8), said(result)[i], "bottom center", **small, **place)

    return beside(here, id, paint, table, summary, **more)


def in_colour(
    fig: plot.Sheet, pictures: np.ndarray, left: float = 0, size: tuple[float, float] | None = None, **place: Any
) -> None:
    """A picture [row, column, 3] of levels 0 … 255, or of pictures [moment, row, column, 3] the last, the earlier
    remembered. It stands on the axis, from `left` on; size: its height and width there, else a pixel is one. A panel
    of such pictures alone has no axes: `upright` gives it some."""
    moving = pictures.ndim > 3
    shown = [as_png(picture) for picture in (pictures if moving else pictures[None])]
    height, width = size or pictures.shape[-3:-1]
    where = {"x": left, "y": height, "sizex": width, "sizey": height, "sizing": "stretch", "layer": "above"}
    fig.add_layout_image(source=shown[-1], **where, **place)
    if moving:
        fig.shots[len(fig.layout.images) - 1] = shown


def upright(fig: plot.Sheet, places: Sequence[Mapping[str, int]], across: tuple[float, float], height: float) -> None:
    """Panels of pictures in colour: axes from across[0] to across[1] and from 0 to `height`, not seen."""
    for place in places:
        fig.add_scatter(x=[], y=[], **plot.QUIET, **place)  # a panel of pictures alone would have no axes
    fig.update_xaxes(visible=False, range=across, constrain="domain")
    fig.update_yaxes(visible=False, range=[0, height], constrain="domain")
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))


def album(
    here: Gallery,
    id: str,
    shown: Callable[[Any, Text], Mapping[str, np.ndarray]],
    table: Table,
    summary: Sentence,
    *,
    columns: int = 4,
    room: float = 0.22,
    when: When | None = None,
    **more: Any,
) -> Figure:
    """Pictures in colour, a panel each. shown: title → levels 0 … 255 [row, column, 3], with `when`
    [moment, row, column, 3] where it changes; all panels have the shape of the first, and smaller ones its size."""

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        found = shown(result, text)
        across = min(columns, len(found))
        fig, places = plot.grid(list(found), across, 0.02 / across, room)
        high, wide = next(iter(found.values())).shape[-3:-1]
        for picture, place in zip(found.values(), places):
            tall, broad = picture.shape[-3:-1]
            scale = min(high / tall, wide / broad)
            in_colour(fig, picture, (wide - broad * scale) / 2, (tall * scale, broad * scale), **place)
        upright(fig, places, (0, wide), high)
        plot.bare(fig)
        fig.update_annotations(font_size=16 if across < 4 else 12)
        down = places[-1]["row"]
        plot.aspect(fig, down * (high / wide + 0.12) / across, 110 * down)
        return fig

    return figure(here, id, paint, table, summary, when=when, **more)


def over_curves(
    here: Gallery,
    id: str,
    when: When,
    images: Callable[[Any, Text], Mapping[str, np.ndarray]],
    values: Arrays,
    summary: Sentence,
    **more: Any,
) -> Figure:
    """Rows of images over a curve per row of the page at the same steps; one step's images are seen at a time, and a
    line marks it.

    when: of the steps, [step]. images: name → [step, across, height, width]. values: of `curves`, [row, seed, step].
    """
    below: dict[str, Any] = {"row": 2, "col": 1}

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        steps, rows = when[1](result), images(result, text)
        pictures = np.stack(list(rows.values()), 1)
        down, across, tall, wide = pictures.shape[1:]
        ((word, numbers),) = values(result).items()
        high, room = min(60 * down, 400), 60  # pixels of the images, and of the legend between
        whole = high + room + 190
        spread = {"row_heights": [high, 190], "vertical_spacing": room / whole}
        fig = plot.panels(2, 1, None, whole + 50, "x unified", **spread)
        plot.images(fig, plot.mosaic(pictures), row=1, col=1)
        fig.update_xaxes(visible=False, range=[-0.5, (wide + 1) * across - 1.5], constrain="domain", row=1, col=1)
        middle, reach = (tall + 1) * np.arange(down)[::-1] + (tall - 1) / 2, [-0.5, (tall + 1) * down - 1.5]
        named = {"tickvals": middle, "ticktext": list(rows), "showgrid": False}
        fig.update_yaxes(**named, range=reach, scaleanchor="x", constrain="domain", row=1, col=1)
        for i, name in enumerate(labels):
            plot.bands(fig, steps, numbers[i].astype(float), name, plot.curve(i, marked=True), **below)
        ends = [np.nanmin(numbers, initial=0), np.nanmax(numbers, initial=0)]
        fig.add_scatter(x=steps[[-1, -1]], y=ends, mode="lines", line=plot.line(style.AXIS, 3), **plot.QUIET, **below)
        fig.was(x=np.stack([steps, steps], 1))
        fig.update_xaxes(title=text.say(f"words.{when[0]}"), **below)
        fig.update_yaxes(title=text.say(f"words.{word}"), **below)
        fig.update_layout(legend={"y": 190 / whole}, margin={"t": 8})
        return fig

    table = curves(here, id, *when, values, summary).table
    return figure(here, id, paint, table, summary, when=when, **more)


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
            tint, mask = [[0, "#00000000"], [1, style.fade(style.PALETTE[1], 0.5)]], masks(result)[i][:, ::-1]
            plot.images(fig, mask.astype(np.float32), colorscale=tint, **place)
        drawn = found(result)[i].astype(float)
        for k in np.unique(drawn[..., 4][np.isfinite(drawn[..., 4])]).astype(int):
            left, top, right, bottom = np.where(drawn[..., 4:] == k, drawn[..., :4], np.nan).transpose(2, 0, 1)
            gap = np.full_like(left, np.nan)
            x, y = [left, right, right, left, left, gap], [top, top, bottom, bottom, top, gap]
            lines = np.stack([np.stack(x, -1), len(picture) - 1 - np.stack(y, -1)], -1).reshape(len(left), -1, 2)
            look = plot.curve(k) | {"mode": "lines", "hoverinfo": "skip"}
            fig.add_scatter(**plot.xy(lines[-1]), **look, **place).was(**plot.xy(lines))

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
    when: When | None = None,
    **more: Any,
) -> Figure:
    """Matrices with their numbers: confusion, attention (a text with its alignment: its signs are `down` and `across`).

    values: [row, down, across], with `when` [row, moment, down, across]. diverging: zero is the middle of the colours.
    """

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        found = values(result)
        top = float(np.nanmax(np.abs(found), initial=0)) or 1.0
        cells = found[i] if when else found[i][None]
        colours = style.colorscale(style.DIVERGING if diverging else style.SEQUENTIAL)
        look = CELLS | {"zmin": -top if diverging else 0, "zmax": top, "colorscale": colours}
        look |= {"texttemplate": f"%{{z:.{digits}f}}"} if numbers else {}
        tip = f"%{{y}}, %{{x}}: %{{z:.{digits}f}}<extra></extra>"
        axis = {"x": np.arange(cells.shape[-1]), "y": np.arange(cells.shape[-2])}
        fig.add_heatmap(z=cells[-1], **axis, hovertemplate=tip, **look, **place).was(z=cells)
        signs = (fig.update_xaxes, across, {"side": "bottom"}), (fig.update_yaxes, down, {"autorange": "reversed"})
        for update, names, about in signs:
            labels = list(names(result))
            update(tickvals=np.arange(len(labels)), ticktext=labels, showgrid=False, **about, **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        found = values(result)[:, -1] if when else values(result)
        columns = {f"{k}": found[..., j].round(digits + 2) for j, k in enumerate(across(result))}
        return here.table(result, language, {"": list(down(result))} | columns)

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
        look = CELLS | {"colorscale": style.colorscale(style.SEQUENTIAL)}
        tip = f"%{{x}}, %{{y}}: %{{z:.{digits}f}}<extra></extra>"
        fig.add_heatmap(z=found[-1], hovertemplate=tip, **look, **place).was(z=found)
        y, x = np.indices(found.shape[1:])
        start = np.stack([x, y], -1)[None] - 0.3 * way
        lines = np.stack([start, start + 0.6 * way, np.full_like(way, np.nan)], -2)  # [moment, y, x, 3, axis]
        lines = np.where(way.any(-1)[..., None, None], lines, np.nan).reshape(len(found), -1, 2)
        look = plot.arrow(style.PALETTE[8], 2, 11) | {"hoverinfo": "skip"}
        look["marker"] |= {"symbol": "arrow", "size": [0, 11, 0] * (lines.shape[1] // 3), "opacity": 1}
        fig.add_scatter(**plot.xy(lines[-1]), **look, **place).was(**plot.xy(lines))
        fig.update_yaxes(autorange="reversed", **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        found, way = values(result)[:, -1], ways(result)[:, -1]
        _, y, x = np.indices(found.shape)
        columns = {"x": x, "y": y, "words.value": found.round(digits + 2), "→": way[..., 0], "↓": way[..., 1]}
        return here.table(result, language, columns)

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
    [moment, edge]; the last is drawn. What is no number stays blank."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        at, pairs, (inside, along) = nodes(result), edges(result), numbers(result)
        ends = np.array([[at[a], at[b]] for a, b in pairs]).reshape(-1, 2, 2)
        lines = np.concatenate([ends, np.full((len(ends), 1, 2), np.nan)], 1).reshape(-1, 2)
        fig.add_scatter(**plot.xy(lines), mode="lines", line=plot.line(style.AXIS, 1.5), hoverinfo="skip", **place)
        where = np.array(list(at.values()), float)
        names = [f"{name}: %{{text}}<extra></extra>" for name in at]
        mark = plot.marker(style.fade(style.PALETTE[0], 0.25), "circle", 40)
        fig.add_scatter(**plot.xy(where), mode="markers", marker=mark, hovertemplate=names, **place)
        middle = 0.6 * ends[:, 0] + 0.4 * ends[:, 1]  # crossing edges do not cross there
        for spots, found, way in ((where, inside, "middle center"), (middle, along, "top center")):
            said = np.array([[f"{value:.{digits}f}" if np.isfinite(value) else "" for value in row] for row in found])
            plot.words(fig, spots[:, 0], spots[:, 1], said, way, textfont={"size": 12}, **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        say, (inside, along) = here.text(language).say, numbers(result)
        names = [*nodes(result), *(f"{a} → {b}" for a, b in edges(result))]
        values = np.r_[inside[-1], along[-1]].round(digits + 2)
        return pd.DataFrame({say(here.head): names, say("words.value"): values})

    return beside(here, id, paint, table, summary, titles=lambda result, text: [""], ratio=0.67, **more)


def as_png(picture: np.ndarray) -> str:
    """A picture [row, column, 3] of levels 0 … 255 as a data URI."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
