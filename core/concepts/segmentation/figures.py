"""Pictures of segmentation: masks beside scenes, measures, classes, borders, checkerboards, losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concepts.segmentation.losses.params import LOSSES
from core.concepts.segmentation.params import (
    BASELINES,
    CLASSES,
    DISTANCES,
    MEASURES,
    NETS,
    RARE,
    SHOWN,
    SIZE,
    Result,
    Segmented,
)
from core.concepts.segmentation.upsampling.params import UPS
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent

ACCURACY, IOU, BOUNDARY = (MEASURES.index(name) for name in ("accuracy", "iou", "boundary"))
SIGNS = {"bar": "▬", "triangle": "▲", "0": "0", "1": "1"}
GAP = len(CLASSES)  # between pictures
# paper and classes; of every two neighbours in the scale one is light, one dark
COLOURS = ("#80808030", style.PALETTE[0], style.PALETTE[1], style.PALETTE[2], style.PALETTE[6], "#00000000")
STEPS = [[(k + e) / len(COLOURS), colour] for k, colour in enumerate(COLOURS) for e in (0, 1)]


def gallery(part: str, group: str, names: Sequence[str], rules: int = 0) -> Gallery:
    """Of rows that are always these; the last `rules` of them are not trained."""

    def lost(result: Any) -> np.ndarray:
        trained = ~np.isfinite(result.loss[:, :, -1:]).all(-1)
        return np.concatenate([trained, np.zeros((rules, trained.shape[1]), bool)])

    return Gallery(
        "segmentation", lambda r, text: [text.say(f"{group}.{name}") for name in names], f"words.{group}",
        diverged=lost, of=part,
    )  # fmt: skip


HERE, RULED = gallery("", "nets", NETS), gallery("", "nets", (*NETS, *BASELINES), len(BASELINES))
BY_CLASS = gallery("", "classes", CLASSES)
UP, LOSS = gallery("upsampling", "ups", UPS), gallery("losses", "losses", LOSSES)


# Masks beside scenes


def masks(fig: plot.Sheet, pictures: np.ndarray, left: float = 0, **place: Any) -> None:
    """Masks [moment, row, column], each class in its colour, from `left` on: the last, the earlier remembered."""
    look = {"colorscale": STEPS, "zmin": -0.5, "zmax": len(COLOURS) - 0.5, "showscale": False, "hoverinfo": "skip"}
    fig.add_heatmap(z=pictures[-1], x=left + np.arange(pictures.shape[-1]), **look, **place).was(z=pictures)


def signed(fig: plot.Sheet, mask: np.ndarray, left: float = 0, **place: Any) -> None:
    """The sign of its class on every object of a mask [row, column], whose rows count upward."""
    x, y, said = [], [], []
    for c in range(1, len(CLASSES)):
        for rows, columns in regions(mask == c):
            if len(rows) > 9:  # a rest of what lies below another is no object to the eye
                x.append(left + columns.mean())
                y.append(rows.mean())
                said.append(SIGNS[CLASSES[c]])
    font = {"size": 13, "color": "#ffffff", "shadow": "0 0 3px #000000, 0 0 3px #000000"}
    fig.add_scatter(x=x, y=y, text=said, mode="text", textfont=font, **plot.QUIET, **place)


def regions(where: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of every part that hangs together, corners included."""
    left, found = {(int(r), int(c)) for r, c in np.argwhere(where)}, []
    while left:
        part = [left.pop()]
        for r, c in part:
            near = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            part.extend(near)
        found.append((np.array([r for r, _ in part]), np.array([c for _, c in part])))
    return found


