"""Pictures of linear models: lines and their mistakes, descents, regions, probabilities, features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.linear_models.calibration.params import NAMES
from core.concepts.linear_models.claims import TEST, TRAIN, accuracy, closer, error, middle, test
from core.concepts.linear_models.descent.params import FACTORS
from core.concepts.linear_models.features.params import KINDS
from core.concepts.linear_models.params import Result, in_plane, used
from core.concepts.linear_models.three.params import CLASSES, FLOOR, REACH, RULES
from core.conclusions.measures import final
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent, percents, telling

GLYPHS = "○□◇△✚✕"  # the rings of the rows, in words


def named(result: Result, text: Text) -> list[str]:
    """The rule of every method, and what tells it from others of the same rule."""
    methods, found = used(result.params), []
    for method, own in zip(methods, telling(methods)):
        more = [f"λ = {method.penalty:g}"] * ("penalty" in own) + [text.say("words.on_bias")] * method.on_bias
        found.append(", ".join([text.say(f"options.rule.{method.rule}"), *more]))
    return found


def further(part: str, head: str, names: tuple[Any, ...], shown: str = "") -> Gallery:
    """Of an experiment whose rows are always these, by their words or as `shown`."""
    said = lambda text, name: shown.format(name) if shown else text.say(f"rows.{name}")  # noqa: E731
    return Gallery("linear_models", lambda result, text: [said(text, name) for name in names], head, of=part)


HERE = Gallery("linear_models", named, "words.method")
DESCENT = further("descent", "words.rate", FACTORS, "η = {:g} · 2/κ")
THREE = further("three", "words.method", RULES)
MODELS = further("calibration", "words.method", NAMES)
FEATURES = further("features", "words.features", KINDS)


# The line


def draw_line(result: Result, language: str) -> go.Figure:
    """The points of the first seed, every method's line, and a ring around each of its mistakes."""
    text, x, y = HERE.text(language), result.x, result.y
    fig = plot.figure(430, "closest")
    plot.classes(fig, x, y, text.say("words.class"), 8, showlegend=False)
    low, high = x.min(0) - 0.6, x.max(0) + 0.6
    missed = (np.c_[x, np.ones(len(x))] @ result.path.swapaxes(-1, -2)).argmax(-1) != y  # [method, step, n]
    for m, name in enumerate(HERE.names(result, language)):
        line = plot.boundary(result.path[m, :, 1] - result.path[m, :, 0])
        rings = plot.xy(np.where(missed[m, ..., None], x, np.nan))
        look: dict[str, Any] = {"legendgroup": name, "name": name, "hoverinfo": "name"}
        fig.add_scatter(**plot.xy(line[-1]), **plot.curve(m, width=3) | {"mode": "lines"}, **look).was(**plot.xy(line))
        ring = plot.mark(m, 14 + 3 * m) | {"symbol": f"{plot.mark(m)['symbol']}-open", "line": {"width": 2}}
        now = {axis: places[-1] for axis, places in rings.items()}
        fig.add_scatter(**now, mode="markers", marker=ring, showlegend=False, **look).was(**rings)
        right = np.array([[f"{GLYPHS[m]} {percent(share)}"] for share in result.accuracy[m, 0, :, TEST]])
        corner = high - (0, (0.02 + 0.065 * m) * (high - low)[1])
        font = {"size": 17, "color": ring["color"]}
        plot.words(fig, corner[:1], corner[1:], right, "bottom left", textfont=font, showlegend=False)
    fig.update_xaxes(title="x₁", range=[low[0], high[0]], constrain="domain")
    fig.update_yaxes(title="x₂", range=[low[1], high[1]], scaleanchor="x")
    return plot.film(fig, result, np.arange(result.path.shape[1]), text.say("words.step"))


def accuracies(result: Result) -> dict[str, np.ndarray]:
    return {"train_accuracy": result.accuracy[:, :, -1, TRAIN], "test_accuracy": test(result)}


# Descent


def draw_path(result: Any, language: str) -> go.Figure:
    """The loss over two weights, and the way down at each rate."""
    text, names = DESCENT.text(language), DESCENT.names(result, language)
    fig = plot.figure(430, "closest")
    plot.heights(fig, result.axis[0], result.axis[1], np.log10(result.surface.clip(1e-4)))
    for f, path in reversed(list(enumerate(result.path))):  # what diverges hides nothing
        look = plot.curve(f, width=1.8) | {"mode": "lines+markers", "marker": plot.mark(f, 6), "name": names[f]}
        tip = f"{names[f]}<br>{text.say('words.step')} %{{customdata}}<extra></extra>"
        clock = {"meta": {"clock": result.tick.tolist()}, "customdata": result.tick}
        fig.add_scatter(**plot.xy(path), hovertemplate=tip, **clock, **look)
    star = plot.marker(style.PALETTE[8], "star", 15)
    fig.add_scatter(**plot.xy(result.lowest[None]), mode="markers", marker=star, name=text.say("words.lowest"))
    fig.update_xaxes(title="w₁", range=result.axis[0][[0, -1]])
    fig.update_yaxes(title="w₂", range=result.axis[1][[0, -1]])
    return plot.film(fig, result, result.tick, text.say("words.step"), range(1, 1 + len(names)))


