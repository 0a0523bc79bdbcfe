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
from core.figures import kinds, pictures, plot, style
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
    top = min(2, len(labels))
    rows = [n for n in (top, len(labels) - top) if n]  # panels of each
    columns = top * rows[-1] if len(rows) > 1 else top  # so that both rows can be cut evenly
    specs = [[None if i % (columns // n) else {"colspan": columns // n} for i in range(columns)] for n in rows]
    room = 0.11  # of the width, for the titles of a row
    tall = sum(1 / n for n in rows) + len(rows) * room
    spacing: dict[str, Any] = {"horizontal_spacing": 0.02 / max(len(labels) - top, 1), "vertical_spacing": room / tall}
    fig = plot.panels(len(rows), columns, labels, specs=specs, row_heights=[1 / n for n in rows], **spacing)
    fig.update_annotations(font_size=13, yshift=15)
    right, sure = (values.mean(1) for values in (result.accuracy[..., TEST], result.confidence))  # [method, tick]
    for m, method in enumerate(used(result.params)):
        large = m < top
        place = {"row": 1, "col": m * columns // top + 1} if large else {"row": 2, "col": (m - top) * top + 1}
        plot.field(fig, result.region[m], REACH, zsmooth="best", **place)
        if large:
            add = add_mixed if mixed_inputs(method) else add_examples
            add(fig, result, m, language, **place)
        key = "words.right_sure" if large else "words.right_sure_short"
        numbers = [[say(key, right=percent(r), sure=percent(s))] for r, s in zip(right[m], sure[m])]
        size = {"textfont": {"size": 13 if large else 12}}
        plot.words(fig, [0], [REACH], np.array(numbers), "top center", **size, **place)
    plot.plane(fig, REACH)
    plot.bare(fig, top=48)
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


def add_examples(fig: plot.Sheet, result: Result, m: int, language: str, **place: Any) -> None:
    """Training points with the labels they were given; a wrong one has a ring."""
    say = text(language).say
    plot.classes(fig, result.x, result.y, say("words.class"), 6, **place)
    ring = plot.marker("#ffffff", "circle-open", 13, line={"width": 2.2})
    tip = f"{say('words.wrong_label')}<extra></extra>"
    fig.add_scatter(**plot.xy(result.x[result.wrong]), mode="markers", marker=ring, hovertemplate=tip, **place)


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
    columns = kinds.with_half({f"words.{name}": values for name, values in worth(result).items()})
    right = result.accuracy[:, :, -1, TRAIN].astype(float).mean(1).round(4)
    return HERE.table(result, language, columns | {"words.train_accuracy": right})


def summary_compare(result: Result, language: str) -> str:
    ways = {key: worth(result)[key].mean(1) for key in ("last", "early")}
    said = (HERE.most_and_least(result, language, f"summaries.{key}", mean, percent) for key, mean in ways.items())
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
    fig.update_layout(legend={"y": 1.1}).update_yaxes(range=[-0.02, 1.02])
    fig.update_yaxes(title=text.say("words.test_accuracy"), row=1, col=1)


def summary_attack(result: Result, language: str) -> str:
    def of(m: int) -> dict[str, Any] | None:
        fgsm, pgd = (percent(result.attacked[a, m, :, 1].mean()) for a in range(2))
        return {"size": f"{result.epsilon[1]:.2g}", "fgsm": fgsm, "pgd": pgd} if m < 2 else None

    return HERE.each(result, language, "summaries.attack", of)


# Mixed images


def pictures_of(result: Result) -> np.ndarray:
    """Images of the first seed as each method was trained on them: [method, tick, 1, image, row, column]."""
    return result.mixed.reshape(*result.mixed.shape[:2], 1, -1, SIDE, SIDE)


def labels_of(result: Result) -> np.ndarray:
    """Their mixed labels: [method, tick, image]."""
    return np.array([[[mixed_label(part) for part in frame] for frame in frames] for frames in result.origin])


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
MIXED = pictures.images(
    HERE, "mixed", pictures_of, table_mixed, summary_mixed,
    said=labels_of, when=("epoch", lambda r: r.epoch), columns=1, ratio=0.22, least=112, room=0.3, shown=images,
    finish=lambda fig, r, text: fig.update_yaxes(range=[-3.2, SIDE - 0.5]),
)  # fmt: skip
FIGURES = HERE.figures(
    Figure("maps", draw_maps, table_compare, summary_maps, shown=in_plane),
    COMPARE,
    CURVES,
    HERE.later(ATTACK),
    MIXED,
    SHARES,
)
