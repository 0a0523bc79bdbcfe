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
be scrubbed. A new kind is a `paint` in the frame that `figure` gives.

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
from core.figures.numbers import spaced

Array = Callable[[Any], np.ndarray]
Arrays = Callable[[Any], Mapping[str, np.ndarray]]
When = tuple[str, Array]  # a word, and the moments of a run
Table = Callable[[Any, str], pd.DataFrame]
Sentence = Callable[[Any, str], str]
Paint = Callable[[Any, Text, list[str]], plot.Sheet]  # a Result, the page's words, the names of its rows
Finish = Callable[[plot.Sheet, Any, Text], Any]


def everything(params: Any) -> bool:
    return True


def figure(
    here: Gallery,
    id: str,
    paint: Paint,
    table: Table,
    summary: Sentence,
    *,
    when: When | None = None,
    cut: Any = (),
    finish: Finish | None = None,
    shown: Callable[[Any], bool] = everything,
) -> Figure:
    """The frame of every kind: what `paint` draws, what `finish` adds to it, and the moments `when` a finished run can
    be seen, with traces that grow with them (`cut`, as `plot.film` has it)."""

    def draw(result: Any, language: str) -> go.Figure:
        text = here.text(language)
        fig = paint(result, text, here.names(result, language))
        if finish:
            finish(fig, result, text)
        return plot.film(fig, result, when[1](result), text.say(f"words.{when[0]}"), cut) if when else fig

    return Figure(id, draw, table, summary, shown)


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


def curves(
    here: Gallery,
    id: str,
    over: str,
    x: Array,
    values: Arrays,
    summary: Sentence,
    *,
    grows: bool = True,
    moments: When | None = None,
    parts: Chips | None = None,
    ends: Array | None = None,
    banded: int = 99,
    log: bool = False,
    share: bool = False,
    marked: bool = False,
    hover: str = ".3f",
    height: int = 0,
    side: bool = False,
    digits: int = 4,
    table: Table | None = None,
    **more: Any,
) -> Figure:
    """A curve per row of mean values over seeds, from the lowest to the highest a band; a panel per word.

    over: the word of x. x: [x], or [row, x] where every row has its own.
    values: [row, seed, x], with `parts` [row, seed, x, part], with `moments` [row, seed, moment, x(, part)]. A row
        without any number is not drawn.
    grows: x is the time of the run, which scrubs it; moments: those of a run that is scrubbed otherwise.
    ends: [row], how many of x a row has before it diverged; a cross stands there.
    banded: only so many rows have bands. log: the middle is the median. share: values are 0 or 1, the
        band is the interval of their share. marked: every curve has its symbol.
    side: panels stand side by side with one axis of values, and below each other on a narrow screen.
    """

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        found, at = values(result), x(result)
        said, tip = parts.words(text) if parts else {"": ""}, f"%{{y:{hover}}}"
        fig, places = _panels([text.say(f"words.{word}") for word in found], side, height)
        last = ends(result) if ends else np.full(len(labels), at.shape[-1])
        for place, numbers in zip(places, found.values()):
            for i, name in enumerate(labels):
                own, n = at[i] if at.ndim > 1 else at, int(last[i])
                for p, part in enumerate(said):
                    seeds = (numbers[i, ..., p] if parts else numbers[i]).astype(float)
                    seeds = seeds if i < banded else seeds.mean(0, keepdims=True)
                    if not np.isfinite(seeds).any():
                        continue
                    kept: dict[str, Any] = place | ({"legendgroup": f"{i}"} if parts or place else {})
                    kept |= {"meta": {parts.role: part}} if parts else {}
                    kept |= {"uid": f"{i}{part}"} if ends else {}  # crosses come in between
                    look = plot.curve(i, parts.dashes[part] if parts else "", marked=marked)
                    full = f"{name}, {said[part]}: {tip}<extra></extra>" if parts else tip
                    plot.bands(fig, own[:n], seeds[..., :n], name, look, hover=full, log=log, share=share, **kept)
                    if place != places[0]:
                        fig.data[-1].showlegend = False
                    if n < len(own):
                        _cross(fig, own[max(n - 1, 0)], seeds[:, max(n - 1, 0)].mean(), i, name, text, **kept)
        fig.update_xaxes(title=text.say(f"words.{over}"), **({} if side or not places[0] else {"row": len(found)}))
        if parts:
            plot.chips(fig, parts.role, said, list(parts.active))
        return fig

    table = table or means(here, over, x, values, parts=parts, moments=bool(moments), digits=digits)
    when = moments or ((over, x) if grows else None)
    return figure(here, id, paint, table, summary, when=when, cut=() if moments else True, **more)