def draw_scene(result: Result, language: str) -> go.Figure:
    """Test scenes, their true masks and those found; beside them IoU over training."""
    text = HERE.text(language)
    fig = plot.panels(1, 2, None, 390, column_widths=[0.64, 0.36], horizontal_spacing=0.09)
    left: dict[str, Any] = {"row": 1, "col": 1}
    right: dict[str, Any] = {"row": 1, "col": 2}
    step = SIZE + 2
    plot.images(fig, plot.mosaic(1 - result.scene[None, :, None]), **left)
    truth = plot.mosaic(result.truth[None, :, None], GAP)
    masks(fig, truth, step, **left)
    signed(fig, truth[-1], step, **left)
    for i, said in enumerate(result.said):
        if len(said):
            masks(fig, plot.mosaic(said[:, :, None], GAP), (2 + i) * step, **left)
    heads = [text.say(f"words.{word}") for word in ("scene", "truth")] + [text.say(f"nets.{net}") for net in NETS]
    middle = np.arange(len(heads)) * step + (SIZE - 1) / 2
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    fig.update_xaxes(side="top", tickvals=middle, ticktext=heads, range=[-0.5, 4 * step - 2.5], **axis, **left)
    fig.update_yaxes(visible=False, range=[-0.5, SHOWN * (SIZE + 1) - 1.5], scaleanchor="x", **axis, **left)
    for i, net in enumerate(NETS):
        seeds = result.score[i, :, :, IOU].astype(float)
        plot.bands(fig, result.tick, seeds, text.say(f"nets.{net}"), plot.curve(i), hover="%{y:.2f}", **right)
        fig.data[-1].showlegend = False
        if len(seeds.T):
            label = {"text": text.say(f"nets.{net}"), "font": {"color": style.PALETTE[i]}}
            fig.add_annotation(x=result.tick[-1], y=seeds[:, -1].mean(), xanchor="right", yanchor="bottom",
                               yshift=4, showarrow=False, **label, **right)  # fmt: skip
    for k, rule in enumerate(BASELINES):
        label = {"annotation_text": text.say(f"nets.{rule}"), "annotation_position": "bottom right"}
        height = float(result.base[k, :, IOU].mean())
        fig.add_hline(y=height, line=plot.line(style.AXIS, 2, ("dot", "dash")[k]), **label, **right)
    fig.update_annotations(font_size=12)
    fig.update_yaxes(title=text.say("words.iou"), title_standoff=4, range=[0, 1.02], **right)
    fig.update_xaxes(title=text.say("words.step"), range=[0, 1.03 * result.total], nticks=5, **right)
    fig.update_layout(margin={"l": 4, "r": 8, "t": 26, "b": 40})
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def over(values: np.ndarray, digits: int = 2) -> list[str]:
    """Means over seeds of values [row, seed]."""
    return [f"{mean:.{digits}f}" for mean in values.astype(float).mean(1)]


def summary_scene(result: Result, language: str) -> str:
    text = HERE.text(language)
    if not len(result.tick):
        return text.say("summaries.later")
    numbers = dict(zip(NETS, over(result.score[:, :, -1, IOU]))) | dict(zip(BASELINES, over(result.base[:, :, IOU])))
    half = plot.over_seeds(result.score[1, :, -1, IOU][None])[1][0]
    numbers["half"] = f" ± {half:.2f}" if np.isfinite(half) else ""
    return text.say("summaries.scene", step=int(result.tick[-1]), **numbers)


def table_scene(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, Any] = {"words.step": result.tick}
    for i, net in enumerate(NETS):
        mean, half = plot.over_seeds(result.score[i, :, :, IOU].T)
        columns |= {f"nets.{net}": mean.round(4), f"± 95 %{' ' * i}": half.round(4)}
    return HERE.frame(language, columns)


# Measures, classes, borders


def everyone(result: Any, measure: int) -> np.ndarray:
    """A measure of networks and rules, [row, seed], in the end."""
    return np.concatenate([result.score[:, :, -1, measure], result.base[:, :, measure]])


def ranged(fig: plot.Sheet, result: Any, text: Any) -> None:
    fig.update_xaxes(range=[-0.04, 1.06], dtick=0.5)


MEASURED = RULED.later(
    kinds.intervals(
        RULED, "measures", lambda r: {name: everyone(r, MEASURES.index(name)) for name in MEASURES},
        RULED.saying("summaries.measures", accuracy=lambda r: over(everyone(r, ACCURACY)),
                     iou=lambda r: over(everyone(r, IOU)), boundary=lambda r: over(everyone(r, BOUNDARY))),
        finish=ranged,
    )
)  # fmt: skip


def by_class(i: int) -> Any:
    return lambda r: r.by_class[i, :, -1].T


