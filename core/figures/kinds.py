"""Kinds of figures: one call gives `draw`, `table` and `summary` of a Figure.

How to write a figure. A page declares its Gallery once (`core/figures/gallery.py`: words, names of rows, who diverged,
what is known at the end). A kind is then told where its numbers are in a Result, and how they are summed up:

    kinds.curves(
        HERE, "memorised", "epoch", lambda r: r.tick, lambda r: {"memorised": r.memorised}, summary_memorised,
        shown=noisy, finish=lambda fig, r, text: fig.update_yaxes(range=[-0.02, 1.02]),
    )

What all kinds take: `here`, the page's Gallery; `id` of the figure; functions of a Result that give numbers, mostly
`values`: word → array, whose title is `words.<word>`; `summary`; by name `table`, where another is wanted than the
kind's own, `shown`, `finish(fig, result, text)` for what only this page adds, and sizes. A row of an array is a row of
the page and looks like `style.contender(i)`. Where numbers have a moment axis (or are `over` steps), a finished run can
be scrubbed.

What no kind draws is drawn with `core/figures/plot.py`: `plot.panels`, `plot.bands`, `plot.field`, `plot.error`,
`plot.mark`, `plot.film`. A trace that changes over the run is added with `.was(y=...)` behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.figures import plot, style
from core.figures.gallery import Gallery

Array = Callable[[Any], np.ndarray]
Arrays = Callable[[Any], Mapping[str, np.ndarray]]
Table = Callable[[Any, str], pd.DataFrame]
Sentence = Callable[[Any, str], str]
Finish = Callable[[plot.Sheet, Any, Text], Any]


@dataclass(frozen=True)
class Chips:
    """Parts of every row that chips switch on and off: `<role>s.<part>` is the word, the dash tells them apart."""

    role: str
    dashes: Mapping[str, str]
    active: Sequence[str]

    def words(self, text: Text) -> dict[str, str]:
        return {part: text.say(f"{self.role}s.{part}") for part in self.dashes}


def splits(*active: str) -> Chips:
    """Training, validation and test data; those `active` are shown at first."""
    return Chips("split", {name: split.dash for name, split in style.SPLITS.items()}, active)


def everything(params: Any) -> bool:
    return True


def curves(
    here: Gallery,
    id: str,
    over: str,
    x: Array,
    values: Arrays,
    summary: Sentence,
    *,
    grows: bool = True,
    moments: tuple[str, Array] | None = None,
    parts: Chips | None = None,
    ends: Array | None = None,
    banded: int = 99,
    log: bool = False,
    share: bool = False,
    marked: bool = False,
    hover: str = ".3f",
    height: int = 0,
    side: bool = False,
    finish: Finish | None = None,
    digits: int = 4,
    table: Table | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """A curve per row of mean values over seeds, from the lowest to the highest a band; a panel per word.

    over: the word of x. x: [x], or [row, x] where every row has its own.
    values: [row, seed, x], with `parts` [row, seed, x, part], with `moments` [row, seed, moment, x(, part)]. A row
        without any number is not drawn.
    grows: x is the time of the run, which scrubs it; moments: (word, [moment]) of a run that is scrubbed otherwise.
    ends: [row], how many of x a row has before it diverged; a cross stands there.
    banded: only so many rows have bands. log: the middle is the median. share: values are 0 or 1, the
        band is the interval of their share. marked: every curve has its symbol.
    side: panels stand side by side with one axis of values, and below each other on a narrow screen.
    """

    def draw(result: Any, language: str) -> go.Figure:
        text, labels, found, at = here.text(language), here.names(result, language), values(result), x(result)
        said, tip = parts.words(text) if parts else {"": ""}, f"%{{y:{hover}}}"
        fig, places = _panels([text.say(f"words.{word}") for word in found], side, height)
        last = ends(result) if ends else None
        for place, numbers in zip(places, found.values()):
            for i, name in enumerate(labels):
                own = at[i] if at.ndim > 1 else at
                n = len(own) if last is None else int(last[i])
                for p, part in enumerate(said):
                    seeds = (numbers[i, ..., p] if parts else numbers[i]).astype(float)
                    seeds = seeds if i < banded else seeds.mean(0, keepdims=True)
                    if not np.isfinite(seeds).any():
                        continue
                    more: dict[str, Any] = place | ({"legendgroup": f"{i}"} if parts or place else {})
                    if parts:
                        more["meta"] = {parts.role: part}
                    if ends:  # crosses come in between
                        more["uid"] = f"{i}{part}"
                    look = plot.curve(i, parts.dashes[part] if parts else "", marked=marked)
                    full = f"{name}, {said[part]}: {tip}<extra></extra>" if parts else tip
                    plot.bands(fig, own[:n], seeds[..., :n], name, look, hover=full, log=log, share=share, **more)
                    if place != places[0]:
                        fig.data[-1].showlegend = False
                    if n < len(own):
                        _cross(fig, own[max(n - 1, 0)], seeds[:, max(n - 1, 0)].mean(), i, name, text, **more)
        fig.update_xaxes(title=text.say(f"words.{over}"), **({} if side or not places[0] else {"row": len(found)}))
        if parts:
            plot.chips(fig, parts.role, said, list(parts.active))
        if finish:
            finish(fig, result, text)
        if moments:
            plot.film(fig, result, moments[1](result), text.say(f"words.{moments[0]}"))
        elif grows:
            plot.film(fig, result, at, text.say(f"words.{over}"), True)
        return fig

    def means(result: Any, language: str) -> pd.DataFrame:
        text, found = here.text(language), values(result)
        columns: dict[str, Any] = {text.say(f"words.{over}"): x(result)}
        for i, name in enumerate(here.names(result, language)):
            for word, numbers in found.items():
                mean = numbers[i].astype(float).mean(0).round(digits)
                mean = mean[-1] if moments else mean
                for p, said in enumerate(parts.words(text).values() if parts else ()):
                    columns[f"{name}, {said}"] = mean[..., p]
                if not parts:
                    columns[f"{text.say(f'words.{word}')}, {name}" if len(found) > 1 else name] = mean
        return pd.DataFrame(columns)

    return Figure(id, draw, table or means, summary, shown)


def _panels(titles: list[str], side: bool, height: int) -> tuple[plot.Sheet, list[dict[str, Any]]]:
    """One figure, or a panel per title, with the places of the panels."""
    count = len(titles)
    if side:
        grid = {"shared_yaxes": True, "horizontal_spacing": 0.1}
        fig = plot.panels(1, count, titles, height or 440, "x unified", **grid)
        plot.stack(fig)
        return fig, [{"row": 1, "col": k + 1} for k in range(count)]
    places: list[dict[str, Any]] = [{"row": k + 1, "col": 1} for k in range(count)] if count > 1 else [{}]
    if count > 1:
        fig = plot.panels(
            count, 1, None, height or 160 + 150 * count, "x unified", shared_xaxes=True, vertical_spacing=0.05
        )
    else:
        fig = plot.figure(height or 420)
    for place, title in zip(places, titles):
        fig.update_yaxes(title={"text": title, "font": {"size": 12}} if place else title, **place)
    return fig, places


def _cross(fig: plot.Sheet, x: Any, y: Any, i: int, name: str, text: Text, **more: Any) -> None:
    """Marks where a seed of row i diverged."""
    tip = f"{name}: {text.say('words.diverged_here')}<extra></extra>"
    look = {"marker": plot.mark(i, 12) | {"symbol": "x"}, "showlegend": False, "hovertemplate": tip}
    fig.add_scatter(x=[x], y=[y], mode="markers", **look | more | {"uid": more["uid"] + "end"})


def swept(here: Gallery, id: str, over: str, x: Array, values: Arrays, summary: Sentence, **more: Any) -> Figure:
    """Values against a setting (depth, rate, λ, n): `curves` whose x is no time."""
    return curves(here, id, over, x, values, summary, grows=False, **more)


def solved(here: Gallery, id: str, over: str, x: Array, values: Array, summary: Sentence, **more: Any) -> Figure:
    """For a task that is either solved or not, the share of seeds that have solved it by every x, with its 95 %
    interval (Clopper & Pearson, 1934). values: bool [row, seed, x], whether it is solved there for the first time or
    before."""
    return curves(here, id, over, x, lambda r: {"solved": values(r)}, summary, share=True, **more)


GRID = np.linspace(0, 1, 101)


def roc(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """Share of the true that are found, at every share in GRID of the false that are taken for true, and the area under
    the curve; equal scores are taken together. scores, truth: [n]."""
    found, wrong = _counts(scores, truth)
    found, wrong = np.r_[0, found] / max(truth.sum(), 1), np.r_[0, wrong] / max((~truth).sum(), 1)
    return np.interp(GRID, wrong, found), float(np.sum(np.diff(wrong) * (found[1:] + found[:-1]) / 2))


def precision_recall(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """The best precision at every recall in GRID or a higher one, and the average precision: the sum of precisions,
    each weighted with the recall that it adds."""
    found, wrong = _counts(scores, truth)
    precision, recall = found / (found + wrong), found / max(truth.sum(), 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, GRID - 1e-12)
    curve = np.where(at < len(best), best[np.minimum(at, len(best) - 1)], 0)
    return curve, float(np.sum(np.diff(np.r_[0, recall]) * precision))


def _counts(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many true and false have at least every different score, falling."""
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.diff(scores[order]) != 0, True]
    return truth[order].cumsum()[last], (~truth[order]).cumsum()[last]