def means(
    here: Gallery,
    over: str,
    x: Array,
    values: Arrays,
    *,
    parts: Chips | None = None,
    moments: bool = False,
    digits: int = 4,
    most: int | None = None,
    worded: bool = False,
) -> Table:
    """The table of `curves`: a row per x, or of `most` at most, with the means over seeds; of several words, and where
    `worded`, heads say which."""

    def table(result: Any, language: str) -> pd.DataFrame:
        text, found = here.text(language), values(result)
        columns: dict[str, Any] = {text.say(f"words.{over}"): x(result)}
        for i, name in enumerate(here.names(result, language)):
            for word, numbers in found.items():
                mean = numbers[i].astype(float).mean(0).round(digits)
                mean = mean[-1] if moments else mean
                for p, said in enumerate(parts.words(text).values() if parts else ()):
                    columns[f"{name}, {said}"] = mean[..., p]
                if not parts:
                    columns[f"{text.say(f'words.{word}')}, {name}" if worded or len(found) > 1 else name] = mean
        rows = pd.DataFrame(columns)
        return rows if most is None else rows.iloc[spaced(len(rows), most)].reset_index(drop=True)

    return table


def _panels(titles: list[str], side: bool, height: int) -> tuple[plot.Sheet, list[dict[str, Any]]]:
    """One figure, or a panel per title, with the places of the panels."""
    count = len(titles)
    if side:
        fig = plot.panels(1, count, titles, height or 440, "x unified", shared_yaxes=True, horizontal_spacing=0.1)
        plot.stack(fig)
        return fig, [{"row": 1, "col": k + 1} for k in range(count)]
    if count == 1:
        fig = plot.figure(height or 420)
        fig.update_yaxes(title=titles[0])
        return fig, [{}]
    tall, places = height or 160 + 150 * count, [{"row": k + 1, "col": 1} for k in range(count)]
    fig = plot.panels(count, 1, None, tall, "x unified", shared_xaxes=True, vertical_spacing=0.05)
    for place, title in zip(places, titles):
        fig.update_yaxes(title={"text": title, "font": {"size": 12}}, **place)
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


def reliability(
    here: Gallery, id: str, found: Callable[[Any], Sequence[np.ndarray]], when: tuple[str, Array], summary: Sentence
) -> Figure:
    """By bins of a probability that was said: how often it was true (DeGroot & Fienberg, 1983), over all seeds. The
    larger a mark, the more examples; on the dotted line outputs are probabilities.

    found: how many examples, the mean of what was said, how often it was true, [row, seed, moment, bin] each.
    """

    def pooled(result: Any) -> tuple[np.ndarray, ...]:
        each, *means = found(result)
        count = each.sum(1)
        with np.errstate(invalid="ignore"):
            said, true = ((each * values).sum(1) / count for values in means)
        return count, said, true

    def draw(result: Any, language: str) -> go.Figure:
        text, (count, said, true) = here.text(language), pooled(result)
        fig = plot.figure(430, "closest")
        line = {"line": plot.line(style.AXIS, 2, "dot"), "name": text.say("words.perfect"), "hoverinfo": "skip"}
        fig.add_scatter(x=[0, 1], y=[0, 1], mode="lines", **line)
        for i, name in enumerate(here.names(result, language)):
            size = 6 + 26 * np.sqrt(count[i] / count[i].sum(1, keepdims=True))
            look = plot.curve(i) | {"mode": "lines+markers", "marker": plot.mark(i) | {"size": size[-1]}}
            tip = f"{name}: %{{x:.2f}} → %{{y:.2f}}<extra></extra>"
            fig.add_scatter(x=said[i, -1], y=true[i, -1], name=name, hovertemplate=tip, connectgaps=True, **look)
            fig.was(x=said[i], y=true[i], marker__size=size)
        fig.update_xaxes(title=text.say("words.said"), range=[-0.03, 1.03], constrain="domain")
        fig.update_yaxes(title=text.say("words.true"), range=[-0.03, 1.03], scaleanchor="x")
        return plot.film(fig, result, when[1](result), text.say(f"words.{when[0]}"))

    def table(result: Any, language: str) -> pd.DataFrame:
        say, numbers = here.text(language).say, [values[:, -1] for values in pooled(result)]
        names = np.repeat(here.names(result, language), numbers[0].shape[1])
        columns = {say(f"words.{word}"): n.ravel().round(4) for word, n in zip(("count", "said", "true"), numbers)}
        return pd.DataFrame({say(here.head): names} | columns)

    return Figure(id, draw, table, summary)


