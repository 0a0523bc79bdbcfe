"""Pictures of object detection: boxes on scenes, what they are worth, suppression, landmarks, targets, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concepts.object_detection.overlap.params import SHIFTS
from core.concepts.object_detection.params import (
    BELIEVED,
    CLASSES,
    CONFIDENCES,
    HITS,
    OUTCOMES,
    SIZE,
    SUPPRESS,
    THRESHOLDS,
    WAYS,
    Detected,
    Result,
)
from core.concepts.object_detection.targets.params import KINDS, NETS
from core.concepts.object_detection.window.params import STRIDE, WINDOW
from core.concepts.object_detection.window.params import WAYS as SLIDES
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery
from core.ml.boxes import DEFINITIONS, nms

BANDS = {"high": (0.75, 1.01, "solid"), "middle": (0.5, 0.75, "dash"), "low": (0.25, 0.5, "dot")}  # of scores
SIGNS = {"triangle": "▲", "bar": "▬", "square": "■", "disc": "●"}
BOX, TRUE = style.PALETTE[1], style.PALETTE[0]
SEEN = 3  # scenes of figures that have something beside them


def gallery(part: str, group: str, names: Sequence[Any]) -> Gallery:
    """Of rows that are always these."""
    return Gallery(
        "object_detection", lambda r, text: [text.say(f"{group}.{name}") for name in names], f"words.{group}",
        diverged=None if part else lost, of=part,
    )  # fmt: skip


def lost(result: Any) -> np.ndarray:
    """Whose training diverged, as one row."""
    return ~np.isfinite(result.loss).all((1, 2))[None] if result.loss.size else np.zeros((1, 0), bool)


HERE = gallery("", "rows", ("detector",))
BY_CLASS = gallery("", "classes", CLASSES)
WAY, DEFINED = gallery("", "ways", WAYS), gallery("", "definitions", DEFINITIONS)
MARKED = gallery("", "heads", ("head", "middle"))
NET, SLIDE = gallery("targets", "nets", NETS), gallery("window", "slides", SLIDES)
TWO = gallery("overlap", "params", ("one", "other"))


def sign(label: float) -> str:
    """A class as it stands beside its box."""
    name = CLASSES[int(label)]
    return SIGNS.get(name, name)


# Boxes on scenes


def canvas(fig: plot.Sheet, picture: np.ndarray, **place: Any) -> None:
    """A scene, ink dark, its first row on top."""
    plot.images(fig, 1 - picture[None], **place)


def upright(fig: plot.Sheet, side: int, **place: Any) -> None:
    """Axes of a scene, unseen, rows counting downward, pixels square."""
    axis: dict[str, Any] = {"visible": False, "constrain": "domain"}
    fig.update_xaxes(range=[-0.5, side - 0.5], **axis, **place)
    fig.update_yaxes(range=[side - 0.5, -0.5], **axis, **place)
    name = fig.data[-1].yaxis or "y"
    fig.update_yaxes(scaleanchor=name.replace("y", "x"), **place)


def outline(box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [..., n, 4] as one line with gaps [..., 6 n]; pixel k reaches from k − ½ to k + ½."""
    left, top, right, bottom = np.moveaxis(box.astype(float) - 0.5, -1, 0)
    gap = np.full_like(left, np.nan)
    x, y = np.stack([left, right, right, left, left, gap], -1), np.stack([top, top, bottom, bottom, top, gap], -1)
    return x.reshape(*box.shape[:-2], -1), y.reshape(*box.shape[:-2], -1)


def named(six: np.ndarray) -> np.ndarray:
    """Class and score beside the first corner of every box [..., n, 6], nothing at its other points."""
    said = np.full((*six.shape[:-1], 6), "", object)
    for at in zip(*np.nonzero(np.isfinite(six[..., 4]))):
        said[(*at, 0)] = f"{sign(six[at][4])} {100 * six[at][5]:.0f}"
    return said.reshape(*six.shape[:-2], -1).astype(str)


