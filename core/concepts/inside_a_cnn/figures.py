"""Pictures of what is inside a CNN: dreams, maps, patches, saliency, layers, attacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.inside_a_cnn.claims import DEEP, OUTPUT, PRIOR, SIZE, SOON
from core.concepts.inside_a_cnn.params import (
    ATTACKS,
    CLASSES,
    EPSILONS,
    FIELDS,
    KINDS,
    MAPPED,
    METHODS,
    NETS,
    PLACES,
    SHOWN,
    STRENGTHS,
    WEIGHTED,
    Ascent,
    Dreamt,
    Result,
    Seen,
    ticks,
)
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent, percents
from core.ml.mnist import SIDE

STEPS = np.arange(len(WEIGHTED) + 1)  # layers replaced
DEPTHS = np.arange(len(PLACES))
MIDDLES = (SIDE + 1) * STEPS + (SIDE - 1) / 2  # of pictures side by side
ASKED = [method for method in METHODS if method != "cam"]  # of a drawing


def ready(result: Result) -> bool:
    return len(result.dreams) > 0


def gallery(names: tuple[str, ...], head: str) -> Gallery:
    """Of rows that are always these."""
    named = lambda result, text: [text.say(f"rows.{name}") for name in names]  # noqa: E731
    return Gallery("inside_a_cnn", named, f"words.{head}", known=ready)


HERE, WAYS = gallery(NETS, "network"), gallery(METHODS, "method")
LEARNT, HARMED = gallery(KINDS, "network"), gallery(ATTACKS, "attack")


def grey(fig: plot.Sheet, stack: np.ndarray, **place: Any) -> None:
    """Ink on paper, [moment, row, column]."""
    plot.images(fig, 1 - stack[:, ::-1].astype(float), **place)
    square(fig, **place)


def square(fig: plot.Sheet, **place: Any) -> None:
    fig.update_xaxes(visible=False, constrain="domain", **place)
    fig.update_yaxes(visible=False, constrain="domain", **place)
    trace = fig.data[-1]
    fig.update_yaxes(scaleanchor=trace.xaxis or "x", **place)


def opinions(fig: plot.Sheet, said: np.ndarray, text: Text, legend: bool, **place: Any) -> None:
    """What both networks say, [net, moment, class], as bars; over them what the first one says."""
    for i, name in enumerate(NETS):
        look = {"color": style.fade(style.PALETTE[i], 0.75), "pattern": {"shape": ("", "/")[i], "size": 5}}
        own = {"name": text.say(f"rows.{name}"), "showlegend": legend, "legendgroup": name}
        tip = f"%{{x}}: %{{y:.1%}}<extra>{text.say(f'rows.{name}')}</extra>"
        values = said[i].astype(float)
        fig.add_bar(x=np.arange(CLASSES), y=values[-1], marker=look, hovertemplate=tip, **own, **place).was(y=values)
    words = np.array([[f"<b>{top}</b> · {percent(row[top])}"] for row in said[0] for top in [int(row.argmax())]])
    plot.words(
        fig, [(CLASSES - 1) / 2], [1.2], words, "middle center", textfont={"size": 14}, showlegend=False, **place
    )
    fig.update_xaxes(tick0=0, dtick=3, tickangle=0, tickfont={"size": 11}, showgrid=False, **place)
    fig.update_yaxes(range=[0, 1.36], tickvals=[0, 1], ticktext=["0", "100 %"], showgrid=False, **place)


# The first picture


def dreamt(result: Result, strength: float, moments: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """A dream [moment, row, column] and what is said of it [net, moment, class]; before, the noise."""
    k = STRENGTHS.index(strength)
    if len(result.moment[moments]):
        return result.dream[k, moments] / 255, result.dream_said[:, k, moments]
    return result.noise[None], result.noise_said[:, -1:]


def ascent(result: Result) -> np.ndarray:
    """Steps of the ascent that are looked at."""
    return result.moment - result.params.steps


def panels(result: Result, text: Text) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Title → pictures and what is said of them, [moment, …] each: a digit, noise that has hardly changed, and what
    becomes of it."""
    step, most = ticks(result.params.ascent)[SOON], f"{STRENGTHS[PRIOR]:g}"
    first = text.say("words.own") if result.params.own else text.say("words.real", digit=result.params.digit)
    return {
        first: (result.picture[None], result.said[:, -1:]),
        text.say("words.noise_at", step=step): dreamt(result, 0.0, slice(SOON, SOON + 1)),
        text.say("words.no_prior"): dreamt(result, 0.0),
        text.say("words.prior", strength=most): dreamt(result, STRENGTHS[PRIOR]),
    }


