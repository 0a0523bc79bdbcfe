"""Pictures of regularisation: a boundary, coefficients, stopped descent, folds, looks, networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.regularization.claims import AT, FRESH, REPORTED, STRONG, reached, reports, zeros, zeros_at
from core.concepts.regularization.looks.params import SETS
from core.concepts.regularization.nets.params import KINDS
from core.concepts.regularization.nets.params import WAYS as DECAYS
from core.concepts.regularization.params import REACH, Result
from core.concepts.regularization.table.params import METHODS, PENALTIES, WAYS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent, percents

PATHS = ("ridge", "lasso", "sgd", "adam")  # methods whose coefficients are drawn
FILTERS = ("l2", "stopping")
ORDER = [SETS.index(name) for name in ("train", "fresh", "validation")]  # as the splits look elsewhere
NOISE = style.fade(style.PALETTE[9], 0.7)  # of columns that are pure noise
POWERS = {"type": "log", "exponentformat": "power", "dtick": 1}


def further(part: str, names: tuple[str, ...], head: str) -> Gallery:
    """Of an experiment whose rows are always these."""
    return Gallery("regularization", lambda result, text: [text.say(f"rows.{name}") for name in names], head, of=part)


HERE = Gallery("regularization", lambda result, text: [text.say("rows.l2")], "words.method")
TABLE, FILTERED = further("table", METHODS, "words.method"), further("table", FILTERS, "words.method")
CHOICES = further("table", WAYS, "words.chosen_by")
LOOKED = further("looks", tuple(f"set_{SETS[k]}" for k in ORDER), "words.set")
NETS = further("nets", tuple(f"{kind}_{way}" for kind in KINDS for way in DECAYS), "words.method")
STRAIGHT = further("nets", tuple(f"{kind}_{way}" for kind in KINDS for way in DECAYS[:2]), "words.method")
REPORTS = further("nets", REPORTED, "words.chosen_by")


def plain(penalty: float, digits: int = 3) -> str:
    """Without a power of ten."""
    return np.format_float_positional(penalty, digits, fractional=False, trim="-")


def by_penalty(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(**POWERS)


# The boundary


def draw_boundary(result: Result, language: str) -> go.Figure:
    """The first seed's training points on the probability of a class, and the errors over the penalty."""
    text, penalty = HERE.text(language), 10.0**result.params.exponent
    grid: dict[str, Any] = {"column_widths": [0.46, 0.54], "horizontal_spacing": 0.13}
    fig = plot.panels(1, 2, None, 390, **grid)
    left = {"row": 1, "col": 1}
    if len(result.region):
        plot.field(fig, result.region, REACH, **left)
        axis = np.linspace(-REACH, REACH, result.region.shape[-1])
        line = {"start": 127.5, "end": 127.5, "coloring": "none"}
        look = {"contours": line, "line": plot.line(style.PALETTE[8], 2), "showscale": False} | plot.QUIET
        fig.add_contour(x=axis, y=axis, z=result.region[-1].astype(float), autocontour=False, **look, **left)
    plot.classes(fig, result.x, result.y, text.say("words.class"), 7, showlegend=False, **left)
    for axis in (fig.update_xaxes, fig.update_yaxes):
        axis(visible=False, range=[-REACH, REACH], constrain="domain", **left)
    fig.update_yaxes(scaleanchor="x", **left)
    for k, (name, split) in enumerate((("train", "train"), ("fresh", "test"))):
        colour, _, dash = style.SPLITS[split]
        look = {"mode": "lines", "line": {"color": colour, "dash": dash, "width": 2.6}}
        own: dict[str, Any] = {"hover": "%{y:.1f} %", "row": 1, "col": 2}
        plot.bands(fig, result.penalty, 100 * result.error[..., k], text.say(f"rows.set_{name}"), look, **own)
    fig.add_vline(x=penalty, line=plot.line(style.AXIS, 2, "dot"), row=1, col=2)
    side = {"xanchor": "left", "xshift": 4} if penalty < 1 else {"xanchor": "right", "xshift": -4}
    where = {"x": np.log10(penalty), "y": 1, "xref": "x2", "yref": "y2 domain", "yanchor": "top"} | side
    fig.add_annotation(text=f"λ = {plain(penalty)}", showarrow=False, **where)
    fig.update_xaxes(title=text.say("words.penalty"), range=[-6.2, 2.2], **POWERS | {"dtick": 2}, row=1, col=2)
    fig.update_yaxes(title=text.say("words.mistakes"), rangemode="tozero", row=1, col=2)
    fig.update_layout(margin={"t": 36})
    plot.stack(fig)
    return fig