EACH_CLASS = BY_CLASS.later(
    kinds.intervals(
        BY_CLASS, "classes", lambda r: {f"class_{net}": by_class(i)(r) for i, net in enumerate(NETS)},
        BY_CLASS.saying("summaries.classes", without=lambda r: over(by_class(0)(r)),
                        found=lambda r: over(by_class(1)(r)), pixels=lambda r: [percent(v) for v in r.pixels]),
        finish=ranged,
    )
)  # fmt: skip


def sides(result: Any) -> tuple[np.ndarray, np.ndarray]:
    mean = np.nanmean(result.wrong[:, :, -1].astype(float), 1)
    return mean[:, 0], mean[:, -1]


BORDER = HERE.later(
    kinds.swept(
        HERE, "border", "distance", lambda r: np.array(DISTANCES), lambda r: {"wrong": r.wrong[:, :, -1]},
        HERE.saying("summaries.border", beside=lambda r: [percent(v) for v in sides(r)[0]],
                    far=lambda r: [percent(v) for v in sides(r)[1]]),
        marked=True, height=390, finish=lambda fig, r, text: (
            fig.update_xaxes(tickvals=DISTANCES, ticktext=[*map(str, DISTANCES[:-1]), f"≥ {DISTANCES[-1]}"]),
            fig.update_yaxes(tickformat=".0%", rangemode="tozero")),
    )
)  # fmt: skip


# Doubling, losses


DOUBLING = UP.later(
    kinds.intervals(
        UP, "upsampling",
        lambda r: {"iou": r.score[:, :, -1, IOU], "boundary": r.score[:, :, -1, BOUNDARY], "board": r.board[:, :, -1]},
        UP.saying("summaries.upsampling", boundary=lambda r: over(r.score[:, :, -1, BOUNDARY]),
                  board=lambda r: over(r.board[:, :, -1], 3)),
    )
)  # fmt: skip
EVEN = 0.3  # deviations that are black or white
BOARDS = pictures.images(
    UP, "boards", lambda r: r.flat[:, :, None, None],
    lambda r, language: UP.table(
        r, language, kinds.interval_columns(UP.text(language), {"board": r.board[:, :, -1]}) if len(r.tick) else None),
    UP.saying("summaries.boards", board=lambda r: over(r.board[:, :, -1], 3)),
    scale=(-EVEN, EVEN), ratio=1.15, when=("step", lambda r: r.tick),
)  # fmt: skip
LOST = LOSS.later(
    kinds.intervals(
        LOSS, "losses",
        lambda r: {"accuracy": r.score[:, :, -1, ACCURACY], "iou": r.score[:, :, -1, IOU],
                   "rare": r.by_class[:, :, -1, CLASSES.index(RARE)], "found": r.recall[:, :, -1, CLASSES.index(RARE)]},
        LOSS.saying("summaries.losses", iou=lambda r: over(r.score[:, :, -1, IOU]),
                    rare=lambda r: over(r.by_class[:, :, -1, CLASSES.index(RARE)])),
        finish=ranged,
    )
)  # fmt: skip


# By hand


def draw_segmented(found: Segmented, language: str) -> go.Figure:
    text, side = HERE.text(language), len(found.picture)
    heads = [text.say("words.scene"), *(text.say(f"nets.{net}") for net in NETS)]
    fig, places = plot.grid(heads, len(heads), 0.03, 0.1)
    plot.images(fig, 1 - found.picture[None, ::-1], **places[0])
    for mask, place in zip(found.said[:, ::-1], places[1:]):
        masks(fig, mask[None], **place)
        signed(fig, mask, **place)
    fig.update_xaxes(visible=False, range=[-0.5, side - 0.5], constrain="domain")
    fig.update_yaxes(visible=False, range=[-0.5, side - 0.5], constrain="domain")
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
    plot.bare(fig)
    plot.aspect(fig, 0.4)
    return fig


def summary_segmented(found: Segmented, language: str) -> str:
    text = HERE.text(language)
    each = [f"{text.say(f'classes.{name}')} {np.sum(found.said[1] == c)}" for c, name in enumerate(CLASSES) if c]
    return text.say("summaries.segmented", listed=text.listed(each), side=len(found.picture))


FIGURES = (
    *HERE.figures(Figure("scene", draw_scene, table_scene, summary_scene)),
    *RULED.figures(MEASURED),
    *HERE.figures(BORDER, EACH_CLASS),
    *UP.figures(DOUBLING, BOARDS),
    *LOSS.figures(LOST),
)
