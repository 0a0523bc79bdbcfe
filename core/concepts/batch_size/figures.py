"""Pictures of batch sizes: the same runs on three clocks, steps and accuracy by size, noise, paths in the plane."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.batch_size.claims import (
    TEST,
    VALIDATION,
    height,
    likeliest,
    noise_scale,
    passes,
    seconds,
    shared_steps,
    shared_test,
    soonest,
    steps,
    tuned_steps,
    tuned_test,
)
from core.concepts.batch_size.noise.params import WAYS
from core.concepts.batch_size.params import Result, per_epoch
from core.concepts.batch_size.paths.params import EXAMPLES, STEPS
from core.concepts.batch_size.tuning.params import RATES
from core.conclusions.stats import ends
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents
from core.figures.numbers import significant

FAIR, TESTED = ("tuned", "shared"), ("tuned", "equal")
LOG = {"type": "log", "exponentformat": "power", "dtick": 1}


def called(sizes: Iterable[int], most: int, text: Text) -> list[str]:
    """A batch by how many examples it has."""
    return [text.say("words.all" if size == most else "words.b", size=f"{size:,}") for size in sizes]


def named(result: Result, text: Text) -> list[str]:
    """By batch size; where two are equal the rate tells them apart."""
    found, rows = called(result.size, result.examples, text), result.params.contenders
    return [f"{name}, η {row.lr:g}" if found.count(name) > 1 else name for name, row in zip(found, rows)]


def worded(part: str, rows: tuple[str, ...]) -> Gallery:
    """Of a further experiment whose rows are always these."""
    return Gallery("batch_size", lambda r, text: [text.say(f"rows.{row}") for row in rows], "words.way", of=part)


HERE = Gallery("batch_size", named, "words.batch", diverged=lambda r: ~np.isfinite(r.loss[:, :, -1:]).all((-1, -2)))
TUNED, SCORED, NOISY = worded("tuning", FAIR), worded("tuning", TESTED), worded("noise", WAYS)
RATED = Gallery("batch_size", lambda r, text: called(r.size, r.examples, text), "words.batch", of="tuning")
PATHS = Gallery(
    "batch_size", lambda r, text: called(r.size, EXAMPLES, text), "words.batch",
    diverged=lambda r: ~np.isfinite(r.gap[:, :, -1]), of="paths",
)  # fmt: skip


# Three clocks


def clocks(result: Result) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is counted → at every tick [contender, tick], and at the target [contender], the median over seeds."""
    units = 1 / per_epoch(result.size, result.examples), np.ones(len(result.size)), np.median(result.step_seconds, 1)
    each = dict(zip(("passes", "steps", "seconds"), zip(units, (passes, steps, seconds))))
    with np.errstate(invalid="ignore"):
        return {
            word: (result.taken * unit[:, None], np.median(count(result), 1)) for word, (unit, count) in each.items()
        }


def short(value: float) -> str:
    return f"{value:,.2g}" if value < 100 else f"{value:,.0f}"


def first_of(found: np.ndarray, names: list[str], text: Text) -> str:
    """Who is at the target first, by what is counted."""
    first, _ = ends(-found, lambda value: short(-value))
    return text.listed(names[i] for i in first)


