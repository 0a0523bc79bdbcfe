"""Pictures of word vectors: a map, neighbours, a row of a table, PMI, analogies, and what a network reads by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.word_embeddings.claims import last, reading
from core.concepts.word_embeddings.params import WAYS, Neighbours, Result, learns
from core.concepts.word_embeddings.reader.params import LABELLED, NETS
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent, percents, telling

LISTED = 5  # neighbours named at a word
LOOKED = 10  # words of the table
SIGNS = {"window": "words.window_is", "dimension": "words.dimension_is", "subsampled": "words.subsampled"}
STEP = ("step", lambda r: r.tick)


def named(result: Any, text: Text) -> list[str]:
    """A method and what tells it from others of its kind."""
    found = []
    for method, own in zip(result.params.methods, telling(result.params.methods, "kind")):
        told = [text.say(SIGNS[n], n=getattr(method, n)) for n in own if n != "subsampled" or method.subsampled]
        found.append(text.say(f"options.kind.{method.kind}") + (f" ({', '.join(told)})" if told else ""))
    return found


HERE = Gallery("word_embeddings", named, head="words.method")
READ = Gallery("word_embeddings", lambda r, text: [text.say(f"nets.{n}") for n in NETS], head="words.net", of="reader")


def spelled(letters: np.ndarray) -> str:
    return "".join(map(chr, letters[letters > 0]))


def words_of(result: Result) -> list[str]:
    return [spelled(row) for row in result.vocabulary]


def grouped(result: Result) -> bool:
    """Whether the words on the map have groups."""
    return len(np.unique(result.group)) > 1


def shares(result: Result) -> np.ndarray:
    """Of every method at every tick the share of words whose nearest is of their group, mean over seeds."""
    return result.alike.astype(float).mean(1)


def chance(kinds: np.ndarray) -> float:
    """That a random other word is of the same kind."""
    _, each = np.unique(kinds, return_counts=True)
    return float((each * (each - 1)).sum() / (len(kinds) * (len(kinds) - 1)))


# The map


def draw_map(result: Result, language: str) -> go.Figure:
    """Right, the words as the first method has them now; left, before, and as the other methods have them."""
    text, names, words = HERE.text(language), HERE.names(result, language), words_of(result)
    found, ticks = shares(result), len(result.tick)
    place = result.place.astype(float)
    place /= np.sqrt(np.square(place).mean((2, 3), keepdims=True)).clip(1e-9)  # every map fills its panel
    small = [(names[i], place[i], found[i]) for i in range(1, len(names))]
    if learns(result.params.methods[0]):
        start = np.repeat(place[0, :1], ticks, 0), np.repeat(found[0, :1], ticks)
        small.insert(0, (text.say("words.before"), *start))
    rows = max(1, len(small))
    specs = [[{}, None if k else {"rowspan": rows}] for k in range(rows)]
    spread: dict[str, Any] = {"column_widths": [0.27, 0.73], "horizontal_spacing": 0.03, "vertical_spacing": 0.1 / rows}
    fig = plot.panels(rows, 2, None, 430, specs=specs, **spread)
    reach = 1.15 * np.abs(place[:, -1]).max((0, 1))
    near = [[", ".join(words[i] for i in row[:LISTED]) for row in tick] for tick in result.near[0]]
    for k, (name, places, share) in enumerate(small, 1):
        spots(fig, result, words, places, reach, row=k, col=1)
        titled(fig, result, text, name, share, reach, row=k, col=1)
    spots(fig, result, words, place[0], reach, near, row=1, col=2)
    titled(fig, result, text, names[0], found[0], reach, row=1, col=2)
    fig.update_xaxes(visible=False, range=[-reach[0], reach[0]])
    fig.update_yaxes(visible=False, range=[-reach[1], 1.3 * reach[1]])
    plot.bare(fig, 6)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def spots(
    fig: plot.Sheet,
    result: Result,
    words: list[str],
    places: np.ndarray,
    reach: np.ndarray,
    near: list[list[str]] | None = None,
    **at: int,
) -> None:
    """Words at places [tick, pick, 2] by group: as words where their nearest are told, else as marks."""
    said = [words[i] for i in result.pick]
    sides = beside(places[-1] / reach, said)
    for k in np.unique(result.group):
        own = np.flatnonzero(result.group == k)
        look: dict[str, Any] = {"mode": "markers", "marker": plot.mark(int(k), 7 if near else 5)}
        tips = np.array([[said[i] for i in own]] * len(places))
        if near:
            tips = np.array([[f"<b>{said[i]}</b>: {row[i]}" for i in own] for row in near])
            look |= {"mode": "markers+text", "text": [said[i] if sides[i] else " " for i in own]}
            look |= {"textposition": [sides[i] or "top center" for i in own]}
            look |= {"textfont": {"size": 12, "color": style.contender(int(k)).colour}}
        look |= {"customdata": [said[i] for i in own], "hovertemplate": "%{hovertext}<extra></extra>"}
        fig.add_scatter(**plot.xy(places[-1][own]), hovertext=tips[-1], **look, **at)
        fig.was(**plot.xy(places[:, own]), hovertext=tips)


def beside(places: np.ndarray, said: list[str]) -> list[str]:
    """On which side of its mark every word stands so that it hides no other, places in ±1; "" where there is no room
    (the word is told when one points at it)."""
    taken = [(x, y, 0.025, 0.03) for x, y in places]
    found = []
    for (x, y), word in zip(places, said):
        wide = sum(0.03 if letter.isascii() else 0.055 for letter in word) / 2
        ways = {
            f"{up} {side}".replace("middle center", ""): (x + (wide + 0.04) * right, y + 0.09 * above)
            for up, above in (("middle", 0), ("top", 1), ("bottom", -1))
            for side, right in (("right", 1), ("left", -1), ("center", 0))
        }
        free = [
            way
            for way, (s, t) in ways.items()
            if way and not any(abs(a - s) < w + wide and abs(b - t) < h + 0.045 for a, b, w, h in taken)
        ]
        found.append(free[0] if free else "")
        if free:
            taken.append((*ways[free[0]], wide, 0.045))
    return found


def titled(
    fig: plot.Sheet, result: Result, text: Text, name: str, share: np.ndarray, reach: np.ndarray, **at: int
) -> None:
    """Over a panel what it shows, and which part of the words stands next to its kind."""
    told = [text.say("words.titled", title=name, share=percent(s)) if grouped(result) else name for s in share]
    look = {"textfont": {"size": 13}, "showlegend": False}
    plot.words(fig, [-reach[0]], [1.28 * reach[1]], np.array(told)[:, None], "bottom right", **look, **at)


def table_map(result: Result, language: str) -> pd.DataFrame:
    words, place = words_of(result), result.place[0, -1].astype(float).round(3)
    near = [", ".join(words[i] for i in row) for row in result.near[0, -1]]
    columns = {"words.word": [words[i] for i in result.pick], "words.group": result.group + 1}
    return HERE.frame(language, columns | {"x": place[:, 0], "y": place[:, 1], "words.nearest": near})


def of_kind(result: Result, language: str) -> str:
    """How many words stand next to one of their kind, before and now, of every method."""
    if not grouped(result):
        return HERE.text(language).say("summaries.no_groups", count=len(result.pick))
    found = shares(result)

    def row(i: int) -> dict[str, Any]:
        key = "summaries.alike" if learns(result.params.methods[i]) else "summaries.alike_counted"
        return {"key": key, "before": percent(found[i, 0]), "now": percent(found[i, -1])}

    said = HERE.each(result, language, "", row), percent(chance(result.group))
    return HERE.text(language).say("summaries.kinds", listed=said[0], chance=said[1], step=int(result.tick[-1]))


# Neighbours


def kinds_of(result: Result) -> dict[str, np.ndarray]:
    known = {"alike": result.alike, "about": result.about}
    return {word: values for word, values in known.items() if word == "alike" or np.isfinite(values).any()}


def finish_alike(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: a random other word."""
    for k, kinds_here in enumerate((result.group, result.topic)[: len(kinds_of(result))], 1):
        place: dict[str, Any] = {"row": k, "col": 1} if len(kinds_of(result)) > 1 else {}
        fig.add_hline(y=chance(kinds_here), line=plot.line(style.AXIS, 1.5, "dot"), **place)
    fig.update_yaxes(range=[-0.02, 1.02])


