"""Pictures of one-shot learning: pairs of strangers before and after training, galleries, losses, identities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.one_shot.identities.params import LADDER
from core.concepts.one_shot.identities.params import ROWS as KNOWN
from core.concepts.one_shot.losses.params import ROWS as NETS
from core.concepts.one_shot.params import (
    EDGES,
    GALLERY,
    PLACES,
    ROWS,
    SIZE,
    Compared,
    Result,
    strangers,
    ways,
)
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent

PAIRS = ("same", "different")
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2
STEP = ("step", lambda r: r.tick)


def gallery(group: str, names: Sequence[str], part: str = "") -> Gallery:
    """Of rows that are always these."""
    return Gallery(
        "one_shot", lambda r, text: [text.say(f"{group}.{name}") for name in names], f"words.{group}",
        diverged=lambda r: ~np.isfinite(r.loss).all(-1).reshape(1, -1), of=part,
    )  # fmt: skip


HERE, PAIR, COURSE = gallery("rows", ROWS), gallery("pairs", PAIRS), gallery("sets", KNOWN)
NET, COUNT = gallery("nets", NETS, "losses"), gallery("sets", KNOWN, "identities")


def mean(seeds: Any) -> str:
    value = float(np.mean(np.asarray(seeds, float)))
    return f"{value:.3f}" if np.isfinite(value) else "–"


# Pairs of strangers


def crowd(
    fig: plot.Sheet, heights: np.ndarray, taken: np.ndarray, refused: np.ndarray, text: Text, **place: Any
) -> None:
    """Densities [moment, pair, bin] of distances over the threshold, what is on the wrong side of it filled, with the
    shares that are: [moment] each."""
    for k, name in enumerate(PAIRS):
        colour, wrong = style.PALETTE[k], MIDDLES < 1 if k else MIDDLES > 1
        said, group = text.say(f"pairs.{name}"), {"legendgroup": name}
        own = heights[:, k]
        look = {"mode": "lines", "line": plot.line(colour, 2.2, style.DASHES[k]) | {"shape": "hvh"}}
        fig.add_scatter(x=MIDDLES, y=own[-1], name=said, hovertemplate="%{y:.2f}", **look, **group, **place)
        fig.data[-1].showlegend = place["col"] == 2
        fig.was(y=own)
        inside = np.where(wrong, own, 0.0)
        fill = {"fill": "tozeroy", "fillcolor": style.fade(colour, 0.45), "line": {"width": 0, "shape": "hvh"}}
        fig.add_scatter(x=MIDDLES, y=inside[-1], mode="lines", **fill, **plot.QUIET, **group, **place).was(y=inside)
    top = 1.3 * max(float(np.nanmax(heights, initial=0)), 0.1)
    for word, shares, row, y in (("taken", taken, 1, 0.94), ("refused", refused, 0, 0.85)):
        label = np.array([[f"{percent(float(share))} {text.say(f'words.{word}')}"] for share in shares])
        font = {"size": 11, "color": style.PALETTE[row]}
        plot.words(fig, [1.08], [y * top], label, "middle right", textfont=font, showlegend=False, **place)
    fig.update_yaxes(range=[0, top], **place)
    fig.add_vline(x=1, line=plot.line(style.AXIS, 2, "dot"), **place)


def draw_pairs(result: Result, language: str) -> go.Figure:
    """Writings of identities that are in no training set; distances of their pairs before training, and by then."""
    text = HERE.text(language)
    titles = [text.say(f"words.{word}") for word in ("strangers", "before", "after")]
    if result.params.test == "seen":
        titles[0] = text.say("words.acquaintances")
    fig = plot.panels(1, 3, titles, 390, "x unified", column_widths=[0.25, 0.37, 0.38], horizontal_spacing=0.03)
    plot.images(fig, 1 - plot.mosaic(result.picture.astype(float))[None], row=1, col=1)
    down, across = ((SIZE + 1) * n for n in result.picture.shape[:2])
    shape: dict[str, Any] = {"visible": False, "constrain": "domain", "row": 1, "col": 1}
    fig.update_xaxes(range=[-0.5, across - 1.5], **shape)
    fig.update_yaxes(range=[-0.5, down - 1.5], scaleanchor="x", **shape)
    if len(result.tick):
        heights, (taken, refused) = result.histogram.mean(0), (v.mean(0) for v in (result.taken, result.refused))
        crowd(fig, heights[:1], taken[:1], refused[:1], text, row=1, col=2)
        crowd(fig, heights, taken, refused, text, row=1, col=3)
    for col in (2, 3):
        fig.update_xaxes(title=text.say("words.over"), range=[0, EDGES[-1]], dtick=1, row=1, col=col)
        fig.update_yaxes(showticklabels=False, row=1, col=col)
    fig.update_layout(margin={"l": 4, "r": 8, "b": 66}, legend={"x": 0.34, "y": -0.17, "yanchor": "top"})
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_pairs(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, Any] = {"words.step": result.tick}
    for name in ("said", "taken", "refused", "threshold", "oneshot", "area", "loss"):
        columns[f"words.{name}"] = getattr(result, name).astype(float).mean(0).round(4)
    return HERE.frame(language, columns)


def summary_pairs(result: Result, language: str) -> str:
    text, p = HERE.text(language), result.params
    if not len(result.tick):
        return text.say("summaries.later")
    numbers: dict[str, Any] = {
        name: percent(float(getattr(result, name)[:, -1].mean())) for name in ("taken", "refused")
    }
    numbers |= {name: mean(getattr(result, name)[:, -1]) for name in ("said", "fair", "oneshot")}
    numbers |= {"pixels": mean(result.pixels[:, 1]), "untrained": mean(result.oneshot[:, 0]), "ways": ways(p)}
    numbers |= {"step": int(result.tick[-1]), "chance": f"{1 / ways(p):.2f}"}
    return text.say(f"summaries.pairs_{p.test}", **numbers)


# What else is measured of strangers


def finish_gallery(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Thin: guessing."""
    sizes = [size for size in GALLERY if size <= strangers(result.params)]
    look = {"mode": "lines", "line": plot.line(style.AXIS, 1.5, "longdashdot"), "name": text.say("words.chance")}
    fig.add_scatter(x=sizes, y=[1 / size for size in sizes], hovertemplate="%{y:.3f}", **look, row=1, col=1)
    fig.update_xaxes(type="log", tickvals=GALLERY, ticktext=[f"{size}" for size in GALLERY])
    fig.update_yaxes(range=[0, 1.02])
    titled(fig, result, text)