def boxes(fig: plot.Sheet, six: np.ndarray, colour: str, dash: str, **more: Any) -> None:
    """Boxes [moment, n, 6] with what they say: the last moment, the earlier remembered."""
    (x, y), said = outline(six[..., :4]), named(six)
    look = {"mode": "lines+text", "line": plot.line(colour, 2.2, dash), "textposition": "top right"}
    font = {"textfont": {"size": 11, "color": colour}, "cliponaxis": False}
    fig.add_scatter(x=x[-1], y=y[-1], text=said[-1], **look, **font, **plot.QUIET, **more).was(x=x, y=y, text=said)


def true_boxes(fig: plot.Sheet, five: np.ndarray, **place: Any) -> None:
    x, y = outline(five[five[:, 4] >= 0, :4])
    fig.add_scatter(
        x=x, y=y, mode="lines", line=plot.line(TRUE, 1.6, "longdashdot"), opacity=0.7, **plot.QUIET, **place
    )


def draw_scene(result: Result, language: str) -> go.Figure:
    """Test scenes with true boxes and those found, by score; beside them average precision over training."""
    text = HERE.text(language)
    specs = [[{}, {}, {}, {"rowspan": 2}], [{}, {}, {}, None]]
    sizes: dict[str, Any] = {"column_widths": [0.22, 0.22, 0.22, 0.34], "horizontal_spacing": 0.03}
    fig = plot.panels(2, 4, None, 390, specs=specs, vertical_spacing=0.05, **sizes)
    for i, picture in enumerate(result.scene):
        place: dict[str, Any] = {"row": 1 + i // 3, "col": 1 + i % 3}
        canvas(fig, picture, **place)
        upright(fig, SIZE, **place)
        true_boxes(fig, result.truth[i], **place)
        if len(result.found):
            six = result.found[:, i].astype(float)
            for band, (low, high, dash) in BANDS.items():
                mine = np.where(((six[..., 5] >= low) & (six[..., 5] < high))[..., None], six, np.nan)
                boxes(fig, mine, BOX, dash, meta={"score": band}, **place)
    right: dict[str, Any] = {"row": 1, "col": 4}
    name = text.say("rows.detector")
    plot.bands(fig, result.tick, result.ap.astype(float), name, plot.curve(1, "solid", marked=True), **right)
    fig.data[-1].showlegend = False
    label = {"annotation_text": text.say("words.rule"), "annotation_position": "bottom right"}
    fig.add_hline(y=float(result.rule.mean()), line=plot.line(style.AXIS, 2, "dot"), **label, **right)
    fig.update_annotations(font_size=11)
    fig.update_yaxes(title=text.say("words.ap"), title_standoff=4, range=[0, 1.02], **right)
    fig.update_xaxes(title=text.say("words.step"), range=[0, 1.05 * result.total], nticks=5, domain=[0.75, 1], **right)
    fig.update_layout(margin={"l": 4, "r": 8, "t": 14}, showlegend=False)
    plot.chips(fig, "score", {band: text.say(f"scores.{band}") for band in BANDS}, ["high", "middle"])
    return plot.film(fig, result, result.tick, text.say("words.step"))


def interval(seeds: np.ndarray, digits: int = 2) -> dict[str, str]:
    """Mean and half of its interval in words."""
    (mean,), (half,) = plot.over_seeds(np.asarray(seeds, float)[None])
    return {"mean": f"{mean:.{digits}f}", "half": f"{half:.{digits}f}" if np.isfinite(half) else "–"}


def summary_scene(result: Result, language: str) -> str:
    if not len(result.ap.T):
        return HERE.text(language).say("summaries.later")
    numbers = interval(result.ap[:, -1]) | {"rule": f"{result.rule.mean():.2f}", "step": int(result.tick[-1])}
    return HERE.text(language).say("summaries.scene", **numbers)


def table_scene(result: Result, language: str) -> pd.DataFrame:
    mean, half = plot.over_seeds(result.ap.T)
    parts = {
        f"words.{name}_loss": result.loss[..., k].mean(0).round(4) for k, name in enumerate(("object", "box", "class"))
    }
    return HERE.frame(language, {"words.step": result.tick, "words.ap": mean.round(4), "± 95 %": half.round(4)} | parts)


# Suppression on the same scenes


def remaining(result: Result) -> np.ndarray:
    """What suppression leaves of all boxes at every threshold, and before: [threshold, scene, box, 6]."""
    raw = result.raw[-1].astype(float)
    found = np.repeat(raw[None], len(THRESHOLDS) + 1, 0)
    for s, six in enumerate(raw):
        there = np.flatnonzero(np.isfinite(six[:, 5]))
        for t, threshold in enumerate(THRESHOLDS):
            stays = there[nms(six[there, :4], six[there, 5], threshold, six[there, 4])]
            found[t, s, np.setdiff1d(there, stays)] = np.nan
    return found


def draw_nms(result: Result, language: str) -> go.Figure:
    text, left = HERE.text(language), remaining(result)
    fig, places = plot.grid([""] * SEEN, SEEN, 0.02, 0.05)
    for i, place in enumerate(places):
        canvas(fig, result.scene[i], **place)
        upright(fig, SIZE, **place)
        six = left[:, i]
        (x, y), at = outline(six[..., :4]), THRESHOLDS.index(SUPPRESS)
        look = {"mode": "lines", "line": plot.line(BOX, 1.6)}
        fig.add_scatter(x=x[-1], y=y[-1], **look, **plot.QUIET, **place).was(x=x, y=y)
        ghost = np.where(np.isfinite(six[at][:, 5:]), np.nan, six[-1])
        gx, gy = outline(ghost[:, :4])
        fig.add_scatter(x=gx, y=gy, mode="lines", line=plot.line(style.AXIS, 1, "dot"), **plot.QUIET, **place)
    plot.bare(fig)
    plot.aspect(fig, 0.36)
    return plot.film(fig, result, np.array([*THRESHOLDS, 1.0]), text.say("words.threshold"))


def counts(result: Result) -> np.ndarray:
    return np.isfinite(remaining(result)[..., 5]).sum((1, 2))


def table_nms(result: Result, language: str) -> pd.DataFrame:
    return HERE.frame(language, {"words.threshold": [*THRESHOLDS, 1.0], "words.boxes": counts(result)})


def summary_nms(result: Result, language: str) -> str:
    found = counts(result)
    at = THRESHOLDS.index(SUPPRESS)
    return HERE.text(language).say("summaries.nms", before=int(found[-1]), after=int(found[at]))


NMS = HERE.later(Figure("nms", draw_nms, table_nms, summary_nms))
SUPPRESSED = WAY.later(
    kinds.swept(
        WAY, "suppress", "threshold", lambda r: np.array(THRESHOLDS),
        lambda r: {"ap": r.suppressed[:, -1].transpose(1, 0, 2)},
        WAY.saying("summaries.suppress", half=lambda r: by_way(r, SUPPRESS), loose=lambda r: by_way(r, THRESHOLDS[-1])),
        marked=True, height=400,
    )
)  # fmt: skip


def by_way(result: Any, threshold: float) -> list[str]:
    return [f"{v:.2f}" for v in result.suppressed[:, -1, :, THRESHOLDS.index(threshold)].astype(float).mean(0)]


# Precision, recall, mistakes


PRECISION = HERE.later(
    kinds.swept(
        HERE, "pr", "recall", lambda r: kinds.GRID, lambda r: {"precision": r.precision[None, :, -1]},
        lambda r, language: HERE.text(language).say("summaries.pr", **pr_numbers(r)), height=400,
        finish=lambda fig, r, text: fig.update_yaxes(range=[0, 1.02]),
    )
)  # fmt: skip


def pr_numbers(result: Any) -> dict[str, str]:
    mean = result.precision[:, -1].astype(float).mean(0)
    return {f"at_{k}": f"{mean[k]:.2f}" for k in (50, 80, 95)}


def by_confidence(result: Any) -> dict[str, np.ndarray]:
    return {name: result.outcome[:, -1, :, k] for k, name in enumerate(OUTCOMES[:-1])}


def summary_outcomes(result: Any, language: str) -> str:
    mean = result.outcome[:, -1, CONFIDENCES.index(BELIEVED)].astype(float).mean(0)
    numbers = {name: f"{v:.2f}" for name, v in zip(OUTCOMES, mean)}
    return HERE.text(language).say("summaries.outcomes", confidence=BELIEVED, **numbers)


MISTAKEN = HERE.later(
    kinds.bars(HERE, "outcomes", "confidence", lambda r: np.array(CONFIDENCES), by_confidence, summary_outcomes,
               line=lambda r: ("missed", r.outcome[:, -1, :, -1]))
)  # fmt: skip
EACH_CLASS = BY_CLASS.later(
    kinds.intervals(
        BY_CLASS, "classes", lambda r: {"ap": r.by_class[:, -1].T},
        lambda r, language: BY_CLASS.most_and_least(
            r, language, "summaries.classes", r.by_class[:, -1].astype(float).mean(0), "{:.2f}".format),
    )
)  # fmt: skip
AVERAGES = DEFINED.later(
    kinds.intervals(
        DEFINED, "definitions", lambda r: {f"level_{k}": r.defined[:, -1, :, k].T for k in range(len(HITS))},
        DEFINED.saying("summaries.definitions", **{
            f"level_{k}": lambda r, k=k: [f"{v:.3f}" for v in r.defined[:, -1, :, k].astype(float).mean(0)]
            for k in range(len(HITS))}),
    )
)  # fmt: skip


# Landmarks


def draw_landmarks(result: Result, language: str) -> go.Figure:
    """Of every box that stays and is believed its four landmarks, two lines across."""
    fig, places = plot.grid([""] * SEEN, SEEN, 0.02, 0.05)
    stays = remaining(result)[THRESHOLDS.index(SUPPRESS)]
    for i, place in enumerate(places):
        canvas(fig, result.scene[i], **place)
        upright(fig, SIZE, **place)
        believed = stays[i, :, 5] >= BELIEVED
        x, y = outline(stays[i, believed, :4])
        fig.add_scatter(x=x, y=y, mode="lines", line=plot.line(BOX, 1.2, "dot"), **plot.QUIET, **place)
        points = result.mark[-1, i, believed].reshape(-1, 4, 2).astype(float) - 0.5
        for k in range(4):
            fig.add_scatter(**plot.xy(points[:, k]), mode="markers", marker=plot.mark(k + 2, 9), **plot.QUIET, **place)
    plot.bare(fig)
    plot.aspect(fig, 0.36)
    return fig


MARKS = MARKED.later(
    Figure(
        "landmarks", draw_landmarks,
        lambda r, language: MARKED.table(
            r, language, kinds.interval_columns(MARKED.text(language), {"off": r.landmark[:, -1].T})),
        MARKED.saying("summaries.landmarks", off=lambda r: [f"{v:.2f}" for v in r.landmark[:, -1].mean(0)]),
    )
)  # fmt: skip


# Who says what, windows


TARGETS = NET.later(
    kinds.intervals(
        NET, "targets", lambda r: {kind: r.ap[:, -1, k] for k, kind in enumerate(KINDS)},
        NET.saying("summaries.targets", **{
            kind: lambda r, k=k: [f"{v:.2f}" for v in r.ap[:, -1, k].astype(float).mean(1)]
            for k, kind in enumerate(KINDS)}),
        finish=lambda fig, r, text: fig.update_xaxes(range=[-0.03, 1.05], dtick=0.5),
    )
)  # fmt: skip


def draw_window(result: Any, language: str) -> go.Figure:
    """A scene, the window where it is surest, and the map of all its places."""
    text = SLIDE.text(language)
    fig, (left, right) = plot.grid([text.say("words.surest"), text.say("words.map")], 2, 0.06, 0.12)
    canvas(fig, result.scene, **left)
    upright(fig, SIZE, **left)
    true_boxes(fig, result.truth, **left)
    seen = result.map[-1].astype(float)
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    corner = STRIDE * np.array([column, row], float)
    x, y = outline(np.r_[corner, corner + WINDOW][None])
    fig.add_scatter(x=x, y=y, mode="lines", line=plot.line(BOX, 2.5), **plot.QUIET, **left)
    look = {"colorscale": style.colorscale(style.SEQUENTIAL), "showscale": False, "texttemplate": "%{z:.2f}"}
    fig.add_heatmap(z=seen.astype(np.float32), zmin=0, zmax=1, hoverinfo="skip", xgap=1, ygap=1, **look, **right)
    upright(fig, len(seen), **right)
    plot.bare(fig)
    plot.aspect(fig, 0.54)
    return fig


def table_window(result: Any, language: str) -> pd.DataFrame:
    columns = {
        "words.products": result.products,
        "words.milliseconds": (1000 * result.seconds[..., -1].mean(1)).round(2),
    }
    return SLIDE.table(result, language, columns)


def summary_window(result: Any, language: str) -> str:
    slow, quick = result.seconds[..., -1].mean(1)
    numbers = {"gap": f"{result.difference.max():.1g}", "times": f"{result.products[0] / result.products[1]:.1f}"}
    numbers |= {"quicker": f"{slow / quick:.1f}", "best": f"{result.best.mean():.2f}"}
    strict, loose = result.ap[:, -1].astype(float).mean(0)
    return SLIDE.text(language).say("summaries.window", strict=f"{strict:.2f}", loose=f"{loose:.2f}", **numbers)


# Overlap


def draw_overlap(result: Any, language: str) -> go.Figure:
    """Two boxes whose corners can be dragged; beside them IoU when the second one moves across."""
    text = TWO.text(language)
    fig = plot.panels(1, 2, None, 390, column_widths=[0.5, 0.5], horizontal_spacing=0.12)
    for i, name in enumerate(("one", "other")):
        x, y = outline(result.box[i][None])
        fill = {"fill": "toself", "fillcolor": style.fade(style.PALETTE[i], 0.2)}
        look = {"mode": "lines", "line": plot.line(style.PALETTE[i], 2, style.DASHES[i])} | plot.QUIET
        fig.add_scatter(x=x[:5], y=y[:5], **look, **fill, row=1, col=1)
        points = np.array(getattr(result.params, name), float)
        fig.add_scatter(
            x=points[:, 0] - 0.5, y=SIZE - points[:, 1] - 0.5, mode="markers", marker=plot.mark(i, 14), name=name,
            customdata=["0", "1"], meta={"drags": True}, showlegend=False,
            hovertemplate=f"{text.say(f'params.{name}')}<extra></extra>", row=1, col=1,
        )  # fmt: skip
    upright(fig, SIZE, row=1, col=1)
    shifts = np.array(SHIFTS[: len(result.iou)])
    for i, values in enumerate((result.iou, result.enclosed)):
        said = text.say(("words.iou", "words.giou")[i])
        fig.add_scatter(x=shifts, y=values, name=said, hovertemplate="%{y:.2f}", **plot.curve(i + 2), row=1, col=2)
    fig.update_xaxes(title=text.say("words.shift"), row=1, col=2)
    fig.update_yaxes(title=text.say("words.overlap"), row=1, col=2)
    plot.stack(fig)
    return fig


def table_overlap(result: Any, language: str) -> pd.DataFrame:
    columns = {
        "words.shift": SHIFTS[: len(result.iou)],
        "words.iou": result.iou.round(4),
        "words.giou": result.enclosed.round(4),
    }
    return TWO.frame(language, columns)


def summary_overlap(result: Any, language: str) -> str:
    common, union = result.area.astype(float)
    numbers = {"common": f"{common:.0f}", "union": f"{union:.0f}", "iou": f"{common / union if union else 0:.2f}"}
    return TWO.text(language).say("summaries.overlap", **numbers)


# By hand


def draw_detected(found: Detected, language: str) -> go.Figure:
    fig = plot.figure(360, "closest")
    canvas(fig, found.scene)
    upright(fig, SIZE)
    x, y = outline(found.gone[:, :4])
    fig.add_scatter(x=x, y=y, mode="lines", line=plot.line(style.AXIS, 1.2, "dot"), **plot.QUIET)
    boxes(fig, found.found[None].astype(float), BOX, "solid")
    plot.bare(fig, 14)
    return fig


def summary_detected(found: Detected, language: str) -> str:
    text = HERE.text(language)
    each = [f"{sign(row[4])} {100 * row[5]:.0f} %" for row in found.found]
    if not each:
        return text.say("summaries.nothing", gone=len(found.gone))
    return text.say("summaries.detected", listed=text.listed(each), gone=len(found.gone))


FIGURES = (
    *HERE.figures(Figure("scene", draw_scene, table_scene, summary_scene)),
    *NET.figures(TARGETS),
    *HERE.figures(NMS, SUPPRESSED, PRECISION, MISTAKEN, EACH_CLASS, AVERAGES, MARKS),
    *SLIDE.figures(SLIDE.later(Figure("window", draw_window, table_window, summary_window))),
    *TWO.figures(Figure("overlap", draw_overlap, table_overlap, summary_overlap)),
)
