"""Pictures of the classic networks: where their weights and their work are, and what small ones make of ideas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.cnn_classics.claims import TEST, TRAIN, reached, right
from core.concepts.cnn_classics.machine.params import ALL, IDEAS, Said
from core.concepts.cnn_classics.params import (
    EDITIONS,
    KINDS,
    PUBLISHED,
    VERSIONS,
    Built,
    Result,
    chosen,
)
from core.concepts.cnn_classics.pieces.params import BRANCHES, NETS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents

COLOURS = {"conv": style.PALETTE[0], "dense": style.PALETTE[1], "pool": style.PALETTE[2]}
SHAPES = {"conv": "", "dense": "/", "pool": "x"}  # of their bars
MEASURES = {"parameters": 1e6, "multiply_adds": 1e9}
HATCHED = {"fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.45)"}
THIN = 0.005  # of an axis: a block as long has an edge
ROOM = 0.12  # of an axis: a block as long has room for its number


def shown(result: Result) -> list[int]:
    """Places of the versions that are chosen, as far as they are counted."""
    return [VERSIONS.index(version) for version in EDITIONS[result.params.edition] if known(result, version)]


def known(result: Result, version: str) -> bool:
    return VERSIONS.index(version) < len(result.parameters)


def of_machine(result: Any, text: Text) -> list[str]:
    return [text.say("words.nothing"), *(text.say(f"ideas.{idea}") for idea in IDEAS)]


def added_or_not(values: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of the net of 1989 and of each idea added to it; of all ideas, and of each left out."""
    return {"added": values[:ALL], "left_out": values[ALL:]}


HERE = Gallery("cnn_classics", lambda r, text: [text.say(f"versions.{VERSIONS[k]}") for k in shown(r)], "words.network")
MACHINE = Gallery(
    "cnn_classics", of_machine, "words.idea", of="machine",
    diverged=lambda r: ~np.isfinite(np.stack(list(added_or_not(r.error[:, :, -1]).values()))).all((0, 3)),
)  # fmt: skip
PIECES = Gallery(
    "cnn_classics", lambda r, text: [text.say(f"nets.{net}") for net in NETS], "words.network", of="pieces"
)
BRANCH = Gallery(
    "cnn_classics", lambda r, text: [text.say("words.whole"), *(text.say(f"branches.{b}") for b in BRANCHES)],
    "words.deleted", of="pieces", known=lambda r: r.deleted.size > 0,
)  # fmt: skip


# Counts


