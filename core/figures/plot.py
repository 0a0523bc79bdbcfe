"""What figures share: a plain start, and what plotly cannot say by itself.

A figure is an ordinary plotly Figure. In `layout.meta` it may tell the browser
    scrub   how to show an earlier moment of a finished run: which traces are cut at a value of x, and which
            attributes are replaced by one slice of a stack
    aspect  height over width, for pictures of a plane, which must keep their shape on any screen
    least   pixels that such a picture is high at least, where words stand between its parts
    chips   buttons that show or hide traces by a role of theirs (train, validation, test)
The page's chart component acts on them; anywhere else they are ignored.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import style

MARKS = 7  # symbols along a curve, where they help its dash or stand for it
FIELD = [[0, "rgba(55,144,164,0.62)"], [0.5, "rgba(55,144,164,0.28)"], [1, "rgba(55,144,164,0.02)"]]


def figure(height: int = 420, hover: str = "x unified", **layout: Any) -> go.Figure:
    """An empty figure in the lab's look. Its height is in pixels; `hover` is "x unified" for curves, else "closest"."""
    return go.Figure(layout={"template": style.template(hover), "height": height, "uirevision": "keep"} | layout)


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


def bands(fig: go.Figure, x: np.ndarray, seeds: np.ndarray, name: str, look: dict[str, Any], **more: Any) -> None:
    """Mean of `seeds` [seed, x] as a `curve`, lowest to highest as a band; `more` is of all."""
    tint = style.fade(look["line"]["color"], 0.13)
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    if len(seeds) > 1:
        fig.add_scatter(x=x, y=seeds.min(0), **edge, **more)
        fig.add_scatter(x=x, y=seeds.max(0), fill="tonexty", fillcolor=tint, **edge, **more)
    fig.add_scatter(
        x=x,
        y=seeds.mean(0),
        name=name,
        **look | ({"mode": "lines+markers"} if len(x) == 1 else {}),
        hovertemplate="%{y:.3f}",
        **more,
    )


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


def two_classes(fig: go.Figure, x: np.ndarray, y: np.ndarray, word: str, size: int = 5, **place: int) -> None:
    """Points x [n, 2] of the classes 0 and 1, in the colours of a map of their probability; `word` stands before the
    class where one points at it."""
    for label, symbol in ((0, "circle"), (1, "diamond")):
        fig.add_scatter(
            x=x[y == label, 0],
            y=x[y == label, 1],
            mode="markers",
            marker={
                "size": size,
                "symbol": symbol,
                "color": style.DIVERGING[-1 if label else 0],
                "line": {"width": 0.8, "color": "#ffffff"},
            },
            hovertemplate=f"{word} {label}<extra></extra>",
            **place,
        )


def heights(fig: go.Figure, x: np.ndarray, y: np.ndarray, z: np.ndarray, **place: int) -> None:
    """Heights z [row, column] over a plane as contour lines on a tint, closer to the lowest places darker."""
    fig.add_contour(
        x=x,
        y=y,
        z=z.round(3),
        colorscale=FIELD,
        ncontours=26,
        contours={"coloring": "heatmap"},
        line={"width": 0.7, "color": "rgba(128,128,128,0.55)"},
        showscale=False,
        hoverinfo="skip",
        **place,
    )


def _packed(stack: np.ndarray) -> dict[str, Any]:
    if stack.dtype.kind in "UO":
        return {"texts": stack.tolist()}
    kind = {"u1": np.uint8}.get(stack.dtype.str[1:], np.float32)
    data = base64.b64encode(np.ascontiguousarray(stack, kind).tobytes()).decode()
    return {"type": "u1" if kind is np.uint8 else "f4", "shape": stack.shape, "data": data}