def draw_fooled(result: Result, language: str) -> go.Figure:
    """Pictures, and below each what is said of it."""
    text = HERE.text(language)
    found = panels(result, text)
    sizes: dict[str, Any] = {"row_heights": [0.62, 0.38], "vertical_spacing": 0.03, "horizontal_spacing": 0.03}
    fig = plot.panels(2, len(found), list(found), 390, shared_yaxes=True, **sizes)
    for k, (stack, said) in enumerate(found.values(), 1):
        grey(fig, stack, row=1, col=k)
        opinions(fig, said, text, k == 1, row=2, col=k)
    fig.update_layout(margin={"t": 44, "l": 40, "r": 8, "b": 30}, legend={"y": -0.09, "yanchor": "top"}, bargap=0.15)
    for i in [i for i, stacks in fig.stacks.items() if len(next(iter(stacks.values()))) < len(result.moment)]:
        del fig.stacks[i]  # it stands still
    return plot.film(fig, result, ascent(result), text.say("words.ascent"))


def table_fooled(result: Result, language: str) -> pd.DataFrame:
    text = HERE.text(language)
    found = panels(result, text)
    columns: dict[str, Any] = {"words.picture": [title.replace("<br>", " ") for title in found]}
    for i, name in enumerate(HERE.names(result, language)):
        last = np.array([said[i, -1] for _, said in found.values()], float)
        columns |= {f"{name}: {text.say('words.class')}": last.argmax(1)}
        columns |= {f"{name}: {text.say('words.probability')}": last.max(1).round(4)}
    return HERE.frame(language, columns)


def summary_fooled(result: Result, language: str) -> str:
    text, digit = HERE.text(language), result.params.digit
    if not len(result.moment):
        return text.say(
            "summaries.learning", step=result.step, accuracy=percent(float(result.accuracy[0, :, -1].mean()))
        )
    k = min(SOON, len(result.moment) - 1)
    numbers = {"soon": result.dream_said[:, 0, k], "none": result.dream_said[:, 0, -1]}
    numbers |= {"prior": result.dream_said[:, PRIOR, -1]}
    said = {f"{net}_{name}": percent(float(p[i, digit])) for name, p in numbers.items() for i, net in enumerate(NETS)}
    steps = {"first": int(ascent(result)[k]), "last": int(ascent(result)[-1])}
    return text.say("summaries.fooled", digit=digit, strength=f"{STRENGTHS[PRIOR]:g}", **steps, **said)


# Dreams


def draw_dreams(result: Result, language: str) -> go.Figure:
    """Every class, a row per strength."""
    text, fig = HERE.text(language), plot.figure(420, "closest")
    found = result.dreams[-1].reshape(len(STRENGTHS), CLASSES, -1) / 255
    plot.album(fig, {f"{s:g}": found[k][None] for k, s in enumerate(STRENGTHS)}, SIDE)
    middle = (SIDE + 1) * np.arange(CLASSES) + (SIDE - 1) / 2
    fig.update_xaxes(visible=True, showgrid=False, tickvals=middle, ticktext=[f"{c}" for c in range(CLASSES)])
    fig.update_layout(xaxis_title=text.say("words.class"), yaxis_title=text.say("words.strength"))
    return fig


def by_strength(result: Result) -> np.ndarray:
    """[net, seed, moment, strength]."""
    return result.believed.transpose(0, 2, 3, 1).astype(float)