def table_boundary(result: Result, language: str) -> pd.DataFrame:
    error = (100 * result.error.mean(0)).round(2)
    found = {"words.train_percent": error[:, 0], "words.fresh_percent": error[:, 1]}
    found |= {"words.size": result.size.mean(0).round(3), "words.turns": result.turns.mean(0).round(3)}
    return HERE.frame(language, {"λ": [float(f"{one:.3g}") for one in result.penalty], **found})


def mine(result: Result) -> int | None:
    """The place of the reader's own penalty, if it is there already."""
    found = np.flatnonzero(result.penalty == 10.0**result.params.exponent)
    return int(found[0]) if found.size else None


def summary_boundary(result: Result, language: str) -> str:
    text, place = HERE.text(language), mine(result)
    if place is None:
        return text.say("summaries.later")
    error = result.error.mean(0)
    best = int(error[:, FRESH].argmin())
    found = {
        "own": percent(error[place, FRESH]),
        "train": percent(error[place, 0]),
        "least": percent(error[best, FRESH]),
    }
    return text.say(
        "summaries.boundary", penalty=plain(result.penalty[place]), best=plain(result.penalty[best], 1), **found
    )


def summary_smooth(result: Result, language: str) -> str:
    text, place = HERE.text(language), mine(result)
    if place is None:
        return text.say("summaries.later")
    turns, size = (values[:, place].mean() for values in (result.turns, result.size))
    if not np.isfinite([turns, size]).all():
        return text.say("summaries.none")
    return text.say("summaries.smooth", penalty=plain(result.penalty[place]), turns=float(turns), size=float(size))


# Coefficients


def draw_paths(result: Any, language: str) -> go.Figure:
    """The first seed's coefficients over the penalty, by method; columns of noise thin and grey, as one trace."""
    text, real = TABLE.text(language), result.coefficient.shape[-1] - result.params.noise_columns
    names = TABLE.names(result, language)
    rows = [METHODS.index(name) for name in PATHS]
    fig, places = plot.grid([names[m] for m in rows], 2, 0.07, 0.34, shared_xaxes=True, shared_yaxes=True)
    for paths, place in zip(result.coefficient[rows, 0, -1], places):
        noise = np.pad(paths[:, real:], ((0, 1), (0, 0)), constant_values=np.nan).T.ravel()
        over = np.tile(np.r_[result.penalty, np.nan], len(noise) // (len(result.penalty) + 1))
        tip = f"{text.say('words.noise_column')}: %{{y:.3f}}<extra></extra>"
        grey: dict[str, Any] = {"mode": "lines", "line": plot.line(NOISE, 1, "dot"), "hovertemplate": tip}
        fig.add_scatter(x=over, y=noise, showlegend=False, **grey, **place)
        for k in range(real):
            tip = f"{text.say('words.column', k=k + 1)}: %{{y:.3f}}<extra></extra>"
            own = plot.curve(k, width=2)
            fig.add_scatter(x=result.penalty, y=paths[:, k], hovertemplate=tip, showlegend=False, **own, **place)
    fig.update_xaxes(**POWERS)
    fig.update_xaxes(title=text.say("words.penalty"), row=2)
    reach = 1.1 * np.abs(result.coefficient[rows, 0]).max()
    fig.update_yaxes(range=[-reach, reach])
    fig.update_layout(height=430, margin={"t": 30})
    plot.stack(fig)
    return fig


def table_paths(result: Any, language: str) -> pd.DataFrame:
    """Coefficients of the first seed at the penalty at which zeros are counted."""
    text, place = TABLE.text(language), int(np.abs(np.array(PENALTIES) - AT).argmin())
    found = result.coefficient[:, 0, -1, place]
    columns = {text.say("words.column_number"): np.arange(1, found.shape[1] + 1)}
    return pd.DataFrame(columns | {n: row.round(4) for n, row in zip(TABLE.names(result, language), found)})


SUMMARY_ZEROS = TABLE.saying(
    "summaries.zeros",
    zeros=lambda r: zeros_at(r).mean(1),
    columns=lambda r: [float(r.coefficient.shape[-1])] * len(METHODS),
    error=lambda r: r.error[:, :, -1].mean(1).min(-1),
)


def finish_zeros(fig: plot.Sheet, result: Any, text: Text) -> None:
    by_penalty(fig, result, text)
    fig.update_yaxes(range=[0.5, 1.3], row=2, col=1)


SUMMARY_FILTERS = FILTERED.saying(
    "summaries.filters",
    kept=lambda r: percents(r.kept[:, :, -1, int(np.abs(np.array(PENALTIES) - AT).argmin()), 1]),
    error=lambda r: r.stopped[:, :, -1].min(-1).mean(1),
)


def draw_folds(result: Any, language: str) -> go.Figure:
    """The penalty chosen on every seed, a row per way of choosing; a bar at their mean."""
    text, fig = CHOICES.text(language), plot.figure(330, "closest")
    names = CHOICES.names(result, language)
    for i, (name, chosen) in enumerate(zip(names, np.log10(result.chosen[..., -1]))):
        spread = 0.5 * (np.arange(len(chosen)) / max(len(chosen) - 1, 1) - 0.5) if len(chosen) > 1 else np.zeros(1)
        tip = f"{name}: λ = %{{x:.3g}}<extra></extra>"
        own = plot.mark(i, 11) | {"opacity": 0.75}
        fig.add_scatter(x=10**chosen, y=i + spread, mode="markers", marker=own, hovertemplate=tip, showlegend=False)
        middle = {"x": 2 * [10 ** chosen.mean()], "y": [i - 0.36, i + 0.36]}
        fig.add_scatter(**middle, **plot.curve(i, width=3) | {"mode": "lines"}, **plot.QUIET)
    low, high = np.log10(PENALTIES[-1]) - 0.2, np.log10(PENALTIES[0]) + 0.2
    fig.update_xaxes(title=text.say("words.penalty"), **POWERS, range=[low, high])
    fig.update_yaxes(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], automargin=True)
    return fig


