"""Pictures of linear models: lines and their mistakes, descents, regions, probabilities, features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.linear_models.calibration.params import BINS, NAMES
from core.concepts.linear_models.claims import TEST, TRAIN, closer, middle, over_floor, test
from core.concepts.linear_models.descent.params import FACTORS
from core.concepts.linear_models.features.params import KINDS
from core.concepts.linear_models.params import Result, drawn, in_plane, used
from core.concepts.linear_models.three.params import CLASSES, FLOOR, REACH, RULES
from core.conclusions.stats import ends
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent, telling

FAR = 1000.0  # half the length of a line
COLOURS = style.PALETTE[0], style.PALETTE[1], style.PALETTE[2]  # of three classes
MARKS = "circle", "diamond", "square"
GLYPHS = "○□◇△✚✕"  # the rings of the rows, in words


def named(result: Result, text: Text) -> list[str]:
    """The rule of every method, and what tells it from others of the same rule."""
    methods, found = used(result.params), []
    for method, own in zip(methods, telling(methods)):
        more = [f"λ = {method.penalty:g}"] * ("penalty" in own) + [text.say("words.on_bias")] * method.on_bias
        found.append(", ".join([text.say(f"options.rule.{method.rule}"), *more]))
    return found


def listed(names: tuple[str, ...], section: str) -> Any:
    return lambda result, text: [text.say(f"{section}.{name}") for name in names]


HERE = Gallery("linear_models", named, "words.method")
DESCENT = Gallery(
    "linear_models", lambda result, text: [f"η = {f:g} · 2/κ" for f in FACTORS], "words.rate", of="descent"
)
THREE = Gallery("linear_models", listed(RULES, "rows"), "words.method", of="three")
MODELS = Gallery("linear_models", listed(NAMES, "models"), "words.method", of="calibration")
FEATURES = Gallery("linear_models", listed(KINDS, "kinds"), "words.features", of="features")


# The line


def line_of(w: np.ndarray) -> np.ndarray:
    """Two points [2, 2] far out on the line where both classes' outputs w [2, 3] are equal; NaN without a line."""
    normal, offset = (w[1] - w[0])[:2], (w[1] - w[0])[2]
    if not normal.any():
        return np.full((2, 2), np.nan)
    foot, along = -offset * normal / (normal @ normal), np.array([-normal[1], normal[0]]) / np.linalg.norm(normal)
    return np.stack([foot - FAR * along, foot + FAR * along])


def draw_line(result: Result, language: str) -> go.Figure:
    """The points of the first seed, every method's line, and a ring around each of its mistakes."""
    text, x, y = HERE.text(language), result.x, result.y
    fig = plot.figure(430, "closest")
    plot.two_classes(fig, x, y, text.say("words.class"), 8)
    fig.for_each_trace(lambda trace: trace.update(showlegend=False))
    answers = np.einsum("mtci,ni->mtnc", result.path, np.c_[x, np.ones(len(x))]).argmax(-1)
    for m, name in enumerate(HERE.names(result, language)):
        colour, dash, symbol = style.contender(m)
        ends_of = np.stack([line_of(w) for w in result.path[m]])  # [step, 2, 2]
        look: dict[str, Any] = {"name": name, "legendgroup": name, "hoverinfo": "name"}
        fig.add_scatter(
            x=ends_of[-1, :, 0], y=ends_of[-1, :, 1], mode="lines",
            line={"color": colour, "width": 3, "dash": dash}, **look,
        ).was(x=ends_of[..., 0], y=ends_of[..., 1])  # fmt: skip
        missed = np.where((answers[m] != y)[..., None], x, np.nan)  # [step, n, 2]
        ring = {"symbol": f"{symbol}-open", "size": 14 + 3 * m, "color": colour, "line": {"width": 2}}
        fig.add_scatter(
            x=missed[-1, :, 0], y=missed[-1, :, 1], mode="markers", marker=ring, **look | {"showlegend": False},
        ).was(x=missed[..., 0], y=missed[..., 1])  # fmt: skip
        right = [f"{GLYPHS[m]} {percent(a)}" for a in result.accuracy[m, 0, :, TEST]]
        fig.add_scatter(
            x=[0.99], y=[0.95 - 0.065 * m], xaxis="x2", yaxis="y2", mode="text", text=[right[-1]], hoverinfo="skip",
            textposition="middle left", cliponaxis=False, textfont={"size": 17, "color": colour}, showlegend=False,
        ).was(text=np.array(right)[:, None])  # fmt: skip
    low, high = x.min(0) - 0.6, x.max(0) + 0.6
    fig.update_layout(
        xaxis={"title": "x₁", "range": [low[0], high[0]], "constrain": "domain"},
        yaxis={"title": "x₂", "range": [low[1], high[1]], "scaleanchor": "x"},
        xaxis2={"overlaying": "x", "range": [0, 1], "visible": False, "fixedrange": True},
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )
    return plot.film(fig, result, np.arange(result.path.shape[1]), text.say("words.step"))


