"""Pictures of augmentation: what is gained on which data, class by class, by how many examples, and a photograph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.data_augmentation.params import COPIES, Result, form, image, reference, used
from core.concepts.data_augmentation.picture.params import CODE, RULES
from core.concepts.data_augmentation.sizes.params import compared
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, by_rule, percents
from core.figures.pictures import in_colour, upright

STEP = ("step", lambda r: r.tick)
MEASURED = {"test": (1, "circle", 0.13), "met": (0, "diamond-open", -0.13)}  # word → colour, symbol, how far up
ROW = 0.8  # of the room of a row, for its example


def named(result: Any, text: Text) -> list[str]:
    return by_rule(used(result.params), text, lambda way, name, text: f"{way.strength:g}", "options.rule")


def paired(result: Any, text: Text) -> list[str]:
    return by_rule(compared(result.params), text, lambda way, name, text: f"{way.strength:g}", "options.rule")


HERE = Gallery("data_augmentation", named, "words.way")
SIZES = Gallery("data_augmentation", paired, "words.way", of="sizes")
PHOTO = Gallery(
    "data_augmentation",
    lambda r, text: [text.say(f"changes.{rule}") for rule in RULES[: len(r.pictures)]],
    "words.change",
    of="picture",
)


# Gains


def met_word(result: Result, text: Text) -> str:
    """The second test set."""
    return text.say("words.met", met=text.say(f"options.met.{result.params.met}"))


def draw_gains(result: Result, language: str) -> go.Figure:
    """A line per way: an example before and after; accuracy on test data as they are and as `met` changes them."""
    text, names = HERE.text(language), HERE.names(result, language)
    shape: dict[str, Any] = {"shared_yaxes": True, "column_widths": [0.3, 0.7], "horizontal_spacing": 0.02}
    fig = plot.panels(1, 2, None, 130 + 38 * len(names), **shape)
    rows = np.arange(len(names))[::-1]
    (draw_images if image(result.params) else draw_signals)(fig, result, text, rows)
    first = reference(used(result.params))
    for word, (colour, symbol, aside) in MEASURED.items():
        mean, half = plot.over_seeds(getattr(result, word))  # [way, tick]
        said = text.say("words.test") if word == "test" else met_word(result, text)
        tip = f"%{{text}}: <b>%{{x:.3f}}</b><extra>{said}</extra>"
        look = {"mode": "markers", "name": said, "text": names, "hovertemplate": tip}
        edge = plot.mark(colour, 11) | {"symbol": symbol, "line": {"width": 2, "color": style.PALETTE[colour]}}
        place: dict[str, Any] = {"row": 1, "col": 2}
        ends = [-0.5, len(names) - 0.5]
        dash = plot.line(style.fade(style.PALETTE[colour], 0.5), 1.5, "dash" if word == "test" else "dot")
        fig.add_scatter(x=mean[[first, first], -1], y=ends, mode="lines", line=dash, **plot.QUIET, **place)
        fig.was(x=mean[[first, first]].T)
        bars = plot.error(half[:, -1], 5)
        fig.add_scatter(x=mean[:, -1], y=rows + aside, error_x=bars, marker=edge, **look, **place)
        fig.was(x=mean.T, error_x__array=half.T)
    fig.update_yaxes(tickvals=rows, ticktext=names, range=[-0.6, len(names) - 0.4], showgrid=False, zeroline=False)
    fig.update_yaxes(automargin=True, col=1)
    fig.update_xaxes(title=text.say("words.accuracy"), col=2)
    fig.update_xaxes(title=text.say("words.example"), showticklabels=False, showgrid=False, zeroline=False, col=1)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def draw_signals(fig: plot.Sheet, result: Result, text: Text, rows: np.ndarray) -> None:
    """The example in grey, and over it one that is changed."""
    low, high = min(result.example.min(), -2.0), max(result.example.max(), 2.0)
    place: dict[str, Any] = {"row": 1, "col": 1, "mode": "lines"} | plot.QUIET
    level = lambda x, row: row + ROW * (np.clip((x - low) / (high - low), -0.1, 1.1) - 0.5)  # noqa: E731
    for i, row in enumerate(rows):
        fig.add_scatter(y=level(result.example, row), line=plot.line(style.AXIS, 1), **place)
        if used(result.params)[i].rule != "none":
            line = plot.line(style.PALETTE[1], 2)
            fig.add_scatter(y=level(most_changed(result, i), row), line=line, **place)


def most_changed(result: Result, i: int) -> np.ndarray:
    """Of the copies of way i the one that is farthest from the example: some changes come by chance."""
    return result.copies[i, np.abs(result.copies[i] - result.example).sum(1).argmax()]


def draw_images(fig: plot.Sheet, result: Result, text: Text, rows: np.ndarray) -> None:
    """The example, and beside it as it is changed."""
    height, width = form(result.params)
    for i, row in enumerate(rows):
        shown = np.stack([result.example, most_changed(result, i)]).reshape(1, 2, height, width)
        cell = ROW / height
        axis = {"y0": row - ROW / 2 + cell / 2, "dy": cell}
        plot.images(fig, plot.mosaic(1 - shown[None]), **axis, row=1, col=1)
    fig.update_xaxes(range=[-1.5 * width, 3.5 * width], col=1)  # about as wide as they are high


def table_gains(result: Result, language: str) -> pd.DataFrame:
    text = HERE.text(language)
    values = {text.say("words.test"): result.test[..., -1], met_word(result, text): result.met[..., -1]}
    return HERE.table(result, language, kinds.with_half(values))


def summary_gains(result: Result, language: str) -> str:
    return HERE.saying(
        "summaries.gains",
        test=lambda r: percents(r.test[..., -1]),
        met=lambda r: percents(r.met[..., -1]),
        kind=lambda r: [met_word(r, HERE.text(language))] * len(r.test),
    )(result, language)


# Class by class


def gained(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy less that of the reference, percentage points, and half its interval: [way, tick, class]."""
    found = result.by_class.astype(float)
    return plot.over_seeds(100 * (found - found[reference(used(result.params))]))


