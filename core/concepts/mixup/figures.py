"""Pictures of mixing: maps of confidence, what a method is worth, curves, attacks, mixed images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.params import applicable
from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.concepts.mixup.claims import TEST, VALIDATION, early, stop
from core.concepts.mixup.params import Method, Result, images, in_plane, used
from core.conclusions.stats import ends, mean_interval
from core.figures import plot, style
from core.figures.numbers import whole

REACH = 1.3
TRAIN = 0
INK = style.PALETTE[8]
PAPER = [[0, "#15181d"], [1, "#fdfcf9"]]  # images, in both themes
SIDE = 8  # of an image, in pixels
ATTACKS = ("fgsm", "pgd")
BINS = 20  # of λ


def text(language: str) -> Text:
    return words("mixup", language)


def names(result: Result, language: str) -> list[str]:
    """A short name per method: its rule, and what tells it from others of the same rule."""
    methods, say = used(result.params), text(language).say
    found = []
    for method in methods:
        twins = [m for m in methods if m.rule == method.rule]
        differing = [n for n in applicable(method) if n != "rule" and len({getattr(t, n) for t in twins}) > 1]
        settings = ", ".join(f"{say(f'symbols.{n}')} {getattr(method, n):g}" for n in differing)
        found.append(say(f"rules.{method.rule}") + (f" {settings}" if settings else ""))
    return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]


def diverged(result: Result) -> int:
    """How many networks have no finite loss any more."""
    return int((~np.isfinite(result.loss[:, :, -1]).all(-1)).sum())


def percent(value: float) -> str:
    return f"{100 * value:.0f} %" if np.isfinite(value) else "–"


def left_out(result: Result, language: str) -> str:
    """What is said of a CutMix that had no images, and of networks that diverged; empty where there is neither."""
    say = text(language).say
    cut = any(m.rule == "cutmix" for m in result.params.methods) and not images(result.params)
    lost = diverged(result)
    said = [say("summaries.no_images")] if cut else []
    return " ".join(said + ([say("summaries.diverged", count=lost)] if lost else []))


# Maps of confidence


def draw_maps(result: Result, language: str) -> go.Figure:
    """The first two methods large, with what they were trained on, and the others as a strip below."""
    say, labels = text(language).say, names(result, language)
    count = len(labels)
    top, strip = min(2, count), max(0, count - 2)
    columns = top * max(strip, 1)  # so that both rows can be cut evenly
    first: list[dict | None] = [
        {"colspan": columns // top} if i % (columns // top) == 0 else None for i in range(columns)
    ]
    second: list[dict | None] = [{"colspan": top} if i % top == 0 else None for i in range(columns)]
    rows = 2 if strip else 1
    heights = [1 / top, 1 / strip] if strip else [1.0]
    room = 0.11  # of the width, for the titles of a row
    whole = sum(heights) + rows * room
    fig = make_subplots(
        rows,
        columns,
        specs=[first, second][:rows],
        row_heights=heights,
        subplot_titles=labels,
        horizontal_spacing=0.02 / max(strip, 1),
        vertical_spacing=room / whole,
        figure=plot.figure(hover="closest"),
    )
    fig.update_annotations(font_size=13, yshift=15)
    stacks: dict[int, dict[str, np.ndarray]] = {}
    axis = np.linspace(-REACH, REACH, result.region.shape[-1])
    right, sure = (values.mean(1) for values in (result.accuracy[..., TEST], result.confidence))  # [method, tick]
    for m, method in enumerate(used(result.params)):
        large = m < top
        across = m * columns // top + 1 if large else (m - top) * top + 1
        place: dict[str, Any] = {"row": 1 if large else 2, "col": across}
        stacks[len(fig.data)] = {"z": result.region[m]}
        fig.add_heatmap(
            x=axis,
            y=axis,
            z=result.region[m, -1].astype(np.float32),
            zmin=0,
            zmax=255,
            zsmooth="best",
            colorscale=style.DIVERGING,
            showscale=False,
            hoverinfo="skip",
            **place,
        )
        if large and mixed_inputs(method):
            add_mixed(fig, result, m, stacks, language, **place)
        elif large:
            add_examples(fig, result, language, **place)
        key = "words.right_sure" if large else "words.right_sure_short"
        numbers = [say(key, right=percent(r), sure=percent(s)) for r, s in zip(right[m], sure[m])]
        stacks[len(fig.data)] = {"text": np.array(numbers)[:, None]}
        fig.add_scatter(
            x=[0],
            y=[REACH],
            text=numbers[-1:],
            mode="text",
            textposition="top center",
            textfont={"size": 13 if large else 12},
            cliponaxis=False,
            hoverinfo="skip",
            **place,
        )
    fig.update_xaxes(visible=False, range=[-REACH, REACH], constrain="domain")
    fig.update_yaxes(visible=False, range=[-REACH, REACH], scaleanchor="x", constrain="domain")
    for m in range(count):  # every panel keeps its own shape
        fig.layout[f"yaxis{m + 1 if m else ''}"].scaleanchor = f"x{m + 1 if m else ''}"
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 48, "b": 5})
    plot.aspect(fig, whole)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def mixed_inputs(method: Method) -> bool:
    """Whether there are mixed points in the plane; of manifold mixup some batches."""
    return method.rule in ("mixup", "cutmix") or (method.rule == "manifold" and not method.first)


def add_mixed(
    fig: go.Figure, result: Result, m: int, stacks: dict[int, dict[str, np.ndarray]], language: str, **place: Any
) -> None:
    """The mixed points of an epoch, coloured by their mixed label like the map; before training there are none."""
    one, other, share = np.moveaxis(result.origin[m], 2, 0)  # [tick, sample]
    label = share * one + (1 - share) * other
    label = np.where((one < 0) | (other < 0), np.nan, label)  # without label: not drawn
    x = np.where(np.isfinite(label)[..., None], result.mixed[m], np.nan)
    stacks[len(fig.data)] = {"x": x[..., 0], "y": x[..., 1], "marker.color": label}
    fig.add_scatter(
        x=x[-1, :, 0],
        y=x[-1, :, 1],
        mode="markers",
        marker={
            "size": 6,
            "color": label[-1],
            "cmin": 0,
            "cmax": 1,
            "colorscale": style.colorscale(style.DIVERGING),
            "line": {"width": 0.8, "color": "#ffffff"},
        },
        hovertemplate=f"{text(language).say('words.mixed_sample')}: %{{marker.color:.2f}}<extra></extra>",
        **place,
    )


def add_examples(fig: go.Figure, result: Result, language: str, **place: Any) -> None:
    """Training points with the labels they were given; a wrong one has a ring."""
    say = text(language).say
    plot.two_classes(fig, result.x, result.y, say("words.class"), 6, **place)
    fig.add_scatter(
        x=result.x[result.wrong, 0],
        y=result.x[result.wrong, 1],
        mode="markers",
        marker={"size": 13, "symbol": "circle-open", "color": "#ffffff", "line": {"width": 2.2}},
        hovertemplate=f"{say('words.wrong_label')}<extra></extra>",
        **place,
    )


# What a method is worth


MEASURES = ("last", "early", "confidence", "memorised")


def worth(result: Result) -> dict[str, np.ndarray]:
    """Per method and seed: test accuracy at the last epoch and with early stopping, confidence, memorised labels."""
    found = {"last": result.accuracy[:, :, -1, TEST], "early": early(result)}
    found |= {"confidence": result.confidence[:, :, -1], "memorised": result.memorised[:, :, -1]}
    return {name: values.astype(float) for name, values in found.items()}


def draw_compare(result: Result, language: str) -> go.Figure:
    say, labels = text(language).say, names(result, language)
    rows, found = labels[::-1], worth(result)  # plotly counts rows upward
    fig = make_subplots(
        1, 2, shared_yaxes=True, horizontal_spacing=0.05, figure=plot.figure(150 + 40 * len(rows), "closest")
    )
    looks = {"last": (0, "circle"), "early": (2, "diamond-open"), "confidence": (3, "square"), "memorised": (5, "x")}
    for i, name in enumerate(MEASURES):
        values = found[name][::-1]
        if not np.isfinite(values).any():
            continue
        mean, half = mean_interval(values)
        colour, symbol = style.PALETTE[looks[name][0]], looks[name][1]
        fig.add_scatter(
            x=mean,
            y=rows,
            name=say(f"words.{name}"),
            mode="markers",
            error_x={"array": half, "thickness": 1.5, "width": 5, "color": style.AXIS},
            marker={"size": 12, "symbol": symbol, "color": colour, "line": {"width": 2, "color": colour}},
            hovertemplate=f"%{{y}}: <b>%{{x:.3f}}</b><extra>{say(f'words.{name}')}</extra>",
            row=1,
            col=1 + i // 2,
        )
    fig.update_yaxes(automargin=True, categoryorder="array", categoryarray=rows)
    fig.update_xaxes(title=say("words.test_accuracy"), row=1, col=1)
    fig.update_xaxes(title=say("words.share"), range=[-0.02, 1.02], row=1, col=2)
    return fig


def table_compare(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    columns: dict[str, object] = {say("words.method"): labels}
    for i, (name, values) in enumerate(worth(result).items()):
        mean, half = mean_interval(values)
        columns |= {say(f"words.{name}"): mean.round(4), f"± 95 %{' ' * i}": half.round(4)}
    columns[say("words.train_accuracy")] = result.accuracy[:, :, -1, TRAIN].astype(float).mean(1).round(4)
    return pd.DataFrame(columns)


def summary_compare(result: Result, language: str) -> str:
    say, labels, found = text(language).say, names(result, language), worth(result)
    said = []
    for key in ("last", "early"):
        mean = found[key].mean(1)
        best, worst = (text(language).listed(labels[m] for m in who) for who in ends(mean, percent))
        values = {"best": best, "worst": worst, "most": percent(mean.max()), "least": percent(mean.min())}
        said.append(say(f"summaries.{key}" if worst else f"summaries.{key}_tie", **values))
    return " ".join(said)


def summary_maps(result: Result, language: str) -> str:
    say, labels, found = text(language).say, names(result, language), worth(result)
    said = []
    for m in range(min(2, len(labels))):
        values = {name: percent(found[name][m].mean()) for name in MEASURES}
        key = "summaries.method_wrong" if result.wrong.any() else "summaries.method"
        said.append(say(key, name=labels[m], epoch=int(result.epoch[-1]), **values))
    return " ".join(said)


# Curves


def banded(values: np.ndarray, m: int) -> np.ndarray:
    """Seeds of method m, [seed, n]; beyond the first two methods their mean alone, as many bands hide each other."""
    seeds = values[m].astype(float)
    return seeds if m < 2 else seeds.mean(0, keepdims=True)


def draw_curves(result: Result, language: str) -> go.Figure:
    """Test accuracy, confidence and memorised labels over the epochs."""
    say, labels = text(language).say, names(result, language)
    series = {"test_accuracy": result.accuracy[..., TEST], "confidence": result.confidence}
    if result.wrong.any():
        series["memorised"] = result.memorised
    fig = make_subplots(
        len(series), 1, shared_xaxes=True, vertical_spacing=0.05, figure=plot.figure(160 + 150 * len(series))
    )
    for row, (name, values) in enumerate(series.items(), 1):
        for m, label in enumerate(labels):
            place = {"row": row, "col": 1, "legendgroup": label}
            plot.bands(fig, result.epoch, banded(values, m), label, plot.curve(m), **place)
            fig.data[-1].showlegend = row == 1
        fig.update_yaxes(title={"text": say(f"words.{name}"), "font": {"size": 12}}, row=row, col=1)
    fig.update_xaxes(range=[0, result.params.epochs])
    fig.update_xaxes(title=say("words.epoch"), row=len(series), col=1)
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), list(range(len(fig.data))), {})
    return fig


def table_curves(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.epoch"): result.epoch}
    for m, label in enumerate(names(result, language)):
        for name, values in (("test_accuracy", result.accuracy[..., TEST]), ("confidence", result.confidence)):
            columns[f"{say(f'words.{name}')}, {label}"] = values[m].astype(float).mean(0).round(4)
    return pd.DataFrame(columns)


def summary_curves(result: Result, language: str) -> str:
    say, stops = text(language).say, result.epoch[stop(result)]  # [method, seed]
    last, validated = result.accuracy[:, :, -1, TEST], np.isfinite(result.loss[..., VALIDATION]).any(2).all(1)
    said = [
        say(
            "summaries.curves" if validated[m] else "summaries.curves_lost",
            name=name,
            epoch=f"{np.median(stops[m]):g}",
            early=percent(early(result)[m].mean()),
            last=percent(last[m].mean()),
        )
        for m, name in enumerate(names(result, language)[:2])
    ]
    return " ".join(said)


# Attacks


def draw_attack(result: Result, language: str) -> go.Figure:
    """Test accuracy against the size of an attack."""
    say, labels = text(language).say, names(result, language)
    titles = [say(f"words.{attack}") for attack in ATTACKS]
    fig = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.1, subplot_titles=titles, figure=plot.figure(440))
    fig.update_layout(legend={"y": 1.1})
    for a in range(2):
        for m, label in enumerate(labels):
            place = {"row": 1, "col": a + 1, "legendgroup": label}
            plot.bands(fig, result.epsilon, banded(result.attacked[a], m), label, plot.curve(m), **place)
            fig.data[-1].showlegend = a == 0
    if not result.complete:
        fig.add_annotation(text=say("words.in_the_end"), xref="paper", yref="paper", x=0.5, y=0.5)
    fig.update_xaxes(title=say("words.epsilon"))
    fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_yaxes(title=say("words.test_accuracy"), row=1, col=1)
    return fig


def table_attack(result: Result, language: str) -> pd.DataFrame:
    columns: dict[str, object] = {"ε": result.epsilon.round(3)}
    for m, label in enumerate(names(result, language)):
        for a, attack in enumerate(ATTACKS):
            columns[f"{text(language).say(f'words.{attack}')}, {label}"] = result.attacked[a, m].mean(0).round(4)
    return pd.DataFrame(columns)


def summary_attack(result: Result, language: str) -> str:
    say = text(language).say
    if not result.complete:
        return say("summaries.no_attack")
    said = []
    for m, name in enumerate(names(result, language)[:2]):
        fgsm, pgd = (percent(result.attacked[a, m, :, 1].mean()) for a in range(2))
        said.append(say("summaries.attack", name=name, size=f"{result.epsilon[1]:.2g}", fgsm=fgsm, pgd=pgd))
    return " ".join(said)


# Mixed images


def draw_mixed(result: Result, language: str) -> go.Figure:
    """Images of the first seed as each method was trained on them, a row per method; below, their mixed labels."""
    say, labels = text(language).say, names(result, language)
    count, frames = result.mixed.shape[2], result.mixed.shape[1]
    fig = make_subplots(len(labels), 1, subplot_titles=labels, vertical_spacing=0.3 / len(labels), figure=plot.figure())
    stacks: dict[int, dict[str, np.ndarray]] = {}
    for m in range(len(labels)):
        pictures = result.mixed[m].reshape(frames, count, SIDE, SIDE)
        padded = np.pad(pictures, [(0, 0), (0, 0), (0, 0), (0, 1)], constant_values=np.nan)
        row = padded.transpose(0, 2, 1, 3).reshape(frames, SIDE, -1)[:, ::-1]  # the first row of pixels on top
        stacks[len(fig.data)] = {"z": row}
        place = {"row": m + 1, "col": 1}
        fig.add_heatmap(z=row[-1], zmin=0, zmax=1, colorscale=PAPER, showscale=False, hoverinfo="skip", **place)
        said = np.array([[mixed_label(part) for part in frame] for frame in result.origin[m]])
        stacks[len(fig.data)] = {"text": said}
        fig.add_scatter(
            x=(SIDE + 1) * np.arange(count) + (SIDE - 1) / 2,
            y=np.full(count, -0.8),
            text=said[-1],
            mode="text",
            textposition="bottom center",
            textfont={"size": 11},
            cliponaxis=False,
            hoverinfo="skip",
            **place,
        )
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, range=[-3.2, SIDE - 0.5], constrain="domain")
    for m in range(len(labels)):
        fig.layout[f"yaxis{m + 1 if m else ''}"].scaleanchor = f"x{m + 1 if m else ''}"
    fig.update_layout(showlegend=False, margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.aspect(fig, 0.22 * len(labels), 112 * len(labels))
    if result.complete:
        plot.scrub(fig, result.epoch, say("words.epoch"), [], stacks)
    return fig


def mixed_label(part: np.ndarray) -> str:
    """“3” or “3·.62 5·.38”; nothing where nothing was mixed yet."""
    one, other, share = part
    if not np.isfinite(share):
        return ""
    if share == 1:
        return f"{one:.0f}"
    return f"{one:.0f}·{share:.2f}<br>{other:.0f}·{1 - share:.2f}"


def table_mixed(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    frames = []
    for m, name in enumerate(names(result, language)):
        one, other, share = result.origin[m, -1].T
        given, partner = whole(one), whole(other)
        columns: dict[str, object] = {say("words.method"): [name] * len(one), say("words.label"): given}
        frames.append(pd.DataFrame(columns | {say("words.other_label"): partner, "λ": share.round(3)}))
    return pd.concat(frames)


def summary_mixed(result: Result, language: str) -> str:
    return text(language).say("summaries.mixed", epoch=int(result.epoch[-1]))


# Shares


def densities(result: Result) -> np.ndarray:
    """How often λ was in each of BINS stretches of 0…1, in percent: [method, bin]."""
    return np.stack([100 * np.histogram(s, BINS, (0, 1))[0] / len(s) for s in result.shares])


def draw_shares(result: Result, language: str) -> go.Figure:
    say, labels = text(language).say, names(result, language)
    fig = plot.figure(130 + 34 * len(labels), "closest")
    fig.add_heatmap(
        x=(np.arange(BINS) + 0.5) / BINS,
        y=labels,
        z=densities(result),
        zmin=0,
        zmax=25,
        xgap=1,
        ygap=3,
        colorscale=style.colorscale(style.SEQUENTIAL),
        colorbar={"title": {"text": "%"}},
        hovertemplate="%{y}, λ %{x:.3f}: %{z:.0f} %<extra></extra>",
    )
    fig.update_yaxes(autorange="reversed", automargin=True)
    fig.update_xaxes(title=say("words.lambda"), showgrid=False)
    return fig


def table_shares(result: Result, language: str) -> pd.DataFrame:
    say, low, mid, high = text(language).say, *(np.quantile(result.shares, q, axis=1) for q in (0.25, 0.5, 0.75))
    return pd.DataFrame(
        {
            say("words.method"): names(result, language),
            "25 %": low.round(3),
            "50 %": mid.round(3),
            "75 %": high.round(3),
            say("words.partner"): np.minimum(result.shares, 1 - result.shares).mean(1).round(3),
        }
    )


def summary_shares(result: Result, language: str) -> str:
    say = text(language).say
    smaller = np.minimum(result.shares, 1 - result.shares).mean(1)
    said = [
        say("summaries.shares", name=name, share=percent(share))
        for name, share in zip(names(result, language), smaller)
    ]
    return " ".join(said)


FIGURES = with_note(
    (
        Figure("maps", draw_maps, table_compare, summary_maps, shown=in_plane),
        Figure("compare", draw_compare, table_compare, summary_compare),
        Figure("curves", draw_curves, table_curves, summary_curves),
        Figure("attack", draw_attack, table_attack, summary_attack),
        Figure("mixed", draw_mixed, table_mixed, summary_mixed, shown=images),
        Figure("shares", draw_shares, table_shares, summary_shares),
    ),
    left_out,
)