def table_accuracy(result: Result, language: str) -> pd.DataFrame:
    return HERE.table(result, language, kinds.interval_columns(HERE.text(language), accuracies(result)))


def accuracies(result: Result) -> dict[str, np.ndarray]:
    return {"train_accuracy": result.accuracy[:, :, -1, TRAIN], "test_accuracy": test(result)}


def summary_line(result: Result, language: str) -> str:
    missed = (1 - result.accuracy[:, 0, -1, TRAIN]) * len(result.x)
    return HERE.each(
        result,
        language,
        "summaries.line",
        lambda m: {"missed": f"{missed[m]:.0f}", "points": len(result.x), "right": percent(test(result)[m, 0])},
    )


def summary_accuracy(result: Result, language: str) -> str:
    mean, labels, text = test(result).mean(1), HERE.names(result, language), HERE.text(language)
    best, worst = (text.listed(labels[m] for m in who) for who in ends(mean, percent))
    key = "summaries.accuracy" if worst else "summaries.accuracy_tie"
    return text.say(key, best=best, worst=worst, most=percent(mean.max()), least=percent(mean.min()))


def summary_distance(result: Result, language: str) -> str:
    def of(m: int) -> dict[str, Any] | None:
        swept = result.swept[m].mean(0)
        return {"near": percent(swept[0]), "far": percent(swept[-1])} if np.isfinite(swept).all() else None

    return HERE.each(result, language, "summaries.distance", of, "summaries.no_distance")


# Descent


def draw_path(result: Any, language: str) -> go.Figure:
    """The loss over two weights, and the way down at each rate."""
    text, names = DESCENT.text(language), DESCENT.names(result, language)
    fig = plot.figure(430, "closest")
    plot.heights(fig, result.axis[0], result.axis[1], np.log10(result.surface.clip(1e-4)))
    for f, name, path in reversed(list(zip(range(len(names)), names, result.path))):  # what diverges hides nothing
        look = plot.curve(f, width=1.8) | {"mode": "lines+markers", "marker": plot.mark(f, 6)}
        fig.add_scatter(
            x=path[:, 0], y=path[:, 1], name=name, meta={"clock": result.tick.tolist()}, customdata=result.tick,
            hovertemplate=f"{name}<br>{text.say('words.step')} %{{customdata}}<extra></extra>", **look,
        )  # fmt: skip
    star = {"symbol": "star", "size": 15, "color": style.PALETTE[8]}
    fig.add_scatter(
        x=result.lowest[:1], y=result.lowest[1:], mode="markers", marker=star, name=text.say("words.lowest")
    )
    fig.update_xaxes(title="w₁", range=result.axis[0][[0, -1]])
    fig.update_yaxes(title="w₂", range=result.axis[1][[0, -1]])
    return plot.film(fig, result, result.tick, text.say("words.step"), range(1, 1 + len(names)))


