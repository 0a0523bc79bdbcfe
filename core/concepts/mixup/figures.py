"""Pictures of mixing: maps of confidence, what a method is worth, curves, attacks, mixed images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.mixup.claims import TEST, VALIDATION, early, stop
from core.concepts.mixup.params import Method, Result, images, in_plane, used
from core.conclusions.stats import ends, mean_interval
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent, telling
from core.figures.numbers import whole

REACH = 1.3
TRAIN = 0
SIDE = 8  # of an image, in pixels
ATTACKS = ("fgsm", "pgd")
BINS = 20  # of λ
MEASURES = ("last", "early", "confidence", "memorised")


def named(result: Result, text: Text) -> list[str]:
    """A short name per method: its rule, and what tells it from others of the same rule."""
    methods, found = used(result.params), []
    for method, own in zip(methods, telling(methods)):
        settings = ", ".join(f"{text.say(f'symbols.{n}')} {getattr(method, n):g}" for n in own)
        found.append(f"{text.say(f'rules.{method.rule}')} {settings}".strip())
    return found


def no_images(result: Result, text: Text) -> str:
    """What is said of a CutMix that had no images."""
    cut = any(method.rule == "cutmix" for method in result.params.methods) and not images(result.params)
    return text.say("summaries.no_images") if cut else ""


HERE = Gallery(
    "mixup", named, "words.method", diverged=lambda r: ~np.isfinite(r.loss[:, :, -1]).all(-1), remark=no_images
)
text, names = HERE.text, HERE.names


# Maps of confidence


def draw_maps(result: Result, language: str) -> go.Figure:
    """The first two methods large, with what they were trained on, and the others as a strip below."""
    say, labels = text(language).say, names(result, language)
    count = len(labels)
    top, strip = min(2, count), max(0, count - 2)
    columns = top * max(strip, 1)  # so that both rows can be cut evenly
    specs = [
        [{"colspan": columns // n} if i % (columns // n) == 0 else None for i in range(columns)]
        for n in (top, strip)
        if n
    ]
    heights = [1 / n for n in (top, strip) if n]
    room = 0.11  # of the width, for the titles of a row
    tall = sum(heights) + len(specs) * room
    spacing: dict[str, Any] = {"horizontal_spacing": 0.02 / max(strip, 1), "vertical_spacing": room / tall}
    fig = plot.panels(len(specs), columns, labels, specs=specs, row_heights=heights, **spacing)
    fig.update_annotations(font_size=13, yshift=15)
    right, sure = (values.mean(1) for values in (result.accuracy[..., TEST], result.confidence))  # [method, tick]
    for m, method in enumerate(used(result.params)):
        large = m < top
        place: dict[str, Any] = (
            {"row": 1, "col": m * columns // top + 1} if large else {"row": 2, "col": (m - top) * top + 1}
        )
        plot.field(fig, result.region[m], REACH, zsmooth="best", **place)
        if large and mixed_inputs(method):
            add_mixed(fig, result, m, language, **place)
        elif large:
            add_examples(fig, result, language, **place)
        key = "words.right_sure" if large else "words.right_sure_short"
        numbers = [say(key, right=percent(r), sure=percent(s)) for r, s in zip(right[m], sure[m])]
        size = {"textfont": {"size": 13 if large else 12}}
        plot.words(fig, [0], [REACH], np.array(numbers)[:, None], "top center", **size, **place)
    plot.plane(fig, REACH)
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 48, "b": 5})
    plot.aspect(fig, tall)
    return plot.film(fig, result, result.epoch, say("words.epoch"))


def mixed_inputs(method: Method) -> bool:
    """Whether there are mixed points in the plane; of manifold mixup some batches."""
    return method.rule in ("mixup", "cutmix") or (method.rule == "manifold" and not method.first)


def add_mixed(fig: plot.Sheet, result: Result, m: int, language: str, **place: Any) -> None:
    """The mixed points of an epoch, coloured by their mixed label like the map; before training there are none."""
    one, other, share = np.moveaxis(result.origin[m], 2, 0)  # [tick, sample]
    label = share * one + (1 - share) * other
    label = np.where((one < 0) | (other < 0), np.nan, label)  # without label: not drawn
    x, y = np.moveaxis(np.where(np.isfinite(label)[..., None], result.mixed[m], np.nan), -1, 0)
    scale = {"cmin": 0, "cmax": 1, "colorscale": style.colorscale(style.DIVERGING)}
    look = {"size": 6, "color": label[-1], "line": {"width": 0.8, "color": "#ffffff"}} | scale
    tip = f"{text(language).say('words.mixed_sample')}: %{{marker.color:.2f}}<extra></extra>"
    fig.add_scatter(x=x[-1], y=y[-1], mode="markers", marker=look, hovertemplate=tip, **place)
    fig.was(x=x, y=y, marker__color=label)


def add_examples(fig: plot.Sheet, result: Result, language: str, **place: Any) -> None:
    """Training points with the labels they were given; a wrong one has a ring."""
    say = text(language).say
    plot.two_classes(fig, result.x, result.y, say("words.class"), 6, **place)
    ring = {"size": 13, "symbol": "circle-open", "color": "#ffffff", "line": {"width": 2.2}}
    tip = f"{say('words.wrong_label')}<extra></extra>"
    x, y = result.x[result.wrong].T
    fig.add_scatter(x=x, y=y, mode="markers", marker=ring, hovertemplate=tip, **place)


def summary_maps(result: Result, language: str) -> str:
    found = worth(result)
    key = "summaries.method_wrong" if result.wrong.any() else "summaries.method"

    def of(m: int) -> dict[str, Any] | None:
        values = {name: percent(found[name][m].mean()) for name in MEASURES}
        return values | {"epoch": int(result.epoch[-1])} if m < 2 else None

    return HERE.each(result, language, key, of)


# What a method is worth


def worth(result: Result) -> dict[str, np.ndarray]:
    """Per method and seed: test accuracy at the last epoch and with early stopping, confidence, memorised labels."""
    found = {"last": result.accuracy[:, :, -1, TEST], "early": early(result)}
    found |= {"confidence": result.confidence[:, :, -1], "memorised": result.memorised[:, :, -1]}
    return {name: values.astype(float) for name, values in found.items()}


def table_compare(result: Result, language: str) -> pd.DataFrame:
    say, columns = text(language).say, dict[str, Any]()
    for i, (name, values) in enumerate(worth(result).items()):
        mean, half = mean_interval(values)
        columns |= {say(f"words.{name}"): mean.round(4), f"± 95 %{' ' * i}": half.round(4)}
    columns[say("words.train_accuracy")] = result.accuracy[:, :, -1, TRAIN].astype(float).mean(1).round(4)
    return HERE.table(result, language, columns)


def summary_compare(result: Result, language: str) -> str:
    say, labels, found = text(language).say, names(result, language), worth(result)
    said = []
    for key in ("last", "early"):
        mean = found[key].mean(1)
        best, worst = (text(language).listed(labels[m] for m in who) for who in ends(mean, percent))
        values = {"best": best, "worst": worst, "most": percent(mean.max()), "least": percent(mean.min())}
        said.append(say(f"summaries.{key}" if worst else f"summaries.{key}_tie", **values))
    return " ".join(said)


# Curves


def courses(result: Result) -> dict[str, np.ndarray]:
    found = {"test_accuracy": result.accuracy[..., TEST], "confidence": result.confidence}
    return found | ({"memorised": result.memorised} if result.wrong.any() else {})


def summary_curves(result: Result, language: str) -> str:
    stops, last = result.epoch[stop(result)], result.accuracy[:, :, -1, TEST]  # [method, seed]
    validated = np.isfinite(result.loss[..., VALIDATION]).any(2).all(1)

    def of(m: int) -> dict[str, Any] | None:
        values = {"early": percent(early(result)[m].mean()), "last": percent(last[m].mean())}
        key = "summaries.curves" if validated[m] else "summaries.curves_lost"
        return values | {"key": key, "epoch": f"{np.median(stops[m]):g}"} if m < 2 else None

    return HERE.each(result, language, "", of)


# Attacks


def table_attack(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, object] = {"ε": result.epsilon.round(3)}
    for m, label in enumerate(names(result, language)):
        for a, attack in enumerate(ATTACKS):
            columns[f"{text(language).say(f'words.{attack}')}, {label}"] = result.attacked[a, m].mean(0).round(4)
    return pd.DataFrame(columns)


def finish_attack(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_layout(legend={"y": 1.1})
    fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_yaxes(title=text.say("words.test_accuracy"), row=1, col=1)


def summary_attack(result: Result, language: str) -> str:
    def of(m: int) -> dict[str, Any] | None:
        fgsm, pgd = (percent(result.attacked[a, m, :, 1].mean()) for a in range(2))
        return {"size": f"{result.epsilon[1]:.2g}", "fgsm": fgsm, "pgd": pgd} if m < 2 else None

    return HERE.each(result, language, "summaries.attack", of)


# Mixed images


def draw_mixed(result: Result, language: str) -> go.Figure:
    """Images of the first seed as each method was trained on them, a row per method; below, their mixed labels."""
    labels = names(result, language)
    frames, count = result.mixed.shape[1:3]
    fig = plot.panels(len(labels), 1, labels, hover="x unified", vertical_spacing=0.3 / len(labels))
    for m in range(len(labels)):
        place = {"row": m + 1, "col": 1}
        plot.images(fig, plot.mosaic(result.mixed[m].reshape(frames, 1, count, SIDE, SIDE)), **place)
        said = np.array([[mixed_label(part) for part in frame] for frame in result.origin[m]])
        middle = (SIDE + 1) * np.arange(count) + (SIDE - 1) / 2
        plot.words(fig, middle, np.full(count, -0.8), said, "bottom center", textfont={"size": 11}, **place)
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, range=[-3.2, SIDE - 0.5], constrain="domain")
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.aspect(fig, 0.22 * len(labels), 112 * len(labels))
    return plot.film(fig, result, result.epoch, text(language).say("words.epoch"))


def mixed_label(part: np.ndarray) -> str:
    """“3” or “3·.62 5·.38”; nothing where nothing was mixed yet."""
    one, other, share = part
    if not np.isfinite(share):
        return ""
    if share == 1:
        return f"{one:.0f}"
    return f"{one:.0f}·{share:.2f}<br>{other:.0f}·{1 - share:.2f}"


def table_mixed(result: Result, language: str) -> pd.DataFrame:
    say, frames = text(language).say, []
    for m, name in enumerate(names(result, language)):
        one, other, share = result.origin[m, -1].T
        columns: dict[str, object] = {say("words.method"): [name] * len(one), say("words.label"): whole(one)}
        frames.append(pd.DataFrame(columns | {say("words.other_label"): whole(other), "λ": share.round(3)}))
    return pd.concat(frames)


def summary_mixed(result: Result, language: str) -> str:
    return text(language).say("summaries.mixed", epoch=int(result.epoch[-1]))


# Shares


def densities(result: Result) -> np.ndarray:
    """How often λ was in each of BINS stretches of 0…1, in percent: [method, bin]."""
    return np.stack([100 * np.histogram(s, BINS, (0, 1))[0] / len(s) for s in result.shares])


def smaller(result: Result) -> np.ndarray:
    """The smaller part of a mixture, on average: [method]."""
    return np.minimum(result.shares, 1 - result.shares).mean(1)


def table_shares(result: Result, language: str) -> pd.DataFrame:
    columns = {f"{100 * q:.0f} %": np.quantile(result.shares, q, axis=1).round(3) for q in (0.25, 0.5, 0.75)}
    return HERE.table(result, language, columns | {text(language).say("words.partner"): smaller(result).round(3)})


def summary_shares(result: Result, language: str) -> str:
    return HERE.each(result, language, "summaries.shares", lambda m: {"share": percent(smaller(result)[m])})


COMPARE = kinds.intervals(
    HERE, "compare", worth, summary_compare, table=table_compare,
    together={
        "test_accuracy": {"last": (0, "circle"), "early": (2, "diamond-open")},
        "share": {"confidence": (3, "square"), "memorised": (5, "x")},
    },
    finish=lambda fig, r, text: fig.update_xaxes(range=[-0.02, 1.02], row=1, col=2),
)  # fmt: skip
CURVES = kinds.curves(
    HERE, "curves", "epoch", lambda r: r.epoch, courses, summary_curves, banded=2,
    finish=lambda fig, r, text: fig.update_xaxes(range=[0, r.params.epochs]),
)  # fmt: skip
ATTACK = kinds.swept(
    HERE, "attack", "epsilon", lambda r: r.epsilon, lambda r: dict(zip(ATTACKS, r.attacked)), summary_attack,
    table=table_attack, side=True, banded=2, finish=finish_attack,
)  # fmt: skip
SHARES = kinds.densities(
    HERE, "shares", "lambda", lambda r: (np.arange(BINS) + 0.5) / BINS, densities, table_shares, summary_shares,
    tip="%{y}, λ %{x:.3f}: %{z:.0f} %",
)  # fmt: skip
FIGURES = HERE.figures(
    Figure("maps", draw_maps, table_compare, summary_maps, shown=in_plane),
    COMPARE,
    CURVES,
    HERE.later(ATTACK),
    Figure("mixed", draw_mixed, table_mixed, summary_mixed, shown=images),
    SHARES,
)