def draw_three(result: Result, language: str) -> go.Figure:
    """Validation accuracy on three clocks; a mark where the median seed is at the target."""
    text, names, counted = HERE.text(language), HERE.names(result, language), clocks(result)
    ahead = [result.complete and first_of(there, names, text) for _, there in counted.values()]
    titles = [text.say("words.first", names=who or "…") for who in ahead]  # nobody can be told before all have trained
    fig = plot.panels(1, 3, titles, 400, "closest", shared_yaxes=True, horizontal_spacing=0.03)
    plot.stack(fig)
    now, grown = result.accuracy.shape[2], list[int]()
    share = (100 * result.taken.sum(0) / result.total).round(2)
    for k, (word, (at, there)) in enumerate(counted.items(), 1):
        place: dict[str, Any] = {"row": 1, "col": k}
        fig.add_hline(y=result.params.target, line=plot.line(style.AXIS, 1.5, "dot"), **place)
        for i, name in enumerate(names):
            seeds = result.accuracy[i, :, :, VALIDATION].astype(float)
            look = plot.curve(i) | {"legendgroup": name, "showlegend": k == 1}
            tip = f"{name}: %{{y:.3f}}, %{{x:.3g}} {text.say(f'words.{word}')}<extra></extra>"
            x = np.where(at[i, :now] > 0, at[i, :now], np.nan)  # the start has no place on a logarithmic axis
            begin = len(fig.data)
            plot.bands(fig, x, seeds, name, look, hover=tip, meta={"clock": share.tolist()}, **place)
            grown += range(begin, len(fig.data))
            if np.isfinite(there[i]):
                mark = {"mode": "markers", "marker": plot.mark(i, 12) | {"line": plot.line("#ffffff", 1.5)}}
                said = f"{name}: {short(there[i])} {text.say(f'words.{word}')}<extra></extra>"
                quiet = {"showlegend": False, "legendgroup": name}
                target = [result.params.target]
                fig.add_scatter(x=[there[i]], y=target, name=name, hovertemplate=said, **mark, **quiet, **place)
        fig.update_xaxes(title=text.say(f"words.axis_{word}"), **LOG, **place)
    fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_yaxes(title=text.say("words.validation"), row=1, col=1)
    fig.update_layout(legend={"y": 1.1}, margin={"t": 62})
    return plot.film(fig, result, share, text.say("words.share"), grown)


def table_three(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, Any] = {"words.rate": [row.lr for row in result.params.contenders]}
    for word, (_, there) in clocks(result).items():
        columns[f"words.{word}"] = significant(np.where(np.isfinite(there), there, np.nan), 3)
    columns["words.step_time"] = significant(1e6 * np.median(result.step_seconds, 1), 3)
    return HERE.table(result, language, columns | {"words.test": result.accuracy[:, :, -1, TEST].mean(1).round(4)})


def summary_three(result: Result, language: str) -> str:
    text, names = HERE.text(language), HERE.names(result, language)
    if not result.complete:
        return text.say("summaries.running")
    counted = {word: there for word, (_, there) in clocks(result).items()}
    if not np.isfinite(counted["steps"]).any():
        return text.say("summaries.nobody", target=result.params.target)
    said: dict[str, str] = {word: first_of(there, names, text) for word, there in counted.items()}
    least = {f"least_{word}": short(there.min()) for word, there in counted.items()}
    if not all(said.values()):
        return text.say("summaries.nobody", target=result.params.target)
    return text.say("summaries.three", target=result.params.target, **said, **least)


# Every size at every rate


def by_size(*ways: Any) -> Any:
    """[way, seed, batch] of functions of a Result that give [batch, seed], NaN where there is none."""

    def values(result: Any) -> np.ndarray:
        found = np.stack([way(result).T for way in ways]).astype(float)
        return np.where(np.isfinite(found), found, np.nan)

    return values


def sizes_below(fig: plot.Sheet, result: Any) -> None:
    ticks = result.size.tolist()
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{k:,}" for k in ticks])


def medians(way: Any) -> Any:
    return lambda result: np.median(way(result), 1)


def finish_steps(fig: plot.Sheet, result: Any, text: Text) -> None:
    begin = medians(tuned_steps)(result)[0]
    if np.isfinite(begin) and begin > 0:  # not at the target before the first step
        name, line = text.say("words.perfect"), plot.line(style.AXIS, 2, "3px,3px")
        x, y = result.size, begin * result.size[0] / result.size
        fig.add_scatter(x=x, y=y, name=name, mode="lines", line=line, hoverinfo="skip")
        fig.update_yaxes(range=[0.8, np.log10(2 * np.nanmax(by_size(tuned_steps, shared_steps)(result)))])
    sizes_below(fig, result)
    fig.update_yaxes(type="log", exponentformat="power", dtick=1)