def bars(
    here: Gallery,
    id: str,
    over: str,
    x: Array,
    values: Arrays,
    summary: Sentence,
    *,
    line: Callable[[Any], tuple[str, np.ndarray]] | None = None,
    **more: Any,
) -> Figure:
    """Parts of a whole as stacked bars: means over seeds of every word's values [seed, x]; `line` (word, [seed, x]) is
    drawn over them, as the whole that was measured."""
    patterns = ("", "/", ".", "x", "+", "-")

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        fig = plot.figure(440, barmode="stack")
        for i, (word, seeds) in enumerate(values(result).items()):
            look = {"color": style.fade(style.PALETTE[i], 0.6), "pattern": {"shape": patterns[i]}}
            tip = {"name": text.say(f"words.{word}"), "hovertemplate": "%{y:.3f}"}
            fig.add_bar(x=x(result), y=seeds.astype(float).mean(0), marker=look, **tip)
        if line:
            word, seeds = line(result)
            plot.bands(fig, x(result), seeds.astype(float), text.say(f"words.{word}"), plot.curve(8, marked=True))
        fig.update_xaxes(title=text.say(f"words.{over}"))
        return fig

    def table(result: Any, language: str) -> pd.DataFrame:
        say = here.text(language).say
        parts = dict(values(result)) | (dict([line(result)]) if line else {})
        means = {say(f"words.{word}"): seeds.astype(float).mean(0).round(4) for word, seeds in parts.items()}
        return pd.DataFrame({say(f"words.{over}"): x(result)} | means)

    return figure(here, id, paint, table, summary, **more)


def intervals(
    here: Gallery,
    id: str,
    values: Arrays,
    summary: Sentence,
    *,
    together: Mapping[str, Mapping[str, tuple[int, str]]] | None = None,
    table: Table | None = None,
    **more: Any,
) -> Figure:
    """Means with their 95 % intervals over seeds, a row per contender; a panel per word, stacked on a narrow screen.

    values: [row, seed] of every word. together: words that share a panel: title → word → colour, symbol.
    """

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        found = values(result)
        groups = together or {word: {} for word in found}
        fig = plot.panels(1, len(groups), None, 150 + 40 * len(labels), shared_yaxes=True, horizontal_spacing=0.05)
        for k, (title, looks) in enumerate(groups.items(), 1):
            for word in looks or [title]:
                if not np.isfinite(found[word]).any():
                    continue
                said, own = text.say(f"words.{word}"), dict[str, Any]()
                if looks:
                    i, symbol = looks[word]
                    edge = {"symbol": symbol, "line": {"width": 2, "color": style.PALETTE[i]}}
                    own = {"marker": plot.mark(i, 12) | edge, "name": said}
                tip = f"%{{y}}: <b>%{{x:.3f}}</b><extra>{said}</extra>"
                across(fig, labels, found[word], tip, width=5, **own, row=1, col=k)
            fig.update_xaxes(title=text.say(f"words.{title}"), row=1, col=k)
        fig.update_yaxes(automargin=True)
        if len(groups) > 1:
            plot.stack(fig)
        return fig

    def means(result: Any, language: str) -> pd.DataFrame:
        return here.table(result, language, interval_columns(here.text(language), values(result)))

    return figure(here, id, paint, table or means, summary, **more)


