"""Pictures of autoencoders: what comes back through a bottleneck, the plane of codes, holes, noise, what codes keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.autoencoder.claims import TEST
from core.concepts.autoencoder.params import SIDE, SIZES, WAYS, Rebuilt, Result, Walk, even, gaussian
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent, telling
from core.figures.numbers import whole

UP = np.argsort(SIZES)  # sizes from the narrowest to the widest
INK = style.PALETTE[8]  # of what has not learnt
CELL = SIDE + 1  # pixels from one picture of a mosaic to the next


def named(result: Result, text: Text) -> list[str]:
    """The kind, and β where it tells versions apart."""
    versions, found = result.params.versions, []
    for version, own in zip(versions, telling(versions, "kind")):
        found.append(text.say(f"options.kind.{version.kind}") + (f", β = {version.beta:g}" if own else ""))
    return found


HERE = Gallery("autoencoder", named, "words.version", diverged=lambda r: ~np.isfinite(r.error[:, :, :, -1]).all((1, 3)))
text, names = HERE.text, HERE.names


def per_size(name: str, *more: int) -> Any:
    """An array [version, size, seed, moment, …] at the last moment, as [version, seed, size] from narrow to wide."""
    return lambda result: getattr(result, name)[:, UP][(slice(None), slice(None), slice(None), -1, *more)].swapaxes(
        1, 2
    )


def way_of(result: Result) -> list[int]:
    """The way in which codes of each version are meant to be drawn: a VAE's from its prior, else a fitted Gaussian."""
    return [WAYS.index("prior" if gaussian(version) else "gaussian") for version in result.params.versions]


def sampled_good(result: Result) -> np.ndarray:
    """[version, seed, size] from narrow to wide."""
    return np.stack([good[UP, way, :, -1].T for good, way in zip(result.good, way_of(result))])


# Pictures through every bottleneck, with a value against its size beside them


def above(
    result: Result, language: str, rows: dict[str, np.ndarray], word: str, values: np.ndarray, controls: dict[str, Any]
) -> go.Figure:
    """Rows of pictures [size, picture, pixel], and below them values [version, seed, size] with controls [seed, size or
    1]; the reader chooses the size."""
    say, x = text(language).say, np.array(SIZES)
    pictures = np.stack(list(rows.values()), 1)  # [size, row, picture, pixel]
    down, across = pictures.shape[1:3]
    high = [min(46 * down, 380), 60, 190]  # pixels of the pictures, of the legend, of the curves
    fig = plot.panels(
        2, 1, None, sum(high) + 50, "x unified", row_heights=high[::2], vertical_spacing=high[1] / sum(high)
    )
    plot.images(fig, 1 - plot.mosaic(pictures.reshape(*pictures.shape[:3], SIDE, SIDE)), row=1, col=1)
    mosaic_axes(fig, list(rows), across, row=1, col=1)
    for i, name in enumerate(names(result, language)):
        plot.bands(fig, x[UP], values[i].astype(float), name, plot.curve(i, marked=True), row=2, col=1)
    lines(fig, controls, row=2, col=1)
    numbers = np.concatenate([values.ravel(), *(control.ravel() for control in controls.values())])
    top = 1.05 * np.nanmax([1.0, *numbers[np.isfinite(numbers)]])
    chosen = {"mode": "lines", "line": {"color": style.AXIS, "width": 3}, **plot.QUIET}
    fig.add_scatter(x=x[[-1, -1]], y=[0, top], row=2, col=1, **chosen).was(x=np.stack([x, x], 1))
    fig.update_yaxes(title=say(f"words.{word}"), range=[0, top], row=2, col=1)
    log_sizes(fig, row=2, col=1)
    fig.update_xaxes(title=say("words.size"), row=2, col=1)
    fig.update_layout(legend={"y": high[2] / sum(high) + 0.01}, margin={"t": 8})
    return plot.film(fig, result, x, say("words.size"))


