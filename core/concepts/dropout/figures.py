"""Pictures of dropout: test curves and early stopping, losses in both modes, thinned networks, what became of units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.dropout.claims import TEST, TRAIN, best, noisy, stopped
from core.concepts.dropout.params import COUNTS, REACH, REMOVED, Result, drops, on_points
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery
from core.figures.numbers import whole
from core.figures.plot import over_seeds

LOG = {"type": "log", "tickformat": "~g", "dtick": "D2"}
UNITS = ("correlation", "spread", "size", "blind")


def named(result: Result, text: Text) -> list[str]:
    """A short name per network: what is left out how often, and the scaling where it tells networks apart."""
    nets, found = result.params.nets, []
    told = len({net.scaling for net in nets if drops(net)}) > 1
    for net in nets:
        name = text.say(f"nets.{net.layers}", p=f"{net.p:g}", p_inputs=f"{net.p_inputs:g}")
        scaling = [text.say(f"options.scaling.{net.scaling}")] if told and drops(net) else []
        found.append(text.listed([name, *scaling]))
    return found


HERE = Gallery(
    "dropout",
    named,
    "words.net",
    diverged=lambda r: ~np.isfinite(r.loss[:, :, -1]).all(-1),
    known=lambda r: r.gap.size and any(map(drops, r.params.nets)),
)
text, names = HERE.text, HERE.names


def shown(value: float, language: str, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else text(language).say("words.lost")


# Test accuracy and early stopping


def draw_test(result: Result, language: str) -> go.Figure:
    """Test accuracy over the epochs, with a star where validation is best; beside it both ways to end."""
    say = text(language).say
    grid: dict[str, Any] = {"column_widths": [0.7, 0.3], "shared_yaxes": True, "horizontal_spacing": 0.05}
    fig = plot.panels(1, 2, None, 460, **grid)
    cut: list[int] = []
    epochs, early = result.tick[best(result)].mean(1), stopped(result)  # [net, tick], [net, seed, tick]
    middle, half = over_seeds(np.stack([early, result.accuracy[..., TEST]], -1))  # [net, tick, way]
    for i, name in enumerate(names(result, language)):
        look, mark = plot.curve(i, width=2), plot.mark(i, 10)
        begin = len(fig.data)
        plot.bands(fig, result.tick, result.accuracy[i, ..., TEST].astype(float), name, plot.curve(i), row=1, col=1)
        cut += range(begin, len(fig.data))
        star = mark | {"symbol": "star", "size": 15, "line": {"width": 1, "color": "#ffffff"}}
        tip = f"{say('words.stopped')}: %{{y:.3f}}<extra>{name}</extra>"
        place = {"mode": "markers", "showlegend": False, "row": 1, "col": 1}
        fig.add_scatter(x=epochs[i, -1:], y=middle[i, -1:, 0], marker=star, hovertemplate=tip, **place)
        fig.was(x=epochs[i][:, None], y=middle[i, :, :1])
        own = look | {"mode": "lines+markers", "marker": mark, "hovertemplate": f"%{{y:.3f}}<extra>{name}</extra>"}
        across = np.arange(2) + 0.06 * (i - (len(middle) - 1) / 2)
        plot.means(fig, across, middle[i], half[i], **own, showlegend=False, row=1, col=2)
    first = int(np.searchsorted(result.tick, 0.1 * result.tick[-1]))  # the climb from chance would take all the room
    seen = result.accuracy[..., first:, TEST].astype(float)
    low, high = float(seen.min()), float(seen.max())
    pad = 0.05 * max(high - low, 0.05)
    fig.update_yaxes(range=[low - pad, high + pad])
    fig.update_yaxes(title=say("words.test_accuracy"), col=1)
    fig.update_xaxes(title=say("words.epoch"), range=[0, 1.03 * result.params.epochs], col=1)
    ways = [say("words.stopped_at"), say("words.last_at")]
    fig.update_xaxes(tickvals=[0, 1], ticktext=ways, range=[-0.5, 1.5], tickangle=0, showgrid=False, col=2)
    plot.stack(fig)
    return plot.film(fig, result, result.tick, say("words.epoch"), cut)


def table_test(result: Result, language: str) -> pd.DataFrame:
    say, columns = text(language).say, dict[str, Any]()
    ways = {"last": result.accuracy[:, :, -1, TEST].astype(float), "stopped": stopped(result)[:, :, -1].astype(float)}
    for way, values in ways.items():
        label = say(f"words.{way}")
        columns |= {label: values, f"{say('words.gain')}, {label}": values - values[0]}
    epoch = result.tick[best(result)[..., -1]].mean(1).round(1)
    return HERE.table(result, language, kinds.with_half(columns) | {"words.best_epoch": epoch})


def summary_test(result: Result, language: str) -> str:
    last, early = (v.astype(float).mean(1) for v in (result.accuracy[:, :, -1, TEST], stopped(result)[:, :, -1]))
    epochs = result.tick[best(result)[..., -1]].mean(1)
    return HERE.each(
        result, language, "summaries.test",
        lambda i: {"last": f"{last[i]:.3f}", "stopped": f"{early[i]:.3f}", "epoch": f"{epochs[i]:.0f}"},
    )  # fmt: skip


# Losses in both modes, wrong labels


MODES = kinds.Chips(
    "mode", {"on": "dot", "off": style.SPLITS["train"].dash, "test": style.SPLITS["test"].dash}, ("on", "off")
)


def summary_loss(result: Result, language: str) -> str:
    modes = {"on": result.on[..., -1].mean(1), "off": result.loss[..., -1, TRAIN].mean(1)}
    of = lambda i: {mode: shown(values[i], language) for mode, values in modes.items()}  # noqa: E731
    return HERE.each(result, language, "summaries.loss", of)


def summary_memorised(result: Result, language: str) -> str:
    share = result.memorised[..., -1].mean(1)
    found = ["memorised" if np.isfinite(one) else "none_wrong" for one in share]
    of = lambda i: {"key": f"summaries.{found[i]}", "share": f"{100 * share[i]:.0f}"}  # noqa: E731
    return HERE.each(result, language, "", of)


# Thinned networks


def of_dropping(result: Result, values: Callable[[int], dict[str, Any]]) -> Callable[[int], dict[str, Any] | None]:
    """What a sentence says of networks that drop units."""
    return lambda i: values(i) if drops(result.params.nets[i]) else None


def draw_ensemble(result: Result, language: str) -> go.Figure:
    """Accuracy and cross-entropy of the mean of more and more thinned networks; dashed, the one scaled network."""
    say = text(language).say
    fig = plot.panels(2, 1, None, 520, "x unified", shared_xaxes=True, vertical_spacing=0.05)
    for row, values in ((1, result.mean_accuracy), (2, result.mean_loss)):
        mean, half = over_seeds(values[:, :, -1])
        for i, name in enumerate(names(result, language)):
            if not drops(result.params.nets[i]):
                continue
            more: dict[str, Any] = {"legendgroup": f"{i}", "hovertemplate": "%{y:.3f}", "row": row, "col": 1}
            bars: dict[str, Any] = {"width": 3, "thickness": 1.2, "name": name, "showlegend": row == 1}
            plot.means(fig, COUNTS[1:], mean[i, 1:], half[i, 1:], **plot.curve(i, "solid"), **bars, **more)
            more |= {"name": f"{name}: {say('words.scaled')}", "showlegend": False}
            fig.add_scatter(x=COUNTS[1:], y=[mean[i, 0]] * (len(COUNTS) - 1), **plot.curve(i, "dash", 2), **more)
    fig.update_xaxes(type="log", tickvals=COUNTS[1:])
    fig.update_xaxes(title=say("words.thinned"), row=2)
    fig.update_yaxes(title=say("words.test_accuracy"), row=1)
    fig.update_yaxes(title=say("words.test_loss"), row=2)
    return fig


def table_ensemble(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    rows = [say("words.scaled"), *[say("words.mean_of_thinned")] * (len(COUNTS) - 1)]
    columns: dict[str, Any] = {say("words.classifier"): rows, say("words.thinned"): whole([np.nan, *COUNTS[1:]])}
    for i, name in enumerate(names(result, language)):
        for word, values in (("accuracy", result.mean_accuracy), ("loss", result.mean_loss)):
            columns[f"{name}: {say(f'words.test_{word}')}"] = values[i, :, -1].astype(float).mean(0).round(4)
    return pd.DataFrame(columns)


def summary_ensemble(result: Result, language: str) -> str:
    picked = {"scaled": 0, "one": 1, "many": -1}
    mean = result.mean_accuracy[:, :, -1].astype(float).mean(1)
    of = of_dropping(result, lambda i: {"n": COUNTS[-1]} | {n: f"{mean[i, k]:.3f}" for n, k in picked.items()})
    return HERE.each(result, language, "summaries.ensemble", of)


def places(result: Result, language: str) -> list[str]:
    say, depth = text(language).say, result.params.depth
    return [*(say("words.layer", n=i + 1) for i in range(depth)), say("words.outputs")]


def draw_scaling(result: Result, language: str) -> go.Figure:
    """How far the mean over thinned networks is from the scaled network, layer by layer."""
    fig = plot.figure(420)
    mean, half = (100 * v for v in over_seeds(result.gap[:, :, -1]))
    for i, name in enumerate(names(result, language)):
        if drops(result.params.nets[i]):
            x = np.arange(mean.shape[1]) + 0.06 * (i - (len(mean) - 1) / 2)
            look: dict[str, Any] = {"mode": "markers", "marker": plot.mark(i, 11), "name": name}
            plot.means(fig, x, mean[i], half[i], hovertemplate="%{y:.2f} %", **look)
    fig.add_hline(y=0, line={"color": style.AXIS, "width": 1.2, "dash": "dot"})
    fig.update_xaxes(tickvals=np.arange(mean.shape[1]), ticktext=places(result, language), showgrid=False)
    fig.update_yaxes(title=text(language).say("words.gap"))
    return fig


def table_scaling(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for place, mean, half in zip(places(result, language), *(v.T for v in over_seeds(result.gap[:, :, -1]))):
        columns |= {f"{place} (%)": (100 * mean).round(3), f"{place} ± 95 %": (100 * half).round(3)}
    return HERE.table(result, language, columns)


def summary_scaling(result: Result, language: str) -> str:
    gap = 100 * over_seeds(result.gap[:, :, -1])[0][:, -1]
    of = of_dropping(result, lambda i: {"gap": shown(gap[i], language, 2)})
    return HERE.each(result, language, "summaries.scaling", of)


# Units and weights


def draw_units(result: Result, language: str) -> go.Figure:
    """Accuracy when units are taken away; correlation of units, spread and size of weights, blindness of dropout."""
    say, labels = text(language).say, names(result, language)
    specs: list[list[Any]] = [[{"colspan": 2}, None], [{}, {}], [{}, {}]]
    titles = [say("words.robust"), *(say(f"words.{unit}") for unit in UNITS)]
    grid: dict[str, Any] = {"row_heights": [0.44, 0.28, 0.28], "vertical_spacing": 0.13, "horizontal_spacing": 0.12}
    fig = plot.panels(3, 2, titles, 640 + 30 * len(labels), specs=specs, **grid)
    mean, half = over_seeds(result.robust[:, :, -1])
    for i, name in enumerate(labels):
        look = plot.curve(i, width=2.2) | {"mode": "lines+markers", "marker": plot.mark(i), "hovertemplate": "%{y:.3f}"}
        removed = 100 * np.array(REMOVED)
        plot.means(fig, removed, mean[i], half[i], width=3, thickness=1.2, name=name, row=1, col=1, **look)
    for k, unit in enumerate(UNITS):
        place: dict[str, Any] = {"row": 2 + k // 2, "col": 1 + k % 2}
        kinds.across(fig, labels, getattr(result, unit)[:, :, -1], "%{y}: %{x:.3f}<extra></extra>", **place)
        fig.update_yaxes(showticklabels=k % 2 == 0, **place)
        fig.update_xaxes(nticks=4, **place)
    fig.update_annotations(font_size=13)
    fig.update_xaxes(title=say("words.removed"), row=1, col=1)
    fig.update_yaxes(title=say("words.test_accuracy"), row=1, col=1)
    fig.update_layout(legend={"y": 1.06})
    return fig


def table_units(result: Result, language: str) -> pd.DataFrame:
    say, robust = text(language).say, over_seeds(result.robust[:, :, -1])[0].T.round(4)
    columns = {say("words.without", share=f"{100 * share:.0f}"): mean for share, mean in zip(REMOVED, robust)}
    units = {unit: getattr(result, unit)[:, :, -1] for unit in UNITS}
    return HERE.table(result, language, columns | kinds.interval_columns(text(language), units))


def summary_units(result: Result, language: str) -> str:
    robust, *units = (getattr(result, n)[:, :, -1].astype(float).mean(1) for n in ("robust", *UNITS[:2]))

    def of(i: int) -> dict[str, Any]:
        left = zip(("whole", "part"), robust[i, [0, REMOVED.index(0.4)]])
        found = {unit: shown(values[i], language, 2) for unit, values in zip(UNITS, units)}
        return found | {name: f"{value:.3f}" for name, value in left}

    return HERE.each(result, language, "summaries.units", of)


# Uncertainty on points


def fields(result: Result) -> dict[str, np.ndarray]:
    """Mean and standard deviation of the thinned networks' P(class 1), seed 0."""
    return {"mean": result.mean / 255.0, "deviation": result.deviation / 510.0}


