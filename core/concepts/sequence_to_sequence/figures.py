"""Pictures of one sequence becoming another: who is right by length, where the decoder looks, what telling it hides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.sequence_to_sequence.params import PARTS, WIDTHS, Net, Result, Translated
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent, percents

STEP = ("step", lambda r: r.tick)
SQUEEZED = 26  # letters of a source from which on they are small


def named(result: Any, text: Text) -> list[str]:
    """A net by its kind, and by what tells it from others."""
    nets = result.params.nets
    differ = [name for name in ("turned", "told", "ends") if len({getattr(net, name) for net in nets}) > 1]
    several = len({net.kind for net in nets}) > 1 or len(nets) == 1
    found = []
    for net in nets:
        told = [word for name in differ if (word := said_of(net, name, text))]
        kind = text.say(f"options.kind.{net.kind}")
        found.append(", ".join(([kind] if several or not told else []) + told))
    return found


def said_of(net: Net, name: str, text: Text) -> str:
    if name == "told":
        return text.say("words.told_are", n=round(100 * net.told))
    return text.say(f"words.{name}") if getattr(net, name) == (name == "turned") else ""


def diverged(result: Any) -> np.ndarray:
    return ~np.isfinite(result.loss[:, :, -1])


HERE = Gallery("sequence_to_sequence", named, head="words.net", diverged=diverged)


def symbols_of(result: Any, side: int) -> list[str]:
    return ["".join(map(chr, word[word > 0])) for word in result.symbols[side] if word[0]]


def spelled(result: Any, row: np.ndarray, side: int = 1) -> str:
    """A sequence as it is read: letters close, words apart."""
    symbols = symbols_of(result, side)
    apart = " " if any(len(symbol) > 1 for symbol in symbols) else ""
    return apart.join(symbols[k] for k in row if k >= 0)


def longest(result: Any) -> int:
    """The place of the longest size that is as in training."""
    return int(np.flatnonzero(result.inside)[-1])


def whole(result: Any) -> np.ndarray:
    """Share of answers without a mistake in the end, sizes as in training, [net, seed]."""
    return result.by_size[:, :, -1, result.inside].astype(float).mean(2)


def by_length(result: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of sources, each once, and the share of answers without a mistake there, [net, seed, tick, length]."""
    lengths, at = np.unique(result.size, return_inverse=True)
    shares = [result.by_size[..., at == k].astype(float).mean(-1) for k in range(len(lengths))]
    return lengths, np.stack(shares, -1)


# Where it looks


def look_panel(fig: plot.Sheet, result: Any, look: np.ndarray, said: np.ndarray, text: Text, **place: Any) -> None:
    """A matrix of weights [moment, answer, place]: down the right answer, across the source, and what was said
    [moment, answer] beside it, where wrong with a cross. Without a right answer, what was said stands on the left."""
    known = hasattr(result, "target")
    right = result.target if known else said[-1]
    rows = int((right >= 0).sum()) + 1
    ours, theirs = symbols_of(result, 1), symbols_of(result, 0)
    down = [ours[k] if k >= 0 else "■" for k in right[:rows]]
    small = {"size": 9 if len(result.source) > SQUEEZED or rows > SQUEEZED or place.get("col") else 11}
    z = look[:, :rows].astype(float)
    tip = f"{text.say('words.from_to')}: %{{z:.2f}}<extra></extra>"
    cells = {"zmin": 0, "zmax": 1, "showscale": False, "xgap": 1, "ygap": 1, "hovertemplate": tip}
    fig.add_heatmap(z=z[-1], colorscale=style.colorscale(style.SEQUENTIAL), **cells, **place).was(z=z)
    if known:
        words = [[f"{ours[k] if k >= 0 else '■'}{'' if k == wanted else ' ✗'}" for k, wanted in zip(row, right[:rows])]
                 for row in said[:, :rows]]  # fmt: skip
        beside = np.full(rows, len(result.source) - 0.4)
        plot.words(
            fig, beside, np.arange(rows), np.array(words), "middle right", textfont=small, showlegend=False, **place
        )
    across = [theirs[k] for k in result.source]
    fig.update_xaxes(tickvals=np.arange(len(across)), ticktext=across, tickangle=0, tickfont=small, showgrid=False,
                     range=[-0.5, len(across) + (0.9 if known else -0.5)], zeroline=False, **place)  # fmt: skip
    fig.update_yaxes(tickvals=np.arange(rows), ticktext=down, tickfont=small, showgrid=False, zeroline=False,
                     range=[rows - 0.5, -0.5], **place)  # fmt: skip