def at_gallery(result: Result, name: str, place: int) -> np.ndarray:
    return getattr(result, name)[:, :, -1, place].astype(float).mean(1)


def largest(result: Result) -> int:
    """The place of the largest gallery that there is."""
    return max(k for k, size in enumerate(GALLERY) if size <= strangers(result.params))


def summary_gallery(result: Result, language: str) -> str:
    place = largest(result)
    few, many, inside = (at_gallery(result, *which) for which in (
        ("identified", 0), ("identified", place), ("stranger", place)))  # fmt: skip

    def row(i: int) -> dict[str, Any]:
        sizes = {"small": GALLERY[0], "large": GALLERY[place]}
        return sizes | {"few": mean(few[i]), "many": mean(many[i]), "inside": percent(inside[i])}

    return HERE.each(result, language, "summaries.gallery", row)


def finish_roc(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Thin: guessing."""
    look = {"mode": "lines", "line": plot.line(style.AXIS, 1.5, "longdashdot"), "name": text.say("words.chance")}
    fig.add_scatter(x=[0, 1], y=[0, 1], hoverinfo="skip", **look)
    fig.update_yaxes(range=[0, 1.02])
    fig.update_xaxes(range=[-0.01, 1.02])


def kept_at(taken: float) -> Callable[[Any], list[str]]:
    return lambda r: [percent(v) for v in r.roc[:, :, -1, round(taken * (PLACES - 1))].mean(1)]


def of_course(result: Result) -> dict[str, np.ndarray]:
    def rows(unseen: np.ndarray, seen: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        return np.stack([unseen, seen, np.broadcast_to(pixels[:, None], unseen.shape)])

    return {
        "oneshot": rows(result.oneshot, result.oneshot_seen, result.pixels[:, 1]),
        "area": rows(result.area, result.area_seen, result.pixels[:, 0]),
    }


def last(name: str) -> Callable[[Any], list[str]]:
    return lambda r: [mean(row[:, -1]) for row in of_course(r)[name]]


def by_net(result: Any) -> dict[str, np.ndarray]:
    """… [row, seed]; distances of untrained networks are those they begin with, pixels have another unit."""
    far = result.apart[..., -1, 1]
    far = np.concatenate([far, result.apart[1:2, :, 0, 1], np.full_like(far[:1], np.nan)])
    return {"oneshot": result.oneshot[..., -1], "area": result.area[..., -1], "distance": far}


def finish_losses(fig: plot.Sheet, result: Any, text: Text) -> None:
    """Thin: guessing."""
    for col, x in ((1, 1 / ways(result.params)), (2, 0.5)):
        fig.add_vline(x=x, line=plot.line(style.AXIS, 1.5, "dot"), row=1, col=col)


def by_count(result: Any) -> dict[str, np.ndarray]:
    return {name: getattr(result, name)[..., -1].transpose(0, 2, 1) for name in ("oneshot", "area")}


def titled(fig: plot.Sheet, result: Any, text: Text) -> None:
    """Room between the legend and the titles of panels."""
    fig.update_layout(legend={"y": 1.12})


def finish_counts(fig: plot.Sheet, result: Any, text: Text) -> None:
    titled(fig, result, text)
    fig.update_xaxes(type="log", tickvals=LADDER, ticktext=[f"{n}" for n in LADDER])


def at_count(place: int) -> Callable[[Any], list[str]]:
    return lambda r: [mean(row) for row in r.oneshot[:, place, :, -1]]


# Two pictures by hand


def draw_compared(found: Compared, language: str) -> go.Figure:
    """Both pictures; below, their distance over the threshold."""
    text = HERE.text(language)
    fig = plot.panels(1, 2, [text.say("params.enrolled"), text.say("params.again")], 300, "closest")
    for k, picture in enumerate(found.picture):
        plot.images(fig, 1 - picture[None, ::-1], row=1, col=k + 1)
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, constrain="domain")
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
    return fig


def summary_compared(found: Compared, language: str) -> str:
    key = "same" if found.distance[0] <= 1 else "different"
    return HERE.text(language).say(f"summaries.compared_{key}", over=mean(found.distance), pixels=mean(found.pixels))


FIGURES = (
    *HERE.figures(
        Figure("pairs", draw_pairs, table_pairs, summary_pairs),
        HERE.later(kinds.swept(
            HERE, "gallery", "gallery", lambda r: np.array(GALLERY),
            lambda r: {name: getattr(r, name)[:, :, -1] for name in ("identified", "stranger")},
            summary_gallery, marked=True, side=True, finish=finish_gallery,
        )),
        HERE.later(kinds.swept(
            HERE, "roc", "wrongly", lambda r: np.linspace(0, 1, PLACES), lambda r: {"kept": r.roc[:, :, -1]},
            HERE.saying("summaries.roc", strict=kept_at(0.01), loose=kept_at(0.1)), height=400, finish=finish_roc,
            table=kinds.means(HERE, "wrongly", lambda r: np.linspace(0, 1, PLACES), lambda r: {"kept": r.roc[:, :, -1]},
                              most=11),
        )),
    ),
    *NET.figures(
        NET.later(kinds.intervals(
            NET, "losses", by_net,
            NET.saying("summaries.losses", oneshot=lambda r: [mean(row) for row in by_net(r)["oneshot"]]),
            finish=finish_losses,
        )),
    ),
    *COUNT.figures(
        COUNT.later(kinds.swept(
            COUNT, "identities", "identities", lambda r: np.array(LADDER), by_count,
            COUNT.saying("summaries.identities", few=at_count(0), many=at_count(-1)),
            marked=True, height=400, side=True, finish=finish_counts,
        )),
    ),
    *PAIR.figures(
        kinds.curves(
            PAIR, "collapse", "step", lambda r: r.tick, lambda r: {"distance": r.apart.transpose(2, 0, 1)},
            PAIR.saying("summaries.collapse", start=lambda r: [mean(v[:, :1]) for v in r.apart.transpose(2, 0, 1)],
                        end=lambda r: [mean(v[:, -1:]) for v in r.apart.transpose(2, 0, 1)]),
            marked=True, height=400, finish=lambda fig, r, text: fig.update_yaxes(rangemode="tozero"),
        ),
    ),
    *COURSE.figures(
        kinds.curves(
            COURSE, "course", "step", lambda r: r.tick, of_course,
            COURSE.saying("summaries.course", oneshot=last("oneshot"), area=last("area")), marked=True, side=True,
            height=400, finish=titled,
        ),
    ),
)  # fmt: skip
