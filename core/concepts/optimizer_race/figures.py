"""Pictures of a race: ranking, curves, effort to a target, decision regions."""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.parts import Figure, with_note
from core.concepts.optimizer_race.common import (
    BLOWN,
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    log_range,
    names,
    reach,
    settings,
    text,
)
from core.concepts.optimizer_race.landscape import draw_slice, summary_slice, table_slice
from core.concepts.optimizer_race.params import Params, Result, on_points
from core.concepts.optimizer_race.tuning import (
    draw_best,
    draw_sensitivity,
    draw_tuned,
    entries,
    summary_best,
    summary_sensitivity,
    summary_tuned,
    table_best,
    table_sensitivity,
    table_tuned,
)
from core.conclusions.stats import ROUNDING, ends, mean_interval
from core.figures import plot, style

TARGETS = np.round(np.arange(0.5, 0.9951, 0.005), 3)
REACH = 1.5


def diverged_at(result: Result) -> np.ndarray:
    """Tick from which a member's training loss stays non-finite or above BLOWN times its start, the number of ticks
    where it does not: int [contender, seed]."""
    loss = result.loss[..., TRAIN].astype(float)
    with np.errstate(invalid="ignore"):
        fine = loss <= BLOWN * loss[:, :, :1]
    ticks = loss.shape[2]
    return np.where(fine.any(2), ticks - fine[:, :, ::-1].argmax(2), 0)


def diverged(result: Result, language: str) -> str:
    """Whose training diverged; empty where nobody's did."""
    lost = (diverged_at(result) < len(result.epoch)).any(1)
    found = text(language).listed(np.array(names(result, language))[lost])
    return text(language).say("summaries.diverged", names=found) if found else ""


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


