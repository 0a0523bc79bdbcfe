"""What figures share: a plain start, and what plotly cannot say by itself.

A figure is an ordinary plotly Figure. In `layout.meta` it may tell the browser
    scrub   how to show an earlier moment of a finished run: which traces are cut at a value of x, which
            attributes are replaced by one slice of a stack, and which pictures by an earlier one
    aspect  height over width, for pictures of a plane, which must keep their shape on any screen
    least   pixels that such a picture is high at least, where words stand between its parts
    stack   that panels stand below each other where there is no room for them side by side
    chips   buttons that show or hide traces by a role of theirs (train, validation, test)
The page's chart component acts on them; anywhere else they are ignored.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.conclusions.stats import interval, mean_interval
from core.figures import style

PAPER = [[0, "#15181d"], [1, "#fdfcf9"]]  # images, in both themes
QUIET: dict[str, Any] = {"hoverinfo": "skip", "showlegend": False}
EDGE: dict[str, Any] = {"mode": "lines", "line": {"width": 0}} | QUIET  # of a band
MARKS = 7  # symbols along a curve, where they help its dash or stand for it
FIELD = [[0, "rgba(55,144,164,0.62)"], [0.5, "rgba(55,144,164,0.28)"], [1, "rgba(55,144,164,0.02)"]]


class Sheet(go.Figure):
    """A figure in the making, which remembers how its traces looked at earlier moments of the run."""

    _was: dict[int, dict[str, np.ndarray]]
    _shots: dict[int, list[str]]

    def was(self, **stacks: np.ndarray) -> Sheet:
        """How the newest trace looked at every moment: attribute ("x", "error_x__array", "z", "text") → [moment, …]."""
        self.stacks[len(self.data) - 1] = {name.replace("__", "."): stack for name, stack in stacks.items()}
        return self

    @property
    def stacks(self) -> dict[int, dict[str, np.ndarray]]:
        if not hasattr(self, "_was"):
            self._was = {}
        return self._was

    @property
    def shots(self) -> dict[int, list[str]]:
        """How pictures of the layout looked at every moment: index → sources."""
        if not hasattr(self, "_shots"):
            self._shots = {}
        return self._shots


def figure(height: int = 420, hover: str = "x unified", **layout: Any) -> Sheet:
    """An empty figure in the lab's look. Its height is in pixels; `hover` is "x unified" for curves, else "closest"."""
    return Sheet(layout={"template": style.template(hover), "height": height, "uirevision": "keep"} | layout)


def panels(
    rows: int, columns: int, titles: list[str] | None = None, height: int = 420, hover: str = "closest", **grid: Any
) -> Sheet:
    """Panels in rows and columns; `grid` is of plotly's make_subplots."""
    return make_subplots(rows, columns, subplot_titles=titles, figure=figure(height, hover), **grid)


