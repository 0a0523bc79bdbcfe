"""Pictures of a race: ranking, curves, effort to a target, decision regions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concepts.optimizer_race.common import (
    BLOWN,
    HERE,
    SPLITS,
    TEST,
    VALIDATION,
    diverged,
    diverged_at,
    log_range,
    names,
    reach,
    settings,
    text,
)
from core.concepts.optimizer_race.landscape import SLICE
from core.concepts.optimizer_race.params import Result, on_points
from core.concepts.optimizer_race.tuning import BEST, SENSITIVITY, TUNED, entries
from core.conclusions.stats import ROUNDING, ends, mean_interval
from core.figures import kinds, plot, style

TARGETS = np.round(np.arange(0.5, 0.9951, 0.005), 3)
REACH = 1.5
digits = "{:.3f}".format


# Ranking


def standing(result: Result) -> dict[str, np.ndarray]:
    """Mean test accuracy and loss with half widths of their 95 % intervals, and the paired difference to the leader in
    accuracy with its half width: [tick, contender] each. A diverged seed counts as it stands."""
    accuracy = result.accuracy[..., TEST].transpose(2, 0, 1).astype(float)  # [tick, contender, seed]
    loss = result.loss[..., TEST].transpose(2, 0, 1).astype(float)
    leader = accuracy.mean(-1).argmax(-1)
    behind = accuracy - np.take_along_axis(accuracy, leader[:, None, None], 1)
    with np.errstate(invalid="ignore", over="ignore"):
        found = {"accuracy": mean_interval(accuracy), "loss": mean_interval(loss), "behind": mean_interval(behind)}
    return {f"{name} {part}": pair[i] for name, pair in found.items() for i, part in enumerate(("mean", "half"))}


def tied(now: dict[str, np.ndarray]) -> np.ndarray:
    """Whether a contender cannot be told from the leader: its paired interval reaches zero. NaN halves tell nothing."""
    return ~(now["behind mean"] + np.nan_to_num(now["behind half"], nan=np.inf) < 0)


def at_end(result: Result) -> dict[str, np.ndarray]:
    """How they stand at the last tick: [contender] each."""
    return {name: values[-1] for name, values in standing(result).items()}


def by_rank(now: dict[str, np.ndarray]) -> np.ndarray:
    return np.lexsort((now["loss mean"], -now["accuracy mean"]))


def draw_ranking(result: Result, language: str) -> go.Figure:
    say, labels = text(language).say, names(result, language)
    order = by_rank(at_end(result)) if result.complete else np.arange(len(labels))
    order = order[::-1]  # plotly counts rows upward
    fig = plot.panels(1, 2, None, 110 + 40 * len(labels), shared_yaxes=True, horizontal_spacing=0.04)
    plot.stack(fig)
    rows = [labels[i] for i in order]
    told = ~tied(at_end(result))[order] & result.complete  # from the leader: an open mark
    looks = [style.contender(int(i)) for i in order]
    symbols = [f"{look.symbol}-open" if apart else look.symbol for look, apart in zip(looks, told)]
    edges = {"width": [2.5 if apart else 0 for apart in told]}
    marks = {
        "marker": plot.marker([look.colour for look in looks], symbols, 13, line=edges),
        "customdata": [settings(result.params.contenders[i], language) for i in order],
        "hovertemplate": "%{y}: <b>%{x:.4f}</b><br>%{customdata}<extra></extra>",
    }
    seeds = result.params.seeds
    dots = {
        "y": np.repeat(rows, seeds),
        "marker": {"color": np.repeat([look.colour for look in looks], seeds), "size": 6, "opacity": 0.35},
        "hovertemplate": f"%{{y}}<br>{say('words.one_seed')}: %{{x:.3f}}<extra></extra>",
    }
    for column, measure in ((1, "accuracy"), (2, "loss")):
        place: dict[str, Any] = {"mode": "markers", "row": 1, "col": column}
        values = getattr(result, measure)[order][..., TEST].transpose(2, 0, 1)  # [tick, contender, seed]
        each = values.reshape(len(values), -1)
        fig.add_scatter(x=each[-1], **dots, **place).was(x=each)
        mean, half = (standing(result)[f"{measure} {part}"][:, order] for part in ("mean", "half"))
        fig.add_scatter(x=mean[-1], y=rows, error_x=plot.error(half[-1], 5), **marks, **place)
        fig.was(x=mean, error_x__array=half)
    fig.update_layout(showlegend=False)
    fig.update_yaxes(automargin=True, categoryorder="array", categoryarray=rows)
    axis = {"title": say("words.test_accuracy"), "tickformat": ".3~f"} | reach(result.accuracy[..., -1, TEST], 0.02)
    fig.update_xaxes(**axis, row=1, col=1)
    fig.update_xaxes(title=say("words.test_loss"), row=1, col=2, **log_range(result.loss[..., -1, TEST]))
    fig.update_xaxes(nticks=4, tickangle=0)
    return plot.film(fig, result, result.epoch, say("words.epoch"))


def table_ranking(result: Result, language: str) -> pd.DataFrame:
    say, found = text(language).say, at_end(result)
    columns = {
        "words.settings": [settings(contender, language) for contender in result.params.contenders],
        "words.test_accuracy": found["accuracy mean"].round(4),
        "± 95 %": found["accuracy half"].round(4),
        "words.behind_leader": found["behind mean"].round(4),
        "± 95 % ": found["behind half"].round(4),
        "words.told_apart": [say("words.no") if t else say("words.yes") for t in tied(found)],
        "words.test_loss": found["loss mean"].round(4),
        f"{say('words.diverged')} (/ {result.params.seeds})": diverged(result).sum(1),
    }
    return HERE.table(result, language, columns).iloc[by_rank(found)].reset_index(drop=True)


def summary_ranking(result: Result, language: str) -> str:
    say, labels = text(language).say, names(result, language)
    mean, count = at_end(result)["accuracy mean"], int(tied(at_end(result)).sum())
    if len(labels) == 1:
        return say("summaries.single", best=labels[0], accuracy=digits(mean[0]))
    best = labels[mean.argmax()] if count == 1 else HERE.ends(result, language, mean, digits)[0]
    values = {"accuracy": digits(mean.max()), "count": count, "spread": digits(np.ptp(mean))}
    return say("summaries.alone" if count == 1 else "summaries.tie", best=best, **values)


# Curves


def summary_curves(measure: str, result: Result, language: str) -> str:
    say = text(language).say
    test = getattr(result, measure)[:, :, -1, TEST].astype(float).mean(1)
    labels, listed = names(result, language), text(language).listed
    most, least = ends(test, digits)
    lost = np.flatnonzero(~np.isfinite(test)).tolist()
    first, last = (least or most, lost or most) if measure == "loss" else (most, least)
    value = [digits(test[who[0]]) if who and who != lost else say("words.lost") for who in (first, last)]
    shown = {"epoch": int(result.epoch[-1]), "first": listed(labels[c] for c in first or lost), "best": value[0]}
    if not first or not last or first == last:
        return say(f"summaries.{measure}_one", **shown)
    return say(f"summaries.{measure}", **shown, last=listed(labels[c] for c in last), worst=value[1])


# Effort to a target


def effort(result: Result) -> np.ndarray:
    """Steps until validation accuracy first reaches each of TARGETS, the median over seeds: [contender, target], NaN
    where half of the seeds or more never got there. It is known after the epochs that were measured."""
    best = np.maximum.accumulate(result.accuracy[..., VALIDATION], axis=2)  # [contender, seed, tick]
    reached = best[..., None] >= TARGETS - ROUNDING  # [contender, seed, tick, target]
    steps = np.where(reached.any(2), result.epoch[reached.argmax(2)] * float(result.steps_per_epoch), np.inf)
    median = np.median(steps, axis=1)
    return np.where(np.isfinite(median), median, np.nan)


def draw_target(result: Result, language: str) -> go.Figure:
    say, steps = text(language).say, effort(result)
    fig = plot.panels(1, 2, None, 460, "x unified", horizontal_spacing=0.26)
    plot.stack(fig)
    for c, name in enumerate(names(result, language)):
        look: dict[str, Any] = plot.curve(c) | {"line_shape": "hv", "name": name, "legendgroup": f"{c}"}
        look |= {"hovertemplate": f"{name}: %{{y:.3~g}}<extra></extra>"}
        for column, values in ((1, steps[c]), (2, steps[c] * result.step_seconds[c])):
            fig.add_scatter(x=TARGETS, y=values, showlegend=column == 1, **look, row=1, col=column)
    reached = np.flatnonzero(np.isfinite(steps).any(0))
    top = TARGETS[reached[-1]] + 0.01 if reached.size else 1.0
    fig.update_xaxes(title=say("words.target_accuracy"), range=[0.5, min(top, 1.0)])
    fig.update_yaxes(title=say("words.steps"), rangemode="tozero", row=1, col=1)
    fig.update_yaxes(title=say("words.seconds_alone"), rangemode="tozero", row=1, col=2)
    return fig


def table_target(result: Result, language: str) -> pd.DataFrame:
    say, steps, columns = text(language).say, effort(result), dict[str, Any]()
    for target in (0.8, 0.9, 0.95, 0.97):
        found = steps[:, np.flatnonzero(target == TARGETS)[0]]
        columns[say("words.steps_to", target=f"{target:.2f}")] = found
        columns[say("words.ms_to", target=f"{target:.2f}")] = (1000 * found * result.step_seconds).round(1)
    return HERE.table(result, language, columns | {"words.step_time": (1e6 * result.step_seconds).round(0)})


def summary_target(result: Result, language: str) -> str:
    say = text(language).say
    steps, labels = effort(result), names(result, language)
    arrived = np.isfinite(steps).sum(0)
    reached = np.flatnonzero(arrived >= min(max(1, len(labels) // 2), arrived.max()))
    if not arrived.max():
        return say("summaries.no_target")
    target = int(reached[-1])
    least = np.nanmin(steps[:, target])
    best = text(language).listed(labels[c] for c in np.flatnonzero(steps[:, target] == least))
    return say("summaries.target", target=f"{TARGETS[target]:.3f}", best=best, steps=f"{least:.0f}")


# Decision regions


def table_regions(result: Result, language: str) -> pd.DataFrame:
    seed = result.accuracy[:, 0, -1]
    return HERE.table(result, language, {f"splits.{split}": seed[:, s].round(4) for s, split in enumerate(SPLITS)})


def summary_regions(result: Result, language: str) -> str:
    seed = result.accuracy[:, 0, -1, TEST]
    return HERE.most_and_least(result, language, "summaries.regions", seed, digits)


def curves(measure: str, axis: Callable[[Result], dict]) -> Figure:
    """Mean over seeds per contender and split, up to where a seed diverged."""
    return kinds.curves(
        HERE, measure, "epoch", lambda r: r.epoch, lambda r: {measure: getattr(r, measure)},
        partial(summary_curves, measure), parts=kinds.splits("test"), ends=lambda r: diverged_at(r).min(1),
        hover=".4f", digits=5, height=460,
        finish=lambda fig, r, text: fig.update_xaxes(range=[0, max(r.params.epochs, 1)]).update_yaxes(**axis(r)),
    )  # fmt: skip


def accuracy_axis(result: Result) -> dict:
    return reach(result.accuracy[:, :, min(1, len(result.epoch) - 1) :, TEST], 0.05)


def loss_axis(result: Result) -> dict:
    loss = result.loss
    blown = not np.isfinite(loss).all() or float(loss.max()) > BLOWN * float(loss[:, :, 0].max())
    return {"type": "log", "tickformat": "~g", "nticks": 4} | (log_range(loss) if blown else {})


REGIONS = kinds.planes(
    HERE, "regions", ("epoch", lambda r: r.region_epoch), lambda r: {"region": r.region}, REACH,
    table_regions, summary_regions, points=lambda r: (r.x, r.y), shown=on_points,
)  # fmt: skip


FIGURES = HERE.figures(
    TUNED,
    SENSITIVITY,
    Figure("ranking", draw_ranking, table_ranking, summary_ranking),
    BEST,
    curves("accuracy", accuracy_axis),
    curves("loss", loss_axis),
    Figure("target", draw_target, table_target, summary_target),
    REGIONS,
    SLICE,
)
ENTRIES = entries
