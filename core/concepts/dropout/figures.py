"""Pictures of dropout: test curves and early stopping, losses in both modes, thinned networks, what became of units."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.concepts.dropout.claims import TEST, TRAIN, best, noisy, stopped
from core.concepts.dropout.params import COUNTS, REACH, REMOVED, Result, drops, on_points
from core.conclusions.stats import mean_interval
from core.figures import plot, style
from core.figures.numbers import whole

UNITS = ("correlation", "spread", "size", "blind")


def text(language: str) -> Text:
    return words("dropout", language)


def names(result: Result, language: str) -> list[str]:
    """A short name per network: what is left out how often, and the scaling where it tells networks apart."""
    say, nets = text(language).say, result.params.nets
    told = len({net.scaling for net in nets if drops(net)}) > 1
    found = []
    for net in nets:
        name = say(f"nets.{net.layers}", p=f"{net.p:g}", p_inputs=f"{net.p_inputs:g}")
        scaling = [say(f"options.scaling.{net.scaling}")] if told and drops(net) else []
        found.append(text(language).listed([name, *scaling]))
    return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]


def diverged(result: Result, language: str) -> str:
    """Whose training diverged; empty where nobody's did."""
    lost = (~np.isfinite(result.loss[:, :, -1])).any((1, 2))
    found = text(language).listed(np.array(names(result, language))[lost])
    return text(language).say("summaries.diverged", names=found) if found else ""