def draw_classes(result: Result, language: str) -> go.Figure:
    text, names = HERE.text(language), HERE.names(result, language)
    mean, half = gained(result)
    others = [i for i in range(len(names)) if i != reference(used(result.params))]
    fig = plot.figure(120 + 44 * max(len(others), 1), "closest")
    mean, half = mean[others].swapaxes(0, 1), half[others].swapaxes(0, 1)  # [tick, way, class]
    said = np.array([[[cell(m, h) for m, h in zip(*row)] for row in zip(*both)] for both in zip(mean, half)], str)
    tip = f"%{{y}}, {text.say('words.class')} %{{x}}: %{{text}}<extra></extra>"
    fig.add_heatmap(
        z=mean[-1], text=said[-1], x=np.arange(mean.shape[-1]), y=[names[i] for i in others], zmin=-40, zmax=40,
        colorscale=style.colorscale(style.DIVERGING), texttemplate="%{text}", textfont={"size": 11}, xgap=2, ygap=2,
        colorbar={"title": {"text": text.say("words.points")}}, hovertemplate=tip,
    ).was(z=mean, text=said)  # fmt: skip
    fig.update_xaxes(title=text.say("words.class"), tickvals=np.arange(mean.shape[-1]), showgrid=False)
    fig.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def cell(mean: float, half: float) -> str:
    """A gain with its interval."""
    if not np.isfinite(mean):
        return "–"
    return f"<b>{whole(mean)}</b>" + (f"<br>±{half:.0f}" if np.isfinite(half) else "")


def whole(points: float) -> str:
    """With its sign, if it is not 0."""
    return f"{round(points):+d}" if round(points) else "0"


def table_classes(result: Result, language: str) -> pd.DataFrame:
    mean, half = (values[:, -1] for values in gained(result))
    columns = {"words.class": np.arange(mean.shape[1])[None], "words.points": mean.round(2), "± 95 %": half.round(2)}
    return HERE.table(result, language, columns)


def summary_classes(result: Result, language: str) -> str:
    """For every way but the reference, the classes that gain and lose most."""
    mean, first = gained(result)[0][:, -1], reference(used(result.params))

    def row(i: int) -> dict[str, Any] | None:
        if i == first or not np.isfinite(mean[i]).any():
            return None
        most, least = int(np.nanargmax(mean[i])), int(np.nanargmin(mean[i]))
        numbers = {"gain": whole(mean[i, most]), "loss": whole(mean[i, least])}
        even = {"key": "summaries.classes_even"} if numbers["gain"] == numbers["loss"] else {}
        return {"most": most, "least": least} | numbers | even

    return HERE.each(result, language, "summaries.classes", row, none="summaries.alone")


# What networks see