def mosaic_axes(fig: go.Figure, labels: list[str], across: int, **place: int) -> None:
    """Axes of rows of pictures, named on the left."""
    middle = CELL * np.arange(len(labels))[::-1] + (SIDE - 1) / 2
    fig.update_xaxes(visible=False, range=[-0.5, CELL * across - 1.5], constrain="domain", **place)
    more = {"scaleanchor": "x", "constrain": "domain", "showgrid": False}
    fig.update_yaxes(tickvals=middle, ticktext=labels, range=[-0.5, CELL * len(labels) - 1.5], **more, **place)


def lines(fig: go.Figure, controls: dict[str, np.ndarray], **place: int) -> None:
    """Means over seeds of what has not learnt, [seed, size or 1] from narrow to wide."""
    for (name, seeds), dash in zip(controls.items(), style.DASHES[1:]):
        y, look = np.broadcast_to(seeds.astype(float).mean(0), len(SIZES)), {"color": INK, "width": 1.6, "dash": dash}
        x, tip = np.array(SIZES)[UP], "%{y:.3f}"
        fig.add_scatter(x=x, y=y, name=name, mode="lines", line=look, hovertemplate=tip, **place)


def log_sizes(fig: go.Figure, **place: int) -> None:
    ticks = {"tickvals": SIZES, "ticktext": [str(size) for size in SIZES]}
    fig.update_xaxes(type="log", range=np.log10([1.8, 36]).tolist(), **ticks, **place)