def grid(titles: list[str], across: int, gap: float, room: float, **more: Any) -> tuple[Sheet, list[dict[str, Any]]]:
    """Panels side by side, `across` in a row, each under its title, and their places. gap: between columns. room: for
    the titles of all rows."""
    down = -(-len(titles) // across)
    fig = panels(down, across, titles, horizontal_spacing=gap, vertical_spacing=room / down, **more)
    return fig, [{"row": i // across + 1, "col": i % across + 1} for i in range(len(titles))]


def bare(fig: go.Figure, top: int = 30) -> None:
    """Without legend or margins, but for titles on top."""
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": top, "b": 5})


def waiting(fig: Sheet, said: str) -> Sheet:
    """A figure of what is not there, which says why."""
    fig.add_scatter(x=[], y=[])
    fig.add_annotation(text=said, xref="paper", yref="paper", x=0.5, y=0.5)
    return fig


def curve(i: int, dash: str = "", width: float = 2.4, marked: bool = False) -> dict[str, Any]:
    """How the curve of row i is drawn: in its colour and dash, from the seventh row on with its symbol at a few places.
    Where another `dash` says something else (a part of the data, a mode), and where `marked`, every row has its symbol.
    """
    colour, own, symbol = style.contender(i)
    marked = marked or bool(dash) or i >= len(style.DASHES)
    return {
        "mode": "lines+markers" if marked else "lines",
        "line": {"color": colour, "width": width, "dash": dash or own},
        "marker": {"symbol": symbol, "size": 8, "maxdisplayed": MARKS},
    }


def mark(i: int, size: float = 8) -> dict[str, Any]:
    """The symbol of row i, in its colour."""
    return {"symbol": style.contender(i).symbol, "size": size, "color": style.contender(i).colour}


def head(i: int) -> dict[str, Any]:
    """Where row i is on its way over a plane."""
    return mark(i, 12) | {"line": line("#ffffff", 1.5)}


def xy(places: np.ndarray) -> dict[str, np.ndarray]:
    """Places [..., 2] of a plane as the x and y of a trace."""
    return {"x": places[..., 0], "y": places[..., 1]}


def line(colour: str, width: float, dash: str = "") -> dict[str, Any]:
    return {"color": colour, "width": width} | ({"dash": dash} if dash else {})


def marker(colour: Any, symbol: Any, size: Any, edge: float = 0.0, **more: Any) -> dict[str, Any]:
    """A marker; `edge` is the width of a white line around it, which lifts it off what it lies on."""
    return {"color": colour, "symbol": symbol, "size": size} | ({"line": line("#ffffff", edge)} if edge else {}) | more


def arrow(colour: str, width: float, size: float, dash: str = "") -> dict[str, Any]:
    """How a line of two points is drawn as an arrow from the first to the second."""
    head = {"symbol": ["circle", "arrow"], "size": [1, size], "angleref": "previous", "color": colour}
    return {"mode": "lines+markers", "line": line(colour, width, dash), "marker": head}


def bands(
    fig: Sheet,
    x: Any,
    seeds: np.ndarray,
    name: str,
    look: dict[str, Any],
    *,
    hover: str = "%{y:.3f}",
    log: bool = False,
    share: bool = False,
    **more: Any,
) -> None:
    """Mean of `seeds` [seed, x] as a `curve`, lowest to highest as a band; `more` is of all. Of seeds [seed, moment, x]
    the last moment is drawn, and the others are remembered. On a logarithmic axis, which has no place for 0, the middle
    is the median, and the lowest that above 0. Of a share of ones the band is its 95 % interval."""
    low, high, middle = _extent(seeds, log, share)
    fill = style.fade(look["line"]["color"], 0.13)
    look = look | ({"mode": "lines+markers"} if len(x) == 1 else {}) | {"name": name, "hovertemplate": hover}
    edges: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("low", low, EDGE),
        ("high", high, EDGE | {"fill": "tonexty", "fillcolor": fill}),
    ]
    for which, values, kind in [*(edges if len(seeds) > 1 else []), ("", middle, look)]:
        moving, own = values.ndim > 1, {"uid": more["uid"] + which} if "uid" in more else {}
        fig.add_scatter(x=x, y=values[-1] if moving else values, **kind | more | own)
        if moving:
            fig.was(y=values)


def _extent(seeds: np.ndarray, log: bool, share: bool) -> list[np.ndarray]:
    """Lowest, highest and middle over the first axis."""
    if share:
        found = [interval(one, share=True) for one in seeds.reshape(len(seeds), -1).T]
        ends = np.array([(one.low, one.high, one.mean) for one in found]).reshape(-1, 3).T
        return list(ends.reshape(3, *seeds.shape[1:]))
    if not log:
        return [seeds.min(0), seeds.max(0), seeds.mean(0)]
    above = np.where(seeds > 0, seeds, np.inf).min(0)
    lowest = np.where(np.isfinite(above), above, np.nan)
    return [np.where(curve > 0, curve, np.nan) for curve in (lowest, seeds.max(0), np.median(seeds, 0))]


def over_seeds(values: np.ndarray, axis: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds of values [row, seed, …], and half its 95 % interval: [row, …] each."""
    return mean_interval(values.astype(float), axis=axis)


def error(half: Any, width: float = 4, thickness: float = 1.5) -> dict[str, Any]:
    """Bars of an interval that reaches `half` to either side."""
    return {"array": half, "thickness": thickness, "width": width, "color": style.AXIS}


def means(
    fig: Sheet, x: Any, mean: np.ndarray, half: np.ndarray, *, width: float = 4, thickness: float = 1.5, **more: Any
) -> None:
    """Means [x] with their intervals, in what `more` says; of [moment, x] the last, the earlier remembered."""
    moving = mean.ndim > 1
    now = (mean[-1], half[-1]) if moving else (mean, half)
    fig.add_scatter(x=x, y=now[0], error_y=error(now[1], width, thickness), **more)
    if moving:
        fig.was(y=mean, error_y__array=half)


def field(
    fig: Sheet, z: np.ndarray, reach: float, top: float = 255, colours: Any = style.DIVERGING, **more: Any
) -> None:
    """Values z [moment, row, column], 0 … top, over the plane within ±reach: the last, the earlier remembered."""
    axis = np.linspace(-reach, reach, z.shape[-1])
    quiet = {"colorscale": colours, "showscale": False, "hoverinfo": "skip"}
    fig.add_heatmap(x=axis, y=axis, z=z[-1].astype(np.float32), zmin=0, zmax=top, **quiet | more).was(z=z)


def plane(fig: go.Figure, reach: float) -> None:
    """Axes of planes within ±reach, unseen; every panel keeps its own shape."""
    fig.update_xaxes(visible=False, range=[-reach, reach], constrain="domain")
    fig.update_yaxes(visible=False, range=[-reach, reach], constrain="domain")
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor or "x"))


def mosaic(images: np.ndarray, fill: float = np.nan) -> np.ndarray:
    """Images [..., down, across, height, width] as one picture each, a pixel of `fill` between them, the first row of
    pixels on top (plotly counts rows upward)."""
    *lead, down, across, height, width = images.shape
    padded = np.pad(images, [(0, 0)] * (len(lead) + 2) + [(0, 1), (0, 1)], constant_values=fill)
    whole = np.moveaxis(padded, -3, -2).reshape(*lead, down * (height + 1), across * (width + 1))
    return whole[..., -2::-1, :-1]


def images(fig: Sheet, pictures: np.ndarray, low: float = 0, high: float = 1, **more: Any) -> None:
    """Grey pictures [moment, row, column] from `low` to `high`: the last, the earlier remembered."""
    quiet = {"colorscale": PAPER, "showscale": False, "hoverinfo": "skip"}
    fig.add_heatmap(z=pictures[-1].astype(np.float32), zmin=low, zmax=high, **quiet | more).was(z=pictures)


def album(fig: Sheet, rows: dict[str, np.ndarray], side: int, **place: int) -> None:
    """Rows of square pictures of ink (0 paper, 1 ink), named on the left: name → [moment, picture, pixel], the last
    moment, the earlier remembered."""
    pictures = np.stack(list(rows.values()), 1)
    down, across = pictures.shape[1:3]
    images(fig, 1 - mosaic(pictures.reshape(-1, down, across, side, side)), **place)
    middle = (side + 1) * np.arange(down)[::-1] + (side - 1) / 2
    shape: dict[str, Any] = {"constrain": "domain", **place}
    fig.update_xaxes(visible=False, range=[-0.5, (side + 1) * across - 1.5], **shape)
    shape |= {"scaleanchor": "x", "showgrid": False}
    fig.update_yaxes(tickvals=middle, ticktext=list(rows), range=[-0.5, (side + 1) * down - 1.5], **shape)


def words(fig: Sheet, x: Any, y: Any, said: np.ndarray, where: str, **more: Any) -> None:
    """Texts [moment, place] at x, y: the last, the earlier remembered; they may reach over the edge of a panel."""
    quiet = {"mode": "text", "textposition": where, "hoverinfo": "skip", "cliponaxis": False}
    fig.add_scatter(x=x, y=y, text=said[-1], **quiet | more).was(text=said)


def film(fig: Sheet, result: Any, values: np.ndarray, label: str, cut: Any = ()) -> Sheet:
    """Let a finished run be seen at each of `values`, with what its traces remember; `cut`: the traces that grow with
    them, True for all that remember nothing."""
    if result.complete:
        grown = [i for i in range(len(fig.data)) if i not in fig.stacks] if cut is True else list(cut)
        scrub(fig, values, label, grown, fig.stacks)
        if fig.shots:
            fig.layout.meta["scrub"]["shots"] = {str(i): shots for i, shots in fig.shots.items()}
    return fig


def scrub(
    fig: go.Figure, values: np.ndarray, label: str, cut: list[int], stacks: dict[int, dict[str, np.ndarray]]
) -> None:
    """Let the browser show the figure as it was at each of `values` (epochs, updates), described by `label`.

    cut: indices of traces of which only the points with x ≤ value are shown; a path in a plane says in `meta["clock"]`
        at which value each of its points is reached, and is cut by that.
    stacks: trace index → attribute ("x", "error_x.array", "z", "text") → array [len(values), …] of numbers or texts.
    """
    packed = {str(i): {name: _packed(stack) for name, stack in named.items()} for i, named in stacks.items()}
    fig.layout.meta = (fig.layout.meta or {}) | {
        "scrub": {"values": np.asarray(values).tolist(), "label": label, "cut": cut, "stacks": packed}
    }


def chips(fig: go.Figure, role: str, labels: dict[str, str], active: list[str]) -> None:
    """Buttons over the figure, one per value of the traces' `meta[role]`; those in `active` start switched on."""
    options = [{"id": key, "label": label} for key, label in labels.items()]
    fig.layout.meta = (fig.layout.meta or {}) | {"chips": {"role": role, "options": options, "active": active}}


def aspect(fig: go.Figure, ratio: float, least: int = 0) -> None:
    """Let the height follow the width: height = ratio × width, but not below `least` pixels."""
    fig.layout.meta = (fig.layout.meta or {}) | {"aspect": ratio, "least": least}


def stack(fig: go.Figure) -> None:
    """Let panels that stand side by side stand below each other on a narrow screen."""
    fig.layout.meta = (fig.layout.meta or {}) | {"stack": True}


def classes(fig: go.Figure, x: np.ndarray, y: np.ndarray, word: str, size: int = 5, **more: Any) -> None:
    """Points x [n, 2] by their class; two are in the colours of a map of their probability. `word` stands before the
    class where one points at it."""
    count = int(y.max(initial=1)) + 1
    colours = (style.DIVERGING[0], style.DIVERGING[-1]) if count == 2 else style.PALETTE
    for label, colour, symbol in zip(range(count), colours, ("circle", "diamond", "square", *style.SYMBOLS[3:])):
        mark, tip = marker(colour, symbol, size, 0.8), f"{word} {label}<extra></extra>"
        fig.add_scatter(**xy(x[y == label]), mode="markers", marker=mark, hovertemplate=tip, **more)


def boundary(w: np.ndarray, far: float = 1000.0) -> np.ndarray:
    """Two points [..., 2, 2] far out on the lines where w₁ x + w₂ y + w₃ = 0, w [..., 3]; NaN where there is none."""
    normal, length = w[..., :2], np.linalg.norm(w[..., :2], axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        foot = -w[..., 2:] * normal / length**2
        along = far * np.stack([-normal[..., 1], normal[..., 0]], -1) / length
    return np.stack([foot - along, foot + along], -2)


def heights(fig: go.Figure, x: np.ndarray, y: np.ndarray, z: np.ndarray, **place: int) -> None:
    """Heights z [row, column] over a plane as contour lines on a tint, closer to the lowest places darker."""
    grey = line("rgba(128,128,128,0.55)", 0.7)
    look = {"ncontours": 26, "contours": {"coloring": "heatmap"}, "line": grey, "colorscale": FIELD}
    fig.add_contour(x=x, y=y, z=z.round(3), showscale=False, hoverinfo="skip", **look, **place)


def _packed(stack: np.ndarray) -> dict[str, Any]:
    if stack.dtype.kind in "UO":
        return {"texts": stack.tolist()}
    kind = {"u1": np.uint8}.get(stack.dtype.str[1:], np.float32)
    data = base64.b64encode(np.ascontiguousarray(stack, kind).tobytes()).decode()
    return {"type": "u1" if kind is np.uint8 else "f4", "shape": stack.shape, "data": data}