def draw_copies(result: Result, language: str) -> go.Figure:
    names = HERE.names(result, language)
    if image(result.params):
        fig = plot.panels(1, 1, None, 100 + 52 * len(names))
        album = {name: copies[None] for name, copies in zip(names, result.copies)}
        plot.album(fig, album, form(result.params)[0], row=1, col=1)
        return fig
    fig, places = plot.grid(names, min(4, len(names)), 0.02, 0.18, shared_yaxes=True)
    for i, place in enumerate(places):
        for k in range(COPIES):
            look = plot.line(style.fade(style.PALETTE[1], 0.75), 1.4)
            fig.add_scatter(y=result.copies[i, k], mode="lines", line=look, **plot.QUIET, **place)
        fig.add_scatter(y=result.example, mode="lines", line=plot.line(style.AXIS, 3), **plot.QUIET, **place)
    fig.update_xaxes(showticklabels=False)
    plot.bare(fig)
    plot.aspect(fig, 0.26 * -(-len(names) // min(4, len(names))))
    return fig


def table_copies(result: Result, language: str) -> pd.DataFrame:
    """How far changed examples are from the one they are made of."""
    off = np.abs(result.copies - result.example).mean(2)
    return HERE.table(result, language, {"words.distance": off.mean(1).round(4)})


def summary_copies(result: Result, language: str) -> str:
    off = np.abs(result.copies - result.example).mean((1, 2))
    return HERE.each(result, language, "summaries.copy", lambda i: {"off": f"{off[i]:.2f}"}, whole="summaries.copies")


# A photograph


def draw_photo(result: Any, language: str) -> go.Figure:
    text, names = PHOTO.text(language), PHOTO.names(result, language)
    fig, places = plot.grid([text.say("words.original"), *names], 3, 0.03, 0.2)
    height, width = result.original.shape[:2]
    for pictures, place in zip([result.original[None], *result.pictures], places):
        for k, picture in enumerate(pictures):
            in_colour(fig, picture, (1.04 * k - 0.52 * (len(pictures) - 1) - 0.5) * width, **place)
    upright(fig, places, (-1.04 * width, 1.04 * width), height)
    plot.bare(fig)
    plot.aspect(fig, 0.56)
    return fig


def table_photo(result: Any, language: str) -> pd.DataFrame:
    off = [np.abs(each.astype(float) - result.original).mean() for each in result.pictures]
    text = PHOTO.text(language)
    code = [CODE.get(rule) or text.say(f"words.code_{rule}") for rule in RULES[: len(off)]]
    return PHOTO.table(result, language, {"words.code": code, "words.distance": np.round(off, 1)})


def summary_photo(result: Any, language: str) -> str:
    off = [np.abs(each.astype(float) - result.original).mean() for each in result.pictures]
    if not off:
        return PHOTO.text(language).say("words.later")
    return PHOTO.each(result, language, "summaries.copy", lambda i: {"off": f"{off[i]:.0f}"}, whole="summaries.photo")


# By how many examples


def finish_sizes(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=result.count, ticktext=[f"{n}" for n in result.count], tickangle=0)


def summary_sizes(result: Any, language: str) -> str:
    found = result.test[..., -1].astype(float)
    return SIZES.saying(
        "summaries.sizes",
        least=lambda r: percents(found[:, 0]),
        most=lambda r: percents(found[:, -1]),
        few=lambda r: [int(r.count[0])] * len(found),
        many=lambda r: [int(r.count[-1])] * len(found),
    )(result, language)


GAINS = Figure("gains", draw_gains, table_gains, summary_gains)
CLASSES = Figure("classes", draw_classes, table_classes, summary_classes)
SIZE = kinds.swept(
    SIZES, "sizes", "count", lambda r: r.count, lambda r: {"test": r.test.transpose(0, 2, 3, 1)}, summary_sizes,
    moments=STEP, marked=True, finish=finish_sizes,
)  # fmt: skip
COPIED = Figure("copies", draw_copies, table_copies, summary_copies)
OVER = kinds.curves(
    HERE, "steps", *STEP, lambda r: {"accuracy": np.stack([r.train, r.validation, r.test], -1)},
    HERE.saying("summaries.steps", train=lambda r: percents(r.train[..., -1]),
                test=lambda r: percents(r.test[..., -1])),
    parts=kinds.splits("test"),
)  # fmt: skip
VALIDATED = kinds.intervals(
    HERE, "validated", lambda r: {"validation": r.validation[..., -1], "test": r.test[..., -1]},
    HERE.saying("summaries.validated", validation=lambda r: percents(r.validation[..., -1]),
                test=lambda r: percents(r.test[..., -1])),
    together={"accuracy": {"validation": (2, "circle"), "test": (1, "diamond-open")}},
)  # fmt: skip
PICTURES = Figure("photo", draw_photo, table_photo, summary_photo)

FIGURES = (
    *HERE.figures(GAINS, CLASSES),
    *SIZES.figures(SIZE),
    *HERE.figures(OVER, COPIED, VALIDATED),
    *PHOTO.figures(PICTURES),
)
