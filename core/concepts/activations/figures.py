"""Pictures of activation functions: what deep networks make of the plane, accuracy by depth, loss, what goes through
the layers, the functions with the units on them, dead units."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.activations.claims import shrinkage
from core.concepts.activations.params import Result, on_points
from core.conclusions.stats import ROUNDING
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent
from core.figures.numbers import significant
from core.figures.plot import over_seeds

SPLITS = ("train", "validation", "test")
GOOD = 0.95  # test accuracy of one who has learned
TRAIN, TEST = SPLITS.index("train"), SPLITS.index("test")
REACH = 1.5
GLYPHS = dict(zip(style.SYMBOLS, ["●", "■", "◆", "▲", "✚", "✖", "▼", "★", "⬟", "✶", "⧓", "⧗", "✴"]))
GREY = style.PALETTE[9]
LOG: dict[str, Any] = {"type": "log", "exponentformat": "power"}
FOOT = -7  # per cent: where the symbols under bars stand
EPOCHS = "epoch", lambda r: r.epoch


def named(result: Result, text: Text) -> list[str]:
    return [text.say(f"options.activation.{unit.activation}") for unit in result.params.contenders]


HERE = Gallery("activations", named, diverged=lambda r: ~np.isfinite(r.loss[:, :, :, -1]).all(-1))
text, names = HERE.text, HERE.names


def layers(result: Result) -> np.ndarray:
    return np.arange(1, result.params.depth + 1)


# What deep networks make of the plane, and why


def draw_boundaries(result: Result, language: str) -> go.Figure:
    """Decision regions of the deepest networks on top; below, the gradient of the first layer by depth."""
    say, labels = text(language).say, names(result, language)
    columns = min(5, len(labels))
    rows = ceil(len(labels) / columns)
    marks = [style.contender(c) for c in range(len(labels))]
    titles = [  # without what stands in brackets: five of them share the width of a phone
        f"<span style='color:{mark.colour}'>{GLYPHS[mark.symbol]}</span> {name.partition(' (')[0]}"
        for mark, name in zip(marks, labels)
    ]
    strip: list[dict[str, Any] | None] = [{"colspan": columns}] + [None] * (columns - 1)
    grid: dict[str, Any] = {"horizontal_spacing": 0.015, "vertical_spacing": 0.28 / (rows + 2)}
    grid |= {"specs": [[{}] * columns] * rows + [strip], "row_heights": [1] * rows + [2.2]}
    fig = plot.panels(rows + 1, columns, titles + [""] * (rows * columns - len(labels)), **grid)
    fig.update_annotations(font_size=12)
    accuracy = result.accuracy[:, -1, :, :, TEST].mean(1)
    for c in range(len(labels)):
        place = {"row": c // columns + 1, "col": c % columns + 1}
        plot.field(fig, result.region[c], REACH, **place)
        for label, symbol, size in ((0, "circle", 2.5), (1, "x-thin-open", 3)):
            x, y = result.x[result.y == label].T
            mark = {"size": size, "symbol": symbol, "color": style.DIVERGING[-1 if label else 0]}
            fig.add_scatter(x=x, y=y, mode="markers", marker=mark, hoverinfo="skip", **place)
        said = np.array([[percent(share)] for share in accuracy[c]])
        bold = {"texttemplate": "<b>%{text}</b>", "textfont": {"size": 14}}
        plot.words(fig, [0], [-REACH], said, "bottom center", **bold, **place)
    plot.plane(fig, REACH)
    below: dict[str, Any] = {"row": rows + 1, "col": 1}
    for c, name in enumerate(labels):
        look, tip = plot.curve(c, marked=True), f"{name}: %{{y:.3~g}}<extra></extra>"
        first = result.first[c].T.astype(float)
        plot.bands(fig, layers(result), first, name, look, hover=tip, log=True, legendgroup=f"{c}", **below)
    flat = [name for name, first in zip(labels, result.first) if not first.any()]
    if flat:
        last = rows * columns + 1
        corner = {"xref": f"x{last} domain", "yref": f"y{last} domain", "x": 0.02, "y": 0.03}
        fig.add_annotation(text=say("words.no_gradient", names=", ".join(flat)), **corner)
    shown = below | {"visible": True, "constrain": None}
    ticks = {"exponentformat": "power", "nticks": 6, "autorange": True, "range": None, "scaleanchor": None}
    fig.update_xaxes(title=say("words.depth"), range=[0.8, result.params.depth + 0.2], dtick=1, **shown)
    fig.update_yaxes(title=say("words.first_gradient"), type="log", **ticks, **shown)
    plot.bare(fig)
    plot.aspect(fig, 1.25 * rows / columns + 0.55)
    return plot.film(fig, result, result.epoch, say("words.epoch"))


def table_boundaries(result: Result, language: str) -> pd.DataFrame:
    columns = kinds.with_half({"words.test_accuracy": result.accuracy[:, -1, :, -1, TEST]})
    for depth in range(result.params.depth):
        columns[text(language).say("words.first_at", depth=depth + 1)] = significant(result.first[:, depth].mean(1), 3)
    return HERE.table(result, language, columns)


def summary_boundaries(result: Result, language: str) -> str:
    mean, depth = result.accuracy[:, -1, :, -1, TEST].astype(float).mean(1), result.params.depth
    return HERE.most_and_least(result, language, "summaries.boundaries", mean, percent, depth=depth)


# Accuracy by depth


def table_depth(result: Result, language: str) -> pd.DataFrame:
    mean, half = over_seeds(result.accuracy[:, :, :, -1], axis=2)  # [contender, depth, split]
    columns = {"words.depth": layers(result)}
    columns |= {f"splits.{split}": mean[..., s].round(4) for s, split in enumerate(SPLITS)}
    return HERE.table(
        result, language, columns | {f"{text(language).say('splits.test')} ± 95 %": half[..., TEST].round(4)}
    )


def summary_depth(result: Result, language: str) -> str:
    say, listed, depth = text(language).say, text(language).listed, result.params.depth
    learned = result.accuracy[:, :, :, -1, TEST].astype(float).mean(2) > GOOD + ROUNDING  # [contender, depth]
    labels, good = np.array(names(result, language)), f"{100 * GOOD:.0f}"
    shallow, deep = (listed(labels[learned[:, d]]) or say("words.nobody") for d in (0, -1))
    if depth == 1:
        return say("summaries.depth_one", good=good, shallow=shallow)
    return say("summaries.depth", good=good, depth=depth, shallow=shallow, deep=deep)


# Loss over epochs


def ending(result: Result) -> np.ndarray:
    """The tick at which a seed of the deepest networks is no longer finite, on any split: [contender]."""
    finite = np.isfinite(result.loss[:, -1]).all((1, 3))
    return np.where(finite.all(1), finite.shape[1], finite.argmin(1))


def summary_loss(result: Result, language: str) -> str:
    say, epoch = text(language).say, int(result.epoch[-1])
    last = result.loss[:, -1, :, -1, TRAIN].astype(float).mean(1)
    worst, best = HERE.ends(result, language, last, lambda loss: f"{loss:.3g}")
    if not worst:
        return say("summaries.loss_none", epoch=epoch)
    high, low = (f"{pick(last[np.isfinite(last)]):.3g}" for pick in (max, min))
    if not best:
        return say("summaries.loss_one", epoch=epoch, name=worst, low=low)
    return say("summaries.loss", epoch=epoch, best=best, low=low, worst=worst, high=high)


# What goes through the layers


def by_layer(fig: plot.Sheet, result: Result, text: Text) -> plot.Sheet:
    return fig.update_xaxes(range=[0.9, result.params.depth + 0.1], dtick=1)


def table_layers(result: Result, language: str) -> pd.DataFrame:
    say, columns = text(language).say, {"words.layer": layers(result)}
    for kind in ("mean", "spread", "signal", "gradient"):
        for tick, when in ((0, "before"), (-1, "now")):
            values = getattr(result, kind)[:, :, tick].astype(float).mean(1)
            columns[f"{say(f'words.{kind}')}, {say(f'words.{when}')}"] = significant(values, 3)
    return HERE.table(result, language, columns)


def summary_layers(result: Result, language: str) -> str:
    factors = shrinkage(result) if result.params.depth > 1 else np.full((len(result.gradient), 1), np.nan)

    def of(c: int) -> dict[str, Any] | None:
        return {"factor": f"{factors[c].mean():.2g}"} if np.isfinite(factors[c]).all() else None

    return HERE.each(result, language, "summaries.factor", of, "summaries.no_layers", "summaries.layers")


# The functions, and where on them the units are


def draw_functions(result: Result, language: str) -> go.Figure:
    """Every function with its slope, over the share of weighted sums z that fall there now."""
    say, labels = text(language).say, names(result, language)
    columns = min(3, len(labels))
    rows = ceil(len(labels) / columns)
    fig, places = plot.grid(labels, columns, 0.05, 0.26, height=120 + 190 * rows, shared_xaxes=True)
    middle = (result.edge[:-1] + result.edge[1:]) / 2
    for c, name in enumerate(labels):
        place: dict[str, Any] = places[c] | {"showlegend": c == 0}
        share = result.share[c].astype(float)
        heights = 2 * share / np.maximum(share.max(1, keepdims=True), 1e-9)  # the highest bar fills the panel
        tip = f"{name}, z ≈ %{{x:.2f}}: %{{customdata:.1f}} %<extra></extra>"
        grey = {"marker": {"color": style.fade(GREY, 0.55)}, "customdata": 100 * share[-1], "hovertemplate": tip}
        fig.add_bar(x=middle, y=heights[-1], base=-1, name=say("words.share"), legendgroup="share", **grey, **place)
        fig.was(y=heights)
        for kind, dash, width in (("value", "solid", 2.5), ("slope", "dash", 2)):
            word, y = say(f"words.{kind}"), getattr(result, kind)[c]
            tip = f"{name}, {word} (%{{x:.2f}}): %{{y:.3f}}<extra></extra>"
            look = {"mode": "lines", "line": plot.line(style.contender(c).colour, width, dash)}
            fig.add_scatter(x=result.z, y=y, name=word, legendgroup=kind, hovertemplate=tip, **look, **place)
    fig.update_annotations(font_size=14)
    above = {"y": 1 + 34 / (190 * rows)}  # over the titles
    fig.update_layout(bargap=0, legend=above, margin={"t": 80, "b": 40})
    fig.update_xaxes(range=[-6, 6], dtick=3, showticklabels=True)
    fig.update_yaxes(range=[-1.1, 1.6], dtick=1)
    fig.update_xaxes(title="z", row=rows)
    return plot.film(fig, result, result.epoch, say("words.epoch"))


def table_functions(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for at in (-3, -1, 0, 1, 3):
        for head, values in ((f"f({at})", result.value), (f"f′({at})", result.slope)):
            columns[head] = values[:, np.abs(result.z - at).argmin()].round(4)
    beyond = result.share[:, -1, [0, -1]].sum(1)
    columns[f"{text(language).say('words.outermost')} (%)"] = (100 * beyond).round(1)
    return HERE.table(result, language, columns | {"words.learned": result.learned[:, :, -1].mean(1).round(4)})


def summary_functions(result: Result, language: str) -> str:
    steepest, learned = result.slope.max(1), result.learned[:, :, -1].mean(1)
    of = lambda c: {"factor": f"{steepest[c]:.2f}"}  # noqa: E731
    said = HERE.each(result, language, "summaries.factor", of, whole="summaries.functions")
    found = learned[np.isfinite(learned)]
    return f"{said} {text(language).say('summaries.learned', slope=f'{found[0]:.2f}')}" if found.size else said


# Dead units


def draw_dead(result: Result, language: str) -> go.Figure:
    """Dead units over epochs on top; below, by layer: dead now, and alive again after having been dead."""
    say, labels = text(language).say, names(result, language)
    fig = plot.panels(2, 1, None, 600, vertical_spacing=0.16)
    width, shown = result.params.width, [c for c in range(len(labels)) if result.dead[c].any()] or [0]
    for c, name in enumerate(labels):
        share = 100 * result.dead[c].astype(float).mean(-1) / width  # [seed, tick]
        tip = f"{name}: %{{y:.3~g}}<extra></extra>"
        look = plot.curve(c, marked=True)
        plot.bands(fig, result.epoch, share, name, look, hover=tip, legendgroup=f"{c}", row=1, col=1)
    cut = range(len(fig.data))
    wide = 0.8 / len(shown)
    for j, c in enumerate(shown):
        colour = style.contender(c).colour
        x = layers(result) + (j - (len(shown) - 1) / 2) * wide
        below: dict[str, Any] = {"showlegend": False, "row": 2, "col": 1}
        for kind, tint, pattern in (("dead", colour, ""), ("revived", style.fade(colour, 0.3), "/")):
            values, word = 100 * getattr(result, kind)[c].mean(0) / width, say(f"words.{kind}")  # [tick, layer]
            look = {"marker": {"color": tint, "pattern": {"shape": pattern}}, "width": 0.9 * wide}
            tip = f"{labels[c]}, {word}: %{{y:.0f}} %<extra></extra>"
            fig.add_bar(x=x, y=values[-1], legendgroup=kind, name=word, hovertemplate=tip, **look, **below)
            fig.was(y=values)
        foot = np.full(len(x), FOOT)  # whose bar it is
        fig.add_scatter(x=x, y=foot, mode="markers", marker=plot.mark(c), hoverinfo="skip", **below)
    fig.update_layout(barmode="stack")
    fig.update_yaxes(title=say("words.dead_share"), range=[0, 104], row=1, col=1)
    fig.update_yaxes(title=say("words.dead_by_layer"), range=[2 * FOOT, 104], row=2, col=1)
    fig.update_xaxes(title=say("words.epoch"), range=[0, max(result.params.epochs, 1)], row=1, col=1)
    fig.update_xaxes(title=say("words.layer"), dtick=1, range=[0.4, result.params.depth + 0.6], row=2, col=1)
    return plot.film(fig, result, result.epoch, say("words.epoch"), cut)


def table_dead(result: Result, language: str) -> pd.DataFrame:
    ways = {"dead_before": result.dead[:, :, 0], "dead": result.dead[:, :, -1], "revived": result.revived[:, :, -1]}
    columns = {f"words.{word}": values.mean(1).round(2) for word, values in ways.items()}
    return HERE.table(result, language, {"words.layer": layers(result)} | columns)


def summary_dead(result: Result, language: str) -> str:
    def of(c: int) -> dict[str, Any] | None:
        found = {"before": result.dead[c, :, 0], "now": result.dead[c, :, -1], "back": result.revived[c, :, -1]}
        shares = {name: f"{100 * units.mean() / result.params.width:.0f}" for name, units in found.items()}
        return shares if result.dead[c].any() else None

    return HERE.each(result, language, "summaries.dead", of, none="summaries.no_dead")


DEPTH = kinds.swept(
    HERE, "depth", "depth", layers, lambda r: {"accuracy": r.accuracy.transpose(0, 2, 3, 1, 4)}, summary_depth,
    parts=kinds.splits("test"), moments=EPOCHS, hover=".3~g", height=460, table=table_depth, finish=by_layer,
)  # fmt: skip
LOSS = kinds.curves(
    HERE, "loss", "epoch", lambda r: r.epoch, lambda r: {"loss": r.loss[:, -1]}, summary_loss, ends=ending, log=True,
    parts=kinds.splits("train"), hover=".3~g", height=460, digits=5,
    finish=lambda fig, r, text: fig.update_xaxes(range=[0, max(r.params.epochs, 1)]).update_yaxes(**LOG, dtick=1),
)  # fmt: skip
LAYERS = kinds.swept(
    HERE, "layers", "layer", layers, lambda r: {"spread": r.spread, "gradient": r.gradient}, summary_layers,
    moments=EPOCHS, log=True, marked=True, hover=".3~g", height=560, table=table_layers,
    finish=lambda fig, r, text: by_layer(fig.update_yaxes(**LOG), r, text),
)  # fmt: skip
FIGURES = HERE.figures(
    Figure("boundaries", draw_boundaries, table_boundaries, summary_boundaries, shown=on_points),
    DEPTH,
    LOSS,
    LAYERS,
    Figure("functions", draw_functions, table_functions, summary_functions),
    Figure("dead", draw_dead, table_dead, summary_dead),
)