def table_dreams(result: Result, language: str) -> pd.DataFrame:
    names, mean = HERE.names(result, language), by_strength(result)[:, :, -1].mean(1).round(4)
    return HERE.frame(language, {"words.strength": STRENGTHS, **dict(zip(names, mean))})


SUMMARY_DREAMS = HERE.saying(
    "summaries.dreams",
    none=lambda r: percents(by_strength(r)[..., -1, 0]),
    prior=lambda r: percents(by_strength(r)[..., -1, PRIOR]),
    strength=lambda r: [f"{STRENGTHS[PRIOR]:g}"] * len(NETS),
)


# Maps


def maps(result: Result | Seen) -> list[np.ndarray]:
    """The maps of every layer as one picture, over the layer's largest number, [row, column]."""
    found = [getattr(result, name)[-1] for name in MAPPED]
    return [plot.mosaic(each.reshape(4, 4, *each.shape[1:]) / (each.max() or 1.0)) for each in found]


def coloured(fig: plot.Sheet, z: np.ndarray, **place: Any) -> None:
    """From 0 to the largest number, the first row of pixels below."""
    look = {"colorscale": style.colorscale(style.SEQUENTIAL), "zmin": 0, "zmax": 1, "showscale": False}
    fig.add_heatmap(z=z.astype(np.float32), hovertemplate="%{z:.2f}<extra></extra>", **look, **place)
    square(fig, **place)


def layered(text: Text) -> list[str]:
    return [text.say(f"rows.{name}") for name in MAPPED]


def paint_maps(fig: plot.Sheet, result: Result, text: Text, i: int, **place: Any) -> None:
    grey(fig, result.picture[None], **place) if not i else coloured(fig, maps(result)[i - 1], **place)


def silent(result: Result) -> list[int]:
    """Maps of every layer that are empty."""
    return [int((getattr(result, name)[-1].max((1, 2)) <= 0).sum()) for name in MAPPED]


def table_maps(result: Result, language: str) -> pd.DataFrame:
    found = [getattr(result, name)[-1] for name in MAPPED]
    numbers: dict[str, Any] = {"words.mean": [round(float(each.mean()), 4) for each in found]}
    numbers |= {"words.most": [round(float(each.max()), 4) for each in found], "words.silent": silent(result)}
    return HERE.frame(language, {"words.layer": layered(HERE.text(language)), **numbers, "words.field": FIELDS})


def summary_maps(result: Result, language: str) -> str:
    return HERE.text(language).say("summaries.maps", **dict(zip(MAPPED, FIELDS)), silent=silent(result)[-1])


# Patches


def paint_patches(fig: plot.Sheet, result: Result, text: Text, i: int, **place: Any) -> None:
    found = result.patches[-1, i, :, :, : FIELDS[i], : FIELDS[i]] / 255
    plot.images(fig, 1 - plot.mosaic(found)[None], **place)


def table_patches(result: Result, language: str) -> pd.DataFrame:
    ink = [round(float(result.patches[-1, i, :, :, :n, :n].mean()) / 255, 4) for i, n in enumerate(FIELDS)]
    return HERE.frame(language, {"words.layer": layered(HERE.text(language)), "words.field": FIELDS, "words.ink": ink})


def summary_patches(result: Result, language: str) -> str:
    return HERE.text(language).say("summaries.patches", **dict(zip(MAPPED, FIELDS)), count=SHOWN)


# Saliency


def replaced(text: Text) -> list[str]:
    return [text.say(f"replaced.{k}") for k in STEPS]


def draw_saliency(result: Result, language: str) -> go.Figure:
    """A row per method; from left to right more layers are replaced."""
    text, fig = WAYS.text(language), plot.figure(430, "closest")
    rows = zip(WAYS.names(result, language), result.saliency[-1])
    plot.album(fig, {name: found.reshape(1, len(STEPS), -1) for name, found in rows}, SIDE)
    fig.update_xaxes(
        visible=True, showgrid=False, tickvals=(SIDE + 1) * STEPS + (SIDE - 1) / 2, ticktext=replaced(text)
    )
    return fig


