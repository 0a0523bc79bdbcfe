"""Pictures of convolution: the sliding kernel, channels, pooling, matrices, views, and what trained networks make of
it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text, closed_up
from core.concepts.convolution.algebra.params import BACK, DEEP, HEARD, UPSAMPLED, VIEWS
from core.concepts.convolution.claims import ORDERED, SHUFFLED, TEST, reached
from core.concepts.convolution.params import POOLS, SIDE, Result, Sizes, margins
from core.concepts.convolution.pooling.params import COUNTS
from core.concepts.convolution.pooling.params import NETS as POOLED
from core.concepts.convolution.shuffled.params import NETS, ORDERS
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percents

WINDOW = style.PALETTE[1]
APART = SIDE + 1  # from one small matrix to the next
COLOURS = ("red", "green", "blue")


def gallery(part: str, names: Any) -> Gallery:
    """Of an experiment whose rows are always these."""
    return Gallery(
        "convolution", lambda result, text: [text.say(f"rows.{name}") for name in names], "words.row", of=part
    )


HERE = Gallery("convolution", lambda result, text: [], "words.row")
ALGEBRA, VIEW, ECHO = gallery("algebra", ()), gallery("algebra", VIEWS), gallery("algebra", HEARD)
RACE, POOL = gallery("shuffled", NETS), gallery("pooling", POOLED)


def picture(fig: plot.Sheet, z: np.ndarray, signed: bool, **more: Any) -> None:
    """A picture with its first row on top: grey from 0 to 1, or where `signed` in colours around zero."""
    top = float(np.abs(z).max(initial=0)) or 1.0
    look = {"zmin": -top, "zmax": top, "colorscale": style.colorscale(style.DIVERGING)}
    grey = {"zmin": 0, "zmax": 1, "colorscale": plot.PAPER}
    tip = {"hovertemplate": "%{y}, %{x}: %{z:.3f}<extra></extra>", "showscale": False}
    fig.add_heatmap(z=z.astype(np.float32), **(look if signed else grey) | tip | more)


def upright(fig: plot.Sheet) -> None:
    """Pixels are square, rows count downward, axes are not seen."""
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, constrain="domain", autorange="reversed")
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))
    plot.bare(fig)


def negative(z: np.ndarray) -> bool:
    """Whether a picture needs colours around zero."""
    return bool((z < -1e-9).any() or (z > 1 + 1e-9).any())


# The sliding kernel


def draw_slide(result: Result, language: str) -> go.Figure:
    """The picture with a window on it, the output, and below them the window's arithmetic."""
    text, params = HERE.text(language), result.params
    specs = [[{}, {}], [{"colspan": 2}, None]]
    titles = [text.say("words.picture"), text.say("words.output")]
    sizes: dict[str, Any] = {"row_heights": [0.66, 0.34], "vertical_spacing": 0.04, "horizontal_spacing": 0.03}
    fig = plot.panels(2, 2, titles, 400, specs=specs, **sizes)
    (row, column), before, step = result.at, margins(params)[0], params.stride
    places = [np.arange(side) for side in result.picture.shape]
    down, across = (np.maximum((n + before - params.dilation) // step, 0) for n in places)
    picture(fig, result.picture, False, customdata=named(down, across), name="picture", row=1, col=1)
    shape = result.output.shape
    if shape[0]:
        own = named(*(np.arange(side) for side in shape))
        picture(fig, result.output, negative(result.output), customdata=own, name="output", row=1, col=2)
    span = params.dilation * (SIDE - 1)
    frame(fig, row * step - before, column * step - before, span, row=1, col=1)
    frame(fig, row, column, 0, row=1, col=2)
    upright(fig)
    sums(fig, result)
    return fig


def named(down: np.ndarray, across: np.ndarray) -> list[list[str]]:
    """What a click on a pixel means: row and column of the output."""
    return [[f"{i},{j}" for j in across] for i in down]


def frame(fig: plot.Sheet, top: int, left: int, span: int, **place: Any) -> None:
    """A square around the pixels from here to `span` further."""
    a, b, c, d = left - 0.5, left + span + 0.5, top - 0.5, top + span + 0.5
    look = {"mode": "lines", "line": plot.line(WINDOW, 2.5), "cliponaxis": False} | plot.QUIET
    fig.add_scatter(x=[a, b, b, a, a], y=[c, c, d, d, c], **look, **place)


def sums(fig: plot.Sheet, result: Result) -> None:
    """Patch × kernel = products → sum, as three small matrices."""
    below: dict[str, Any] = {"row": 2, "col": 1}
    products, axis = result.patch * result.used, np.arange(SIDE)
    for k, z in enumerate((result.patch, result.used, products)):
        more = {"texttemplate": "%{z:.2~f}", "textfont": {"size": 11}, "xgap": 1, "ygap": 1, "hoverinfo": "skip"}
        picture(fig, z, k > 0, x=axis + k * APART, y=axis, **more | {"hovertemplate": None}, **below)
    signs = ["×", "=", f"→ Σ = {products.sum():.2f}".replace("-", "−")]
    at = [k * APART - 1 for k in (1, 2)] + [3 * APART + 0.5]
    plot.words(fig, at, [1, 1, 1], np.array([signs]), "middle center", textfont={"size": 17}, **below)
    fig.update_xaxes(visible=False, range=[-0.6, 3 * APART + 2.6], constrain="domain", **below)
    fig.update_yaxes(visible=False, range=[SIDE - 0.5, -0.5], autorange=False, scaleanchor=None, **below)


def table_slide(result: Result, language: str) -> pd.DataFrame:
    """The nine products."""
    rows, columns = np.indices((SIDE, SIDE)).reshape(2, -1) + 1
    numbers = {"words.pixel": result.patch.ravel().round(4), "words.weight": result.used.ravel().round(4)}
    products = (result.patch * result.used).ravel().round(4)
    return HERE.frame(language, {"words.down": rows, "words.across": columns, **numbers, "words.product": products})


def summary_slide(result: Result, language: str) -> str:
    text, total = HERE.text(language), float((result.patch * result.used).sum())
    if not np.isfinite(total):
        return text.say("summaries.none")
    return text.say("summaries.slide", row=int(result.at[0]), column=int(result.at[1]), sum=total)


def panels(
    gallery: Gallery, id: str, shown: Any, summary: Any, *, columns: int, ratio: float, room: float = 0.2
) -> Figure:
    """Pictures in panels; shown(result, text): title → picture, signed or not. The table has their least, mean and
    largest number."""

    def paint(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
        z, signed = list(shown(result, text).values())[i]
        picture(fig, z, signed, **place)
        fig.update_yaxes(autorange="reversed", **place)

    def table(result: Any, language: str) -> pd.DataFrame:
        found = shown(result, gallery.text(language))
        least, mean, most = ([round(float(of(z)), 4) for z, _ in found.values()] for of in (np.min, np.mean, np.max))
        heads = {"words.least": least, "words.mean": mean, "words.most": most}
        return gallery.frame(language, {"words.row": list(found), **heads})

    titles = lambda result, text: list(shown(result, text))  # noqa: E731
    return pictures.beside(gallery, id, paint, table, summary, titles=titles, columns=columns, ratio=ratio, room=room)


def shown_flip(result: Result, text: Text) -> dict[str, Any]:
    signed = negative(result.ways)
    return {text.say(f"rows.{way}"): (z, signed) for way, z in zip(("correlation", "convolution"), result.ways)}


def summary_flip(result: Result, language: str) -> str:
    gap = float(np.abs(result.ways[0] - result.ways[1]).max())
    return HERE.text(language).say("summaries.flip", gap=gap) if np.isfinite(gap) else none(language)


def none(language: str) -> str:
    return HERE.text(language).say("summaries.none")


def shown_channels(result: Result, text: Text) -> dict[str, Any]:
    """The channels, what the kernel makes of each, and what it makes of all: the sum."""
    names = [text.say(f"words.{name}") for name in (COLOURS if len(result.planes) > 1 else ("grey",))]
    whole = result.answers.sum(0)
    found = {name: (plane, False) for name, plane in zip(names, result.planes)}
    found |= {text.say("words.picture"): (result.picture, False)}
    found |= {f"{name}, {text.say('words.kernel')}": (z, negative(whole)) for name, z in zip(names, result.answers)}
    return found | {text.say("words.map"): (whole, negative(whole))}


def summary_channels(result: Result, language: str) -> str:
    return HERE.text(language).say("summaries.channels", count=len(result.planes), weights=SIDE**2 * len(result.planes))


def shown_pools(result: Result, text: Text) -> dict[str, Any]:
    found = {text.say(f"rows.pool_{pool}"): (z, False) for pool, z in zip(POOLS, result.halved)}
    return {text.say("words.picture"): (result.picture, False)} | found | {text.say("words.back"): (result.back, False)}


def summary_pools(result: Result, language: str) -> str:
    means = result.halved.mean((1, 2))
    if not np.isfinite([*means, result.picture.mean()]).all():
        return none(language)
    values = {pool: float(mean) for pool, mean in zip(POOLS, means)}
    return HERE.text(language).say("summaries.pools", **values, bright=float(result.picture.mean()))


# What holds whatever the numbers


def draw_matrix(result: Any, language: str) -> go.Figure:
    """Weights of a dense layer, with zeros, and shared: a row per output, a column per input."""
    text = ALGEBRA.text(language)
    fig = plot.panels(3, 1, [text.say(f"rows.matrix_{name}") for name in ("dense", "sparse", "shared")], 430)
    for k, z in enumerate(result.layers):
        picture(fig, np.where(z == 0, np.nan, z), False, **{"zmin": -2, "zmax": 2, "xgap": 1, "ygap": 1}
                | {"colorscale": style.colorscale(style.DIVERGING)}, row=k + 1, col=1)  # fmt: skip
        fig.update_yaxes(autorange="reversed", visible=False, row=k + 1, col=1)
    fig.update_xaxes(visible=False)
    plot.bare(fig)
    return fig


def table_matrix(result: Any, language: str) -> pd.DataFrame:
    names = [ALGEBRA.text(language).say(f"rows.matrix_{name}") for name in ("dense", "sparse", "shared")]
    used = [int((z != 0).sum()) for z in result.layers]
    own = [len(np.unique(z[z != 0])) for z in result.layers]
    return ALGEBRA.frame(language, {"words.row": names, "words.entries": used, "words.own": own})


def summary_matrix(result: Any, language: str) -> str:
    if not np.isfinite(result.layers).all():
        return none(language)
    found = [len(np.unique(z[z != 0])) for z in result.layers]
    return ALGEBRA.text(language).say("summaries.matrix", dense=found[0], sparse=found[1], shared=found[2])


def shown_inverse(result: Any, text: Text) -> dict[str, Any]:
    """The piece, convolved, and undone in every way, each at its best scale."""
    piece, made, *back = result.pieces
    scaled = [z * (z * piece).sum() / max((z**2).sum(), 1e-12) for z in back]
    names = [text.say(f"rows.{way}") for way in BACK]
    found = {text.say("words.piece"): (piece, False), text.say("words.convolved"): (made, True)}
    return found | {name: (z, False) for name, z in zip(names, scaled)}


def summary_inverse(result: Any, language: str) -> str:
    if not result.lost.size or not np.isfinite(result.lost).all():
        return none(language) if result.lost.size else ALGEBRA.text(language).say("summaries.later")
    return ALGEBRA.text(language).say("summaries.inverse", **dict(zip(BACK, percents(result.lost))))


def shown_boards(result: Any, text: Text) -> dict[str, Any]:
    """How many products meet in every output, in shares of the most."""
    most = result.boards.max()
    return {text.say("words.board", kernel=k): (z / most, False) for k, z in zip(UPSAMPLED, result.boards)}


def summary_boards(result: Any, language: str) -> str:
    if not result.uneven.size or not np.isfinite(result.uneven).all():
        return none(language) if result.uneven.size else ALGEBRA.text(language).say("summaries.later")
    three, four = percents(result.uneven)
    return ALGEBRA.text(language).say("summaries.boards", three=three, four=four)


def draw_echo(result: Any, language: str) -> go.Figure:
    """Pulses as stems, and what comes of them looking back and looking ahead."""
    text, names = ECHO.text(language), ECHO.names(result, language)
    fig = plot.panels(2, 1, names, 420, "x unified", shared_xaxes=True, vertical_spacing=0.14)
    time = np.arange(len(result.pulses))
    for i, name in enumerate(names):
        place: dict[str, Any] = {"row": i + 1, "col": 1}
        look = {"color": style.fade(style.PALETTE[9], 0.7), "pattern": {"shape": "/"}}
        fig.add_bar(x=time, y=result.pulses, marker=look, name=text.say("words.pulses"), showlegend=not i, **place)
        fig.add_scatter(x=time, y=result.echoes[i], name=name, hovertemplate="%{y:.2f}", **plot.curve(i), **place)
    fig.update_xaxes(title=text.say("words.time"), row=2, col=1)
    fig.update_layout(showlegend=False)
    return fig


def table_echo(result: Any, language: str) -> pd.DataFrame:
    answers = dict(zip(ECHO.names(result, language), result.echoes.round(4)))
    heads = {"words.time": np.arange(len(result.pulses)), "words.pulses": result.pulses.round(4)}
    return ECHO.frame(language, heads | answers)


def summary_echo(result: Any, language: str) -> str:
    if not result.early.size:
        return ECHO.text(language).say("summaries.later")
    return ECHO.saying("summaries.echo", share=lambda r: percents(r.early))(result, language)


def summary_views(result: Any, language: str) -> str:
    last = {"field": lambda r: r.fields[:, -1].astype(float), "weights": lambda r: r.counted.astype(float)}
    return VIEW.saying("summaries.views", **last)(result, language)


# Trained networks


def ends(result: Any) -> dict[str, np.ndarray]:
    return {order: reached(k)(result) for k, order in enumerate(ORDERS)}


def paths(result: Any) -> dict[str, np.ndarray]:
    return {order: result.accuracy[:, k] for k, order in enumerate(ORDERS)}


def told(result: Any) -> dict[str, list[str]]:
    return {"before": percents(reached(ORDERED)(result)), "after": percents(reached(SHUFFLED)(result))}


SUMMARY_RACE = RACE.saying(
    "summaries.race",
    before=lambda r: told(r)["before"],
    after=lambda r: told(r)["after"],
    weights=lambda r: [f"{n:,}" for n in r.parameters],
)


def by_count(result: Any) -> dict[str, np.ndarray]:
    return {"test_accuracy": result.accuracy[..., TEST].swapaxes(1, 2)}


def summary_pooling(result: Any, language: str) -> str:
    shown = {f"at_{k}": (lambda r, k=k: percents(r.accuracy[:, k, :, TEST])) for k in (0, -1)}
    values = {"few": shown["at_0"], "many": shown["at_-1"], "trained": lambda r: percents(r.accuracy[:, 0, :, 0])}
    sentence = POOL.saying("summaries.pooling", **values)(result, language)
    return POOL.text(language).say("summaries.counts", least=COUNTS[0], most=COUNTS[: result.accuracy.shape[1]][-1],
                                   said=sentence)  # fmt: skip


def finish_share(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_layout(legend={"y": 1.12}, margin={"t": 70})  # over the titles


def finish_counts(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=COUNTS, ticktext=[f"{n:,}" for n in COUNTS])
    fig.update_yaxes(rangemode="tozero")


# The calculator


def draw_sizes(result: Sizes, language: str) -> go.Figure:
    """The side and the receptive field of every layer; where one is impossible, the reason."""
    text, fig = HERE.text(language), plot.figure(300)
    if not result.side.size:
        return plot.waiting(fig, reason(result, language))
    steps = np.arange(1, len(result.side) + 1)
    for i, (word, values) in enumerate((("side", result.side), ("field", result.view))):
        look = plot.curve(i, marked=True)
        fig.add_scatter(x=steps, y=values, name=text.say(f"words.{word}"), hovertemplate="%{y}", **look)
    fig.update_xaxes(title=text.say("words.layer"), tickvals=steps)
    fig.update_yaxes(title=text.say("words.places"), rangemode="tozero")
    return fig


def reason(result: Sizes, language: str) -> str:
    return HERE.text(language).say(f"reasons.{result.reason}", **result.values)


def summary_sizes(result: Sizes, language: str) -> str:
    """What the first layer and all of them have."""
    text, asked = HERE.text(language), result.params
    said = [reason(result, language)] if result.reason else []
    if result.side.size:
        kernel = f"{asked.inputs // asked.groups} × " + " × ".join([str(asked.window)] * asked.sides)
        size, pairs = " × ".join([str(int(result.side[0]))] * asked.sides), f"{asked.inputs * asked.outputs:,}"
        first = {"kernels": asked.outputs, "kernel": kernel, "size": size, "pairs": pairs, "inputs": asked.inputs}
        said.append(text.say("summaries.first_layer", **first, parameters=f"{int(result.parameters[0]):,}"))
        whole = {"count": len(result.side), "side": int(result.side[-1]), "field": int(result.view[-1])}
        totals = {"parameters": int(result.parameters.sum()), "multiply_adds": int(result.multiply_adds.sum())}
        said.append(text.say("summaries.all_layers", **whole, **{name: f"{n:,}" for name, n in totals.items()}))
    return closed_up(" ".join(said), language)


FIGURES = (
    *HERE.figures(
        Figure("slide", draw_slide, table_slide, summary_slide),
        panels(HERE, "flip", shown_flip, summary_flip, columns=2, ratio=0.78),
        panels(HERE, "channels", shown_channels, summary_channels, columns=4, ratio=0.9, room=0.3),
        panels(HERE, "pools", shown_pools, summary_pools, columns=3, ratio=0.76),
    ),
    *ALGEBRA.figures(
        Figure("matrix", draw_matrix, table_matrix, summary_matrix),
        panels(ALGEBRA, "inverse", shown_inverse, summary_inverse, columns=4, ratio=1.12),
        panels(ALGEBRA, "boards", shown_boards, summary_boards, columns=2, ratio=1.05),
    ),
    *ECHO.figures(Figure("echo", draw_echo, table_echo, summary_echo)),
    *VIEW.figures(
        kinds.swept(
            VIEW, "views", "layers", lambda r: np.arange(1, DEEP + 1), lambda r: {"field": r.fields[:, None]},
            summary_views, finish=lambda fig, r, text: fig.update_xaxes(dtick=1), hover=".0f", marked=True,
        ),
    ),
    *RACE.figures(
        kinds.intervals(RACE, "shuffled", ends, SUMMARY_RACE,
                        finish=lambda fig, r, text: fig.update_xaxes(range=[-0.02, 1.02])),
        kinds.curves(RACE, "learning", "epoch", lambda r: r.tick, paths, SUMMARY_RACE, side=True, marked=True,
                     finish=finish_share),
    ),
    *POOL.figures(
        POOL.later(
            kinds.swept(POOL, "pooling", "examples", lambda r: np.array(COUNTS)[: r.accuracy.shape[1]], by_count,
                        summary_pooling, marked=True, banded=0, finish=finish_counts),
            lambda r: r.accuracy.shape[1] > 0,
        ),
    ),
)  # fmt: skip