def table_descent(result: Any, language: str) -> pd.DataFrame:
    gaps = [float(f"{gap:.3g}") for gap in np.median(result.gap[:, :, -1], 1)]
    rates = (np.array(FACTORS) * result.stable.mean()).round(4)
    return DESCENT.table(result, language, {"η": rates, "words.gap": gaps})


def summary_descent(result: Any, language: str) -> str:
    def of(f: int) -> dict[str, Any]:
        power = closer(result)[f].mean()
        return {"key": f"summaries.{'closer' if power > 0 else 'farther'}", "times": f"10^{abs(power):.1f}"}

    head = {"rate": f"{result.stable[0]:.3g}", "condition": f"{result.condition[0]:.0f}"}
    return f"{DESCENT.text(language).say('summaries.stable', **head)} {DESCENT.each(result, language, '', of)}"


# Three in a row


def finish_row(fig: plot.Sheet, result: Any, text: Text) -> None:
    plot.aspect(fig, 0.78)
    fig.update_yaxes(range=[-0.66 * REACH, 0.66 * REACH])


def recalls(result: Any) -> dict[str, np.ndarray]:
    return {f"recall_{c}": result.recall[:, :, -1, c] for c in range(CLASSES)}


def finish_twice(fig: plot.Sheet, result: Any, text: Text) -> None:
    said = {"annotation_text": text.say("words.floor", floor=f"{FLOOR:.3f}"), "annotation_position": "bottom right"}
    fig.add_hline(y=FLOOR, line=plot.line(style.AXIS, 2, "dot"), **said)
    fig.update_yaxes(rangemode="tozero")


STEP, EPOCH = ("step", lambda r: r.tick), ("epoch", lambda r: r.tick)
TINTS = [[c / (CLASSES - 1), style.fade(style.PALETTE[c], 0.3)] for c in range(CLASSES)]

SUMMARY_LINE = HERE.saying(
    "summaries.line",
    missed=lambda r: len(r.x) * (1 - r.accuracy[:, 0, -1, TRAIN]),
    points=lambda r: np.full(len(r.path), len(r.x)),
    right=lambda r: percents(test(r)[:, :1]),
)
SUMMARY_ROW = THREE.saying("summaries.row", share=lambda r: percents(middle(r)))
SUMMARY_TWICE = THREE.saying(
    "summaries.twice", loss=lambda r: r.loss[:, :, -1].mean(1), right=lambda r: percents(accuracy(r))
)
SUMMARY_RELIABILITY = MODELS.saying(
    "summaries.reliability", error=lambda r: 100 * error(r).mean(1), right=lambda r: percents(final("accuracy")(r))
)
SUMMARY_FEATURES = FEATURES.saying(
    "summaries.features", few=lambda r: percents(r.accuracy[:, :, 0]), many=lambda r: percents(final("accuracy")(r))
)
ACCURACY = kinds.intervals(
    HERE, "accuracy", accuracies, HERE.saying("summaries.accuracy", right=lambda r: percents(test(r)))
)
LINE = Figure("line", draw_line, ACCURACY.table, SUMMARY_LINE, in_plane)
GAPS = kinds.curves(
    DESCENT, "descent", *STEP, lambda r: {"gap": r.gap}, summary_descent, log=True, hover=".2g", table=table_descent,
    finish=lambda fig, r, text: fig.update_yaxes(type="log", exponentformat="power", range=[-12, 4]),
)  # fmt: skip
PATH = Figure("path", draw_path, table_descent, summary_descent, in_plane)
RECALLS = kinds.intervals(
    THREE, "recall", recalls, SUMMARY_ROW,
    finish=lambda fig, r, text: fig.update_xaxes(range=[-0.05, 1.08], tickvals=[0, 0.5, 1]),
)  # fmt: skip
REGIONS = kinds.planes(
    THREE, "row", STEP, lambda r: {"region": r.region}, REACH, RECALLS.table, SUMMARY_ROW, columns=2,
    tops={"region": (CLASSES - 1, TINTS)}, points=lambda r: (r.x, r.y), finish=finish_row,
)  # fmt: skip
TWICE = kinds.curves(THREE, "twice", *STEP, lambda r: {"loss": r.loss}, SUMMARY_TWICE, finish=finish_twice)
COUNTS = kinds.reliability(MODELS, "reliability", lambda r: (r.count, r.said, r.true), EPOCH, SUMMARY_RELIABILITY)
LEARNING = kinds.swept(
    FEATURES, "features", "size", lambda r: r.size, lambda r: {"test_accuracy": r.accuracy}, SUMMARY_FEATURES,
    finish=lambda fig, r, text: fig.update_xaxes(type="log", tickvals=r.size, ticktext=[f"{n}" for n in r.size]),
)  # fmt: skip
FIGURES = (
    *HERE.figures(LINE, ACCURACY),
    *DESCENT.figures(GAPS, PATH),
    *THREE.figures(REGIONS, RECALLS, TWICE),
    *MODELS.figures(COUNTS),
    *FEATURES.figures(FEATURES.later(LEARNING, lambda result: len(result.size) > 0)),
)