def sizes_table(
    result: Result, language: str, values: dict[str, np.ndarray], controls: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Means over seeds of values [version, seed, size] and controls [seed, size or 1], a row per size."""
    say = text(language).say
    columns: dict[str, Any] = {say("words.size"): np.array(SIZES)[UP]}
    for word, numbers in values.items():
        for name, seeds in zip(names(result, language), numbers):
            columns[f"{say(f'words.{word}')}, {name}"] = seeds.astype(float).mean(0).round(4)
    for name, seeds in controls.items():
        columns[name] = np.broadcast_to(seeds.astype(float).mean(0), len(SIZES)).round(4)
    return pd.DataFrame(columns)


def sentences(result: Result, language: str, key: str, values: np.ndarray, control: np.ndarray) -> str:
    """What each version has at the narrowest and the widest, and what the control has."""
    (a, b), (c, d) = control.astype(float).mean(0)[[0, -1]], (SIZES[-1], SIZES[0])

    def of(i: int) -> dict[str, Any]:
        narrow, wide = values[i].astype(float).mean(0)[[0, -1]]
        return {"narrow": percent(narrow), "wide": percent(wide)}

    said = text(language).say(f"summaries.{key}_control", small=c, large=d, narrow=percent(a), wide=percent(b))
    return f"{said} {HERE.each(result, language, f'summaries.{key}', of)}"


def same(picture: np.ndarray) -> np.ndarray:
    """Pictures that are the same at every size."""
    return np.broadcast_to(picture, (len(SIZES), *picture.shape))


def pca(result: Result, name: str, *more: int) -> np.ndarray:
    """What PCA has, [seed, size] from narrow to wide."""
    return getattr(result, name)[(UP, slice(None), *more)].T


def draw_rebuild(result: Result, language: str) -> go.Figure:
    say = text(language).say
    rows = {say("words.original"): same(result.original), "PCA": result.pca_made}
    rows |= dict(zip(names(result, language), result.made))
    return above(result, language, rows, "error", per_size("error", TEST)(result), {"PCA": pca(result, "pca", TEST)})


def draw_noise(result: Result, language: str) -> go.Figure:
    say = text(language).say
    rows = {say("words.noised"): same(result.noised), say("words.original"): same(result.original)}
    rows |= dict(zip(names(result, language), result.made_clean))
    controls = {"PCA": pca(result, "pca_cleaned"), say("words.untouched"): result.noisy[:, None]}
    return above(result, language, rows, "cleaned", per_size("cleaned")(result), controls)


def draw_holes(result: Result, language: str) -> go.Figure:
    say, rows = text(language).say, {}
    for v, name in enumerate(names(result, language)):
        for w, way in enumerate(WAYS):
            rows[text(language).listed([name, say(f"ways.{way}")])] = result.drawn[v, :, w, -1]
    return above(result, language, rows, "good", sampled_good(result), good_controls(result, language))


def good_controls(result: Result, language: str) -> dict[str, np.ndarray]:
    return {"PCA": pca(result, "pca_good", -1), text(language).say("words.real"): result.real_good[:, -1:]}


# The plane of codes


def draw_plane(result: Result, language: str) -> go.Figure:
    """Codes of the test pictures through two numbers, each as its label; below, what the decoder makes of the plane."""
    labels = names(result, language)
    count = len(labels)
    fig = plot.panels(2, count, labels, horizontal_spacing=0.03, vertical_spacing=0.03)
    for v in range(count):
        for label in np.unique(result.label):
            x, y = result.code[v][result.label == label].T
            look = {"size": 12, "color": style.contender(int(label)).colour}
            fig.add_scatter(
                x=x, y=y, text=[str(label)] * len(x), mode="text", textfont=look, row=1, col=v + 1, showlegend=False,
                hovertemplate=f"{label}: (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
            )  # fmt: skip
        grid = result.plane[v, ::-1].reshape(1, *result.plane.shape[1:3], SIDE, SIDE)
        plot.images(fig, 1 - plot.mosaic(grid, 0.0), row=2, col=v + 1)
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    fig.update_xaxes(constrain="domain", row=2)
    for v in range(count):
        anchor = fig.get_subplot(2, v + 1).yaxis.anchor
        fig.update_yaxes(scaleanchor=anchor, constrain="domain", row=2, col=v + 1)
    fig.update_layout(margin={"l": 5, "r": 5, "t": 30, "b": 5})
    plot.aspect(fig, 2 / count)
    return fig


def table_plane(result: Result, language: str) -> pd.DataFrame:
    say, columns = text(language).say, {text(language).say("words.class"): whole(result.label)}
    for v, name in enumerate(names(result, language)):
        columns |= {f"{name}, {say(f'words.axis_{a + 1}')}": result.code[v, :, a].round(3) for a in range(2)}
    return pd.DataFrame(columns)


def summary_plane(result: Result, language: str) -> str:
    def of(i: int) -> dict[str, Any]:
        low, high = result.edge[i].astype(float).T
        return {"wide": f"{high[0] - low[0]:.1f}", "high": f"{high[1] - low[1]:.1f}"}

    return HERE.each(result, language, "summaries.plane", of)


# What a VAE says of its codes


def beliefs(result: Result) -> dict[str, np.ndarray]:
    found = {name: per_size(name)(result) for name in ("kl", "active", "sampled")}
    return found | {"error": per_size("error", TEST)(result)}


def summary_code(result: Result, language: str) -> str:
    def of(i: int) -> dict[str, Any]:
        kl, active, sampled, error = (values[i].astype(float).mean(0)[2] for values in beliefs(result).values())
        said = {"active": f"{active:.1f}", "error": percent(error), "kl": f"{kl:.2f}", "sampled": percent(sampled)}
        return said | {"key": "summaries.code" if gaussian(result.params.versions[i]) else "summaries.code_plain"}

    return HERE.each(result, language, "", of)


# Gaps


def gaps(result: Result) -> dict[str, np.ndarray]:
    return {way: result.empty[:, w, :, -1] for w, way in enumerate(WAYS)}


def finish_gaps(fig: plot.Sheet, result: Result, text: Text) -> None:
    """The share that would be empty if codes fell at random."""
    for col in range(1, len(WAYS) + 1):
        fig.add_vline(x=even(result.params), line={"color": style.AXIS, "dash": "dot"}, row=1, col=col)
    fig.update_xaxes(range=[-0.03, 1.03])


def summary_gaps(result: Result, language: str) -> str:
    def of(i: int) -> dict[str, Any]:
        return {way: percent(values[i].astype(float).mean()) for way, values in gaps(result).items()}

    said = text(language).say("summaries.even", even=percent(even(result.params)))
    return f"{HERE.each(result, language, 'summaries.gaps', of)} {said}"


def finish_probe(fig: plot.Sheet, result: Result, text: Text) -> None:
    lines(fig, probes(result, text))
    log_sizes(fig)


def probes(result: Result, text: Text) -> dict[str, np.ndarray]:
    """What codes that have learnt nothing are worth to a discriminant: [seed, size or 1]."""
    found = {"PCA": pca(result, "pca_probe", -1), text.say("words.pixels"): result.pixels_probe[:, -1:]}
    return found | {text.say("words.untrained"): per_size("untrained")(result)[-1]}


# Answers to questions


def strip(pictures: np.ndarray, labels: list[str], height: int) -> go.Figure:
    """Rows of pictures [row, picture, pixel]."""
    fig = plot.figure(height, "closest")
    rows, across = pictures.shape[:2]
    plot.images(fig, 1 - plot.mosaic(pictures.reshape(1, rows, across, SIDE, SIDE)))
    mosaic_axes(fig, labels, across)
    return fig


def draw_walk(walk: Walk, language: str) -> go.Figure:
    say = text(language).say
    return strip(np.stack([walk.path, walk.blend]), [say("words.codes"), say("words.blend")], 190)


def draw_rebuilt(found: Rebuilt, language: str) -> go.Figure:
    """The drawing and what came back through every bottleneck, from the widest."""
    fig = strip(np.concatenate([found.picture[None], found.made])[None], [""], 150)
    said = [text(language).say("words.drawn"), *(f"{size}" for size in SIZES)]
    fig.update_xaxes(visible=True, showgrid=False, tickvals=CELL * np.arange(len(said)) + (SIDE - 1) / 2, ticktext=said)
    return fig


def summary_rebuilt(found: Rebuilt, language: str) -> str:
    values = zip(SIZES, found.error, found.rank)
    say = text(language).say
    return " ".join(say("summaries.rebuilt", size=k, error=f"{e:.2f}", rank=percent(r)) for k, e, r in values if k == 8)


def draw_pad(pixels: list[int]) -> go.Figure:
    """The paper that a reader draws on, pixels [64] from 0 to 16."""
    fig = strip(np.array(pixels, float).reshape(1, 1, -1) / 16, [""], 260)
    axes = {
        "showgrid": True,
        "dtick": 1,
        "tick0": -0.5,
        "showticklabels": False,
        "showline": True,
        "mirror": True,
        "range": [-0.5, SIDE - 0.5],
    }
    fig.update_xaxes(visible=True, **axes)
    fig.update_yaxes(tickvals=None, **axes)
    return fig


FIGURES = HERE.figures(
    Figure(
        "rebuild", draw_rebuild,
        lambda r, lang: sizes_table(r, lang, {"error": per_size("error", TEST)(r)}, {"PCA": pca(r, "pca", TEST)}),
        lambda r, lang: sentences(r, lang, "rebuild", per_size("error", TEST)(r), pca(r, "pca", TEST)),
    ),
    Figure("plane", draw_plane, table_plane, summary_plane),
    HERE.later(Figure(
        "holes", draw_holes,
        lambda r, lang: sizes_table(r, lang, {"good": sampled_good(r)}, good_controls(r, lang)),
        lambda r, lang: sentences(r, lang, "holes", sampled_good(r), pca(r, "pca_good", -1)),
    )),
    HERE.later(kinds.intervals(HERE, "gaps", gaps, summary_gaps, finish=finish_gaps)),
    Figure(
        "noise", draw_noise,
        lambda r, lang: sizes_table(r, lang, {"cleaned": per_size("cleaned")(r)}, {"PCA": pca(r, "pca_cleaned")}),
        lambda r, lang: sentences(r, lang, "noise", per_size("cleaned")(r), pca(r, "pca_cleaned")),
    ),
    HERE.later(kinds.swept(
        HERE, "probe", "size", lambda r: np.array(SIZES)[UP], lambda r: {"probe": per_size("probe")(r)},
        lambda r, lang: sentences(r, lang, "probe", per_size("probe")(r), pca(r, "pca_probe", -1)),
        marked=True, finish=finish_probe,
    )),
    kinds.swept(
        HERE, "code", "size", lambda r: np.array(SIZES)[UP], beliefs, summary_code, marked=True,
        finish=lambda fig, r, text: log_sizes(fig),
    ),
)  # fmt: skip
