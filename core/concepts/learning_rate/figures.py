"""Pictures of learning rates: schedules and losses, every peak, the range test, warm-up, the edge of stability."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.learning_rate.claims import (
    SHOWN,
    TRAIN,
    at_equal,
    best_peak,
    by_peak,
    in_edges,
    in_hindsight,
    regret,
    survived,
    tuned,
    warm_accuracy,
    warm_tuned,
)
from core.concepts.learning_rate.edge.params import rates
from core.concepts.learning_rate.params import Params, Result
from core.concepts.learning_rate.range_test.params import GRID, METHODS
from core.concepts.learning_rate.rates.params import NAMES, PEAKS
from core.concepts.learning_rate.warmup.params import TARGETS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents
from core.figures.numbers import significant

STEP, EPOCH = ("step", lambda r: r.tick), ("epoch", lambda r: r.tick)
STRIP = 0.7  # where the strip of rates begins, of the height of the first figure
READ = METHODS[:3]  # those that read a test
EARLY = 8  # in the first of so many parts of a run the loss may lie above the panel


def further(part: str, names: tuple[str, ...], head: str = "words.contender") -> Gallery:
    """Of an experiment whose rows are always these."""
    return Gallery("learning_rate", lambda result, text: [text.say(f"rows.{name}") for name in names], head, of=part)


HERE = Gallery(
    "learning_rate",
    lambda result, text: [text.say(f"options.rule.{each.rule}") for each in result.params.schedules],
    diverged=lambda r: ~np.isfinite(r.loss[:, :, -1]).all(-1),
)
PEAK = further("rates", NAMES)
TEST = further("range_test", METHODS, "words.method")
WARM = further("warmup", SHOWN, "words.start")
EDGE = Gallery(
    "learning_rate",
    lambda result, text: [f"η = {rate:g}" for rate in rates(result.params)],
    "words.rate",
    lambda r: ~np.isfinite(r.loss[:, :, -1]).all(-1),
    of="edge",
)


def log_rates(fig: plot.Sheet, values: tuple[float, ...]) -> None:
    fig.update_xaxes(type="log", tickvals=values, ticktext=[f"{value:g}" for value in values])


# Schedules


def finish_schedule(fig: plot.Sheet, result: Result, text: Text) -> None:
    """A low strip of rates, whose steps have corners, over a high panel of losses."""
    ends = np.array([max(result.rate.min(), 1e-3 * result.rate.max()), result.rate.max()])
    ticks = {"tickvals": ends, "ticktext": [f"{rate:.2g}" for rate in ends]}
    fig.update_yaxes(type="log", range=np.log10(ends * [0.6, 1.7]), **ticks, row=1, col=1)
    fig.update_yaxes(domain=[STRIP + 0.04, 1], row=1, col=1)
    fig.update_yaxes(domain=[0, STRIP - 0.02], row=2, col=1)
    fig.update_traces(line_shape="hv", row=1, col=1)
    means = result.loss[..., TRAIN].astype(float).mean(1)
    later = means[:, len(result.tick) // EARLY :]  # the fall at first would press all else together
    low, high = (end(later[np.isfinite(later)], initial=far) for end, far in ((np.min, np.inf), (np.max, -np.inf)))
    high = min(high, 2 * np.nanmax(means[:, 0]))  # a loss that blows up leaves the panel
    if low < high:
        fig.update_yaxes(range=[low - 0.15 * (high - low), high + 0.1 * (high - low)], row=2, col=1)
    fig.update_layout(height=420)


def ended(name: str, split: int) -> Any:
    return lambda r: getattr(r, name)[:, :, -1, split].mean(1)


SUMMARY = HERE.saying(
    "summaries.schedule", loss=ended("loss", 0), right=lambda r: percents(r.accuracy[:, :, -1, 2]),
    rate=lambda r: [f"{rate:.2g}" for rate in r.rate[:, -1]],
)  # fmt: skip
SCHEDULE = kinds.curves(
    HERE, "schedule", *EPOCH, lambda r: {"rate": r.rate[:, None], "train_loss": r.loss[..., 0]}, SUMMARY,
    finish=finish_schedule,
)  # fmt: skip
ACCURACY = kinds.curves(
    HERE, "accuracy", *EPOCH, lambda r: {"accuracy": r.accuracy}, SUMMARY, parts=kinds.splits("test"),
)  # fmt: skip


# Every peak


def finish_peaks(fig: plot.Sheet, result: Any, text: Text) -> None:
    log_rates(fig, PEAKS)
    fig.add_vline(x=Params().rate, line=plot.line(style.AXIS, 1.5, "dot"))


SUMMARY_PEAKS = PEAK.saying(
    "summaries.peaks", equal=lambda r: percents(at_equal(r)), tuned=lambda r: percents(tuned(r)),
    peak=lambda r: [f"{PEAKS[k]:g}" for k in best_peak(r)],
)  # fmt: skip
SHAPES = kinds.swept(
    PEAK, "shapes", "epoch", lambda r: r.place, lambda r: {"factor": r.factor[:, None]},
    lambda r, language: PEAK.each(r, language, "summaries.shapes", lambda i: {"last": f"{r.factor[i, -1]:.2g}"}),
)  # fmt: skip
PEAKED = kinds.swept(
    PEAK, "peaks", "peak", lambda r: np.array(PEAKS), lambda r: {"test_accuracy": by_peak(r).swapaxes(1, 2)},
    SUMMARY_PEAKS, banded=0, marked=True, finish=finish_peaks,
)  # fmt: skip
TUNED = kinds.intervals(
    PEAK, "tuned", lambda r: {"equal": at_equal(r), "tuned": tuned(r)}, SUMMARY_PEAKS,
)  # fmt: skip


# The range test


def draw_trial(result: Any, language: str) -> go.Figure:
    """Smoothed losses of all seeds over the rate, and where each method reads a rate off, seed by seed."""
    text, fig = TEST.text(language), plot.figure(420, "closest")
    for s, losses in enumerate(result.trial):
        look = {"line": plot.line(style.AXIS, 1.6), "hovertemplate": "η = %{x:.3g}: %{y:.2f}<extra></extra>"}
        shown = {"name": text.say("words.trial"), "legendgroup": "trial", "showlegend": s == 0}
        fig.add_scatter(x=result.tried, y=losses, mode="lines", **look, **shown)
    for i, name in enumerate(TEST.names(result, language)[: len(READ)]):
        at = [np.interp(rate, result.tried, row) for rate, row in zip(result.suggested[i], result.trial)]
        tip = f"{name}: %{{x:.3g}}<extra></extra>"
        fig.add_scatter(
            x=result.suggested[i], y=at, mode="markers", name=name, marker=plot.mark(i, 12), hovertemplate=tip
        )
    fig.update_xaxes(title=text.say("words.tried"), type="log", tickformat="~g", dtick=1)
    fig.update_yaxes(title=text.say("words.trial_loss"))
    return fig


def lost(result: Any) -> dict[str, np.ndarray]:
    return {"regret": regret(result), "suggested": np.log10(result.suggested)}


def summary_regret(result: Any, language: str) -> str:
    found = [f"{rate:.2g}" for rate in np.median(result.suggested, 1)]
    best = {"best": f"{GRID[in_hindsight(result)]:g}", "seeds": result.params.seeds}
    points = 100 * regret(result).mean(1)
    values = lambda i: {"rate": found[i], "points": f"{points[i]:.1f}"}  # noqa: E731
    said = TEST.text(language)
    return said.sentences(
        [said.say("summaries.hindsight", **best), TEST.each(result, language, "summaries.regret", values)]
    )


def table_trial(result: Any, language: str) -> pd.DataFrame:
    columns = {"words.middle": np.median(result.suggested, 1), "words.least": result.suggested.min(1)}
    columns |= {"words.most": result.suggested.max(1)}
    return TEST.table(result, language, {head: significant(values, 3) for head, values in columns.items()})


def summary_trial(result: Any, language: str) -> str:
    low, high = ([f"{rate:.2g}" for rate in end] for end in (result.suggested.min(1), result.suggested.max(1)))
    return TEST.each(
        result, language, "summaries.trial", lambda i: {"low": low[i], "high": high[i]} if i < len(READ) else None
    )


REGRET = kinds.intervals(TEST, "regret", lost, summary_regret)


# Warm-up


def finish_targets(fig: plot.Sheet, result: Any, text: Text) -> None:
    log_rates(fig, TARGETS)
    fig.update_yaxes(range=[-0.03, 1.03])


def summary_warm(result: Any, language: str) -> str:
    """The largest target that all seeds survive, of each way."""
    whole = survived(result).min(-1)
    largest = [max((target for target, every in zip(TARGETS, row) if every), default=0) for row in whole]

    def of(i: int) -> dict[str, str]:
        return {"target": f"{largest[i]:g}"} if largest[i] else {"key": "summaries.warm_none"}

    return WARM.each(result, language, "summaries.warm", of)


SURVIVED = kinds.swept(
    WARM, "survived", "target", lambda r: np.array(TARGETS), lambda r: {"survived": survived(r).swapaxes(1, 2)},
    summary_warm, banded=0, marked=True, finish=finish_targets,
)  # fmt: skip
AFTER = kinds.swept(
    WARM, "after", "target", lambda r: np.array(TARGETS), lambda r: {"test_accuracy": warm_accuracy(r).swapaxes(1, 2)},
    WARM.saying("summaries.after", right=lambda r: percents(warm_tuned(r))),
    banded=0, marked=True, finish=finish_targets,
)  # fmt: skip


# The edge


def finish_edge(fig: plot.Sheet, result: Any, text: Text) -> None:
    for i, rate in enumerate(rates(result.params)):
        fig.add_hline(y=2 / rate, line=plot.line(style.contender(i).colour, 1.5, "dot"), row=1, col=1)
        said = {"name": text.say("words.check"), "legendgroup": "check", "showlegend": i == 0}
        tip = f"{text.say('words.check')}, η = {rate:g}: %{{y:.3f}}<extra></extra>"
        look = plot.marker(style.contender(i).colour, f"{style.contender(i).symbol}-open", 11) | {"line": {"width": 2}}
        n = result.check.shape[1]
        fig.add_scatter(x=result.checked[:n], y=result.check[i], mode="markers", marker=look, hovertemplate=tip,
                        **said, row=1, col=1)  # fmt: skip
    fig.update_yaxes(type="log", dtick="D2", tickformat="~g")


EDGES = kinds.curves(
    EDGE, "edge", *STEP, lambda r: {"sharpness": r.sharpness, "loss": r.loss},
    EDGE.saying("summaries.edge", times=lambda r: in_edges(r).mean(1), rose=lambda r: percents(r.rose[..., -1]),
                loss=lambda r: r.loss[..., -1].mean(1)),
    ends=lambda r: np.isfinite(r.loss).all(1).sum(-1), finish=finish_edge,
)  # fmt: skip
FIGURES = (
    *HERE.figures(SCHEDULE, ACCURACY),
    *PEAK.figures(TUNED, PEAKED, SHAPES),
    *TEST.figures(REGRET, Figure("trial", draw_trial, table_trial, summary_trial)),
    *WARM.figures(SURVIVED, AFTER),
    *EDGE.figures(EDGES),
)
