"""Pictures of activation functions: what deep networks make of the plane, accuracy by depth, loss, what goes through
the layers, the functions with the units on them, dead units."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.concepts.activations.claims import shrinkage
from core.concepts.activations.params import Result, on_points
from core.conclusions.stats import ROUNDING, ends, mean_interval
from core.figures import plot, style
from core.figures.numbers import significant

SPLITS = ("train", "validation", "test")
GOOD = 0.95  # test accuracy of one who has learned
TRAIN, TEST = SPLITS.index("train"), SPLITS.index("test")
REACH = 1.5
GLYPHS = dict(zip(style.SYMBOLS, ["●", "■", "◆", "▲", "✚", "✖", "▼", "★", "⬟", "✶", "⧓", "⧗", "✴"]))
GREY = style.PALETTE[9]
FOOT = -7  # per cent: where the symbols under bars stand


def text(language: str) -> Text:
    return words("activations", language)


def names(result: Result, language: str) -> list[str]:
    """A name per contender; the second one of a kind has a number."""
    found = [text(language).say(f"options.activation.{unit.activation}") for unit in result.params.contenders]
    return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]


def percent(share: np.ndarray) -> np.ndarray:
    return np.array([f"{100 * value:.0f} %" for value in share.ravel()]).reshape(share.shape)


def diverged(result: Result, language: str) -> str:
    """Whose training diverged, at any depth; empty where nobody's did."""
    lost = (~np.isfinite(result.loss[:, :, :, -1])).any((1, 2, 3))
    found = text(language).listed(np.array(names(result, language))[lost])
    return text(language).say("summaries.diverged", names=found) if found else ""


def over_seeds(values: np.ndarray, log: bool) -> list[np.ndarray]:
    """Lowest, highest and middle of the first axis: the mean; on a logarithmic axis, which has no place for 0, the
    median, and the lowest above 0."""
    if not log:
        return [values.min(0), values.max(0), values.mean(0)]
    above = np.where(values > 0, values, np.inf).min(0)
    found = np.where(np.isfinite(above), above, np.nan), values.max(0), np.median(values, 0)
    return [np.where(curve > 0, curve, np.nan) for curve in found]


def add_band(
    fig: go.Figure, c: int, name: str, x: np.ndarray, values: np.ndarray, log: bool = False, **look: Any
) -> dict[int, dict[str, np.ndarray]]:
    """The mean over seeds of one contender, with a band from the lowest to the highest: values [seed, tick, x], drawn
    as they are at the last tick. Returns what to show at earlier ticks, by trace."""
    curve = plot.curve(c, look.pop("dash", ""), marked=look.pop("marked", False))
    low, high, middle = over_seeds(values.astype(float), log)
    place = {name: look.pop(name) for name in ("row", "col") if name in look}
    common = {"x": x, "legendgroup": f"{c}", "meta": look.pop("meta", None)} | place
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    first = len(fig.data)
    fig.add_scatter(**common, y=low[-1], **edge)
    fig.add_scatter(**common, y=high[-1], fill="tonexty", fillcolor=style.fade(style.contender(c).colour, 0.13), **edge)
    fig.add_scatter(
        **common,
        y=middle[-1],
        name=name,
        hovertemplate=f"{name}: %{{y:.3~g}}<extra></extra>",
        **curve | ({"mode": "lines+markers"} if len(x) == 1 else {}) | look,
    )
    return {first + i: {"y": curve} for i, curve in enumerate((low, high, middle))}


# What deep networks make of the plane, and why