def summary_steps(result: Any, language: str) -> str:
    """Of both ways, the smallest batch that arrives against the largest."""
    found = [medians(way)(result) for way in (tuned_steps, shared_steps)]
    rate = np.array(RATES)[soonest(result)]

    def row(i: int) -> dict[str, Any] | None:
        there = np.flatnonzero(np.isfinite(found[i]))
        if len(there) < 2:
            return None
        few, many = there[0], there[-1]
        own = {"few_rate": f"{rate[few]:.2g}", "many_rate": f"{rate[many if i == 0 else 0]:.2g}"}
        counts = {"steps_few": f"{found[i][few]:,.0f}", "steps_many": f"{found[i][many]:,.0f}"}
        return {"few": f"{result.size[few]:,}", "many": f"{result.size[many]:,}", **counts, **own}

    return TUNED.each(result, language, "summaries.steps", row, none="summaries.none")


def table_steps(result: Any, language: str) -> pd.DataFrame:
    columns: dict[str, Any] = {"words.batch": result.size, "words.rate": np.array(RATES)[soonest(result)]}
    for name, way in zip(TUNED.names(result, language), (tuned_steps, shared_steps)):
        found = medians(way)(result)
        columns[name] = np.where(np.isfinite(found), found, np.nan)
    return RATED.frame(language, columns)


def finish_rates(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=RATES, ticktext=[f"{rate:.2g}" for rate in RATES])
    fig.update_yaxes(range=[-0.02, 1.02])


STEPS_BY = kinds.swept(
    TUNED, "steps", "batch", lambda r: r.size, lambda r: {"steps": by_size(tuned_steps, shared_steps)(r)},
    summary_steps, log=True, marked=True, hover=",.0f", table=table_steps, finish=finish_steps,
)  # fmt: skip
TEST_BY = kinds.swept(
    SCORED, "test", "batch", lambda r: r.size, lambda r: {"test": by_size(tuned_test, shared_test)(r)},
    SCORED.saying(
        "summaries.test",
        few=lambda r: percents(by_size(tuned_test, shared_test)(r)[..., 0]),
        many=lambda r: percents(by_size(tuned_test, shared_test)(r)[..., -1]),
    ),
    marked=True, finish=lambda fig, r, text: sizes_below(fig, r),
)  # fmt: skip
RATES_BY = kinds.swept(
    RATED, "rates", "rate", lambda r: np.array(RATES), lambda r: {"validation": r.validation.swapaxes(1, 2)},
    RATED.saying("summaries.rates", right=lambda r: percents(r.validation.max(1)),
                 rate=lambda r: [f"{rate:.2g}" for rate in np.array(RATES)[likeliest(r)]]),
    marked=True, banded=0, finish=finish_rates,
)  # fmt: skip


# Noise

PARTS = kinds.Chips("part", {"measured": "solid", "exact": "3px,3px"}, ("measured", "exact"))
EPOCH = ("epoch", lambda r: r.epoch[: r.signal.shape[1]])


def noises(result: Any) -> np.ndarray:
    """[way, seed, moment, batch, part]; none where it is zero."""
    both = np.stack([result.measured, result.exact], -1)
    last = result.exact <= 1e-12 * result.exact[:1, ..., :1]
    return np.where(last[..., None], np.nan, both)


def finish_noise(fig: plot.Sheet, result: Any, text: Text) -> None:
    """The squared length of the gradient, above which noise is larger."""
    size, signal = result.size[[0, -1]], result.signal.mean(0)
    look = {"mode": "lines", "line": plot.line(style.AXIS, 2, "longdash"), "name": text.say("words.signal")}
    fig.add_scatter(x=size, y=signal[-1:].repeat(2), hovertemplate="%{y:.3g}<extra></extra>", **look)
    fig.was(y=signal[:, None].repeat(2, 1))
    sizes_below(fig, result)
    fig.update_yaxes(**LOG)