# A row of the table


def draw_row(result: Result, language: str) -> go.Figure:
    """One-hot row, times the table of vectors, gives a row of it; the scrubber goes through the words."""
    text, words = HERE.text(language), words_of(result)
    rows = np.linspace(0, len(result.pick) - 1, min(LOOKED, len(result.pick))).round().astype(int)
    table = result.vector[-1, rows].astype(float)
    hot = np.eye(len(rows))
    product = hot @ table
    said = [words[result.pick[i]] for i in rows]
    spread: dict[str, Any] = {"column_widths": [0.08, 0.92], "row_heights": [0.87, 0.13], "vertical_spacing": 0.12}
    fig = plot.panels(2, 2, None, 400, horizontal_spacing=0.02, **spread)
    top = float(np.abs(table).max()) or 1.0
    look = {"showscale": False, "xgap": 1, "ygap": 1}
    numbers = look | {"zmin": -top, "zmax": top, "colorscale": style.colorscale(style.DIVERGING)}
    one = look | {"zmin": 0, "zmax": 1, "colorscale": style.colorscale(style.SEQUENTIAL), "texttemplate": "%{z}"}
    tip = {"hovertemplate": "%{y}: %{z:.2f}<extra></extra>"}
    fig.add_heatmap(z=hot[0][:, None], y=said, **one, **tip, row=1, col=1).was(z=hot[:, :, None])
    fig.add_heatmap(z=table, y=said, **numbers, **tip, row=1, col=2)
    fig.add_heatmap(z=product[:1], y=[said[0]], **numbers, hovertemplate="%{z:.2f}<extra></extra>", row=2, col=2)
    fig.was(z=product[:, None])
    fig.update_xaxes(visible=False)
    fig.update_yaxes(autorange="reversed", row=1)
    fig.update_yaxes(visible=False, col=2)
    fig.update_xaxes(visible=True, showticklabels=False, title=text.say("words.product"), row=2, col=2)
    fig.update_xaxes(visible=False, row=2, col=1)
    fig.update_yaxes(visible=False, row=2)
    plot.bare(fig, 8)
    plot.scrub(fig, np.arange(1, len(rows) + 1), text.say("words.word"), [], fig.stacks)
    return fig