def shown(value: float, language: str, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else text(language).say("words.lost")


def dot(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds [net, …] of values [net, seed, …], and half its 95 % interval."""
    return mean_interval(value.astype(float), axis=1)


def waiting(fig: go.Figure, language: str) -> go.Figure:
    """A figure of what is measured when training is over."""
    fig.add_scatter(x=[], y=[])
    fig.add_annotation(text=text(language).say("words.later"), xref="paper", yref="paper", x=0.5, y=0.5)
    return fig


# Test accuracy and early stopping


def draw_test(result: Result, language: str) -> go.Figure:
    """Test accuracy over the epochs, with a star where validation is best; beside it both ways to end."""
    say = text(language).say
    fig = make_subplots(
        1, 2, column_widths=[0.7, 0.3], shared_yaxes=True, horizontal_spacing=0.05, figure=plot.figure(460)
    )
    stacks: dict[int, dict[str, np.ndarray]] = {}
    cut: list[int] = []
    epochs, early = result.tick[best(result)].mean(1), stopped(result)  # [net, tick], [net, seed, tick]
    middle, half = dot(np.stack([early, result.accuracy[..., TEST]], -1))  # [net, tick, way]
    ways = [say("words.stopped_at"), say("words.last_at")]
    for i, name in enumerate(names(result, language)):
        colour, dash, symbol = style.contender(i)
        begin = len(fig.data)
        plot.bands(fig, result.tick, result.accuracy[i, ..., TEST].astype(float), name, plot.curve(i), row=1, col=1)
        cut += range(begin, len(fig.data))
        stacks[len(fig.data)] = {"x": epochs[i][:, None], "y": middle[i, :, :1]}
        fig.add_scatter(
            x=epochs[i, -1:],
            y=middle[i, -1:, 0],
            mode="markers",
            marker={"symbol": "star", "size": 15, "color": colour, "line": {"width": 1, "color": "#ffffff"}},
            showlegend=False,
            hovertemplate=f"{say('words.stopped')}: %{{y:.3f}}<extra>{name}</extra>",
            row=1,
            col=1,
        )
        stacks[len(fig.data)] = {"y": middle[i], "error_y.array": half[i]}
        fig.add_scatter(
            x=np.arange(2) + 0.06 * (i - (len(result.params.nets) - 1) / 2),
            y=middle[i, -1],
            error_y={"array": half[i, -1], "thickness": 1.5, "width": 4, "color": style.AXIS},
            mode="lines+markers",
            marker={"symbol": symbol, "size": 10, "color": colour},
            line={"color": colour, "width": 2, "dash": dash},
            showlegend=False,
            hovertemplate=f"%{{y:.3f}}<extra>{name}</extra>",
            row=1,
            col=2,
        )
    first = int(np.searchsorted(result.tick, 0.1 * result.tick[-1]))  # the climb from chance would take all the room
    seen = result.accuracy[..., first:, TEST].astype(float)
    low, high = float(seen.min()), float(seen.max())
    pad = 0.05 * max(high - low, 0.05)
    fig.update_yaxes(range=[low - pad, high + pad])
    fig.update_yaxes(title=say("words.test_accuracy"), col=1)
    fig.update_xaxes(title=say("words.epoch"), range=[0, 1.03 * result.params.epochs], col=1)
    fig.update_xaxes(tickvals=[0, 1], ticktext=ways, range=[-0.5, 1.5], tickangle=0, showgrid=False, col=2)
    fig.update_layout(hovermode="closest")
    if result.complete:
        plot.scrub(fig, result.tick, say("words.epoch"), cut, stacks)
    return fig


def table_test(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    ways = {"last": result.accuracy[:, :, -1, TEST].astype(float), "stopped": stopped(result)[:, :, -1].astype(float)}
    columns: dict[str, object] = {say("words.net"): names(result, language)}
    for way, values in ways.items():
        for label, (mean, half) in ((say(f"words.{way}"), dot(values)), (say("words.gain"), dot(values - values[0]))):
            columns |= {f"{label}, {say(f'words.{way}')}" if label == say("words.gain") else label: mean.round(4)}
            columns |= {"± 95 %" + " " * sum("±" in c for c in columns): half.round(4)}
    columns[say("words.best_epoch")] = result.tick[best(result)[..., -1]].mean(1).round(1)
    return pd.DataFrame(columns)


def summary_test(result: Result, language: str) -> str:
    say = text(language).say
    last, early = (dot(v)[0] for v in (result.accuracy[:, :, -1, TEST], stopped(result)[:, :, -1]))
    epochs = result.tick[best(result)[..., -1]].mean(1)
    return " ".join(
        say("summaries.test", name=name, last=f"{a:.3f}", stopped=f"{b:.3f}", epoch=f"{e:.0f}")
        for name, a, b, e in zip(names(result, language), last, early, epochs)
    )


# Losses in both modes, wrong labels


def curves(result: Result) -> dict[str, tuple[np.ndarray, str]]:
    """Values [net, seed, tick] and dash of every kind of loss."""
    return {
        "on": (result.on, "dot"),
        "off": (result.loss[..., TRAIN], style.SPLITS["train"].dash),
        "test": (result.loss[..., TEST], style.SPLITS["test"].dash),
    }


def draw_loss(result: Result, language: str) -> go.Figure:
    say = text(language).say
    fig = plot.figure(460)
    for i, name in enumerate(names(result, language)):
        for kind, (values, dash) in curves(result).items():
            more: dict[str, Any] = {"meta": {"mode": kind}, "legendgroup": f"{i}"}
            plot.bands(fig, result.tick, values[i].astype(float), name, plot.curve(i, dash), **more)
            fig.data[-1].hovertemplate = f"{name}, {say(f'modes.{kind}')}: %{{y:.3f}}<extra></extra>"
    fig.update_yaxes(title=say("words.loss"), type="log", tickformat="~g", dtick="D2")
    fig.update_xaxes(title=say("words.epoch"), range=[0, result.params.epochs])
    plot.chips(fig, "mode", {kind: say(f"modes.{kind}") for kind in curves(result)}, ["on", "off"])
    if result.complete:
        plot.scrub(fig, result.tick, say("words.epoch"), list(range(len(fig.data))), {})
    return fig


def table_loss(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.epoch"): result.tick}
    for i, name in enumerate(names(result, language)):
        for kind, (values, _) in curves(result).items():
            columns[f"{name}, {say(f'modes.{kind}')}"] = values[i].astype(float).mean(0).round(4)
    return pd.DataFrame(columns)


def summary_loss(result: Result, language: str) -> str:
    say = text(language).say
    return " ".join(
        say("summaries.loss", name=name, on=shown(on, language), off=shown(off, language))
        for name, on, off in zip(
            names(result, language), result.on[..., -1].mean(1), result.loss[..., -1, TRAIN].mean(1)
        )
    )


def draw_memorised(result: Result, language: str) -> go.Figure:
    say = text(language).say
    fig = plot.figure(420)
    for i, name in enumerate(names(result, language)):
        plot.bands(fig, result.tick, result.memorised[i].astype(float), name, plot.curve(i))
    fig.update_yaxes(title=say("words.memorised"), range=[-0.02, 1.02])
    fig.update_xaxes(title=say("words.epoch"), range=[0, result.params.epochs])
    if result.complete:
        plot.scrub(fig, result.tick, say("words.epoch"), list(range(len(fig.data))), {})
    return fig


def table_memorised(result: Result, language: str) -> pd.DataFrame:
    values = result.memorised.astype(float).mean(1).round(4)
    labels = names(result, language)
    return pd.DataFrame({text(language).say("words.epoch"): result.tick} | dict(zip(labels, values)))


def summary_memorised(result: Result, language: str) -> str:
    say, share = text(language).say, result.memorised[..., -1].mean(1)
    return " ".join(
        say("summaries.memorised", name=name, share=f"{100 * s:.0f}")
        if np.isfinite(s)
        else say("summaries.none_wrong", name=name)
        for name, s in zip(names(result, language), share)
    )


# Thinned networks


def draw_ensemble(result: Result, language: str) -> go.Figure:
    """Accuracy and cross-entropy of the mean of more and more thinned networks; dashed, the one scaled network."""
    say = text(language).say
    fig = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.05, figure=plot.figure(520))
    if not result.mean_loss.size:
        return waiting(fig, language)
    for row, values in ((1, result.mean_accuracy), (2, result.mean_loss)):
        mean, half = dot(values[:, :, -1])
        for i, name in enumerate(names(result, language)):
            if not drops(result.params.nets[i]):
                continue
            more = {"legendgroup": f"{i}", "row": row, "col": 1}
            fig.add_scatter(
                x=COUNTS[1:],
                y=mean[i, 1:],
                error_y={"array": half[i, 1:], "thickness": 1.2, "width": 3, "color": style.AXIS},
                **plot.curve(i, "solid"),
                name=name,
                showlegend=row == 1,
                hovertemplate="%{y:.3f}",
                **more,
            )
            fig.add_scatter(
                x=COUNTS[1:],
                y=np.full(len(COUNTS) - 1, mean[i, 0]),
                **plot.curve(i, "dash", 2),
                name=f"{name}: {say('words.scaled')}",
                showlegend=False,
                hovertemplate="%{y:.3f}",
                **more,
            )
    if not fig.data:
        return waiting(fig, language)
    fig.update_xaxes(type="log", tickvals=COUNTS[1:])
    fig.update_xaxes(title=say("words.thinned"), row=2)
    fig.update_yaxes(title=say("words.test_accuracy"), row=1)
    fig.update_yaxes(title=say("words.test_loss"), row=2)
    return fig


def table_ensemble(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    kinds = [say("words.scaled"), *[say("words.mean_of_thinned")] * (len(COUNTS) - 1)]
    columns: dict[str, object] = {say("words.classifier"): kinds, say("words.thinned"): whole([np.nan, *COUNTS[1:]])}
    if not result.mean_loss.size:
        return pd.DataFrame(columns)
    for i, name in enumerate(names(result, language)):
        columns[f"{name}: {say('words.test_accuracy')}"] = dot(result.mean_accuracy[:, :, -1])[0][i].round(4)
        columns[f"{name}: {say('words.test_loss')}"] = dot(result.mean_loss[:, :, -1])[0][i].round(4)
    return pd.DataFrame(columns)


def summary_ensemble(result: Result, language: str) -> str:
    say = text(language).say
    if not result.mean_loss.size or not any(map(drops, result.params.nets)):
        return say("summaries.later")
    mean = dot(result.mean_accuracy[:, :, -1])[0]
    return " ".join(
        say("summaries.ensemble", name=name, one=f"{m[1]:.3f}", many=f"{m[-1]:.3f}", scaled=f"{m[0]:.3f}", n=COUNTS[-1])
        for name, m, net in zip(names(result, language), mean, result.params.nets)
        if drops(net)
    )


def places(result: Result, language: str) -> list[str]:
    say, depth = text(language).say, result.params.depth
    return [*(say("words.layer", n=i + 1) for i in range(depth)), say("words.outputs")]


def draw_scaling(result: Result, language: str) -> go.Figure:
    """How far the mean over thinned networks is from the scaled network, layer by layer."""
    say = text(language).say
    fig = plot.figure(420)
    if not result.gap.size:
        return waiting(fig, language)
    mean, half = dot(result.gap[:, :, -1])
    for i, name in enumerate(names(result, language)):
        colour, _, symbol = style.contender(i)
        if drops(result.params.nets[i]):
            fig.add_scatter(
                x=np.arange(mean.shape[1]) + 0.06 * (i - (len(mean) - 1) / 2),
                y=100 * mean[i],
                error_y={"array": 100 * half[i], "thickness": 1.5, "width": 4, "color": style.AXIS},
                mode="markers",
                marker={"symbol": symbol, "size": 11, "color": colour},
                name=name,
                hovertemplate="%{y:.2f} %",
            )
    if not fig.data:
        return waiting(fig, language)
    fig.add_hline(y=0, line={"color": style.AXIS, "width": 1.2, "dash": "dot"})
    fig.update_xaxes(tickvals=np.arange(mean.shape[1]), ticktext=places(result, language), showgrid=False)
    fig.update_yaxes(title=say("words.gap"))
    return fig


def table_scaling(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, object] = {text(language).say("words.net"): names(result, language)}
    if result.gap.size:
        for place, mean, half in zip(places(result, language), *(v.T for v in dot(result.gap[:, :, -1]))):
            columns |= {f"{place} (%)": (100 * mean).round(3), f"{place} ± 95 %": (100 * half).round(3)}
    return pd.DataFrame(columns)


def summary_scaling(result: Result, language: str) -> str:
    say = text(language).say
    if not result.gap.size or not any(map(drops, result.params.nets)):
        return say("summaries.later")
    mean = dot(result.gap[:, :, -1])[0]
    return " ".join(
        say("summaries.scaling", name=name, gap=shown(100 * m[-1], language, 2))
        for name, m, net in zip(names(result, language), mean, result.params.nets)
        if drops(net)
    )


# Units and weights


def draw_units(result: Result, language: str) -> go.Figure:
    """Accuracy when units are taken away; correlation of units, spread and size of weights, blindness of dropout."""
    say, labels = text(language).say, names(result, language)
    specs: list[list[Any]] = [[{"colspan": 2}, None], [{}, {}], [{}, {}]]
    titles = [say("words.robust"), *(say(f"words.{unit}") for unit in UNITS)]
    fig = make_subplots(
        3, 2, specs=specs, subplot_titles=titles, row_heights=[0.44, 0.28, 0.28], vertical_spacing=0.13,
        horizontal_spacing=0.12, figure=plot.figure(640 + 30 * len(labels)),
    )  # fmt: skip
    if not result.robust.size:
        return waiting(plot.figure(420), language)
    mean, half = dot(result.robust[:, :, -1])
    for i, name in enumerate(labels):
        colour, dash, symbol = style.contender(i)
        fig.add_scatter(
            x=100 * np.array(REMOVED),
            y=mean[i],
            error_y={"array": half[i], "thickness": 1.2, "width": 3, "color": style.AXIS},
            mode="lines+markers",
            line={"color": colour, "width": 2.2, "dash": dash},
            marker={"symbol": symbol, "size": 8},
            name=name,
            hovertemplate="%{y:.3f}",
            row=1,
            col=1,
        )
    for k, unit in enumerate(UNITS):
        place: dict[str, Any] = {"row": 2 + k // 2, "col": 1 + k % 2}
        middle, reach = dot(getattr(result, unit)[:, :, -1])
        fig.add_scatter(
            x=middle[::-1],
            y=labels[::-1],
            error_x={"array": reach[::-1], "thickness": 1.5, "width": 4, "color": style.AXIS},
            mode="markers",
            marker={
                "size": 11,
                "color": [style.contender(i)[0] for i in reversed(range(len(labels)))],
                "symbol": [style.contender(i)[2] for i in reversed(range(len(labels)))],
            },
            showlegend=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
            **place,
        )
        fig.update_yaxes(categoryorder="array", categoryarray=labels[::-1], showticklabels=k % 2 == 0, **place)
        fig.update_xaxes(nticks=4, **place)
    fig.update_annotations(font_size=13)
    fig.update_xaxes(title=say("words.removed"), row=1, col=1)
    fig.update_yaxes(title=say("words.test_accuracy"), row=1, col=1)
    fig.update_layout(hovermode="closest", legend={"y": 1.06})
    return fig


def table_units(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.net"): names(result, language)}
    if result.robust.size:
        for share, mean in zip(REMOVED, dot(result.robust[:, :, -1])[0].T):
            columns[say("words.without", share=f"{100 * share:.0f}")] = mean.round(4)
        for unit in UNITS:
            mean, half = dot(getattr(result, unit)[:, :, -1])
            columns |= {say(f"words.{unit}"): mean.round(4), f"{say(f'words.{unit}')} ± 95 %": half.round(4)}
    return pd.DataFrame(columns)


def summary_units(result: Result, language: str) -> str:
    say = text(language).say
    if not result.robust.size:
        return say("summaries.later")
    robust, correlation, spread = (dot(getattr(result, n)[:, :, -1])[0] for n in ("robust", "correlation", "spread"))
    half = REMOVED.index(0.4)
    return " ".join(
        say(
            "summaries.units",
            name=name,
            whole=f"{r[0]:.3f}",
            part=f"{r[half]:.3f}",
            correlation=shown(c, language, 2),
            spread=shown(s, language, 2),
        )
        for name, r, c, s in zip(names(result, language), robust, correlation, spread)
    )


# Uncertainty on points


def draw_uncertainty(result: Result, language: str) -> go.Figure:
    """Per network, over the plane: mean and standard deviation of the thinned networks' P(class 1), seed 0."""
    say, labels = text(language).say, names(result, language)
    columns = min(3, len(labels))
    rows = 2 * ceil(len(labels) / columns)
    titles = [""] * (rows * columns)
    for i, name in enumerate(labels):
        first = 2 * (i // columns) * columns + i % columns
        titles[first], titles[first + columns] = name, say("words.deviation")
    fig = make_subplots(
        rows, columns, subplot_titles=titles, horizontal_spacing=0.02, vertical_spacing=0.2 / rows,
        figure=plot.figure(hover="closest"),
    )  # fmt: skip
    axis = np.linspace(-REACH, REACH, result.mean.shape[-1])
    stacks: dict[int, dict[str, np.ndarray]] = {}
    scales = (result.mean / 255.0, 1.0, style.DIVERGING), (result.deviation / 510.0, 0.5, style.SEQUENTIAL)
    for i in range(len(labels)):
        for k, (values, top, colours) in enumerate(scales):
            place: dict[str, Any] = {"row": 2 * (i // columns) + k + 1, "col": i % columns + 1}
            stacks[len(fig.data)] = {"z": values[i].astype(np.float32)}
            fig.add_heatmap(
                x=axis,
                y=axis,
                z=values[i, -1].round(3),
                zmin=0,
                zmax=top,
                colorscale=style.colorscale(colours),
                showscale=False,
                hovertemplate="%{z:.2f}<extra></extra>",
                **place,
            )
            plot.two_classes(fig, result.x, result.y, text(language).say("words.class"), **place)
    fig.update_annotations(font_size=13)
    fig.update_xaxes(visible=False, range=[-REACH, REACH], constrain="domain")
    fig.update_yaxes(visible=False, range=[-REACH, REACH], scaleanchor="x", constrain="domain")
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.aspect(fig, 1.12 * rows / columns)
    if result.complete:
        plot.scrub(fig, result.frame, say("words.epoch"), [], stacks)
    return fig


def table_uncertainty(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.net"): names(result, language)}
    if result.unsure.size:
        (near, far), (near_half, far_half) = (v.T for v in dot(result.unsure[:, :, -1]))
        columns |= {say("words.near"): near.round(4), "± 95 %": near_half.round(4)}
        columns |= {say("words.far"): far.round(4), "± 95 % ": far_half.round(4)}
    return pd.DataFrame(columns)


def summary_uncertainty(result: Result, language: str) -> str:
    say = text(language).say
    if not result.unsure.size or not any(map(drops, result.params.nets)):
        return say("summaries.later")
    return " ".join(
        say("summaries.uncertainty", name=name, near=shown(near, language), far=shown(far, language))
        for name, (near, far), net in zip(names(result, language), dot(result.unsure[:, :, -1])[0], result.params.nets)
        if drops(net)
    )


FIGURES = with_note(
    (
        Figure("uncertainty", draw_uncertainty, table_uncertainty, summary_uncertainty, on_points),
        Figure("test", draw_test, table_test, summary_test),
        Figure("loss", draw_loss, table_loss, summary_loss),
        Figure("memorised", draw_memorised, table_memorised, summary_memorised, noisy),
        Figure("ensemble", draw_ensemble, table_ensemble, summary_ensemble),
        Figure("scaling", draw_scaling, table_scaling, summary_scaling),
        Figure("units", draw_units, table_units, summary_units),
    ),
    diverged,
)
