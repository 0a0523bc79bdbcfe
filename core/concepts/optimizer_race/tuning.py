"""The sweep of learning rates: which rate each contender is given on validation data, what that gives on test data,
how wide its range of good rates is, and pictures of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Entry, Figure
from core.concepts.optimizer_race.common import BLOWN, HERE, SPLITS, TEST, VALIDATION, log_range, named, names, text
from core.concepts.optimizer_race.params import Params, Result
from core.conclusions.stats import ROUNDING, mean_interval
from core.figures import plot, style
from core.figures.numbers import significant
from core.ml.random import stream
from core.ml.rules import Contender

GOOD = 0.02  # a rate is good whose validation accuracy is so close to the best of its contender
RESAMPLES = 2000
MOST = 1e3  # losses above count as this


def merit(result: Result, weights: np.ndarray, tick: int = -1) -> np.ndarray:
    """What a rate is chosen by, [draw, contender, rate]: validation accuracy, at equal ones the lower loss; means over
    seeds with `weights` [draw, seed]."""
    loss = np.nan_to_num(result.sweep_loss[..., tick, VALIDATION].astype(float), nan=MOST, posinf=MOST)
    accuracy = result.sweep_accuracy[..., tick, VALIDATION].astype(float)
    accuracy, loss = (np.einsum("crs,ds->dcr", values, weights) for values in (accuracy, np.minimum(loss, MOST)))
    return np.round(accuracy / ROUNDING) * ROUNDING - ROUNDING * loss / (2 * MOST)


def chosen(result: Result, tick: int = -1) -> np.ndarray:
    """The rate of each contender that is best on validation data in the mean over seeds: its column [contender]."""
    seeds = result.params.seeds
    return merit(result, np.full((1, seeds), 1 / seeds), tick)[0].argmax(1)


def tuned(result: Result, tick: int = -1) -> np.ndarray:
    """Test accuracy [contender, seed] at the rates chosen."""
    found = result.sweep_accuracy[..., tick, TEST].astype(float)
    return found[np.arange(len(found)), chosen(result, tick)]


def at_edge(result: Result, tick: int = -1) -> np.ndarray:
    """Whether the rate chosen is the first or last of the sweep, so that a better one may lie beyond: [contender]."""
    best, last = chosen(result, tick), result.rate.shape[1] - 1
    return (best == 0) | (best == last)


def tuned_contenders(result: Result) -> tuple[Contender, ...]:
    """The contenders at the rates chosen."""
    lrs = result.rate[np.arange(len(result.rate)), chosen(result)]
    return tuple(c.replace(lr=float(f"{lr:.6g}")) for c, lr in zip(result.params.contenders, lrs))


def entries(result: Result) -> Iterator[Entry]:
    """Every contender at every rate, as it stands at the end of training."""
    accuracy, loss = result.sweep_accuracy[:, :, :, -1].astype(float), result.sweep_loss[:, :, :, -1].astype(float)
    for c, contender in enumerate(result.params.contenders):
        for r, lr in enumerate(result.rate[c]):
            own = contender if r == result.rate.shape[1] // 2 else contender.replace(lr=float(f"{lr:.6g}"))
            validation, test = accuracy[c, r, :, VALIDATION], accuracy[c, r, :, TEST]
            yield Entry(own, partial(named, own), validation, loss[c, r, :, VALIDATION], test)


def good_band(rate: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """The range of rates [rate], ascending, around the best in which the line through `value` over log rate stays
    within GOOD of it."""
    log, best, low, high = np.log10(rate), int(value.argmax()), 0, len(rate) - 1
    line = value[best] - GOOD
    ends = []
    for beyond, end in ((np.arange(best - 1, low - 1, -1), low), (np.arange(best + 1, high + 1), high)):
        out = next((int(k) for k in beyond if value[k] < line - ROUNDING), None)
        if out is None:
            ends.append(log[end])
        else:
            inner = out + (1 if out < best else -1)
            share = (value[inner] - line) / (value[inner] - value[out])
            ends.append(log[inner] + share * (log[out] - log[inner]))
    return 10.0 ** ends[0], 10.0 ** ends[1]


def bands(result: Result, tick: int = -1) -> np.ndarray:
    """The range of good rates by mean validation accuracy: [contender, end]."""
    mean = result.sweep_accuracy[..., tick, VALIDATION].astype(float).mean(2)
    return np.array([good_band(*pair) for pair in zip(result.rate, mean)])


def told_apart(accuracy: np.ndarray) -> np.ndarray:
    """For every pair of contenders [contender, contender] the sign of their difference in `accuracy` [contender, seed],
    0 where the paired 95 % interval reaches zero."""
    mean, half = mean_interval(accuracy[:, None] - accuracy[None])
    return np.where(np.abs(mean) > np.nan_to_num(half, nan=np.inf), np.sign(mean), 0).astype(int)


def chance_of_best(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """How often each contender has the best mean test accuracy when the seeds are drawn anew with replacement (Efron,
    1979), at the rates given and each tuned, the tuning done again on every draw: [contender] each. Ties share."""
    seeds = result.params.seeds
    draws = stream("bootstrap", 0).multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds  # [draw, seed]
    rates = merit(result, draws).argmax(2)
    test = np.einsum("crs,ds->dcr", result.sweep_accuracy[..., -1, TEST].astype(float), draws)
    found = []
    for mean in (test[:, :, result.params.sweep], np.take_along_axis(test, rates[..., None], 2)[..., 0]):
        best = mean >= mean.max(1, keepdims=True) - ROUNDING
        found.append((best / best.sum(1, keepdims=True)).mean(0))
    return found[0], found[1]


def rate_axis(result: Result, pad: float) -> dict:
    """A logarithmic axis over all rates of the sweep."""
    low, high = np.log10(result.rate.min()), np.log10(result.rate.max())
    pad *= high - low
    dtick = 1 if high - low <= 3 else ceil((high - low) / 2.5)  # of which a phone can show three
    return {"type": "log", "range": [low - pad, high + pad], "dtick": dtick, "exponentformat": "power", "tickangle": 0}


# As given, and tuned


def draw_tuned(result: Result, language: str) -> go.Figure:
    """Test accuracy as given and tuned, joined; beside it the range of good rates of every contender."""
    say, labels = text(language).say, names(result, language)
    fig = plot.panels(1, 2, None, 460, column_widths=[0.44, 0.56], horizontal_spacing=0.26)
    plot.stack(fig)
    ticks = range(len(result.epoch))
    as_given = result.accuracy[..., TEST].astype(float).transpose(2, 0, 1)  # [tick, contender, seed]
    each_tuned = np.stack([tuned(result, t) for t in ticks])
    mean, half = mean_interval(np.stack([as_given, each_tuned], 2))  # [tick, contender, column]
    best = np.stack([result.rate[np.arange(len(labels)), chosen(result, t)] for t in ticks])
    band = np.stack([bands(result, t) for t in ticks])
    edge = at_edge(result)
    shift = 0.035 * (np.arange(len(labels)) - (len(labels) - 1) / 2)
    rows = np.arange(len(labels))[::-1]
    for c, name in enumerate(labels):
        (colour, dash, symbol), given = style.contender(c), result.params.contenders[c].lr
        joined = {"mode": "lines+markers", "line": plot.line(colour, 1.5, dash), "marker": plot.mark(c, 9)}
        bars = {"array": half[-1, c], "thickness": 1.3, "width": 3}
        joined |= {"customdata": [f"{lr:.3g}" for lr in (given, best[-1, c])], "error_y": bars}
        hover = f"<b>{name}</b>, η = %{{customdata}}: %{{y:.4f}}<extra></extra>"
        fig.add_scatter(x=np.arange(2) + shift[c], y=mean[-1, c], **joined, hovertemplate=hover, row=1, col=1)
        fig.was(y=mean[:, c], error_y__array=half[:, c])
        beside: dict[str, Any] = {"row": 1, "col": 2}
        line = {"y": [rows[c]] * 2, "mode": "lines", "hovertemplate": f"{name}: η = %{{x:.3g}}<extra></extra>"} | beside
        fig.add_scatter(x=result.rate[c, [0, -1]], **line, line=plot.line(colour, 1), opacity=0.6)
        fig.add_scatter(x=band[-1, c], **line, line=plot.line(colour, 10), opacity=0.45).was(x=band[:, c])
        dot = {"y": [rows[c]], "mode": "markers"} | beside
        hover = f"<b>{name}</b>: {say('words.as_given')}, η = %{{x:.3g}}<extra></extra>"
        ring = plot.marker(colour, f"{symbol}-open", 10, line={"width": 2})
        fig.add_scatter(x=[given], **dot, marker=ring, hovertemplate=hover)
        widen = f"<br>{say('words.widen')}" if edge[c] else ""
        hover = f"<b>{name}</b>: {say('words.each_tuned')}, η = %{{x:.3g}}{widen}<extra></extra>"
        fig.add_scatter(x=best[-1:, c], **dot, marker=plot.mark(c, 11), hovertemplate=hover).was(x=best[:, c, None])
        if edge[c] and result.complete:
            fig.add_annotation(x=np.log10(best[-1, c]), y=rows[c], text="!", yshift=15, font={"size": 15}, **beside)
    columns = {"tickvals": [0, 1], "ticktext": [say("words.given"), say("words.tuned")], "tickangle": 0}
    fig.update_xaxes(range=[-0.35, 1.35], showgrid=False, row=1, col=1, **columns)
    fig.update_yaxes(title=say("words.test_accuracy"), tickformat=".3~f", row=1, col=1)
    fig.update_xaxes(title=say("words.rate"), **rate_axis(result, 0.06), row=1, col=2)
    axis = {"range": [-0.6, len(labels) - 0.4], "tickvals": rows, "ticktext": labels}
    fig.update_yaxes(**axis, showgrid=False, zeroline=False, row=1, col=2)
    fig.update_layout(showlegend=False)
    return plot.film(fig, result, result.epoch, say("words.epoch"))


def table_tuned(result: Result, language: str) -> pd.DataFrame:
    say, best = text(language).say, chosen(result)
    ways = {
        "as_given": ([c.lr for c in result.params.contenders], result.accuracy[:, :, -1, TEST].astype(float)),
        "each_tuned": (result.rate[np.arange(len(best)), best], tuned(result)),
    }
    columns: dict[str, Any] = {}
    for way, (lr, accuracy) in ways.items():
        what, (mean, half) = say(f"words.{way}"), mean_interval(accuracy)
        columns[f"η, {what}"] = significant(lr, 3)
        columns[f"{say('words.test_accuracy')}, {what}"] = mean.round(4)
        columns[f"± 95 %, {what}"] = half.round(4)
        columns[f"{say('words.rank')}, {what}"] = (1 + (mean[None] > mean[:, None]).sum(1)).tolist()
    columns["words.at_edge"] = [say("words.widen") if e else "" for e in at_edge(result)]
    for side, end in zip("≥≤", bands(result).T):
        columns[f"{say('words.good_rates')} {side}"] = significant(end, 2)
    return HERE.table(result, language, columns | {"words.decades": decades(result).round(2)})


def decades(result: Result) -> np.ndarray:
    """How wide the range of good rates is: [contender]."""
    return np.diff(np.log10(bands(result)), axis=1)[:, 0]


def summary_tuned(result: Result, language: str) -> str:
    say, labels, width = text(language).say, names(result, language), decades(result)
    given, each = result.accuracy[:, :, -1, TEST].astype(float), tuned(result)
    before, after = told_apart(given), told_apart(each)
    gap, left = (f"{np.ptp(a.mean(1)):.3f}" for a in (given, each))
    widest = HERE.ends(result, language, width, "{:.1f}".format)[0]
    values = {"gap": gap, "left": left, "widest": widest, "decades": f"{width.max():.1f}"}
    counts = {"told": int((before > 0).sum()), "still": int((after > 0).sum())}
    pairs = len(labels) * (len(labels) - 1) // 2
    if pairs > 1:
        flipped = int((before * after < 0).sum()) // 2
        found = say("summaries.tuned", pairs=pairs, flipped=flipped, **counts, **values)
    elif pairs:
        told, still = (say(f"words.told_{bool(count)}".lower()) for count in counts.values())
        found = say("summaries.tuned_two", given=told, tuned=still, **values)
    else:
        found = say("summaries.tuned_one", **values)
    edge = [labels[c] for c in np.flatnonzero(at_edge(result))]
    return found + (" " + say("summaries.edge", names=text(language).listed(edge)) if edge and result.complete else "")


# Sensitivity


def draw_sensitivity(result: Result, language: str) -> go.Figure:
    """Loss against learning rate: mean over seeds, with a band from the lowest to the highest seed."""
    say, fig = text(language).say, plot.figure(460)
    start = float(result.sweep_loss[:, :, :, 0].mean())
    top = BLOWN * start
    loss = np.minimum(np.nan_to_num(result.sweep_loss.astype(float), nan=top, posinf=top), top)
    loss = loss.transpose(0, 4, 2, 3, 1)  # [contender, split, seed, tick, rate]
    for c, name in enumerate(names(result, language)):
        colour, _, symbol = style.contender(c)
        for split, seeds in zip(SPLITS, loss[c]):
            symbols = ["x" if gone else symbol for gone in (seeds[:, -1] >= top).any(0)]  # where a seed is lost
            line = plot.line(colour, 2.2, style.SPLITS[split].dash)
            look = {"mode": "lines+markers", "line": line, "marker": {"size": 7, "symbol": symbols}}
            more: dict[str, Any] = {"meta": {"split": split}, "legendgroup": f"{c}"}
            hover = f"{name}, {say(f'splits.{split}')}: %{{y:.4f}}<extra></extra>"
            plot.bands(fig, result.rate[c], seeds, name, look, hover=hover, **more)
    fig.update_xaxes(title=say("words.rate"), hoverformat=".3~g", **rate_axis(result, 0.02))
    fig.update_yaxes(title=say("words.loss"), **log_range(loss[:, VALIDATION:, :, -1], 2 * top))
    plot.chips(fig, "split", {s: say(f"splits.{s}") for s in SPLITS}, ["validation"])
    return plot.film(fig, result, result.epoch, say("words.epoch"))


def table_sensitivity(result: Result, language: str) -> pd.DataFrame:
    say, columns = text(language).say, {"η": significant(result.rate, 3)}
    for s, split in enumerate(SPLITS):
        for word, values in (("loss", result.sweep_loss), ("accuracy", result.sweep_accuracy)):
            mean = values[..., -1, s].astype(float).mean(2).round(4)
            columns[f"{say(f'words.{word}')}, {say(f'splits.{split}')}"] = mean
    return HERE.table(result, language, columns)


def summary_sensitivity(result: Result, language: str) -> str:
    width = decades(result)
    of, order = lambda c: {"decades": f"{width[c]:.1f}"}, np.argsort(-width, kind="stable")
    return HERE.each(result, language, "summaries.width", of, whole="summaries.sensitivity", order=order)


# Probability of being best


def draw_best(result: Result, language: str) -> go.Figure:
    say, labels = text(language).say, names(result, language)
    fig = plot.figure(130 + 44 * len(labels), "closest")
    given, each = chance_of_best(result)
    colours = [style.contender(c).colour for c in range(len(labels))][::-1]
    tuned_too = result.params.sweep > 0
    for what, share in {"each_tuned": each, "as_given": given}.items() if tuned_too else [("as_given", given)]:
        hatched = {"shape": "/" if tuned_too and what == "as_given" else "", "fillmode": "replace", "size": 6}
        percent, word = 100 * share[::-1], say(f"words.{what}")
        look = {"orientation": "h", "marker": {"color": colours, "pattern": hatched}, "cliponaxis": False}
        look |= {"text": [f"{s:.0f} %" for s in percent], "textposition": "outside"}
        hover = f"%{{y}}, {word}: %{{x:.1f}} %<extra></extra>"
        fig.add_bar(x=percent, y=labels[::-1], name=word, **look, hovertemplate=hover)
    fig.update_xaxes(title=say("words.chance"), range=[0, 112], tickvals=[0, 50, 100], ticksuffix=" %")
    fig.update_yaxes(automargin=True)
    fig.update_layout(showlegend=tuned_too, legend={"traceorder": "reversed"})
    return fig


def table_best(result: Result, language: str) -> pd.DataFrame:
    ways = ("as_given", "each_tuned")[: 1 + bool(result.params.sweep)]
    found = zip(ways, chance_of_best(result))
    return HERE.table(result, language, {f"words.{way}": share.round(3) for way, share in found})


def summary_best(result: Result, language: str) -> str:
    said = []
    for key, shares in zip(("best", "best_tuned"), chance_of_best(result)):
        first = HERE.ends(result, language, shares, lambda share: f"{100 * share:.0f}")[0]
        values = {"first": first, "share": f"{100 * shares.max():.0f}", "seeds": result.params.seeds}
        said.append(text(language).say(f"summaries.{key}", **values))
    return " ".join(said if result.params.sweep else said[:1])


def swept(params: Params) -> bool:
    return params.sweep > 0


TUNED = Figure("tuned", draw_tuned, table_tuned, summary_tuned, shown=swept)
SENSITIVITY = Figure("sensitivity", draw_sensitivity, table_sensitivity, summary_sensitivity, shown=swept)
BEST = Figure("best", draw_best, table_best, summary_best)