def table_descent(result: Any, language: str) -> pd.DataFrame:
    say = DESCENT.text(language).say
    rates = np.array(FACTORS) * result.stable.mean()
    last = np.median(result.gap[:, :, -1], 1)
    return DESCENT.table(result, language, {"η": rates.round(4), say("words.gap"): [float(f"{g:.3g}") for g in last]})


def summary_descent(result: Any, language: str) -> str:
    text, times = DESCENT.text(language), closer(result).mean(1)
    head = text.say("summaries.stable", rate=f"{result.stable[0]:.3g}", condition=f"{result.condition[0]:.0f}")
    said = DESCENT.each(
        result,
        language,
        "",
        lambda f: {
            "key": "summaries.closer" if times[f] > 0 else "summaries.farther",
            "times": f"10^{abs(times[f]):.1f}",
        },
    )
    return f"{head} {said}"


def log_gap(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(type="log", exponentformat="power", range=[-12, 4])


# Three in a row


def finish_row(fig: plot.Sheet, result: Any, text: Text) -> None:
    for panel in range(len(RULES)):
        place = {"row": panel // 2 + 1, "col": panel % 2 + 1}
        for c in range(CLASSES):
            own = result.x[result.y == c]
            fig.add_scatter(
                x=own[:, 0], y=own[:, 1], mode="markers",
                hovertemplate=f"{text.say(f'words.recall_{c}')}<extra></extra>",
                marker={"size": 5, "color": COLOURS[c], "symbol": MARKS[c], "line": {"width": 0.6, "color": "#ffffff"}},
                **place,
            )  # fmt: skip
    plot.aspect(fig, 0.78)
    fig.update_yaxes(range=[-0.66 * REACH, 0.66 * REACH])


def table_row(result: Any, language: str) -> pd.DataFrame:
    return THREE.table(result, language, kinds.interval_columns(THREE.text(language), recalls(result)))


def whole_range(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(range=[-0.05, 1.08], tickvals=[0, 0.5, 1])


def recalls(result: Any) -> dict[str, np.ndarray]:
    return {f"recall_{c}": result.recall[:, :, -1, c] for c in range(CLASSES)}


def summary_row(result: Any, language: str) -> str:
    found = middle(result).mean(1)
    return THREE.each(result, language, "summaries.row", lambda m: {"share": percent(found[m])})


def finish_twice(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.add_hline(y=FLOOR, line={"color": style.AXIS, "dash": "dot", "width": 2})
    fig.add_annotation(
        text=text.say("words.floor", floor=f"{FLOOR:.3f}"),
        x=1,
        xref="x domain",
        xanchor="right",
        y=FLOOR,
        yanchor="top",
    )
    fig.update_yaxes(rangemode="tozero")


def summary_twice(result: Any, language: str) -> str:
    times, right = over_floor(result).mean(1), result.accuracy[:, :, -1].mean(1)

    def of(m: int) -> dict[str, Any] | None:
        return {"loss": f"{FLOOR * times[m]:.3f}", "right": percent(right[m])} if np.isfinite(times[m]) else None

    return THREE.each(result, language, "summaries.twice", of)


# Probabilities


def pooled(result: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Over all seeds: how many examples, what was said, how often true, [method, moment, bin]; NaN where none are."""
    count = result.count.sum(1)
    with np.errstate(invalid="ignore"):
        said, true = ((result.count * values).sum(1) / count for values in (result.said, result.true))
    return count, said, true


def draw_reliability(result: Any, language: str) -> go.Figure:
    text, (count, said, true) = MODELS.text(language), pooled(result)
    fig = plot.figure(430, "closest")
    line = {"color": style.AXIS, "width": 2, "dash": "dot"}
    fig.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, name=text.say("words.perfect"), hoverinfo="skip")
    for m, name in enumerate(MODELS.names(result, language)):
        size = 6 + 26 * np.sqrt(count[m] / count[m].sum(1, keepdims=True))
        look = plot.curve(m) | {"mode": "lines+markers", "marker": plot.mark(m) | {"size": size[-1]}}
        tip = f"{name}: %{{x:.2f}} → %{{y:.2f}}<extra></extra>"
        fig.add_scatter(x=said[m, -1], y=true[m, -1], name=name, hovertemplate=tip, connectgaps=True, **look)
        fig.was(x=said[m], y=true[m], marker__size=size)
    fig.update_xaxes(title=text.say("words.said"), range=[-0.03, 1.03], constrain="domain")
    fig.update_yaxes(title=text.say("words.true"), range=[-0.03, 1.03], scaleanchor="x")
    return plot.film(fig, result, result.tick, text.say("words.epoch"))


def table_reliability(result: Any, language: str) -> pd.DataFrame:
    say, (count, said, true) = MODELS.text(language).say, pooled(result)
    names, columns = MODELS.names(result, language), dict[str, Any]()
    columns[say("words.method")] = [name for name in names for _ in range(BINS)]
    for word, values in (("count", count), ("said", said.round(4)), ("true", true.round(4))):
        columns[say(f"words.{word}")] = values[:, -1].ravel()
    return pd.DataFrame(columns)


def summary_reliability(result: Any, language: str) -> str:
    error, right = result.error[:, :, -1].mean(1), test(result).mean(1)
    return MODELS.each(
        result,
        language,
        "summaries.reliability",
        lambda m: {"error": f"{100 * error[m]:.1f}", "right": percent(right[m])},
    )


# Features


def finish_features(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=result.size, ticktext=[f"{size}" for size in result.size])


def summary_features(result: Any, language: str) -> str:
    text = FEATURES.text(language)
    labels, said = FEATURES.names(result, language), []
    for k in sorted({0, len(result.size) - 1}):
        mean = result.accuracy[:, :, k].mean(1)
        best = text.listed(labels[m] for m in ends(mean, percent)[0])
        said.append(text.say("summaries.features", size=result.size[k], best=best, most=percent(mean.max())))
    return " ".join(said)


DISTANCE = kinds.swept(
    HERE,
    "distance",
    "distance",
    lambda r: r.distance,
    lambda r: {"test_accuracy": r.swept},
    summary_distance,
    shown=drawn,
)
GAPS = kinds.curves(
    DESCENT, "descent", "step", lambda r: r.tick, lambda r: {"gap": r.gap}, summary_descent,
    log=True, hover=".2g", table=table_descent, finish=log_gap,
)  # fmt: skip
REGIONS = kinds.planes(
    THREE, "row", ("step", lambda r: r.tick), lambda r: {"region": r.region}, REACH, table_row, summary_row,
    tops={"region": (CLASSES - 1, [[k / 2, style.fade(colour, 0.3)] for k, colour in enumerate(COLOURS)])},
    columns=2, finish=finish_row,
)  # fmt: skip
TWICE = kinds.curves(
    THREE, "twice", "step", lambda r: r.tick, lambda r: {"loss": r.loss}, summary_twice, finish=finish_twice
)
LEARNING = kinds.swept(
    FEATURES, "features", "size", lambda r: r.size, lambda r: {"test_accuracy": r.accuracy}, summary_features,
    finish=finish_features,
)  # fmt: skip
FIGURES = (
    *HERE.figures(
        Figure("line", draw_line, table_accuracy, summary_line, in_plane),
        HERE.later(DISTANCE),
        kinds.intervals(HERE, "accuracy", accuracies, summary_accuracy),
    ),
    *DESCENT.figures(GAPS, Figure("path", draw_path, table_descent, summary_descent, in_plane)),
    *THREE.figures(REGIONS, kinds.intervals(THREE, "recall", recalls, summary_row, finish=whole_range), TWICE),
    *MODELS.figures(Figure("reliability", draw_reliability, table_reliability, summary_reliability)),
    *FEATURES.figures(FEATURES.later(LEARNING, lambda result: len(result.size) > 0)),
)