def draw_boundaries(result: Result, language: str) -> go.Figure:
    """Decision regions of the deepest networks on top; below, the gradient of the first layer by depth."""
    say, labels = text(language).say, names(result, language)
    columns = min(5, len(labels))
    rows = ceil(len(labels) / columns)
    marks = [style.contender(c) for c in range(len(labels))]
    titles = [  # without what stands in brackets: five of them share the width of a phone
        f"<span style='color:{colour}'>{GLYPHS[symbol]}</span> {name.partition(' (')[0]}"
        for (colour, _, symbol), name in zip(marks, labels)
    ]
    fig = make_subplots(
        rows + 1,
        columns,
        specs=[[{}] * columns] * rows + [[{"colspan": columns}] + [None] * (columns - 1)],
        row_heights=[1] * rows + [2.2],
        subplot_titles=titles + [""] * (rows * columns - len(labels)),
        horizontal_spacing=0.015,
        vertical_spacing=0.28 / (rows + 2),
        figure=plot.figure(hover="closest"),
    )
    fig.update_annotations(font_size=12)
    stacks: dict[int, dict[str, np.ndarray]] = {}
    axis = np.linspace(-REACH, REACH, result.region.shape[-1])
    accuracy = percent(result.accuracy[:, -1, :, :, TEST].mean(1))
    for c in range(len(labels)):
        place = {"row": c // columns + 1, "col": c % columns + 1}
        stacks[len(fig.data)] = {"z": result.region[c]}
        fig.add_heatmap(
            x=axis, y=axis, z=result.region[c, -1].astype(np.float32), zmin=0, zmax=255, colorscale=style.DIVERGING,
            showscale=False, hoverinfo="skip", **place,
        )  # fmt: skip
        for label, symbol, size in ((0, "circle", 2.5), (1, "x-thin-open", 3)):
            chosen = result.y == label
            fig.add_scatter(
                x=result.x[chosen, 0],
                y=result.x[chosen, 1],
                mode="markers",
                marker={"size": size, "symbol": symbol, "color": style.DIVERGING[-1 if label else 0]},
                hoverinfo="skip",
                **place,
            )
        stacks[len(fig.data)] = {"text": accuracy[c][:, None]}
        fig.add_scatter(
            x=[0],
            y=[-REACH],
            text=accuracy[c, -1:],
            texttemplate="<b>%{text}</b>",
            mode="text",
            textposition="bottom center",
            textfont={"size": 14},
            cliponaxis=False,
            hoverinfo="skip",
            **place,
        )
    depth = np.arange(1, result.params.depth + 1)
    for c, name in enumerate(labels):
        add_band(fig, c, name, depth, result.first[c].T[:, None], log=True, marked=True, row=rows + 1, col=1)
    flat = [name for name, first in zip(labels, result.first) if not first.any()]
    if flat:
        last = rows * columns + 1
        corner = {"xref": f"x{last} domain", "yref": f"y{last} domain", "x": 0.02, "y": 0.03}
        fig.add_annotation(text=say("words.no_gradient", names=", ".join(flat)), **corner)
    fig.update_xaxes(visible=False, range=[-REACH, REACH], constrain="domain")
    fig.update_yaxes(visible=False, range=[-REACH, REACH], constrain="domain")
    for i in range(rows * columns):
        fig.layout[f"yaxis{i + 1 if i else ''}"].scaleanchor = f"x{i + 1 if i else ''}"
    below = {"row": rows + 1, "col": 1, "visible": True, "constrain": None}
    deepest = result.params.depth
    fig.update_xaxes(title=say("words.depth"), range=[0.8, deepest + 0.2], dtick=1, **below)
    fig.update_yaxes(
        title=say("words.first_gradient"),
        type="log",
        nticks=6,
        autorange=True,
        range=None,
        exponentformat="power",
        **below,
    )
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.aspect(fig, 1.25 * rows / columns + 0.55)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def table_boundaries(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    seeds = result.accuracy[:, -1, :, -1, TEST].astype(float)
    mean, half = mean_interval(seeds)
    columns = {
        say("words.contender"): names(result, language),
        say("words.test_accuracy"): mean.round(4),
        "± 95 %": half.round(4),
    }
    for depth in range(result.params.depth):
        columns[say("words.first_at", depth=depth + 1)] = significant(result.first[:, depth].mean(1), 3)
    return pd.DataFrame(columns)


def summary_boundaries(result: Result, language: str) -> str:
    say, labels = text(language).say, names(result, language)
    mean, depth = result.accuracy[:, -1, :, -1, TEST].astype(float).mean(1), result.params.depth
    most, least = percent(np.array([mean.max(), mean.min()]))
    best, worst = (text(language).listed(labels[c] for c in who) for who in ends(mean, lambda m: f"{100 * m:.0f}"))
    if not worst:
        return say("summaries.boundary", depth=depth, name=best, share=most)
    return say("summaries.boundaries", depth=depth, best=best, most=most, worst=worst, least=least)


# Accuracy by depth


def draw_depth(result: Result, language: str) -> go.Figure:
    """Accuracy after training by the number of hidden layers, mean and band over seeds."""
    say = text(language).say
    fig = plot.figure(460)
    depth = np.arange(1, result.params.depth + 1)
    stacks: dict[int, dict[str, np.ndarray]] = {}
    for c, name in enumerate(names(result, language)):
        for s, split in enumerate(SPLITS):
            values = result.accuracy[c, ..., s].transpose(1, 2, 0)  # [seed, tick, depth]
            dash = style.SPLITS[split].dash
            stacks |= add_band(fig, c, name, depth, values, meta={"split": split}, dash=dash)
    fig.update_xaxes(title=say("words.depth"), range=[0.9, result.params.depth + 0.1], dtick=1)
    fig.update_yaxes(title=say("words.accuracy"))
    plot.chips(fig, "split", {s: say(f"splits.{s}") for s in SPLITS}, ["test"])
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def table_depth(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    mean, half = mean_interval(result.accuracy[:, :, :, -1].astype(float), axis=2)  # [contender, depth, split]
    c, d = (a.ravel() for a in np.indices(mean.shape[:2]))
    columns: dict[str, object] = {say("words.contender"): [labels[i] for i in c], say("words.depth"): d + 1}
    for s, split in enumerate(SPLITS):
        columns[say(f"splits.{split}")] = mean[c, d, s].round(4)
    return pd.DataFrame(columns | {f"{say('splits.test')} ± 95 %": half[c, d, TEST].round(4)})


def summary_depth(result: Result, language: str) -> str:
    say, labels = text(language).say, names(result, language)
    mean, depth = result.accuracy[:, :, :, -1, TEST].astype(float).mean(2), result.params.depth
    learned = mean > GOOD + ROUNDING  # [contender, depth]
    listed = text(language).listed
    shallow, deep = (listed(np.array(labels)[learned[:, d]]) or say("words.nobody") for d in (0, -1))
    good = f"{100 * GOOD:.0f}"
    if depth == 1:
        return say("summaries.depth_one", good=good, shallow=shallow)
    return say("summaries.depth", good=good, depth=depth, shallow=shallow, deep=deep)


# Loss over epochs


def draw_loss(result: Result, language: str) -> go.Figure:
    """Loss of the deepest networks over epochs; it ends where a seed is no longer finite."""
    say = text(language).say
    fig = plot.figure(460)
    for c, name in enumerate(names(result, language)):
        for s, split in enumerate(SPLITS):
            values = result.loss[c, -1, ..., s]  # [seed, tick]
            finite = np.isfinite(values).all(0)
            n = len(finite) if finite.all() else int(finite.argmin())
            look = {"meta": {"split": split}, "dash": style.SPLITS[split].dash}
            add_band(fig, c, name, result.epoch[:n], values[:, None, :n], log=True, **look)
            if n < len(finite):
                fig.add_scatter(
                    x=result.epoch[n - 1 : n],
                    y=values[:, n - 1 : n].mean(0),
                    mode="markers",
                    marker={"symbol": "x", "size": 12, "color": style.contender(c)[0]},
                    meta={"split": split},
                    legendgroup=f"{c}",
                    showlegend=False,
                    hovertemplate=f"{name}: {say('words.diverged_here')}<extra></extra>",
                )
    fig.update_xaxes(title=say("words.epoch"), range=[0, max(result.params.epochs, 1)])
    fig.update_yaxes(title=say("words.loss"), type="log", exponentformat="power", dtick=1)
    plot.chips(fig, "split", {s: say(f"splits.{s}") for s in SPLITS}, ["train"])
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), list(range(len(fig.data))), {})
    return fig


def table_loss(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.epoch"): result.epoch}
    for c, name in enumerate(names(result, language)):
        for s, split in enumerate(SPLITS):
            columns[f"{name}, {say(f'splits.{split}')}"] = result.loss[c, -1, ..., s].astype(float).mean(0).round(5)
    return pd.DataFrame(columns)


def summary_loss(result: Result, language: str) -> str:
    say, labels = text(language).say, names(result, language)
    last, epoch = result.loss[:, -1, :, -1, TRAIN].astype(float).mean(1), int(result.epoch[-1])
    most, least = ends(last, lambda loss: f"{loss:.3g}")
    if not most:
        return say("summaries.loss_none", epoch=epoch)
    worst, best = (text(language).listed(labels[c] for c in who) for who in (most, least))
    high, low = (f"{pick(last[np.isfinite(last)]):.3g}" for pick in (max, min))
    if not best:
        return say("summaries.loss_one", epoch=epoch, name=worst, low=low)
    return say("summaries.loss", epoch=epoch, best=best, low=low, worst=worst, high=high)


# What goes through the layers


def draw_layers(result: Result, language: str) -> go.Figure:
    """By hidden layer of the deepest networks: how far outputs differ between examples, and the gradient."""
    say = text(language).say
    fig = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.07, figure=plot.figure(560))
    layer = np.arange(1, result.params.depth + 1)
    stacks: dict[int, dict[str, np.ndarray]] = {}
    for c, name in enumerate(names(result, language)):
        for row, values in ((1, result.spread[c]), (2, result.gradient[c])):
            stacks |= add_band(fig, c, name, layer, values, log=True, marked=True, row=row, col=1, showlegend=row == 1)
    for row, kind in ((1, "spread"), (2, "gradient")):
        fig.update_yaxes(title=say(f"words.{kind}"), type="log", exponentformat="power", row=row, col=1)
    fig.update_xaxes(range=[0.9, result.params.depth + 0.1], dtick=1)
    fig.update_xaxes(title=say("words.layer"), row=2, col=1)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def table_layers(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    c, layer = (a.ravel() for a in np.indices((len(labels), result.params.depth)))
    columns: dict[str, object] = {say("words.contender"): [labels[i] for i in c], say("words.layer"): layer + 1}
    for kind in ("mean", "spread", "signal", "gradient"):
        for tick, when in ((0, "words.before"), (-1, "words.now")):
            values = getattr(result, kind)[:, :, tick].astype(float).mean(1)[c, layer]
            columns[f"{say(f'words.{kind}')}, {say(when)}"] = significant(values, 3)
    return pd.DataFrame(columns)


def summary_layers(result: Result, language: str) -> str:
    say = text(language).say
    if result.params.depth < 2:
        return say("summaries.no_layers")
    parts = [
        say("summaries.factor", name=name, factor=f"{np.mean(row):.2g}")
        for name, row in zip(names(result, language), shrinkage(result))
        if np.isfinite(row).all()
    ]
    return say("summaries.layers", factors=text(language).listed(parts, ";")) if parts else say("summaries.no_layers")


# The functions, and where on them the units are


def draw_functions(result: Result, language: str) -> go.Figure:
    """Every function with its slope, over the share of weighted sums z that fall there now."""
    say, labels = text(language).say, names(result, language)
    columns = min(3, len(labels))
    rows = ceil(len(labels) / columns)
    fig = make_subplots(
        rows,
        columns,
        subplot_titles=labels,
        shared_xaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.26 / rows,
        figure=plot.figure(120 + 190 * rows, "closest"),
    )
    middle = (result.edge[:-1] + result.edge[1:]) / 2
    stacks: dict[int, dict[str, np.ndarray]] = {}
    for c, name in enumerate(labels):
        place = {"row": c // columns + 1, "col": c % columns + 1}
        share = result.share[c].astype(float)
        heights = 2 * share / np.maximum(share.max(1, keepdims=True), 1e-9) - 1  # the highest bar fills the panel
        stacks[len(fig.data)] = {"y": heights + 1}
        fig.add_bar(
            x=middle,
            y=heights[-1] + 1,
            base=-1,
            marker={"color": style.fade(GREY, 0.55)},
            name=say("words.share"),
            legendgroup="share",
            showlegend=c == 0,
            customdata=100 * share[-1],
            hovertemplate=f"{name}, z ≈ %{{x:.2f}}: %{{customdata:.1f}} %<extra></extra>",
            **place,
        )
        for kind, dash, width in (("value", "solid", 2.5), ("slope", "dash", 2)):
            fig.add_scatter(
                x=result.z,
                y=getattr(result, kind)[c],
                mode="lines",
                line={"color": style.contender(c)[0], "width": width, "dash": dash},
                name=say(f"words.{kind}"),
                legendgroup=kind,
                showlegend=c == 0,
                hovertemplate=f"{name}, {say(f'words.{kind}')} (%{{x:.2f}}): %{{y:.3f}}<extra></extra>",
                **place,
            )
    fig.update_annotations(font_size=14)
    above = {"y": 1 + 34 / (190 * rows)}  # over the titles
    fig.update_layout(bargap=0, legend=above, margin={"t": 80, "b": 40})
    fig.update_xaxes(range=[-6, 6], dtick=3, showticklabels=True)
    fig.update_yaxes(range=[-1.1, 1.6], dtick=1)
    fig.update_xaxes(title="z", row=rows)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def table_functions(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    beyond = result.share[:, -1, [0, -1]].sum(1)
    columns: dict[str, object] = {say("words.contender"): names(result, language)}
    for at in (-3, -1, 0, 1, 3):
        columns[f"f({at})"] = result.value[:, np.abs(result.z - at).argmin()].round(4)
        columns[f"f′({at})"] = result.slope[:, np.abs(result.z - at).argmin()].round(4)
    columns[f"{say('words.outermost')} (%)"] = (100 * beyond).round(1)
    columns[say("words.learned")] = result.learned[:, :, -1].mean(1).round(4)
    return pd.DataFrame(columns)


def summary_functions(result: Result, language: str) -> str:
    say = text(language).say
    steepest = result.slope.max(1)
    sentence = say(
        "summaries.functions",
        slopes=text(language).listed(
            (f"{name} {value:.2f}" for name, value in zip(names(result, language), steepest)), ";"
        ),
    )
    learned = result.learned[:, :, -1].mean(1)
    found = learned[np.isfinite(learned)]
    return sentence + (" " + say("summaries.learned", slope=f"{found[0]:.2f}") if found.size else "")


# Dead units


def draw_dead(result: Result, language: str) -> go.Figure:
    """Dead units over epochs on top; below, by layer: dead now, and alive again after having been dead."""
    say, labels = text(language).say, names(result, language)
    fig = make_subplots(2, 1, vertical_spacing=0.16, figure=plot.figure(600, "closest"))
    layer = np.arange(1, result.params.depth + 1)
    stacks: dict[int, dict[str, np.ndarray]] = {}
    width, shown = result.params.width, [c for c in range(len(labels)) if result.dead[c].any()] or [0]
    for c, name in enumerate(labels):
        share = 100 * result.dead[c].mean(-1) / width  # [seed, tick]
        add_band(fig, c, name, result.epoch, share[:, None], marked=True, row=1, col=1)
    cut = list(range(len(fig.data)))
    wide = 0.8 / len(shown)
    for j, c in enumerate(shown):
        colour, _, symbol = style.contender(c)
        x = layer + (j - (len(shown) - 1) / 2) * wide
        for kind, look in (("dead", colour), ("revived", style.fade(colour, 0.3))):
            values = 100 * getattr(result, kind)[c].mean(0) / width  # [tick, layer]
            stacks[len(fig.data)] = {"y": values}
            fig.add_bar(
                x=x,
                y=values[-1],
                width=0.9 * wide,
                marker={"color": look, "pattern": {"shape": "/" if kind == "revived" else ""}},
                legendgroup=kind,
                name=say(f"words.{kind}"),
                showlegend=False,
                hovertemplate=f"{labels[c]}, {say(f'words.{kind}')}: %{{y:.0f}} %<extra></extra>",
                row=2,
                col=1,
            )
        fig.add_scatter(  # whose bar it is, at its foot
            x=x,
            y=np.full(len(x), FOOT),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 8},
            hoverinfo="skip",
            showlegend=False,
            row=2,
            col=1,
        )
    fig.update_layout(barmode="stack")
    fig.update_yaxes(title=say("words.dead_share"), range=[0, 104], row=1, col=1)
    fig.update_yaxes(title=say("words.dead_by_layer"), range=[2 * FOOT, 104], row=2, col=1)
    fig.update_xaxes(title=say("words.epoch"), range=[0, max(result.params.epochs, 1)], row=1, col=1)
    fig.update_xaxes(title=say("words.layer"), dtick=1, range=[0.4, result.params.depth + 0.6], row=2, col=1)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), cut, stacks)
    return fig


def table_dead(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    c, layer = (a.ravel() for a in np.indices((len(labels), result.params.depth)))
    return pd.DataFrame(
        {
            say("words.contender"): [labels[i] for i in c],
            say("words.layer"): layer + 1,
            say("words.dead_before"): result.dead[:, :, 0].mean(1)[c, layer].round(2),
            say("words.dead"): result.dead[:, :, -1].mean(1)[c, layer].round(2),
            say("words.revived"): result.revived[:, :, -1].mean(1)[c, layer].round(2),
        }
    )


def summary_dead(result: Result, language: str) -> str:
    say = text(language).say
    parts = []
    for name, dead, revived in zip(names(result, language), result.dead, result.revived):
        if dead.any():
            before, now, back = (
                f"{100 * units.mean() / result.params.width:.0f}" for units in (dead[:, 0], dead[:, -1], revived[:, -1])
            )
            parts.append(say("summaries.dead", name=name, before=before, now=now, back=back))
    return " ".join(parts) if parts else say("summaries.no_dead")


FIGURES = with_note(
    (
        Figure("boundaries", draw_boundaries, table_boundaries, summary_boundaries, shown=on_points),
        Figure("depth", draw_depth, table_depth, summary_depth),
        Figure("loss", draw_loss, table_loss, summary_loss),
        Figure("layers", draw_layers, table_layers, summary_layers),
        Figure("functions", draw_functions, table_functions, summary_functions),
        Figure("dead", draw_dead, table_dead, summary_dead),
    ),
    diverged,
)
