"""Pictures of error analysis: errors as a ladder, what moves did, confusions, the map, knobs, one number, divisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.error_analysis.claims import closed, errors, gaps, outcomes, widest
from core.concepts.error_analysis.divisions.params import SHARES, TOTALS
from core.concepts.error_analysis.params import (
    BARS,
    CLASSES,
    GAPS,
    MOVES,
    QUESTIONS,
    REACH,
    People,
    Result,
    on_points,
)
from core.concepts.error_analysis.rare.params import MEASURES, ROWS
from core.conclusions.stats import interval
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent

LADDER = ("bayes", *BARS)
GREY, LIT = style.fade(style.PALETTE[9], 0.45), style.PALETTE[1]
MEMORY = 3  # earlier stages that are drawn, at most


def said_moves(result: Any, text: Text) -> list[str]:
    """Each move, and what was expected of it beside what came of it."""
    given, came = result.params.guesses, outcomes(result)
    names = []
    for k, move in enumerate(result.params.moves):
        name = f"{k + 1} {text.say(f'moves.{move}')}"
        if k < len(given):
            mark = "✓" if given[k] == came[k] else "✗"
            name += f" ({text.say(f'guesses.{given[k]}')} {mark})"
        names.append(name)
    return names


def stage_names(result: Any, text: Text) -> list[str]:
    moves = result.params.moves
    return [text.say("words.start"), *(f"{k + 1} {text.say(f'moves.{m}')}" for k, m in enumerate(moves))]


def last_two(result: Any, text: Text) -> list[str]:
    """The best rule, where it is known, and where the game stands."""
    return [text.say("bars.bayes")] * on_points(result.params) + stage_names(result, text)[-1:]


def rows_of(part: str, names: tuple[str, ...], group: str, head: str) -> Gallery:
    return Gallery("error_analysis", lambda r, text: [text.say(f"{group}.{name}") for name in names], head, of=part)


HERE = Gallery("error_analysis", stage_names, "words.stage")
PLAYED = Gallery("error_analysis", said_moves, "words.move")
PAIR = Gallery("error_analysis", last_two, "words.who")
KNOBS, RULES = rows_of("knobs", tuple(MOVES), "moves", "words.move"), rows_of("rare", ROWS, "rules", "words.rule")
DIVISIONS = Gallery("error_analysis", lambda r, text: list(SHARES), "words.division", of="divisions")


# The ladder


def draw_ladder(result: Result, language: str) -> go.Figure:
    """Bars where the game stands, each with what it is higher than the one before; lines are earlier stages."""
    text, fig = HERE.text(language), plot.figure(420, "closest", barmode="stack", bargap=0.32)
    labels = [text.say(f"bars.{name}") for name in LADDER]
    at_all = result.error.astype(float).mean(1)  # [stage, moment, bar]
    bayes = np.full((*at_all.shape[:2], 1), result.bayes.mean())
    level = np.concatenate([bayes, at_all], -1)
    now = level[-1]
    steps = np.diff(now, axis=-1)
    lower = np.c_[now[:, :1], np.where(steps > 0, now[:, :-1], now[:, 1:])]
    upper = np.c_[np.zeros(len(now)), np.where(steps > 0, steps, 0.0)]
    lower = np.where(np.isnan(lower), now, lower)
    lit = 1 + GAPS.index(widest(result)) if widest(result) else -1
    colours = [LIT if i == lit else style.fade(LIT, 0.3) for i in range(len(LADDER))]
    shapes = ["/" if i == lit else "." for i in range(len(LADDER))]
    fig.add_bar(x=labels, y=lower[-1], marker={"color": GREY}, hoverinfo="skip", showlegend=False).was(y=lower)
    look = {"color": colours, "pattern": {"shape": shapes}}
    fig.add_bar(x=labels, y=upper[-1], marker=look, hoverinfo="skip", showlegend=False).was(y=upper)
    for k in range(max(0, len(level) - 1 - MEMORY), len(level) - 1):
        before = k == len(level) - 2
        dash = plot.line(style.PALETTE[0] if before else style.AXIS, 3 if before else 1.5)
        mark = {"symbol": "line-ew-open", "size": 46, "line": dash}
        name = HERE.names(result, language)[k]
        tip = f"{name}: %{{y:.1%}}<extra></extra>"
        fig.add_scatter(x=labels[1:], y=level[k, -1, 1:], mode="markers", marker=mark, name=name, hovertemplate=tip)
    mean, half = plot.over_seeds(errors(result)[-1].T)
    tip = "%{x}: <b>%{y:.1%}</b><extra></extra>"
    dot = {"mode": "markers", "marker": plot.marker(style.AXIS, "circle", 5), "showlegend": False}
    fig.add_scatter(x=labels, y=mean, error_y=plot.error(half, 6), hovertemplate=tip, **dot)
    fig.was(y=now, error_y__array=np.tile(np.nan_to_num(half), (len(now), 1)))
    top = np.nanmax(np.r_[level[:, -1].ravel(), (mean + np.nan_to_num(half)), 0.01])
    over = np.fmax(now, np.nan_to_num(now + half)) + 0.01 * top
    said = np.array([[over_bar(row, i, i == lit, text) for i in range(len(LADDER))] for row in now])
    plot.words(fig, labels, over[-1], said, "top center", showlegend=False, textfont={"size": 13})
    fig.was(text=said, y=over)
    fig.update_xaxes(showgrid=False, fixedrange=True)
    fig.update_yaxes(title=text.say("words.error"), tickformat=".0%", range=[0, 1.3 * top])
    return plot.film(fig, result, result.tick, text.say("words.step"))


def over_bar(row: np.ndarray, i: int, lit: bool, text: Text) -> str:
    if np.isnan(row[i]):
        return text.say("words.unknown")
    said = f"{100 * row[i]:.1f} %"
    if i and np.isfinite(row[i - 1]):
        gap = f"{text.say(f'gaps.{GAPS[i - 1]}')}<br>{100 * (row[i] - row[i - 1]):+.1f}".replace("-", "−")
        said = f"<b>{gap}</b><br>{said}" if lit else f"{gap}<br>{said}"
    return said


def table_ladder(result: Result, language: str) -> pd.DataFrame:
    found = errors(result).mean(1)
    return HERE.table(result, language, {f"bars.{name}": found[:, i].round(4) for i, name in enumerate(LADDER)})


def summary_ladder(result: Result, language: str) -> str:
    text, found = HERE.text(language), errors(result)[-1].mean(0)
    said = [f"{text.say(f'bars.{name}')} {100 * e:.1f} %" for name, e in zip(LADDER, found) if np.isfinite(e)]
    told = [text.say("summaries.errors", listed=text.listed(said))]
    if gap := widest(result):
        points = 100 * gaps(result)[-1].mean(0)[GAPS.index(gap)]
        told.append(text.say("summaries.widest", gap=text.say(f"gaps.{gap}"), points=f"{points:.1f}"))
        if result.params.moves:
            move, came = text.say(f"moves.{result.params.moves[-1]}"), outcomes(result)[-1]
            told.append(text.say(f"summaries.came_{came}", move=move))
    return " ".join(told)


# What moves did


def changes(result: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Of changes [row, seed, gap] in percentage points: the first three gaps."""
    return {name: 100 * rows[:, :, i] for i, name in enumerate(GAPS[:3])}


