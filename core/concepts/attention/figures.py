"""Pictures of attention: who looks at whom, the ceiling of who is blind to order, heads, lengths, softmax by √d."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.attention.params import DIMENSIONS, Looked, Net, Result, sees_order, sizes
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent, percents

STEP = ("step", lambda r: r.tick)
CELLS: dict[str, Any] = {"showscale": False, "xgap": 1, "ygap": 1, "zmin": 0}


def named(result: Any, text: Text) -> list[str]:
    """A net by its positions and what tells it from the others."""
    nets = result.params.nets
    differ = [n for n in ("mask", "layers", "heads", "norm", "scores") if len({getattr(net, n) for net in nets}) > 1]
    found = []
    for net in nets:
        told = [said(net, name, text) for name in differ]
        first = [text.say(f"options.positions.{net.positions}")] if len({n.positions for n in nets}) > 1 else []
        found.append(", ".join(first + told) or text.say(f"options.positions.{net.positions}"))
    return found


def said(net: Net, name: str, text: Text) -> str:
    value = getattr(net, name)
    return text.say(f"words.{name}_are", n=value) if isinstance(value, int) else text.say(f"options.{name}.{value}")


def diverged(result: Any) -> np.ndarray:
    return ~np.isfinite(result.loss[:, :, -1])


HERE = Gallery("attention", named, head="words.net", diverged=diverged)
WAYS = Gallery("attention", lambda r, text: [text.say(f"words.{n}") for n in ("divided", "plain")], head="words.way")


def heads_of(result: Any, text: Text) -> list[str]:
    first = result.params.nets[0]
    return [
        text.say("words.head_of", layer=k // first.heads + 1, head=k % first.heads + 1) for k in range(count(first))
    ]


def count(net: Net) -> int:
    return net.heads * net.layers


HEADS = Gallery("attention", heads_of, head="words.head", diverged=diverged)


def ceilings(result: Any, whole: bool = False) -> np.ndarray:
    """What can be expected of every net at most, mean of seeds: 1 where it can know the order."""
    blind = float((result.blind_whole if whole else result.blind).astype(float).mean())
    return np.array([1.0 if sees_order(net) else blind for net in result.params.nets])


# The first screen


def places_of(result: Any) -> list[str]:
    return [f"{k + 1}" for k in range(result.params.length)]


def draw_look(result: Result, language: str) -> go.Figure:
    """Left, how much of free answers is right, with the ceiling of who is blind to order; right, where answers look."""
    text, names, nets = HERE.text(language), HERE.names(result, language), len(result.params.nets)
    across = -(-nets // (1 + (nets > 2)))
    down = -(-nets // across)
    first: dict[str, Any] = {"rowspan": down}
    specs: list[Any] = [[first if not r else None, *[{}] * across] for r in range(down)]
    titles = ["", *(f"{name}" for name in names)]
    shares = [0.42, *[0.58 / across] * across]
    fig = plot.panels(down, 1 + across, titles, 420, specs=specs, column_widths=shares, horizontal_spacing=0.07,
                      vertical_spacing=0.24)  # fmt: skip
    for i, name in enumerate(names):
        seeds = result.right[i].astype(float)
        tip = f"{name}: %{{y:.2f}}<extra></extra>"
        plot.bands(fig, result.tick, seeds, name, plot.curve(i), hover=tip, legendgroup=f"{i}", row=1, col=1)
    if result.params.task != "sort":
        ends, level = [0, result.params.steps], [float(result.blind.mean())] * 2
        look = {"line": plot.line(style.AXIS, 2, "longdash"), "name": text.say("words.blind")}
        fig.add_scatter(x=ends, y=level, mode="lines", **look, hovertemplate="%{y:.2f}<extra></extra>", row=1, col=1)
    fig.update_xaxes(title=text.say("words.step"), range=[0, result.params.steps], row=1, col=1)
    fig.update_yaxes(title=text.say("words.right"), range=[-0.02, 1.03], row=1, col=1)
    grown = list(range(len(fig.data) - (result.params.task != "sort")))
    labels = places_of(result)
    for i in range(nets):
        place = {"row": i // across + 1, "col": 2 + i % across}
        z = result.look[i].astype(float)
        tip = f"{text.say('words.from_to')}: %{{z:.2f}}<extra></extra>"
        look = CELLS | {"zmax": 1, "colorscale": style.colorscale(style.SEQUENTIAL), "hovertemplate": tip}
        fig.add_heatmap(z=z[-1], x=labels, y=labels, **look, **place).was(z=z)
        plain: dict[str, Any] = {"type": "category", "showgrid": False, **place}
        fig.update_xaxes(title={"text": text.say("words.key"), "standoff": 4}, **plain)
        beside = text.say("words.query") if not i % across else ""
        fig.update_yaxes(title={"text": beside, "standoff": 4}, autorange="reversed", **plain)
    fig.update_layout(legend={"y": 1.08, "font": {"size": 12}}, margin={"t": 60})
    for annotation in fig.layout.annotations:
        annotation.font.size = 13
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"), grown)


def table_look(result: Result, language: str) -> pd.DataFrame:
    values = {"right": result.right[:, :, -1], "whole": result.whole[:, :, -1]}
    columns = kinds.interval_columns(HERE.text(language), values)
    return HERE.table(result, language, columns | {"words.ceiling": ceilings(result).round(4),
                                                   "words.ceiling_whole": ceilings(result, True).round(6)})  # fmt: skip


def summary_look(result: Result, language: str) -> str:
    right, most = percents(result.right[:, :, -1].astype(float)), ceilings(result)

    def row(i: int) -> dict[str, Any]:
        return {"key": "summaries.sees" if sees_order(result.params.nets[i]) else "summaries.blind",
                "right": right[i], "most": percent(most[i])}  # fmt: skip

    listed = HERE.each(result, language, "", row)
    return HERE.text(language).say("summaries.look", listed=listed, step=int(result.tick[-1]))


# Training


def finish_training(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[-0.02, 1.03], row=1, col=1)


TRAINING = kinds.curves(
    HERE, "training", *STEP, lambda r: {"whole": r.whole, "entropy": r.entropy},
    HERE.saying("summaries.training", whole=lambda r: percents(r.whole[:, :, -1].astype(float)),
                before=lambda r: [f"{v:.2f}" for v in r.entropy[:, :, 0].mean(1)],
                now=lambda r: [f"{v:.2f}" for v in r.entropy[:, :, -1].mean(1)],
                step=lambda r: [int(r.tick[-1])] * len(r.params.nets)),
    finish=finish_training,
)  # fmt: skip

# Scores over √d


def finish_softmax(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=DIMENSIONS, ticktext=[f"{d}" for d in DIMENSIONS])
    fig.update_yaxes(range=[-0.02, 1.03])
    fig.update_layout(legend={"y": 1.1}, margin={"t": 62})


def summary_softmax(result: Any, language: str) -> str:
    found = result.passes.astype(float).mean(1)

    def row(i: int) -> dict[str, Any]:
        return {"few": percent(found[i, 0]), "many": percent(found[i, -1])}

    ends = {"low": DIMENSIONS[0], "high": DIMENSIONS[-1]}
    listed = WAYS.each(result, language, "summaries.softmax", row)
    return HERE.text(language).say("summaries.softmaxes", listed=listed, **ends)


SOFTMAX = kinds.swept(
    WAYS, "softmax", "dimension", lambda r: np.array(DIMENSIONS), lambda r: {"even": r.even, "passes": r.passes},
    summary_softmax, side=True, marked=True, height=400, finish=finish_softmax,
)  # fmt: skip

# Heads


def lost(result: Any) -> np.ndarray:
    """What is lost of the share right without each head, [net, seed, head]."""
    return (result.right[:, :, -1:] - result.removed[:, :, -1]).astype(float)


def draw_heads(result: Result, language: str) -> go.Figure:
    """A bar per head: what is lost when it alone gives nothing."""
    text, names = HERE.text(language), HERE.names(result, language)
    fig = plot.figure(400)
    for i, (net, name) in enumerate(zip(result.params.nets, names)):
        mean, half = plot.over_seeds(lost(result)[i : i + 1])
        own = slice(0, count(net))
        heads = [
            text.say("words.head_short", layer=k // net.heads + 1, head=k % net.heads + 1) for k in range(count(net))
        ]
        look = {"marker": {"color": style.fade(style.PALETTE[i], 0.65), "pattern": {"shape": ("", "/", ".", "x")[i]}}}
        error = plot.error(half[0, own])
        fig.add_bar(x=heads, y=mean[0, own], error_y=error, name=name, hovertemplate="%{y:.2f}", **look)
    fig.update_xaxes(title=text.say("words.head_removed"), type="category")
    fig.update_yaxes(title=text.say("words.lost"))
    return fig


def table_heads(result: Result, language: str) -> pd.DataFrame:
    mean, half = plot.over_seeds(lost(result))
    heads = np.arange(1, mean.shape[1] + 1)[None]
    columns = {"words.head": heads, "words.lost": mean.round(4), "± 95 %": half.round(4)}
    return HERE.table(result, language, columns)


def summary_heads(result: Result, language: str) -> str:
    found = lost(result)

    def row(i: int) -> dict[str, Any]:
        own = found[i, :, : count(result.params.nets[i])].mean(0)
        key = "summaries.heads" if len(own) > 1 else "summaries.only_head"
        return {"key": key, "most": f"{own.max():.2f}", "least": f"{own.min():.2f}", "count": len(own)}

    return HERE.each(result, language, "", row)


def sorts(result: Any) -> np.ndarray:
    return result.sorts[0, -1, : count(result.params.nets[0])].astype(float)


def summary_sorts(result: Any, language: str) -> str:
    found = sorts(result)
    far = np.abs(found[:, None] - found[None]).sum(-1).mean(-1) / 2
    most = far.max() if len(found) > 1 else 0.0
    key = "summaries.sorts" if len(found) > 1 else "summaries.one_head"
    return HERE.text(language).say(key, count=len(found), far=f"{most:.2f}")


SORTS = pictures.matrix(HEADS, "sorts", sorts, places_of, places_of, summary_sorts, numbers=False, columns=4, least=150)


def table_sorts(result: Any, language: str) -> pd.DataFrame:
    found = sorts(result)
    columns = {f"{k + 1}": found[:, :, k].round(4) for k in range(found.shape[2])}
    return HEADS.table(result, language, {"words.query": np.arange(1, found.shape[1] + 1)[None]} | columns)


# Lengths


def finish_lengths(fig: plot.Sheet, result: Any, text: Text) -> None:
    """Shaded: lengths in training."""
    longest, shortest = result.params.length, min(result.params.shortest, result.params.length)
    fig.add_vrect(x0=shortest - 0.3, x1=longest + 0.3, fillcolor=style.fade(style.PALETTE[8], 0.1), line_width=0)
    fig.update_yaxes(range=[-0.02, 1.03])


LENGTHS = kinds.swept(
    HERE, "lengths", "length_of", lambda r: np.array(sizes(r.params)), lambda r: {"right": r.by_length[:, :, -1]},
    HERE.saying("summaries.lengths", inside=lambda r: percents(r.right[:, :, -1].astype(float)),
                beyond=lambda r: percents(r.by_length[:, :, -1, -1].astype(float)),
                length=lambda r: [r.params.length] * len(r.params.nets),
                twice=lambda r: [2 * r.params.length] * len(r.params.nets)),
    marked=True, height=400, finish=finish_lengths,
)  # fmt: skip
LEAK = kinds.intervals(
    HERE, "leak", lambda r: {"leak": r.leak[:, :, -1]},
    HERE.saying("summaries.leak", leak=lambda r: [f"{v:.3g}" for v in r.leak[:, :, -1].mean(1)]),
)  # fmt: skip

# Own sequence


def draw_sequence(found: Looked, language: str) -> go.Figure:
    """Where every symbol of the answer looks; of one of them query, keys, weights and values."""
    say, n, at = HERE.text(language).say, len(found.prompt), int(found.place)
    answer = found.said[min(found.params.net, len(found.said)) - 1]
    tokens = ["▷", *map(str, found.prompt), "=", *map(str, answer[:-1])]
    asking = [f"{k + 1}: {symbol}" for k, symbol in enumerate(answer)]
    titles = [say("words.looks"), say("words.query_keys"), say("words.weight"), say("words.value")]
    fig = plot.panels(1, 4, titles, max(330, 90 + 15 * len(tokens)), column_widths=[0.42, 0.22, 0.14, 0.22],
                      horizontal_spacing=0.06)  # fmt: skip
    colours = style.colorscale(style.SEQUENTIAL)
    tip = {"hovertemplate": "%{customdata}: %{z:.2f}<extra></extra>"}
    who = [[f"{k + 1}"] * len(tokens) for k in range(n)]
    z = found.attention.astype(float)
    fig.add_heatmap(z=z, y=asking, customdata=who, zmax=1, colorscale=colours, **CELLS, **tip, row=1, col=1)
    fig.update_xaxes(tickvals=np.arange(len(tokens)), ticktext=tokens, tickangle=0, row=1, col=1)
    rows = [f"{k}. {token}" for k, token in enumerate(tokens)]
    both = np.concatenate([found.query[None], found.keys]).astype(float)
    top = float(np.abs(both).max()) or 1.0
    numbers = {"showscale": False, "xgap": 1, "ygap": 1, "colorscale": style.colorscale(style.DIVERGING)}
    seen = ["q", *rows]
    quiet = {"hovertemplate": "%{y}: %{z:.2f}<extra></extra>"}
    fig.add_heatmap(z=both, y=seen, zmin=-top, zmax=top, **numbers, **quiet, row=1, col=2)
    score = [f"{s:.2f}" if np.isfinite(s) else "–" for s in found.score.astype(float)]
    look = {
        "orientation": "h",
        "marker": {"color": style.fade(style.PALETTE[0], 0.65)},
        "text": score,
        "textposition": "none",
    }
    bar = f"%{{y}}: %{{x:.2f}} ({say('words.score')} %{{text}})<extra></extra>"
    fig.add_bar(x=z[at], y=rows, hovertemplate=bar, **look, row=1, col=3)
    values = found.values.astype(float)
    top = float(np.abs(values).max()) or 1.0
    fig.add_heatmap(z=values, y=rows, zmin=-top, zmax=top, **numbers, **quiet, row=1, col=4)
    fig.update_yaxes(autorange="reversed", type="category", showgrid=False)
    fig.update_yaxes(tickfont={"size": 11})
    fig.update_xaxes(range=[0, 1], row=1, col=3)
    for column in (2, 4):
        fig.update_xaxes(visible=False, row=1, col=column)
    plot.bare(fig)
    plot.stack(fig)
    return fig


def summary_sequence(found: Looked, language: str) -> str:
    text = HERE.text(language)
    spelled = lambda row: "".join(map(str, row))  # noqa: E731
    answers = [text.say("summaries.answer", n=i + 1, said=spelled(row), right=int((row == found.truth).sum()),
                        count=len(row)) for i, row in enumerate(found.said)]  # fmt: skip
    return text.say("summaries.sequence", prompt=spelled(found.prompt), truth=spelled(found.truth),
                    listed=text.sentences(answers))  # fmt: skip


FIGURES = (
    *HERE.figures(
        Figure("look", draw_look, table_look, summary_look),
        TRAINING,
        HERE.later(Figure("heads", draw_heads, table_heads, summary_heads)),
    ),
    *HEADS.figures(HEADS.later(replace(SORTS, table=table_sorts))),
    *HERE.figures(HERE.later(LENGTHS), SOFTMAX, HERE.later(LEAK)),
)