def draw_ranking(result: Result, language: str) -> go.Figure:
    say = text(language).say
    all_ticks = standing(result)
    now = {name: values[-1] for name, values in all_ticks.items()}
    labels = names(result, language)
    order = np.lexsort((now["loss mean"], -now["accuracy mean"])) if result.complete else np.arange(len(labels))
    order = order[::-1]  # plotly counts rows upward
    fig = make_subplots(
        1, 2, shared_yaxes=True, horizontal_spacing=0.04, figure=plot.figure(110 + 40 * len(labels), "closest")
    )
    stacks: dict[int, dict[str, np.ndarray]] = {}
    rows = [labels[i] for i in order]
    marks = [style.contender(int(i)) for i in order]
    tie = tied(now)[order]
    for column, measure in ((1, "accuracy"), (2, "loss")):
        seeds = getattr(result, measure)[..., TEST]  # [contender, seed, tick]
        fig.add_scatter(
            x=np.concatenate([seeds[i, :, -1] for i in order]),
            y=np.repeat(rows, result.params.seeds),
            mode="markers",
            marker={"color": np.repeat([m[0] for m in marks], result.params.seeds), "size": 6, "opacity": 0.35},
            hovertemplate=f"%{{y}}<br>{say('words.one_seed')}: %{{x:.3f}}<extra></extra>",
            row=1,
            col=column,
        )
        stacks[2 * column - 2] = {"x": seeds[order].transpose(2, 0, 1).reshape(seeds.shape[2], -1)}
        mean, half = now[f"{measure} mean"][order], now[f"{measure} half"][order]
        open_marks = tie | (not result.complete)
        symbols = [m[2] if t else f"{m[2]}-open" for m, t in zip(marks, open_marks)]
        fig.add_scatter(
            x=mean,
            y=rows,
            mode="markers",
            error_x={"array": half, "thickness": 1.5, "width": 5, "color": style.AXIS},
            marker={
                "color": [m[0] for m in marks],
                "size": 13,
                "symbol": symbols,
                "line": {"width": [0 if t else 2.5 for t in open_marks]},
            },
            customdata=[settings(result.params.contenders[i], language) for i in order],
            hovertemplate="%{y}: <b>%{x:.4f}</b><br>%{customdata}<extra></extra>",
            row=1,
            col=column,
        )
        stacks[2 * column - 1] = {
            "x": all_ticks[f"{measure} mean"][:, order],
            "error_x.array": all_ticks[f"{measure} half"][:, order],
        }
    fig.update_layout(showlegend=False)
    fig.update_yaxes(automargin=True, categoryorder="array", categoryarray=rows)
    fig.update_xaxes(
        title=say("words.test_accuracy"),
        tickformat=".3~f",
        row=1,
        col=1,
        **reach(seeds=result.accuracy[..., -1, TEST], pad=0.02),
    )
    fig.update_xaxes(title=say("words.test_loss"), row=1, col=2, **log_range(result.loss[..., -1, TEST]))
    fig.update_xaxes(nticks=4, tickangle=0)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def table_ranking(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    now = {name: values[-1] for name, values in standing(result).items()}
    order = np.lexsort((now["loss mean"], -now["accuracy mean"]))
    labels, contenders = names(result, language), result.params.contenders
    lost = (diverged_at(result) < len(result.epoch)).sum(1)
    return pd.DataFrame(
        {
            say("words.contender"): [labels[i] for i in order],
            say("words.settings"): [settings(contenders[i], language) for i in order],
            say("words.test_accuracy"): now["accuracy mean"][order].round(4),
            "± 95 %": now["accuracy half"][order].round(4),
            say("words.behind_leader"): now["behind mean"][order].round(4),
            "± 95 % ": now["behind half"][order].round(4),
            say("words.told_apart"): [say("words.no") if t else say("words.yes") for t in tied(now)[order]],
            say("words.test_loss"): now["loss mean"][order].round(4),
            f"{say('words.diverged')} (/ {result.params.seeds})": lost[order],
        }
    )


def digits(value: float) -> str:
    return f"{value:.3f}"


def summary_ranking(result: Result, language: str) -> str:
    say = text(language).say
    now = {name: values[-1] for name, values in standing(result).items()}
    labels = names(result, language)
    mean = now["accuracy mean"]
    if len(labels) == 1:
        return say("summaries.single", best=labels[0], accuracy=digits(mean[0]))
    count = int(tied(now).sum())
    first = [int(mean.argmax())] if count == 1 else ends(mean, digits)[0]
    return say(
        "summaries.alone" if count == 1 else "summaries.tie",
        best=text(language).listed(labels[c] for c in first),
        accuracy=digits(mean.max()),
        count=count,
        spread=digits(np.ptp(mean)),
    )


# Curves


def draw_curves(result: Result, language: str, measure: str) -> go.Figure:
    """Mean over seeds per contender (colour, symbol) and split (dash), in a band from the lowest to the highest."""
    say = text(language).say
    fig = plot.figure(height=460)
    values, epoch, ends = getattr(result, measure), result.epoch, diverged_at(result)
    for c, name in enumerate(names(result, language)):
        colour = style.contender(c).colour
        for s, split in enumerate(SPLITS):
            seeds = values[c, :, :, s].astype(float)
            last = int(ends[c].min())
            common = {"meta": {"split": split}, "legendgroup": f"{c}", "x": epoch[:last], "uid": f"{c}{split}"}
            low, high = seeds[:, :last].min(0), seeds[:, :last].max(0)
            edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
            if result.params.seeds > 1:
                fig.add_scatter(**common | {"uid": f"{c}{split}low"}, y=low, **edge)
                fig.add_scatter(
                    **common | {"uid": f"{c}{split}high"},
                    y=high,
                    fill="tonexty",
                    fillcolor=style.fade(colour, 0.13),
                    **edge,
                )
            fig.add_scatter(
                **common,
                y=seeds[:, :last].mean(0),
                name=name,
                **plot.curve(c, style.SPLITS[split].dash),
                hovertemplate=f"{name}, {say(f'splits.{split}')}: %{{y:.4f}}<extra></extra>",
            )
            if last < len(epoch):
                fig.add_scatter(
                    **common | {"x": [epoch[max(last - 1, 0)]], "uid": f"{c}{split}end"},
                    y=[seeds[:, max(last - 1, 0)].mean()],
                    mode="markers",
                    marker={"symbol": "x", "size": 12, "color": colour},
                    showlegend=False,
                    hovertemplate=f"{name}: {say('words.diverged_here')}<extra></extra>",
                )
    chosen = values[..., TEST]
    blown = not np.isfinite(values).all() or float(values.max()) > BLOWN * float(values[:, :, 0].max())
    axis = (
        ({"type": "log", "tickformat": "~g", "nticks": 4} | (log_range(values) if blown else {}))
        if measure == "loss"
        else reach(chosen[:, :, min(1, len(epoch) - 1) :], 0.05)
    )
    fig.update_yaxes(title=say(f"words.{measure}"), **axis)
    fig.update_xaxes(title=say("words.epoch"), range=[0, max(result.params.epochs, 1)])
    plot.chips(fig, "split", {s: say(f"splits.{s}") for s in SPLITS}, ["test"])
    if result.complete:
        plot.scrub(fig, epoch, say("words.epoch"), list(range(len(fig.data))), {})
    return fig


def table_curves(result: Result, language: str, measure: str) -> pd.DataFrame:
    say = text(language).say
    mean = getattr(result, measure).astype(float).mean(1)
    columns = {say("words.epoch"): result.epoch}
    for c, name in enumerate(names(result, language)):
        for s, split in enumerate(SPLITS):
            columns[f"{name}, {say(f'splits.{split}')}"] = mean[c, :, s].round(5)
    return pd.DataFrame(columns)


def summary_curves(result: Result, language: str, measure: str) -> str:
    say = text(language).say
    mean = getattr(result, measure)[:, :, -1, :].astype(float).mean(1)  # [contender, split]
    labels, test, listed = names(result, language), mean[:, TEST], text(language).listed
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
    say = text(language).say
    steps = effort(result)
    seconds = steps * result.step_seconds[:, None]
    fig = make_subplots(1, 2, horizontal_spacing=0.26, figure=plot.figure(height=460))
    for c, name in enumerate(names(result, language)):
        look = plot.curve(c)
        look["line"]["shape"] = "hv"
        for column, values in ((1, steps[c]), (2, seconds[c])):
            fig.add_scatter(
                x=TARGETS,
                y=values,
                name=name,
                legendgroup=f"{c}",
                showlegend=column == 1,
                **look,
                hovertemplate=f"{name}: %{{y:.3~g}}<extra></extra>",
                row=1,
                col=column,
            )
    reached = np.flatnonzero(np.isfinite(steps).any(0))
    top = TARGETS[reached[-1]] + 0.01 if reached.size else 1.0
    fig.update_xaxes(title=say("words.target_accuracy"), range=[0.5, min(top, 1.0)])
    fig.update_yaxes(title=say("words.steps"), rangemode="tozero", row=1, col=1)
    fig.update_yaxes(title=say("words.seconds_alone"), rangemode="tozero", row=1, col=2)
    return fig


def table_target(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    steps = effort(result)
    shown = [int(np.flatnonzero(t == TARGETS)[0]) for t in (0.8, 0.9, 0.95, 0.97)]
    columns: dict[str, object] = {say("words.contender"): names(result, language)}
    for i in shown:
        columns[say("words.steps_to", target=f"{TARGETS[i]:.2f}")] = steps[:, i]
        columns[say("words.ms_to", target=f"{TARGETS[i]:.2f}")] = (1000 * steps[:, i] * result.step_seconds).round(1)
    columns[say("words.step_time")] = (1e6 * result.step_seconds).round(0)
    return pd.DataFrame(columns)


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


def draw_regions(result: Result, language: str) -> go.Figure:
    """Probability of class 1 over the plane for every contender (seed 0), with the training and test points."""
    say = text(language).say
    labels = names(result, language)
    columns = min(4, ceil(len(labels) ** 0.5))
    rows = ceil(len(labels) / columns)
    fig = make_subplots(
        rows,
        columns,
        subplot_titles=labels,
        horizontal_spacing=0.02,
        vertical_spacing=0.22 / rows,
        figure=plot.figure(hover="closest"),
    )
    axis = np.linspace(-REACH, REACH, result.region.shape[-1])
    stacks = {}
    for c in range(len(labels)):
        place = {"row": c // columns + 1, "col": c % columns + 1}
        stacks[len(fig.data)] = {"z": result.region[c]}
        fig.add_heatmap(
            x=axis,
            y=axis,
            z=result.region[c, -1].astype(np.float32),
            zmin=0,
            zmax=255,
            colorscale=style.DIVERGING,
            showscale=False,
            hoverinfo="skip",
            **place,
        )
        plot.two_classes(fig, result.x, result.y, say("words.class"), **place)
    fig.update_xaxes(visible=False, range=[-REACH, REACH], constrain="domain")
    fig.update_yaxes(visible=False, range=[-REACH, REACH], scaleanchor="x", constrain="domain")
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.aspect(fig, 1.12 * rows / columns)
    if result.complete:
        plot.scrub(fig, result.region_epoch, say("words.epoch"), [], stacks)
    return fig


def table_regions(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    seed = result.accuracy[:, 0, -1, :]
    columns = {say(f"splits.{split}"): seed[:, s].round(4) for s, split in enumerate(SPLITS)}
    return pd.DataFrame({say("words.contender"): names(result, language)} | columns)


def summary_regions(result: Result, language: str) -> str:
    say, labels = text(language).say, names(result, language)
    seed = result.accuracy[:, 0, -1, TEST]
    best, worst = (text(language).listed(labels[c] for c in who) for who in ends(seed, digits))
    if not worst:
        return say("summaries.region", names=best, most=digits(seed.max()))
    return say("summaries.regions", best=best, worst=worst, most=digits(seed.max()), least=digits(seed.min()))


def _curves(measure: str) -> Figure:
    return Figure(
        measure,
        lambda result, language: draw_curves(result, language, measure),
        lambda result, language: table_curves(result, language, measure),
        lambda result, language: summary_curves(result, language, measure),
    )


def swept(params: Params) -> bool:
    return params.sweep > 0


FIGURES = with_note(
    (
        Figure("tuned", draw_tuned, table_tuned, summary_tuned, shown=swept),
        Figure("sensitivity", draw_sensitivity, table_sensitivity, summary_sensitivity, shown=swept),
        Figure("ranking", draw_ranking, table_ranking, summary_ranking),
        Figure("best", draw_best, table_best, summary_best),
        _curves("accuracy"),
        _curves("loss"),
        Figure("target", draw_target, table_target, summary_target),
        Figure("regions", draw_regions, table_regions, summary_regions, shown=on_points),
        Figure("slice", draw_slice, table_slice, summary_slice, shown=lambda params: params.surface),
    ),
    diverged,
)

ENTRIES = entries