def with_zero(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.add_vline(x=0, line=plot.line(style.AXIS, 1, "dot"))


def summary_moves(result: Result, language: str) -> str:
    text, came = PLAYED.text(language), outcomes(result)
    given = result.params.guesses[: len(came)]
    names = [text.say(f"moves.{move}") for move in result.params.moves]
    said = [text.say(f"summaries.came_{letter}", move=name) for name, letter in zip(names, came)]
    if given:
        right = sum(a == b for a, b in zip(given, came))
        said.append(text.say("summaries.guessed", right=right, count=len(given)))
    return text.sentences(said)


MOVED = PLAYED.later(
    kinds.intervals(
        PLAYED, "moves", lambda r: changes(r, -closed(r)), summary_moves, finish=with_zero
    ),
    lambda r: len(r.params.moves) > 0 and not r.params.own,
)  # fmt: skip


# Confusions, and the map


def pair(result: Result) -> np.ndarray:
    """In percent of all test examples: of the best rule, where it is known, and of where the game stands."""
    ours = result.confusion[-1, :, 0].astype(float).mean(0)
    return 100 * np.stack([result.bayes_confusion, ours] if on_points(result.params) else [ours])


def summary_confusion(result: Result, language: str) -> str:
    """The confusion of the network that most exceeds that of the best rule."""
    text, found = PAIR.text(language), pair(result)
    more = found[-1] - (found[0] if len(found) > 1 else 0)
    np.fill_diagonal(more, -np.inf)
    true, said = np.unravel_index(more.argmax(), more.shape)
    numbers = {"true": int(true), "said": int(said), "ours": f"{found[-1][true, said]:.1f}"}
    if len(found) == 1:
        return text.say("summaries.confusion_own", **numbers)
    return text.say("summaries.confusion", bayes=f"{found[0][true, said]:.1f}", **numbers)


def classes_of(result: Result) -> list[str]:
    return [f"y = {k}" for k in range(result.bayes_confusion.shape[-1])]


def finish_confusion(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_xaxes(title=text.say("words.said"))
    fig.update_yaxes(title=text.say("words.true"), col=1)
    fig.update_layout(margin={"l": 60, "b": 50})


CONFUSION = PAIR.later(
    pictures.matrix(
        PAIR, "confusion", pair, classes_of, classes_of, summary_confusion, digits=1, ratio=1.1, finish=finish_confusion
    )
)  # fmt: skip


def draw_plane(result: Result, language: str) -> go.Figure:
    """Classes by place, of the best rule and of the network of the first seed; test examples, its mistakes ringed."""
    text = PAIR.text(language)
    fig, places = plot.grid(PAIR.names(result, language), 2, 0.02, 0.2)
    axis = np.linspace(-REACH, REACH, result.bayes_region.shape[-1])
    scale = [[edge / CLASSES, style.fade(style.PALETTE[k], 0.28)] for k in range(CLASSES) for edge in (k, k + 1)]
    best = nearest(result.bayes_region, axis, result.x)
    for field, said, place in zip((result.bayes_region, result.region[-1, 0]), (best, result.said[-1, 0]), places):
        look = {"colorscale": scale, "zmin": 0, "zmax": CLASSES - 1, "showscale": False, "hoverinfo": "skip"}
        fig.add_heatmap(x=axis, y=axis, z=field, **look, **place)
        wrong = said != result.y
        points(fig, result.x[~wrong], result.y[~wrong], text, 4, 0.45, **place)
        points(fig, result.x[wrong], result.y[wrong], text, 9, 1.0, **place)
    plot.plane(fig, REACH)
    plot.bare(fig)
    plot.aspect(fig, 0.56)
    return fig


def points(fig: plot.Sheet, x: np.ndarray, y: np.ndarray, text: Text, size: int, opacity: float, **place: Any) -> None:
    """Points by class."""
    for k in range(CLASSES):
        tip = f"{text.say('words.class')} {k}<extra></extra>"
        look = plot.mark(k, size) | ({"line": plot.line("#ffffff", 1)} if size > 5 else {})
        fig.add_scatter(
            **plot.xy(x[y == k]), mode="markers", marker=look, opacity=opacity, hovertemplate=tip, name=f"{k}",
            showlegend=False, **place,
        )  # fmt: skip


def nearest(field: np.ndarray, axis: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What a map says at points x [n, 2]."""
    column, row = (np.abs(axis - values[:, None]).argmin(1) for values in x.T)
    return field[row, column]


def table_plane(result: Result, language: str) -> pd.DataFrame:
    columns = {"x₁": result.x[:, 0].round(3), "x₂": result.x[:, 1].round(3)}
    return HERE.frame(language, columns | {"words.true": result.y, "words.said": result.said[-1, 0]})


def summary_plane(result: Result, language: str) -> str:
    wrong = int((result.said[-1, 0] != result.y).sum())
    return HERE.text(language).say("summaries.plane", wrong=wrong, count=len(result.y))


# Knobs, one number, divisions


def turns(result: Any) -> dict[str, np.ndarray]:
    return changes(result, gaps(result)[1:] - gaps(result)[:1]) | {
        "dev": 100 * (errors(result)[1:, :, 3] - errors(result)[:1, :, 3])
    }


def summary_knobs(result: Any, language: str) -> str:
    change = turns(result)["dev"].mean(1)
    return KNOBS.most_and_least(result, language, "summaries.knobs", -change, lambda v: f"{v:.1f}")


def of_measure(name: str) -> Any:
    return lambda r: r.value[:, :, 0, MEASURES.index(name)]


def finish_rare(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(tickformat=".0%", nticks=4, title_font_size=12)


RARE = RULES.later(
    kinds.intervals(
        RULES, "rare", lambda r: {name: of_measure(name)(r) for name in ("accuracy", "recall", "f1", "weighted")},
        RULES.saying(
            "summaries.rare", accuracy=lambda r: [percent(v) for v in of_measure("accuracy")(r).mean(1)],
            recall=lambda r: [percent(v) for v in of_measure("recall")(r).mean(1)],
            weighted=lambda r: [f"{100 * v:.1f} %" for v in of_measure("weighted")(r).mean(1)],
        ),
        finish=finish_rare,
    )
)  # fmt: skip


def finish_divisions(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=TOTALS, ticktext=[f"{n:,}" for n in TOTALS])
    fig.update_yaxes(tickformat=".0%", rangemode="tozero")


def by_total(result: Any) -> dict[str, np.ndarray]:
    off = np.abs(result.estimate.astype(float) - result.truth)[:, :, 0]
    return {"off": off, "truth": result.truth[:, :, 0]}


def ended(word: str, place: int) -> Any:
    return lambda r: [f"{100 * v:.1f}" for v in by_total(r)[word][:, :, place].mean(1)]


DIVIDED = DIVISIONS.later(
    kinds.swept(
        DIVISIONS, "divisions", "total", lambda r: np.array(TOTALS), by_total,
        DIVISIONS.saying("summaries.divisions", small=ended("off", 0), large=ended("off", -1)),
        marked=True, banded=0, finish=finish_divisions,
    )
)  # fmt: skip


# People


def draw_people(found: People, language: str) -> go.Figure:
    """Labelled points, those that the reader has labelled, and the next one."""
    text, fig = HERE.text(language), plot.figure(430, "closest")
    if len(found.x) == 0:
        return plot.waiting(fig, text.say("words.no_people"))
    points(fig, found.known, found.label, text, 5, 0.5)
    asked = int((found.said[2] >= 0).sum())
    points(fig, found.x[:asked], found.said[2][:asked], text, 11, 1.0)
    if asked < len(found.x):
        star = plot.marker(style.PALETTE[8], "star", 20, 1.5)
        fig.add_scatter(**plot.xy(found.x[asked : asked + 1]), mode="markers", marker=star, name=text.say("words.next"))
    else:
        wrong = found.said[2] != found.y
        ring = {"symbol": "circle-open", "size": 20, "color": style.PALETTE[5], "line": {"width": 2}}
        fig.add_scatter(**plot.xy(found.x[wrong]), mode="markers", marker=ring, name=text.say("words.mistakes"))
    fig.update_xaxes(range=[-REACH, REACH], constrain="domain", title="x₁")
    fig.update_yaxes(range=[-REACH, REACH], scaleanchor="x", title="x₂")
    return fig


def summary_people(found: People, language: str) -> str:
    """Errors on the points answered so far, the reader's with its interval."""
    text = HERE.text(language)
    asked = int((found.said[2] >= 0).sum()) if len(found.x) else 0
    if not asked:
        return text.say("summaries.people_none", count=QUESTIONS)
    wrong = (found.said[:, :asked] != found.y[:asked]).sum(1)
    chance = interval(np.arange(asked) < wrong[2], share=True)
    numbers = {"you": int(wrong[2]), "bayes": int(wrong[0]), "net": int(wrong[1]), "count": asked}
    return text.say("summaries.people", low=percent(chance.low), high=percent(chance.high), **numbers)


FIGURES = (
    *HERE.figures(Figure("ladder", draw_ladder, table_ladder, summary_ladder)),
    *PLAYED.figures(MOVED),
    *PAIR.figures(
        CONFUSION,
        PAIR.later(Figure("plane", draw_plane, table_plane, summary_plane, on_points)),
    ),
    *KNOBS.figures(kinds.intervals(KNOBS, "knobs", turns, summary_knobs, finish=with_zero)),
    *RULES.figures(RARE),
    *DIVISIONS.figures(DIVIDED),
)