def table_uncertainty(result: Result, language: str) -> pd.DataFrame:
    unsure = result.unsure[:, :, -1] if result.unsure.size else np.zeros((0, 0, 0))
    return HERE.table(
        result, language, kinds.with_half(dict(zip(("words.near", "words.far"), np.moveaxis(unsure, 2, 0))))
    )


def summary_uncertainty(result: Result, language: str) -> str:
    if not HERE.known(result):
        return text(language).say("summaries.later")
    unsure = over_seeds(result.unsure[:, :, -1])[0]
    of = of_dropping(result, lambda i: {n: shown(v, language) for n, v in zip(("near", "far"), unsure[i])})
    return HERE.each(result, language, "summaries.uncertainty", of)


UNCERTAINTY = kinds.planes(
    HERE, "uncertainty", ("epoch", lambda r: r.frame), fields, REACH, table_uncertainty, summary_uncertainty,
    tops={"mean": (1.0, style.DIVERGING), "deviation": (0.5, style.SEQUENTIAL)}, points=lambda r: (r.x, r.y),
    columns=3, room=0.2, hover="%{z:.2f}<extra></extra>", shown=on_points,
    finish=lambda fig, r, text: fig.update_annotations(font_size=13),
)  # fmt: skip
LOSS = kinds.curves(
    HERE, "loss", "epoch", lambda r: r.tick,
    lambda r: {"loss": np.stack([r.on, r.loss[..., TRAIN], r.loss[..., TEST]], -1)}, summary_loss,
    parts=MODES, height=460,
    finish=lambda fig, r, text: fig.update_xaxes(range=[0, r.params.epochs]).update_yaxes(**LOG),
)  # fmt: skip
MEMORISED = kinds.curves(
    HERE, "memorised", "epoch", lambda r: r.tick, lambda r: {"memorised": r.memorised}, summary_memorised, shown=noisy,
    finish=lambda fig, r, text: fig.update_xaxes(range=[0, r.params.epochs]).update_yaxes(range=[-0.02, 1.02]),
)  # fmt: skip
FIGURES = HERE.figures(
    UNCERTAINTY,
    Figure("test", draw_test, table_test, summary_test),
    LOSS,
    MEMORISED,
    HERE.later(Figure("ensemble", draw_ensemble, table_ensemble, summary_ensemble)),
    HERE.later(Figure("scaling", draw_scaling, table_scaling, summary_scaling)),
    HERE.later(Figure("units", draw_units, table_units, summary_units), lambda r: r.robust.size > 0),
)