def alike(result: Result) -> np.ndarray:
    """Rank correlations [method, seed, replaced]."""
    return result.kept[..., -1].swapaxes(1, 2).astype(float)


def table_saliency(result: Result, language: str) -> pd.DataFrame:
    text, mean = WAYS.text(language), alike(result).mean(1).round(4)
    columns = {name: mean[:, k] for k, name in enumerate(replaced(text))}
    blank = result.blank[..., -1].astype(float).mean(1).round(4)
    return WAYS.frame(language, {WAYS.head: WAYS.names(result, language), **columns, "words.blank": blank})


def finish_notices(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_xaxes(tickvals=STEPS, ticktext=replaced(text))
    fig.update_yaxes(range=[-0.2, 1.04])


SUMMARY_SALIENCY = WAYS.saying(
    "summaries.saliency",
    output=lambda r: alike(r)[..., OUTPUT].mean(1).round(2) + 0.0,  # no −0.00
    all=lambda r: alike(r)[..., -1].mean(1).round(2) + 0.0,
)


# Layer by layer


def by_place(name: str, result: Result) -> np.ndarray:
    """[kind, seed, place]."""
    return getattr(result, name)[..., -1].swapaxes(1, 2).astype(float)


def places(text: Text) -> list[str]:
    return [text.say(f"rows.{name}") for name in PLACES]


def finish_places(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_xaxes(tickvals=DEPTHS, ticktext=places(text))


def reached(result: Result) -> dict[str, np.ndarray]:
    return {name: by_place(name, result) for name in ("probe", "ratio")}


def table_layers(result: Result, language: str) -> pd.DataFrame:
    text = LEARNT.text(language)
    numbers = kinds.means(LEARNT, "place", lambda r: DEPTHS, reached)(result, language)
    return numbers.assign(**{text.say("words.place"): places(text)})


SUMMARY_LAYERS = LEARNT.saying(
    "summaries.layers",
    pixels=lambda r: percents(by_place("probe", r)[..., 0]),
    deep=lambda r: percents(by_place("probe", r)[..., DEEP]),
    near=lambda r: by_place("ratio", r)[..., -1].mean(1),
)


def table_plane(result: Result, language: str) -> pd.DataFrame:
    ratio = by_place("ratio", result)[0, 0].round(4)
    return LEARNT.frame(language, {"words.place": places(LEARNT.text(language)), "words.ratio": ratio})


def summary_plane(result: Result, language: str) -> str:
    ratio = by_place("ratio", result)[0, 0]
    known = np.isfinite(ratio[[0, -1]]).all()
    return LEARNT.text(language).say(
        "summaries.plane" if known else "summaries.none", pixels=ratio[0], scores=ratio[-1]
    )


# Attacks


def under(result: Result) -> np.ndarray:
    return result.attacked[:, :, -1].astype(float)


SUMMARY_ATTACKS = HARMED.saying(
    "summaries.attacks",
    clean=lambda r: percents(under(r)[..., 0]),
    harmed=lambda r: percents(under(r)[..., SIZE]),
    size=lambda r: [f"{EPSILONS[SIZE]:g}"] * len(ATTACKS),
)


# Questions


def draw_seen(found: Seen, language: str) -> go.Figure:
    """Maps by layer and what both networks say; below, what pixels count."""
    text = HERE.text(language)
    titles = [
        *layered(text),
        text.say("words.said"),
        *(text.say(f"rows.{method}") for method in METHODS if method != "cam"),
    ]
    fig, spots = plot.grid(titles, 4, 0.03, 0.3, height=420)
    for z, place in zip(maps(found), spots):
        coloured(fig, z, **place)
    opinions(fig, found.said[:, None], text, False, **spots[3])
    fig.update_yaxes(showticklabels=False, **spots[3])
    for method, place in zip(ASKED, spots[4:]):
        grey(fig, found.saliency[-1, METHODS.index(method), :1], **place)
    plot.bare(fig)
    return fig


def summary_seen(found: Seen, language: str) -> str:
    return said_of("seen", found.said, language)


def said_of(key: str, said: np.ndarray, language: str, **more: Any) -> str:
    """What both networks take a picture for, [net, class]."""
    tops = {name: int(row.argmax()) for name, row in zip(NETS, said)}
    sure = {f"{name}_sure": percent(float(row.max())) for name, row in zip(NETS, said)}
    return HERE.text(language).say(f"summaries.{key}", **tops, **sure, **more)


def draw_unit(found: Ascent, language: str) -> go.Figure:
    text = HERE.text(language)
    fig = plot.panels(1, 3, [text.say(f"words.{word}") for word in ("noise", "climbed", "said")], 260)
    for k, picture in enumerate(found.pictures, 1):
        grey(fig, picture[None], row=1, col=k)
    opinions(fig, found.said[:, None], text, False, row=1, col=3)
    plot.bare(fig)
    return fig


def summary_unit(found: Ascent, language: str) -> str:
    before, after = found.answered
    return said_of("unit", found.said, language, before=float(before), after=float(after))


def draw_dream(found: Dreamt, language: str) -> go.Figure:
    text = HERE.text(language)
    fig = plot.panels(1, 2, [text.say("words.photograph"), text.say("words.dream")], 300, horizontal_spacing=0.02)
    height, width = found.pictures.shape[1:3]
    places: list[dict[str, Any]] = [{"row": 1, "col": k + 1} for k in range(len(found.pictures))]
    for picture, place in zip(found.pictures, places):
        pictures.in_colour(fig, picture, **place)
    pictures.upright(fig, places, (0, width), height)
    plot.bare(fig)
    return fig


def summary_dream(found: Dreamt, language: str) -> str:
    changed = float(np.abs(found.pictures[1].astype(float) - found.pictures[0]).mean()) / 255
    key = "dream" if found.pretrained else "dream_without"
    return HERE.text(language).say(f"summaries.{key}", changed=percent(changed))


BESIDE_MAPS = lambda result, text: [text.say("words.picture"), *layered(text)]  # noqa: E731
FIGURES = (
    *HERE.figures(
        Figure("fooled", draw_fooled, table_fooled, summary_fooled),
        HERE.later(Figure("dreams", draw_dreams, table_dreams, SUMMARY_DREAMS)),
        HERE.later(kinds.swept(
            HERE, "believed", "strength", lambda r: np.array(STRENGTHS), lambda r: {"meant": by_strength(r)},
            SUMMARY_DREAMS, marked=True, moments=("ascent", ascent),
            finish=lambda fig, r, text: fig.update_yaxes(range=[0, 1.04]),
        )),
        HERE.later(pictures.beside(HERE, "maps", paint_maps, table_maps, summary_maps, titles=BESIDE_MAPS)),
        HERE.later(pictures.beside(
            HERE, "patches", paint_patches, table_patches, summary_patches,
            titles=lambda result, text: layered(text), columns=3,
        )),
    ),
    *WAYS.figures(
        WAYS.later(Figure("saliency", draw_saliency, table_saliency, SUMMARY_SALIENCY)),
        WAYS.later(kinds.swept(
            WAYS, "notices", "replaced", lambda r: STEPS, lambda r: {"kept": alike(r)}, SUMMARY_SALIENCY,
            marked=True, finish=finish_notices, table=table_saliency,
        )),
    ),
    *LEARNT.figures(
        LEARNT.later(kinds.swept(
            LEARNT, "layers", "place", lambda r: DEPTHS, reached, SUMMARY_LAYERS,
            marked=True, height=400, finish=finish_places, table=table_layers,
        )),
        LEARNT.later(pictures.points(
            LEARNT, "plane", lambda r: r.plane[-1][:, None], lambda r: r.label[-1], table_plane, summary_plane,
            titles=lambda result, text: places(text), columns=3,
        )),
    ),
    *HARMED.figures(
        HARMED.later(kinds.swept(
            HARMED, "attacks", "size", lambda r: np.array(EPSILONS), lambda r: {"accuracy": under(r)},
            SUMMARY_ATTACKS, marked=True, finish=lambda fig, r, text: fig.update_yaxes(range=[0, 1.04]),
        )),
    ),
)  # fmt: skip