def table_folds(result: Any, language: str) -> pd.DataFrame:
    chosen = np.log10(result.chosen[..., -1])
    found = {"words.chosen": chosen.mean(1).round(3), "words.spread": chosen.std(1).round(3)}
    return CHOICES.table(result, language, found | {"words.fresh_error": reached(result).mean(1).round(4)})


SUMMARY_FOLDS = CHOICES.saying(
    "summaries.folds",
    spread=lambda r: np.log10(r.chosen[..., -1]).std(1),
    error=lambda r: reached(r).mean(1),
)

# Looks and networks


def finish_looks(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.add_hline(y=0.5, line=plot.line(style.AXIS, 1.5, "dot"))
    fig.update_yaxes(range=[min(0.4, result.accuracy.min() - 0.02), max(0.75, result.accuracy.max() + 0.02)])


def along(ways: int, name: str, *index: int) -> Callable[[Any], np.ndarray]:
    """A field [activation, way, penalty, seed, …] of the first ways as [row, seed, penalty], penalties above zero."""

    def values(result: Any) -> np.ndarray:
        field = getattr(result, name)[(..., *index)][:, :ways, 1:].swapaxes(2, 3)
        return field.reshape(-1, *field.shape[2:])

    return values


def penalties(ways: int) -> Callable[[Any], np.ndarray]:
    return lambda result: np.tile(result.penalty[:ways, 1:], (len(KINDS), 1))


def table_nets(gallery: Gallery, ways: int, *names: tuple[Any, ...]) -> Callable[[Any, str], pd.DataFrame]:
    """A row per network and penalty."""

    def table(result: Any, language: str) -> pd.DataFrame:
        found = {f"words.{word}": along(ways, *of)(result).mean(1).round(4) for word, *of in names}
        return gallery.table(result, language, {"λ": penalties(ways)(result).round(6), **found})

    return table


SUMMARY_DECAY = NETS.saying(
    "summaries.decay", error=lambda r: [percent(e) for e in along(3, "error", -1, 3)(r).mean(1).min(1)]
)


def summary_linear(result: Any, language: str) -> str:
    place = int(np.abs(result.penalty[0] - STRONG).argmin())
    without, under = (result.unit[:, :2, p, :, -1].reshape(4, -1).mean(1) for p in (0, place))
    whole = [result.whole[:, :2, p, :, -1].reshape(4, -1).mean(1) for p in (0, place)]
    columns = zip(without, under, *whole)
    numbers = [dict(zip(("unit", "unit_under", "whole", "whole_under"), map(percent, row))) for row in columns]
    return STRAIGHT.each(result, language, "summaries.linear", lambda i: numbers[i])


SUMMARY_REPORTED = REPORTS.saying(
    "summaries.reported",
    reported=lambda r: percents(reports(r)["reported"]),
    fresh=lambda r: percents(reports(r)["on_fresh"]),
)


def begun(result: Any) -> bool:
    return bool(len(result.penalty))


def ready(result: Any) -> bool:
    return bool(result.complete)


SMOOTH = kinds.swept(
    HERE, "smooth", "penalty", lambda r: r.penalty, lambda r: {"turns": r.turns[None], "size": r.size[None]},
    summary_smooth, table=table_boundary, marked=True,
    finish=lambda fig, r, text: fig.update_xaxes(**POWERS).update_yaxes(type="log", row=2, col=1),
)  # fmt: skip
ZEROS = kinds.swept(
    TABLE, "zeros", "penalty", lambda r: r.penalty,
    lambda r: {"zeros": zeros(r), "fresh_error": r.error[:, :, -1]}, SUMMARY_ZEROS, banded=0, height=440,
    finish=finish_zeros,
)  # fmt: skip
KEPT = kinds.swept(
    FILTERED, "filters", "penalty", lambda r: r.penalty, lambda r: {"kept": r.kept[:, :, -1]}, SUMMARY_FILTERS,
    parts=kinds.Chips("direction", {"widest": "solid", "narrowest": "dot"}, ("widest", "narrowest")), finish=by_penalty,
)  # fmt: skip
LOOKS = kinds.curves(
    LOOKED, "looks", "look", lambda r: r.look, lambda r: {"accuracy": r.accuracy[ORDER]},
    LOOKED.saying("summaries.looks", share=lambda r: [f"{100 * s:.1f}" for s in r.accuracy[ORDER, :, -1].mean(1)],
                  looks=lambda r: [int(r.look[-1])] * len(SETS)),
    finish=finish_looks,
)  # fmt: skip
DECAY = kinds.swept(
    NETS, "decay", "penalty", penalties(3),
    lambda r: {"fresh_mistakes": along(3, "error", -1, 3)(r), "size": along(3, "size", -1)(r)}, SUMMARY_DECAY, banded=0,
    table=table_nets(NETS, 3, ("fresh_mistakes", "error", -1, 3), ("size", "size", -1)), height=460, marked=True,
    finish=by_penalty,
)  # fmt: skip
LINEAR = kinds.swept(
    STRAIGHT, "linear", "penalty", penalties(2),
    lambda r: {"unit": along(2, "unit", -1)(r), "whole": along(2, "whole", -1)(r)}, summary_linear, banded=0,
    table=table_nets(STRAIGHT, 2, ("unit", "unit", -1), ("whole", "whole", -1)), marked=True, finish=by_penalty,
)  # fmt: skip
TOGETHER = {"mistakes_share": {"reported": (0, "circle"), "on_fresh": (1, "diamond")}}
SHOWN = kinds.intervals(REPORTS, "reported", reports, SUMMARY_REPORTED, together=TOGETHER)
FIGURES = (
    *HERE.figures(Figure("boundary", draw_boundary, table_boundary, summary_boundary), HERE.later(SMOOTH, begun)),
    *TABLE.figures(
        TABLE.later(Figure("paths", draw_paths, table_paths, SUMMARY_ZEROS), ready), TABLE.later(ZEROS, ready)
    ),
    *FILTERED.figures(FILTERED.later(KEPT, ready)),
    *CHOICES.figures(CHOICES.later(Figure("folds", draw_folds, table_folds, SUMMARY_FOLDS), ready)),
    *LOOKED.figures(LOOKS),
    *REPORTS.figures(REPORTS.later(SHOWN, ready)),
    *NETS.figures(NETS.later(DECAY, ready)),
    *STRAIGHT.figures(STRAIGHT.later(LINEAR, ready)),
)