def short(number: float) -> str:
    """A number of parameters or products in three digits: 61.7 k, 138 M, 15.5 G."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= 0.9995 * size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def layer(result: Result, version: int, k: int, text: Text) -> str:
    """A layer in words: 3 × 3, 64 → 128."""
    kind, window = KINDS[result.kind[version, k]], int(result.kernel[version, k])
    ends = f"{result.given[version, k]:,} → {result.channels[version, k]:,}"
    return f"{text.say(f'kinds.{kind}')} {ends}" if kind == "dense" else f"{window} × {window}, {ends}"


def blocks(result: Result, versions: list[int], text: Text) -> go.Figure:
    """Every network as a row of its layers, as long as they have parameters (left) and products (right)."""
    fig = plot.panels(1, 2, None, 150 + 46 * len(versions), shared_yaxes=True, horizontal_spacing=0.05)
    names = [text.say(f"versions.{VERSIONS[version]}") for version in versions]
    for column, (word, unit) in enumerate(MEASURES.items(), 1):
        place, values = {"row": 1, "col": column}, getattr(result, word) / unit
        top = float(values[versions].sum(1).max(initial=0)) or 1.0
        parts: dict[str, list[tuple[Any, ...]]] = {"conv": [], "dense": [], "largest": []}
        for version, name in zip(versions, names):
            own, starts = values[version], np.cumsum(values[version]) - values[version]
            for k in np.flatnonzero(own).tolist():
                kind = KINDS[result.kind[version, k]]
                group = "largest" if k == own.argmax() else "dense" if kind == "dense" else "conv"
                tip = f"{name}, {layer(result, version, k, text)}: {short(own[k] * unit)}"
                said = short(own[k] * unit) if group == "largest" and own[k] > ROOM * top else ""
                parts[group].append((own[k], name, starts[k], tip, said, kind))
        for group, found in parts.items():
            columns: list[tuple[Any, ...]] = list(zip(*found)) or [()] * 6
            lengths, rows, bases, tips, inside, drawn = columns
            strong = 1.0 if group == "largest" else 0.35
            look: dict[str, Any] = {
                "color": [style.fade(COLOURS[kind], strong) for kind in drawn],
                "pattern": {"shape": [SHAPES[kind] for kind in drawn], "size": 8, "solidity": 0.25} | HATCHED,
                "line": {"color": "#888888", "width": [0.6 * (own > THIN * top) for own in lengths]},
            }
            about = {"name": text.say(f"kinds.{group}"), "legendgroup": group, "showlegend": column == 1}
            about |= {"text": inside, "textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
            about |= {"textfont": {"color": "#ffffff", "size": 13}, "hovertext": tips, "hoverinfo": "text"}
            fig.add_bar(x=lengths, y=rows, base=bases, orientation="h", width=0.7, marker=look, **about, **place)
        whole = values[versions].sum(1)
        totals = np.array([[f" {short(total * unit)}" for total in whole]])
        plot.words(fig, whole, names, totals, "middle right", showlegend=False, **place)
        fig.update_xaxes(title=text.say(f"words.{word}_axis"), range=[0, 1.24 * top], **place)
    fig.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True, showgrid=False)
    fig.update_layout(barmode="overlay", margin={"t": 40})
    plot.stack(fig)
    return fig


def table_counts(result: Result, language: str, versions: list[int]) -> pd.DataFrame:
    """Of every version what it has in all, and its largest layer."""
    text = HERE.text(language)
    at = [int(result.parameters[version].argmax()) for version in versions]
    columns: dict[str, Any] = {"words.network": [text.say(f"versions.{VERSIONS[version]}") for version in versions]}
    columns |= {f"words.{word}": getattr(result, word)[versions].sum(1) for word in MEASURES}
    columns |= {"words.published": [float(PUBLISHED.get(VERSIONS[version], np.nan)) for version in versions]}
    columns |= {"words.activations": activations(result)[versions].sum(1)}
    columns |= {"words.largest": [layer(result, version, k, text) for version, k in zip(versions, at)]}
    shares = [result.parameters[version, k] / result.parameters[version].sum() for version, k in zip(versions, at)]
    return HERE.frame(language, columns | {"words.its_share": np.round(shares, 4)})


def activations(result: Result) -> np.ndarray:
    """Numbers that every layer gives, [version, layer]."""
    return result.channels * result.height**2


def summary_counts(result: Result, language: str, versions: list[int]) -> str:
    text, said = HERE.text(language), []
    for version in versions:
        own = result.parameters[version]
        k = int(own.argmax())
        about = {"name": text.say(f"versions.{VERSIONS[version]}"), "layer": layer(result, version, k, text)}
        about |= {"parameters": short(own.sum()), "largest": short(own[k])}
        said.append(text.say("summaries.count", **about, products=short(result.multiply_adds[version].sum())))
    return text.sentences(said) if said else text.say("summaries.later")


def everyone(result: Result) -> list[int]:
    return list(range(len(result.parameters)))


def look(result: Result) -> tuple[int, np.ndarray]:
    """The place of the network that is looked at, and of its layers."""
    version = VERSIONS.index(chosen(result.params))
    return version, np.flatnonzero(result.kind[version] >= 0)


def draw_layers(result: Result, language: str) -> go.Figure:
    """Of one network, layer by layer: side and channels, parameters, products, numbers that are kept."""
    text = HERE.text(language)
    fig = plot.panels(4, 1, None, 520, "x unified", shared_xaxes=True, vertical_spacing=0.04)
    if not known(result, chosen(result.params)):
        return plot.waiting(fig, text.say("words.later"))
    version, at = look(result)
    x, which = np.arange(1, len(at) + 1), result.kind[version, at]
    for i, word in enumerate(("height", "channels", "view")):
        values = getattr(result, word)[version, at]
        fig.add_scatter(x=x, y=values, name=text.say(f"words.{word}"), **plot.curve(i, marked=True), row=1, col=1)
    fig.update_yaxes(type="log", dtick=1, row=1, col=1)
    numbers = {word: getattr(result, word)[version, at] for word in MEASURES}
    numbers |= {"activations": activations(result)[version, at]}
    for panel, (word, values) in enumerate(numbers.items(), 2):
        for k, kind in enumerate(KINDS):
            own = which == k
            bars = {"color": style.fade(COLOURS[kind], 0.7), "pattern": {"shape": SHAPES[kind]}}
            about = {"name": text.say(f"kinds.{kind}"), "legendgroup": kind, "showlegend": panel == 2}
            fig.add_bar(x=x[own], y=values[own], marker=bars, **about, row=panel, col=1)
        fig.update_yaxes(title={"text": text.say(f"words.{word}"), "font": {"size": 12}}, row=panel, col=1)
    fig.update_layout(barmode="stack")
    fig.update_xaxes(title=text.say("words.layer"), row=4, col=1)
    return fig


def table_layers(result: Result, language: str) -> pd.DataFrame:
    text = HERE.text(language)
    if not known(result, chosen(result.params)):
        return HERE.frame(language, {"words.layer": []})
    version, at = look(result)
    kept = {word: getattr(result, word)[version, at] for word in ("kernel", "stride", "given", "channels", "height")}
    kept |= {"view": result.view[version, at]} | {word: getattr(result, word)[version, at] for word in MEASURES}
    kept |= {"activations": activations(result)[version, at]}
    kind = [text.say(f"kinds.{KINDS[k]}") for k in result.kind[version, at]]
    numbered = {"words.layer": np.arange(1, len(at) + 1), "words.kind": kind}
    return HERE.frame(language, numbered | {f"words.{word}": values for word, values in kept.items()})


def summary_layers(result: Result, language: str) -> str:
    text, name = HERE.text(language), chosen(result.params)
    if not known(result, name):
        return text.say("summaries.later")
    version, at = look(result)
    counts = dict(zip(KINDS, np.bincount(result.kind[version, at], minlength=len(KINDS)).tolist()))
    dense = result.kind[version] == KINDS.index("dense")
    shares = {word: getattr(result, word)[version] for word in MEASURES}
    told = {word: f"{own[dense].sum() / own.sum():.0%}" for word, own in shares.items()}
    steps = dict(zip(("doubled", "halvings"), doubled(result, version)))
    return text.say("summaries.layers", name=text.say(f"versions.{name}"), **counts, **told, **steps)


def doubled(result: Result, version: int) -> tuple[int, int]:
    """At how many steps to a smaller height the most channels of a convolution at least double, and of how many."""
    conv = result.kind[version] == KINDS.index("conv")
    height, channels = result.height[version, conv], result.channels[version, conv]
    most = np.array([channels[height == h].max() for h in sorted(set(height.tolist()), reverse=True)])
    return int((most[1:] >= 2 * most[:-1]).sum()), len(most) - 1


# The time machine


def errors(result: Any) -> dict[str, np.ndarray]:
    return added_or_not(result.error[:, :, -1, TEST])


def paths(result: Any) -> dict[str, np.ndarray]:
    return added_or_not(result.error[..., TEST])


def steps(result: Any) -> dict[str, np.ndarray]:
    return {f"{word}_steps": values for word, values in added_or_not(2 ** reached(result)).items()}


def said(values: Any) -> dict[str, Any]:
    """The means of both panels as percentages."""
    return {word: (lambda r, word=word: percents(values(r)[word])) for word in ("added", "left_out")}


def finish_machine(fig: plot.Sheet, result: Any, text: Text) -> None:
    """Dotted: without any of the ideas, and with all of them."""
    fig.update_xaxes(tickformat=".0%", rangemode="tozero", matches="x")
    dotted(fig, errors(result))


def finish_faster(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(rangemode="tozero", matches="x")
    dotted(fig, steps(result))


def dotted(fig: plot.Sheet, found: dict[str, np.ndarray]) -> None:
    for column, values in enumerate(found.values(), 1):
        if np.isfinite(values[0]).all():
            fig.add_vline(x=float(values[0].mean()), line=plot.line(style.AXIS, 1.5, "dot"), row=1, col=column)


def finish_history(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(tickformat=".0%", rangemode="tozero")
    fig.update_yaxes(title=text.say("words.test_error"), col=1)
    fig.update_layout(legend={"y": 1.12}, margin={"t": 70})  # over the titles


def step_text(word: str) -> Any:
    return lambda r: [f"{n:.0f}" if np.isfinite(n) else "–" for n in steps(r)[f"{word}_steps"].mean(1)]


def draw_digit(found: Said, language: str) -> go.Figure:
    """What every network takes a drawing for."""
    text = MACHINE.text(language)
    ideas = [text.say(f"ideas.{idea}") for idea in IDEAS]
    rows = [text.say("words.old"), *(f"+ {idea}" for idea in ideas), text.say("words.modern")]
    rows += [f"− {idea}" for idea in ideas]
    fig = plot.figure(400, "closest")
    look = {"colorscale": style.colorscale(style.SEQUENTIAL), "showscale": False, "xgap": 1, "ygap": 1}
    marks = np.where(found.outputs == found.outputs.max(1, keepdims=True), "●", "")
    fig.add_heatmap(z=found.outputs, y=rows, text=marks, texttemplate="%{text}", hoverinfo="skip", **look)
    fig.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    fig.update_xaxes(title=text.say("words.class"), dtick=1, showgrid=False)
    return fig


def summary_digit(found: Said, language: str) -> str:
    text, best = MACHINE.text(language), found.outputs.argmax(1)
    votes = np.bincount(best, minlength=found.outputs.shape[1])
    numbers = {"nets": len(best), "votes": int(votes.max()), "digit": int(votes.argmax())}
    return text.say("summaries.digit", old=int(best[0]), modern=int(best[ALL]), **numbers)


# Pieces


def both(result: Any) -> dict[str, np.ndarray]:
    return {"training": right(TRAIN)(result), "test": right(TEST)(result)}


def branches(result: Any) -> dict[str, np.ndarray]:
    whole = right(TEST)(result)[list(NETS).index("inception")]
    return {"test_accuracy": np.concatenate([whole[None], result.deleted[:, 0]])}


# What readers build


def draw_built(found: Built, language: str) -> go.Figure:
    """Parameters and products of every layer."""
    text, fig = HERE.text(language), plot.panels(1, 2, None, 280, horizontal_spacing=0.14)
    if found.reason:
        return plot.waiting(plot.figure(280), text.say(f"reasons.{found.reason}", **found.values))
    x = np.arange(1, len(found.dense) + 1)
    for column, word in enumerate(MEASURES, 1):
        for k, kind in enumerate(("conv", "dense")):
            bars = {"color": style.fade(COLOURS[kind], 0.7), "pattern": {"shape": SHAPES[kind]}}
            own, about = found.dense == k, {"name": text.say(f"kinds.{kind}"), "showlegend": column == 1}
            fig.add_bar(x=x[own], y=getattr(found, word)[own], marker=bars, **about, row=1, col=column)
        fig.update_xaxes(title=text.say("words.layer"), dtick=max(1, len(x) // 10), row=1, col=column)
        fig.update_yaxes(title=text.say(f"words.{word}"), row=1, col=column)
    plot.stack(fig)
    return fig


def summary_built(found: Built, language: str) -> str:
    text, conv = HERE.text(language), found.dense == 0
    if found.reason:
        return text.say(f"reasons.{found.reason}", **found.values)
    ends = {word: int(getattr(found, word)[conv][-1]) for word in ("height", "channels", "view")}
    share = f"{found.parameters[~conv].sum() / found.parameters.sum():.0%}"
    totals = {word: f"{int(getattr(found, word).sum()):,}" for word in MEASURES}
    return text.say("summaries.built", layers=len(found.dense), share=share, **ends, **totals)


def draw_squeezed(found: Built, language: str) -> go.Figure:
    """The layers as they are, named."""
    say, fig = HERE.text(language).say, draw_built(found, language)
    named = {"tickvals": [1, 2, 3], "ticktext": [say(f"words.{word}") for word in ("direct", "narrow", "behind")]}
    return fig.update_xaxes(title="", **named).update_layout(showlegend=False)


def summary_squeezed(found: Built, language: str) -> str:
    direct, *squeezed = found.multiply_adds
    less = {"direct": short(direct), "both": short(sum(squeezed)), "times": f"{direct / sum(squeezed):.1f}"}
    weights = {"weights": f"{found.parameters[0]:,}", "weights_both": f"{found.parameters[1:].sum():,}"}
    return HERE.text(language).say("summaries.squeezed", **less, **weights)


FIGURES = (
    *HERE.figures(
        Figure(
            "count",
            lambda r, language: blocks(r, shown(r), HERE.text(language)),
            lambda r, language: table_counts(r, language, shown(r)),
            lambda r, language: summary_counts(r, language, shown(r)),
        ),
        Figure("layers", draw_layers, table_layers, summary_layers),
        Figure(
            "versions",
            lambda r, language: blocks(r, everyone(r), HERE.text(language)),
            lambda r, language: table_counts(r, language, everyone(r)),
            lambda r, language: summary_counts(r, language, everyone(r)),
        ),
    ),
    *MACHINE.figures(
        kinds.intervals(
            MACHINE, "machine", errors, MACHINE.saying("summaries.machine", **said(errors)), finish=finish_machine
        ),
        kinds.curves(
            MACHINE, "history", "step", lambda r: r.tick, paths,
            MACHINE.saying("summaries.machine", **said(errors)), side=True, marked=True, finish=finish_history,
        ),
        kinds.intervals(
            MACHINE, "faster", steps,
            MACHINE.saying("summaries.faster", added=step_text("added"), left_out=step_text("left_out")),
            finish=finish_faster,
        ),
    ),
    *PIECES.figures(
        kinds.intervals(
            PIECES, "pieces", both,
            PIECES.saying("summaries.pieces", training=lambda r: percents(right(TRAIN)(r)),
                          test=lambda r: percents(right(TEST)(r)), weights=lambda r: [f"{n:,}" for n in r.parameters]),
            together={"accuracy": {"training": (0, "circle"), "test": (1, "diamond")}},
        ),
    ),
    *BRANCH.figures(
        BRANCH.later(
            kinds.intervals(
                BRANCH, "branches", branches,
                BRANCH.saying("summaries.branches", left=lambda r: percents(branches(r)["test_accuracy"])),
                finish=lambda fig, r, text: fig.update_xaxes(range=[0, 1.02]),
            ),
        ),
    ),
)  # fmt: skip