def across(fig: plot.Sheet, labels: list[str], seeds: np.ndarray, tip: str, width: float = 4, **more: Any) -> None:
    """Means of `seeds` [row, seed] with their intervals, a row each, in the looks of the rows unless `more` has one."""
    rows, (mean, half) = labels[::-1], plot.over_seeds(seeds[::-1])  # plotly counts rows upward
    looks = [style.contender(i) for i in range(len(labels))][::-1]
    marks = {"size": 11, "color": [look.colour for look in looks], "symbol": [look.symbol for look in looks]}
    own = more if "marker" in more else {"marker": marks, "showlegend": False} | more
    fig.add_scatter(x=mean, y=rows, mode="markers", error_x=plot.error(half, width), hovertemplate=tip, **own)
    fig.update_yaxes(categoryorder="array", categoryarray=rows, row=more["row"], col=more["col"])


def interval_columns(text: Text, values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Mean and half width of the 95 % interval of every word's values [row, seed], as columns of a table."""
    columns: dict[str, Any] = {}
    for word, seeds in values.items():
        mean, half = plot.over_seeds(seeds)
        said = text.say(f"words.{word}")
        columns |= {said: mean.round(4), f"{said} ± 95 %": half.round(4)}
    return columns


def with_half(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The same with heads of the page's own, each beside a “± 95 %” that a space more tells from the others."""
    columns: dict[str, Any] = {}
    for k, (head, seeds) in enumerate(values.items()):
        mean, half = plot.over_seeds(seeds)
        columns |= {head: mean.round(4), f"± 95 %{' ' * k}": half.round(4)}
    return columns


def planes(
    here: Gallery,
    id: str,
    when: When,
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
    **more: Any,
) -> Figure:
    """Fields over a plane, a panel per row of the page; where there are several words, their panels stand below each
    other, and all but the first have the word as their title.

    when: of the fields. fields: word → [row, moment, y, x]. tops: word → the highest value, colours.
    points: x [n, 2] and classes y [n], drawn on every panel.
    """
    tip = {"hoverinfo": None, "hovertemplate": hover} if hover else {}

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        found = fields(result)
        beside = min(columns, len(labels) if len(found) > 1 else ceil(len(labels) ** 0.5))
        titles = [""] * (len(found) * ceil(len(labels) / beside) * beside)
        spots = {}  # of the panels
        for i, name in enumerate(labels):
            for k, word in enumerate(found):
                spots[word, i] = (len(found) * (i // beside) + k) * beside + i % beside
                titles[spots[word, i]] = text.say(f"words.{word}") if k else name
        fig, places = plot.grid(titles, beside, gap=0.02, room=room)
        for i in range(len(labels)):
            for word, values in found.items():
                top, colours = (tops or {}).get(word, (255, style.DIVERGING))
                plot.field(fig, values[i], reach, top, colours, **places[spots[word, i]] | tip)
                if points:
                    plot.classes(fig, *points(result), text.say("words.class"), **places[spots[word, i]])
        plot.plane(fig, reach)
        plot.bare(fig)
        plot.aspect(fig, 1.12 * (len(titles) // beside) / beside)
        return fig

    return figure(here, id, paint, table, summary, when=when, **more)


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
    when: When | None = None,
    top: Callable[[Any], float] = lambda result: 25,
    height: tuple[int, int] = (130, 34),
    tip: str = "%{y}, %{x:.3f}: %{z:.0f} %",
    gap: tuple[float, float] = (1, 3),
    **more: Any,
) -> Figure:
    """How often something falls where, in percent, a row of colours for every row of the page.

    values: [row, x], with `when` [moment, row, x]. height: pixels around the rows, and of a row.
    """

    def paint(result: Any, text: Text, labels: list[str]) -> plot.Sheet:
        labels, numbers = rows(result, text) if rows else labels, values(result)
        fig = plot.figure(height[0] + height[1] * len(labels), "closest")
        fig.add_heatmap(
            x=x(result), y=labels, z=numbers[-1] if when else numbers, zmin=0, zmax=top(result),
            xgap=gap[0], ygap=gap[1],
            colorscale=style.colorscale(style.SEQUENTIAL), colorbar={"title": {"text": "%"}},
            hovertemplate=f"{tip}<extra></extra>",
        )  # fmt: skip
        if when:
            fig.was(z=numbers)
        fig.update_yaxes(autorange="reversed", automargin=True)
        fig.update_xaxes(title=text.say(f"words.{over}"), showgrid=False)
        return fig

    return figure(here, id, paint, table, summary, when=when, **more)