def draw_lengths(result: Result, language: str) -> go.Figure:
    """Left, right answers by length, beyond training shaded; right, what each net has of the source at every step."""
    text, names, nets = HERE.text(language), HERE.names(result, language), len(result.params.nets)
    across = -(-nets // (1 + (nets > 2)))
    down = -(-nets // across)
    specs: list[Any] = [[{"rowspan": down} if not r else None, *[{}] * across] for r in range(down)]
    fig = plot.panels(down, 1 + across, ["", *names], 420, specs=specs, column_widths=[0.42, *[0.58 / across] * across],
                      horizontal_spacing=0.075, vertical_spacing=0.2)  # fmt: skip
    lengths, shares = by_length(result)
    for i, name in enumerate(names):
        tip = f"{name}: %{{y:.2f}}<extra></extra>"
        plot.bands(fig, lengths, shares[i], name, plot.curve(i, marked=True), hover=tip, row=1, col=1)
    if not result.inside.all():
        ends = float(result.size[longest(result)]) + 0.5, float(result.size[-1]) + 0.5
        shade = {"fillcolor": style.fade(style.PALETTE[8], 0.13), "line_width": 0, "layer": "below"}
        fig.add_vrect(x0=ends[0], x1=ends[1], **shade, row=1, col=1)
        said = {"text": text.say("words.beyond"), "showarrow": False, "textangle": -90, "font": {"size": 12}}
        fig.add_annotation(x=sum(ends) / 2, y=0.6, **said, row=1, col=1)
    fig.update_xaxes(title=text.say("words.size"), row=1, col=1)
    fig.update_yaxes(title=text.say("words.by_size"), range=[-0.02, 1.05], row=1, col=1)
    for i in range(nets):
        place = {"row": i // across + 1, "col": 2 + i % across}
        look_panel(fig, result, result.look[i], result.said[i], text, **place)
        fig.update_xaxes(title={"text": text.say("words.source"), "standoff": 4}, **place)
        if not i % across:
            fig.update_yaxes(title={"text": text.say("words.target"), "standoff": 4}, **place)
    fig.update_layout(legend={"y": 1.08, "font": {"size": 12}}, margin={"t": 60, "r": 12})
    for annotation in fig.layout.annotations:
        annotation.font.size = 12
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_lengths(result: Result, language: str) -> pd.DataFrame:
    lengths, shares = by_length(result)
    mean, half = plot.over_seeds(shares[:, :, -1])
    columns = {"words.size": lengths[None].round(1), "words.by_size": mean.round(4), "± 95 %": half.round(4)}
    return HERE.table(result, language, columns)


def summary_lengths(result: Result, language: str) -> str:
    """Answers without a mistake at the longest of training, and at the longest that is tested."""
    last, found = longest(result), result.by_size[:, :, -1].astype(float)
    long, beyond = percents(found[:, :, last]), percents(found[:, :, -1])
    key = "summaries.by_length" if result.inside.all() else "summaries.by_length_beyond"

    ends = {"size": f"{result.size[last]:.0f}", "far": f"{result.size[-1]:.0f}"}

    def row(i: int) -> dict[str, Any]:
        return {"key": key, "all": percent(whole(result)[i].mean()), "long": long[i], "beyond": beyond[i], **ends}

    listed = HERE.each(result, language, "", row)
    return HERE.text(language).say("summaries.lengths", listed=listed, step=int(result.tick[-1]))


def across_of(names: list[str]) -> int:
    """Panels in a row."""
    return len(names) if len(names) < 4 else 2


def draw_looks(result: Result, language: str) -> go.Figure:
    """The example: weights of the source's states, as large as they may be."""
    text, names = HERE.text(language), HERE.names(result, language)
    fig, places = plot.grid(names, across_of(names), 0.09, 0.2)
    for i, place in enumerate(places):
        look_panel(fig, result, result.look[i], result.said[i], text, **place)
    plot.bare(fig)
    fig.update_layout(height=400 * places[-1]["row"], margin={"l": 30, "r": 10, "b": 25})
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_looks(result: Result, language: str) -> pd.DataFrame:
    found = [f"→ {spelled(result, said[-1])}" for said in result.said]
    right = [int((said[-1] == result.target)[result.target >= 0].sum()) for said in result.said]
    columns: dict[str, Any] = {"words.said": np.array(found), "words.right_symbols": np.array(right)}
    if result.complete:  # how far weights move where states of the encoder are those of another source
        columns["words.moves"] = result.moves[:, :, -1].astype(float).mean(1).round(3)
    return HERE.table(result, language, columns)


def summary_looks(result: Result, language: str) -> str:
    def row(i: int) -> dict[str, Any]:
        return {"said": spelled(result, result.said[i, -1]) or "–"}

    listed = HERE.each(result, language, "summaries.said", row)
    both = {"source": spelled(result, result.source, 0), "target": spelled(result, result.target)}
    return HERE.text(language).say("summaries.looks", listed=listed, **both)


# Told and free


def finish_training(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[-0.02, 1.03])


TRAINING = kinds.curves(
    HERE, "training", *STEP, lambda r: {"symbols_right": np.stack([r.forced, r.free], -1)},
    HERE.saying("summaries.training", forced=lambda r: percents(r.forced[:, :, -1].astype(float)),
                free=lambda r: percents(r.free[:, :, -1].astype(float)), whole=lambda r: percents(whole(r)),
                step=lambda r: [int(r.tick[-1])] * len(r.params.nets)),
    parts=kinds.Chips("way", {"forced": "dot", "free": "solid"}, ("forced", "free")), finish=finish_training,
)  # fmt: skip

# Beams, BLEU


def finish_beam(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=WIDTHS, ticktext=[f"{n}" for n in WIDTHS])


BEAM = kinds.swept(
    HERE, "beam", "width", lambda r: np.array(WIDTHS),
    lambda r: {"beam": r.beam[:, :, -1], "likely": r.likely[:, :, -1]},
    HERE.saying("summaries.beam", one=lambda r: percents(r.beam[:, :, -1, 0].astype(float)),
                many=lambda r: percents(r.beam[:, :, -1, -1].astype(float)),
                low=lambda r: [f"{v:.2f}" for v in r.likely[:, :, -1, 0].mean(1)],
                high=lambda r: [f"{v:.2f}" for v in r.likely[:, :, -1, -1].mean(1)],
                width=lambda r: [WIDTHS[-1]] * len(r.params.nets)),
    marked=True, height=400, finish=finish_beam,
)  # fmt: skip


def draw_bleu(result: Result, language: str) -> go.Figure:
    """The parts of BLEU, BLEU itself, and the share of answers without a mistake."""
    text, names = HERE.text(language), HERE.names(result, language)
    fig = plot.figure(400)
    labels = [text.say(f"parts.{part}") for part in (*PARTS, "whole")]
    for i, name in enumerate(names):
        parts = np.concatenate([result.bleu[i, :, -1].astype(float), whole(result)[i][:, None]], 1)
        mean, half = plot.over_seeds(parts[None])
        look = {"marker": {"color": style.fade(style.PALETTE[i], 0.65), "pattern": {"shape": ("", "/", ".", "x")[i]}}}
        fig.add_bar(x=labels, y=mean[0], error_y=plot.error(half[0]), name=name, hovertemplate="%{y:.2f}", **look)
    fig.update_xaxes(type="category")
    fig.update_yaxes(range=[0, 1.04], title=text.say("words.share"))
    return fig


def table_bleu(result: Result, language: str) -> pd.DataFrame:
    means = result.bleu[:, :, -1].astype(float).mean(1).round(4)
    columns = {f"parts.{part}": means[:, k] for k, part in enumerate(PARTS)}
    more = {"parts.whole": whole(result).mean(1).round(4), "words.ratio": result.ratio[:, :, -1].mean(1).round(3)}
    return HERE.table(result, language, columns | more)


SAID_BLEU = HERE.saying(
    "summaries.bleu",
    bleu=lambda r: [f"{v:.2f}" for v in r.bleu[:, :, -1, -1].mean(1)],
    whole=lambda r: percents(whole(r)),
    ratio=lambda r: [f"{v:.2f}" for v in r.ratio[:, :, -1].mean(1)],
)

# The last state


def draw_map(result: Result, language: str) -> go.Figure:
    """Last states of the encoder: the sign is the last symbol of the source, the colour its length."""
    text, names = HERE.text(language), HERE.names(result, language)
    fig, places = plot.grid(names, across_of(names), 0.06, 0.16)
    letters = symbols_of(result, 0)
    signs, lengths = [letters[k] for k in result.map_symbol], result.map_length.astype(int)
    for i, place in enumerate(places):
        points = result.map[i, -1].astype(float)
        colour = {"color": lengths, "colorscale": style.colorscale(style.SEQUENTIAL), "size": 17, "opacity": 0.75}
        bar = {"title": {"text": text.say("words.length")}, "thickness": 10, "len": 0.8}
        look = {"mode": "markers+text", "textfont": {"size": 11}, "customdata": lengths, "showlegend": False}
        tip = f"%{{text}}, {text.say('words.length')} %{{customdata}}<extra></extra>"
        last = i == len(names) - 1
        marker = colour | {"showscale": last} | ({"colorbar": bar} if last else {})
        fig.add_scatter(**plot.xy(points), text=signs, marker=marker, hovertemplate=tip, **look, **place)
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    fig.update_layout(height=400 * places[-1]["row"], margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.stack(fig)
    return fig


def table_map(result: Result, language: str) -> pd.DataFrame:
    values = {f"held_{word}": result.held[:, :, -1, k] for k, word in enumerate(("first", "last", "length"))}
    return HERE.table(result, language, kinds.interval_columns(HERE.text(language), values))


SAID_MAP = HERE.saying(
    "summaries.map",
    first=lambda r: percents(r.held[:, :, -1, 0].astype(float)),
    last=lambda r: percents(r.held[:, :, -1, 1].astype(float)),
    length=lambda r: percents(r.held[:, :, -1, 2].astype(float)),
)

# A source of the reader's own


def draw_translated(found: Translated, language: str) -> go.Figure:
    """Where every net looks, and the beam of one."""
    text, count = HERE.text(language), len(found.said)
    names = [text.say("words.net_n", n=i + 1) for i in range(count)]
    fig = plot.panels(1, count + 1, [*names, text.say("words.beam_of", n=min(found.params.net, count))], 380,
                      column_widths=[*[0.7 / count] * count, 0.3], horizontal_spacing=0.3 / (count + 1))  # fmt: skip
    for i in range(count):
        look_panel(fig, found, found.look[i][None], found.said[i][None], text, row=1, col=i + 1)
    said = [f"{k + 1}. {spelled(found, row) or '–'} " for k, row in enumerate(found.best)]
    look: dict[str, Any] = {"orientation": "h", "marker": {"color": style.fade(style.PALETTE[0], 0.4)}}
    look |= {
        "text": said,
        "textposition": "inside",
        "insidetextanchor": "start",
        "constraintext": "none",
        "textangle": 0,
    }
    chance = np.exp(found.likely.astype(float))
    fig.add_bar(x=chance, y=said, hovertemplate="%{y}: %{x:.3f}<extra></extra>", **look, row=1, col=count + 1)
    fig.update_yaxes(autorange="reversed", showticklabels=False, row=1, col=count + 1)
    fig.update_xaxes(range=[0, 1], row=1, col=count + 1)
    plot.bare(fig)
    fig.update_layout(margin={"l": 30, "b": 30})
    plot.stack(fig)
    return fig


def summary_translated(found: Translated, language: str) -> str:
    text = HERE.text(language)
    rows = [text.say("summaries.said", name=text.say("words.net_n", n=i + 1), said=spelled(found, row) or "–")
            for i, row in enumerate(found.said)]  # fmt: skip
    return text.say("summaries.translated", source=spelled(found, found.source, 0), listed=text.sentences(rows))


FIGURES = HERE.figures(
    Figure("lengths", draw_lengths, table_lengths, summary_lengths),
    Figure("looks", draw_looks, table_looks, summary_looks),
    TRAINING,
    HERE.later(Figure("map", draw_map, table_map, SAID_MAP)),
    HERE.later(BEAM),
    HERE.later(Figure("bleu", draw_bleu, table_bleu, SAID_BLEU)),
)