def summary_noise(result: Any, language: str) -> str:
    """How far measured and exact are apart at most, now, and the noise scale."""
    text, epoch = NOISY.text(language), int(EPOCH[1](result)[-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = noises(result)[:, :, -1].mean(1)
        apart = np.abs(found[..., 0] / found[..., 1] - 1)
        scale = noise_scale(result)[:, -1].mean()
    if not np.isfinite(apart).any() or not np.isfinite(scale):
        return text.say("summaries.no_noise")
    return text.say("summaries.noise", epoch=epoch, apart=f"{100 * np.nanmax(apart):.0f} %", scale=f"{scale:,.0f}")


NOISE = kinds.curves(
    NOISY, "noise", "batch", lambda r: r.size, lambda r: {"noise": noises(r)}, summary_noise, grows=False,
    moments=EPOCH, parts=PARTS, log=True, hover=".3g", banded=0, finish=finish_noise,
)  # fmt: skip


# Paths


def draw_paths(result: Any, language: str) -> go.Figure:
    """The first seed over the loss, a panel per batch size, and how high it wanders in the end."""
    text, names = PATHS.text(language), PATHS.names(result, language)
    titles = [f"{name}<br>η = {rate:.3g}" for name, rate in zip(names, result.rate)]
    across = min(4, len(names))
    fig, places = plot.grid(titles, across, 0.02, 0.2)
    field = np.log10(result.surface + 1e-3 * result.surface.max())
    for i, place in enumerate(places):
        plot.heights(fig, result.across, result.up, field, **place)
        look = plot.curve(i, "solid", width=1.2) | {"mode": "lines"}
        tip = f"{text.say('words.step')} %{{customdata:,}}<extra>{names[i]}</extra>"
        clock = {"meta": {"clock": result.tick.tolist()}, "customdata": result.tick}
        fig.add_scatter(**plot.xy(result.path[i]), name=names[i], hovertemplate=tip, **clock, **look, **place)
        star = plot.marker(style.PALETTE[8], "star", 11, 1)
        said = f"{text.say('words.lowest')}<extra></extra>"
        fig.add_scatter(**plot.xy(result.lowest[None]), mode="markers", marker=star, hovertemplate=said, **place)
        fig.update_xaxes(range=result.across[[0, -1]], nticks=4, constrain="domain", **place)
        shape: dict[str, Any] = {"constrain": "domain", "showticklabels": place["col"] == 1, **place}
        fig.update_yaxes(range=result.up[[0, -1]], nticks=4, **shape)
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
    fig.update_layout(showlegend=False, margin={"t": 48})
    down = places[-1]["row"]
    plot.aspect(fig, (1 / across + 0.12) * down, 210 * down)
    return plot.film(fig, result, result.tick, text.say("words.step"), range(1, len(fig.data), 3))


def table_paths(result: Any, language: str) -> pd.DataFrame:
    return PATHS.table(result, language, {"words.rate": result.rate, "words.late": significant(wandering(result), 3)})


def wandering(result: Any) -> np.ndarray:
    """How high each is above the lowest loss in the second half, the mean over seeds; NaN before."""
    return height(result).mean(1) if result.tick[-1] == STEPS else np.full(len(result.size), np.nan)


def summary_paths(result: Any, language: str) -> str:
    late = wandering(result)

    def row(i: int) -> dict[str, Any] | None:
        return {"rate": f"{result.rate[i]:.3g}", "height": f"{late[i]:.2g}"} if np.isfinite(late[i]) else None

    return PATHS.each(result, language, "summaries.paths", row, none="summaries.nowhere")


FLOOR = kinds.curves(
    PATHS, "floor", "step", lambda r: r.tick, lambda r: {"gap": np.where(r.gap < 1e-12, np.nan, r.gap)}, summary_paths,
    log=True, hover=".2g", table=table_paths, banded=0,
    finish=lambda fig, r, text: fig.update_yaxes(range=[-8, 1], **LOG),
)  # fmt: skip
FIGURES = (
    *HERE.figures(Figure("three", draw_three, table_three, summary_three)),
    *TUNED.figures(TUNED.later(STEPS_BY, lambda r: bool(np.isfinite(r.reached).any()))),
    *SCORED.figures(SCORED.later(TEST_BY, lambda r: bool(np.isfinite(r.passed).all()))),
    *RATED.figures(RATES_BY),
    *NOISY.figures(NOISE),
    *PATHS.figures(Figure("paths", draw_paths, table_paths, summary_paths), FLOOR),
)