def thresholds(
    here: Gallery, id: str, scores: Array, truth: Array, summary: Sentence, *, recall: bool = False, **more: Any
) -> Figure:
    """ROC curves of every row, or with `recall` precision over recall; in the table the areas under them.

    scores: [row, seed, n]. truth: bool [seed, n].
    """
    measure, x, y = (precision_recall, "recall", "precision") if recall else (roc, "false_positives", "true_positives")

    def found(result: Any, which: int) -> np.ndarray:
        rows = [[measure(*pair)[which] for pair in zip(row, truth(result))] for row in scores(result)]
        return np.array(rows, float)

    def table(result: Any, language: str) -> pd.DataFrame:
        return here.table(result, language, interval_columns(here.text(language), {"area": found(result, 1)}))

    return swept(here, id, x, lambda r: GRID, lambda r: {y: found(r, 0)}, summary, table=table, **more)


def bars(
    here: Gallery,
    id: str,
    over: str,
    x: Array,
    values: Arrays,
    summary: Sentence,
    *,
    line: Callable[[Any], tuple[str, np.ndarray]] | None = None,
    digits: int = 4,
    finish: Finish | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """Parts of a whole as stacked bars: means over seeds of every word's values [seed, x]; `line` (word, [seed, x]) is
    drawn over them, as the whole that was measured."""
    patterns = ("", "/", ".", "x", "+", "-")

    def draw(result: Any, language: str) -> go.Figure:
        text, fig = here.text(language), plot.figure(440)
        for i, (word, seeds) in enumerate(values(result).items()):
            look = {"color": style.fade(style.PALETTE[i], 0.6), "pattern": {"shape": patterns[i]}}
            tip = {"name": text.say(f"words.{word}"), "hovertemplate": "%{y:.3f}"}
            fig.add_bar(x=x(result), y=seeds.astype(float).mean(0), marker=look, **tip)
        if line:
            word, seeds = line(result)
            plot.bands(fig, x(result), seeds.astype(float), text.say(f"words.{word}"), plot.curve(8, marked=True))
        fig.update_layout(barmode="stack")
        fig.update_xaxes(title=text.say(f"words.{over}"))
        if finish:
            finish(fig, result, text)
        return fig

    def table(result: Any, language: str) -> pd.DataFrame:
        say = here.text(language).say
        parts = dict(values(result)) | (dict([line(result)]) if line else {})
        means = {say(f"words.{word}"): seeds.astype(float).mean(0).round(digits) for word, seeds in parts.items()}
        return pd.DataFrame({say(f"words.{over}"): x(result)} | means)

    return Figure(id, draw, table, summary, shown)


def intervals(
    here: Gallery,
    id: str,
    values: Arrays,
    summary: Sentence,
    *,
    together: Mapping[str, Mapping[str, tuple[int, str]]] | None = None,
    digits: int = 4,
    finish: Finish | None = None,
    table: Table | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """Means with their 95 % intervals over seeds, a row per contender; a panel per word, stacked on a narrow screen.

    values: [row, seed] of every word. together: words that share a panel: title → word → colour, symbol.
    """

    def draw(result: Any, language: str) -> go.Figure:
        text, found = here.text(language), values(result)
        labels = here.names(result, language)
        groups = together or {word: {} for word in found}
        tall = 150 + 40 * len(labels)
        fig = plot.panels(1, len(groups), None, tall, shared_yaxes=True, horizontal_spacing=0.05)
        for k, (title, looks) in enumerate(groups.items(), 1):
            for word in looks or [title]:
                if not np.isfinite(found[word]).any():
                    continue
                tip = f"%{{y}}: <b>%{{x:.3f}}</b><extra>{text.say(f'words.{word}')}</extra>"
                own = {"marker": _look(*looks[word]), "name": text.say(f"words.{word}")} if looks else {}
                across(fig, labels, found[word], tip, width=5, **own, row=1, col=k)
            fig.update_xaxes(title=text.say(f"words.{title}"), row=1, col=k)
        fig.update_yaxes(automargin=True)
        if len(groups) > 1:
            plot.stack(fig)
        if finish:
            finish(fig, result, text)
        return fig

    def means(result: Any, language: str) -> pd.DataFrame:
        return here.table(result, language, interval_columns(here.text(language), values(result), digits))

    return Figure(id, draw, table or means, summary, shown)


def _look(i: int, symbol: str) -> dict[str, Any]:
    return plot.mark(i, 12) | {"symbol": symbol, "line": {"width": 2, "color": style.PALETTE[i]}}


def across(fig: plot.Sheet, labels: list[str], seeds: np.ndarray, tip: str, width: float = 4, **more: Any) -> None:
    """Means of `seeds` [row, seed] with their intervals, a row each, in the looks of the rows unless `more` has one."""
    rows, (mean, half) = labels[::-1], plot.over_seeds(seeds[::-1])  # plotly counts rows upward
    looks = [style.contender(i) for i in range(len(labels))][::-1]
    marks = {"size": 11, "color": [look.colour for look in looks], "symbol": [look.symbol for look in looks]}
    own = more if "marker" in more else {"marker": marks, "showlegend": False} | more
    fig.add_scatter(x=mean, y=rows, mode="markers", error_x=plot.error(half, width), hovertemplate=tip, **own)
    fig.update_yaxes(categoryorder="array", categoryarray=rows, row=more["row"], col=more["col"])


def interval_columns(text: Text, values: Mapping[str, np.ndarray], digits: int = 4) -> dict[str, Any]:
    """Mean and half width of the 95 % interval of every word's values [row, seed], as columns of a table."""
    columns: dict[str, Any] = {}
    for word, seeds in values.items():
        mean, half = plot.over_seeds(seeds)
        columns |= {
            text.say(f"words.{word}"): mean.round(digits),
            f"{text.say(f'words.{word}')} ± 95 %": half.round(digits),
        }
    return columns


def planes(
    here: Gallery,
    id: str,
    when: tuple[str, Array],
    fields: Arrays,
    reach: float,
    table: Table,
    summary: Sentence,
    *,
    tops: Mapping[str, tuple[float, Any]] | None = None,
    points: Callable[[Any], tuple[np.ndarray, np.ndarray]] | None = None,
    columns: int = 4,
    room: float = 0.22,
    hover: str | None = None,
    finish: Finish | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """Fields over a plane, a panel per row of the page; where there are several words, their panels stand below each
    other, and all but the first have the word as their title.

    when: (word, [moment]) of the fields. fields: word → [row, moment, y, x]. tops: word → the highest value, colours.
    points: x [n, 2] and classes y [n], drawn on every panel.
    """

    def draw(result: Any, language: str) -> go.Figure:
        text, labels, found = here.text(language), here.names(result, language), fields(result)
        across = min(columns, len(labels)) if len(found) > 1 else min(columns, ceil(len(labels) ** 0.5))
        down = len(found) * ceil(len(labels) / across)
        titles = [""] * (down * across)
        places: dict[tuple[str, int], dict[str, Any]] = {}
        for i, name in enumerate(labels):
            for k, word in enumerate(found):
                row, col = len(found) * (i // across) + k, i % across
                titles[row * across + col] = text.say(f"words.{word}") if k else name
                places[word, i] = {"row": row + 1, "col": col + 1}
        fig = plot.panels(down, across, titles, horizontal_spacing=0.02, vertical_spacing=room / down)
        for i in range(len(labels)):
            for word, values in found.items():
                top, colours = (tops or {}).get(word, (255, style.DIVERGING))
                more = {"hoverinfo": None, "hovertemplate": hover} if hover else {}
                plot.field(fig, values[i], reach, top, colours, **places[word, i] | more)
                if points:
                    plot.two_classes(fig, *points(result), text.say("words.class"), **places[word, i])
        plot.plane(fig, reach)
        fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
        plot.aspect(fig, 1.12 * down / across)
        if finish:
            finish(fig, result, text)
        word, moments = when
        return plot.film(fig, result, moments(result), text.say(f"words.{word}"))

    return Figure(id, draw, table, summary, shown)


def densities(
    here: Gallery,
    id: str,
    over: str,
    x: Array,
    values: Array,
    table: Table,
    summary: Sentence,
    *,
    rows: Callable[[Any, Text], list[str]] | None = None,
    when: tuple[str, Array] | None = None,
    unit: str = "%",
    top: Callable[[Any], float] = lambda result: 25,
    height: tuple[int, int] = (130, 34),
    tip: str = "%{y}, %{x:.3f}: %{z:.0f} %",
    gap: tuple[float, float] = (1, 3),
    finish: Finish | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """How often something falls where, a row of colours for every row of the page.

    values: [row, x], with `when` [moment, row, x]. height: pixels around the rows, and of a row.
    """

    def draw(result: Any, language: str) -> go.Figure:
        text, numbers = here.text(language), values(result)
        labels = rows(result, text) if rows else here.names(result, language)
        fig = plot.figure(height[0] + height[1] * len(labels), "closest")
        fig.add_heatmap(
            x=x(result), y=labels, z=numbers[-1] if when else numbers, zmin=0, zmax=top(result),
            xgap=gap[0], ygap=gap[1],
            colorscale=style.colorscale(style.SEQUENTIAL), colorbar={"title": {"text": unit}},
            hovertemplate=f"{tip}<extra></extra>",
        )  # fmt: skip
        fig.update_yaxes(autorange="reversed", automargin=True)
        fig.update_xaxes(title=text.say(f"words.{over}"), showgrid=False)
        if finish:
            finish(fig, result, text)
        if when:
            fig.was(z=numbers)
            plot.film(fig, result, when[1](result), text.say(f"words.{when[0]}"))
        return fig

    return Figure(id, draw, table, summary, shown)