def table_row(result: Result, language: str) -> pd.DataFrame:
    words, vectors = words_of(result), result.vector[-1].astype(float).round(4)
    numbers = {f"{k + 1}": vectors[:, k] for k in range(vectors.shape[1])}
    return HERE.frame(language, {"words.word": [words[i] for i in result.pick]} | numbers)


def summary_row(result: Result, language: str) -> str:
    size, units = len(result.vocabulary), result.vector.shape[-1]
    return HERE.text(language).say("summaries.row", words=size, units=units, products=size * units)


# PMI


def frequent(result: Result) -> np.ndarray:
    """1 for pairs whose context is less frequent than that of half of them."""
    often = result.count[result.pair[-1, :, 1]]
    return (often <= np.median(often)).astype(int) if len(often) else often


def finish_pmi(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: where skip-gram has its minimum."""
    found = np.concatenate([result.pmi[:, -1].ravel(), result.score[:, -1].ravel()])
    ends = [np.nanmin(found, initial=0), np.nanmax(found, initial=0)]
    for i in range(len(result.params.methods)):
        place = {"row": 1 + i // 2, "col": 1 + i % 2}
        fig.add_scatter(x=ends, y=ends, mode="lines", line=plot.line(style.AXIS, 1.5, "dot"), **plot.QUIET, **place)
    fig.update_xaxes(title=text.say("words.pmi"))
    fig.update_yaxes(title=text.say("words.score"), col=1)
    for i, trace in enumerate(fig.data):
        trace.update(name=text.say(f"words.{('frequent', 'rare')[i % 2]}"), showlegend=i < 2)
    fig.update_layout(showlegend=True, legend={"y": 1.1})


def table_pmi(result: Result, language: str) -> pd.DataFrame:
    values = {name: last(name)(result) for name in ("follows", "off", "tilt")}
    return HERE.table(result, language, kinds.interval_columns(HERE.text(language), values))


# Analogies


def summary_analogies(result: Result, language: str) -> str:
    if not np.isfinite(result.analogy).all():
        return HERE.text(language).say("summaries.no_analogies")
    found = result.analogy[:, :, -1].astype(float).mean(1)

    def row(i: int) -> dict[str, Any]:
        return {name: percent(found[i, k]) for k, name in enumerate(WAYS)}

    return HERE.each(result, language, "summaries.analogies", row)


def draw_analogies(result: Result, language: str) -> go.Figure:
    if not np.isfinite(result.analogy).all():
        return plot.waiting(plot.figure(), HERE.text(language).say("words.no_analogies"))
    return SHARES.draw(result, language)


LOOKS = {name: (k, style.SYMBOLS[k]) for k, name in enumerate(WAYS)}
SHARES = kinds.intervals(
    HERE, "analogies", lambda r: {name: r.analogy[:, :, -1, k] for k, name in enumerate(WAYS)}, summary_analogies,
    together={"solved_share": LOOKS}, finish=lambda fig, r, text: fig.update_xaxes(range=[-0.03, 1.03]),
)  # fmt: skip

# Questions


def draw_neighbours(found: Neighbours, language: str) -> go.Figure:
    """Words like the one asked for, and words beside it."""
    say = HERE.text(language).say
    if not found.words.size:
        return plot.waiting(plot.figure(160), say("words.unknown"))
    fig, places = plot.grid([say("words.like"), say("words.beside")], 2, 0.14, 0.16)
    for k, (near, place) in enumerate(zip(found.closeness.astype(float), places)):
        said = [f"{i + 1}. {spelled(row)}" for i, row in enumerate(found.words[k])]
        look = {"orientation": "h", "marker": {"color": style.fade(style.PALETTE[k], 0.6)}}
        fig.add_bar(x=near, y=said, hovertemplate="%{y}: %{x:.2f}<extra></extra>", **look, **place)
    fig.update_yaxes(autorange="reversed", ticksuffix=" ")
    plot.bare(fig)
    return fig.update_layout(height=270)


def summary_neighbours(found: Neighbours, language: str) -> str:
    say, word = HERE.text(language).say, spelled(found.asked)
    if not found.words.size:
        return say("summaries.unknown", word=word)
    return say("summaries.neighbours", word=word, like=spelled(found.words[0, 0]), beside=spelled(found.words[1, 0]))


# Reading


def finish_reader(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=LABELLED, ticktext=[f"{n}" for n in LABELLED])
    fig.update_yaxes(range=[0, 1.02])


READER = kinds.swept(
    READ, "reader", "labelled", lambda r: np.array(LABELLED), lambda r: {"accuracy": r.accuracy.transpose(0, 2, 3, 1)},
    READ.saying("summaries.reader", few=lambda r: percents(reading(LABELLED[0])(r).astype(float)),
                many=lambda r: percents(reading(LABELLED[-1])(r).astype(float)),
                step=lambda r: [int(r.tick[-1])] * len(NETS)),
    moments=STEP, marked=True, finish=finish_reader,
)  # fmt: skip
SAID = HERE.saying(
    "summaries.pmi",
    follows=lambda r: [f"{v:.2f}" for v in last("follows")(r).mean(1)],
    off=lambda r: [f"{v:.2f}" for v in last("off")(r).mean(1)],
    tilt=lambda r: [f"{v:.2f}" for v in last("tilt")(r).mean(1)],
)
PMI = pictures.points(
    HERE,
    "pmi",
    lambda r: np.stack([r.pmi, r.score], -1),
    frequent,
    table_pmi,
    SAID,
    columns=2,
    axes=True,
    finish=finish_pmi,
)
FIGURES = (
    *HERE.figures(
        Figure("map", draw_map, table_map, of_kind),
        kinds.curves(HERE, "alike", *STEP, kinds_of, of_kind, marked=True, finish=finish_alike),
        Figure("row", draw_row, table_row, summary_row),
        HERE.later(PMI),
        HERE.later(Figure("analogies", draw_analogies, SHARES.table, summary_analogies)),
    ),
    *READ.figures(READER),
)
