"""Pictures of autoencoders: what comes back through a bottleneck, the plane of codes, holes, noise, what codes keep."""

from __future__ import annotations

from collections.abc import Callable
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
from core.figures.kinds import Array
from core.figures.numbers import whole

UP = np.argsort(SIZES)  # sizes from the narrowest to the widest
NARROW_TO_WIDE = np.array(SIZES)[UP]
INK = style.PALETTE[8]  # of what has not learnt

Rows = Callable[[Result, Text], dict[str, np.ndarray]]


def named(result: Result, text: Text) -> list[str]:
    """The kind, and β where it tells versions apart."""
    versions = result.params.versions
    betas = (f", β = {version.beta:g}" if own else "" for version, own in zip(versions, telling(versions, "kind")))
    return [text.say(f"options.kind.{version.kind}") + beta for version, beta in zip(versions, betas)]


HERE = Gallery("autoencoder", named, "words.version", diverged=lambda r: ~np.isfinite(r.error[:, :, :, -1]).all((1, 3)))
text, names = HERE.text, HERE.names


# What there is of every bottleneck: values [version, seed, size] and controls [seed, size or 1], from narrow to wide


def per_size(name: str, *more: int) -> Array:
    """An array [version, size, seed, moment, …] at the last moment."""
    return lambda result: getattr(result, name)[:, UP][(..., -1, *more)].swapaxes(1, 2)


def pca(result: Result, name: str, *more: int) -> dict[str, np.ndarray]:
    """What PCA has."""
    return {"PCA": getattr(result, name)[(UP, slice(None), *more)].T}


def good(result: Result) -> np.ndarray:
    """Of codes drawn as they are meant to be: a VAE's from its prior, else from a fitted Gaussian."""
    ways = [WAYS.index("prior" if gaussian(version) else "gaussian") for version in result.params.versions]
    return np.stack([found[UP, way, :, -1].T for found, way in zip(result.good, ways)])


def over_seeds(values: np.ndarray) -> np.ndarray:
    """Means of values [seed, size or 1] at every size."""
    return np.broadcast_to(values.astype(float).mean(0), len(SIZES))


def sizes_figure(id: str, word: str, values: Array, controls: Rows, rows: Rows | None = None) -> Figure:
    """Values against the size of the bottleneck, beside controls that have not learnt, of which the first is PCA; with
    rows of pictures [size, picture, pixel] above them, of which the reader chooses the size."""

    def table(result: Result, language: str) -> pd.DataFrame:
        say = text(language).say
        of_versions = zip(names(result, language), values(result))
        columns = {f"{say(f'words.{word}')}, {name}": seeds for name, seeds in of_versions}
        columns |= controls(result, text(language))
        means = {name: over_seeds(seeds).round(4) for name, seeds in columns.items()}
        return pd.DataFrame({say("words.size"): NARROW_TO_WIDE} | means)

    def summary(result: Result, language: str) -> str:
        """What each version has at the narrowest and the widest, and what PCA has."""

        def ends(seeds: np.ndarray) -> dict[str, Any]:
            narrow, wide = over_seeds(seeds)[[0, -1]]
            return {"narrow": percent(narrow), "wide": percent(wide)}

        control = ends(next(iter(controls(result, text(language)).values())))
        said = text(language).say(f"summaries.{id}_control", small=SIZES[-1], large=SIZES[0], **control)
        return f"{said} {HERE.each(result, language, f'summaries.{id}', lambda i: ends(values(result)[i]))}"

    def lines(fig: plot.Sheet, result: Result, text: Text, **place: int) -> None:
        """Means over seeds of the controls."""
        for (name, seeds), dash in zip(controls(result, text).items(), style.DASHES[1:]):
            look = {"mode": "lines", "line": plot.line(INK, 1.6, dash), "hovertemplate": "%{y:.3f}"}
            fig.add_scatter(x=NARROW_TO_WIDE, y=over_seeds(seeds), name=name, **look, **place)
        log_sizes(fig, **place)

    def draw(result: Result, language: str) -> go.Figure:
        say, x, found = text(language).say, np.array(SIZES), values(result)
        pictures = (rows or controls)(result, text(language))
        high = [min(46 * len(pictures), 380), 60, 190]  # pixels of the pictures, of the legend, of the curves
        grid = {"row_heights": high[::2], "vertical_spacing": high[1] / sum(high)}
        fig = plot.panels(2, 1, None, sum(high) + 50, "x unified", **grid)
        curves: dict[str, Any] = {"row": 2, "col": 1}
        plot.album(fig, pictures, SIDE, row=1, col=1)
        for i, name in enumerate(names(result, language)):
            plot.bands(fig, x[UP], found[i].astype(float), name, plot.curve(i, marked=True), **curves)
        lines(fig, result, text(language), **curves)
        numbers = np.concatenate([found.ravel(), *(c.ravel() for c in controls(result, text(language)).values())])
        top = 1.05 * np.nanmax([1.0, *numbers[np.isfinite(numbers)]])
        chosen = {"mode": "lines", "line": plot.line(style.AXIS, 3), **plot.QUIET}
        fig.add_scatter(x=x[[-1, -1]], y=[0, top], **chosen, **curves).was(x=np.stack([x, x], 1))
        fig.update_yaxes(title=say(f"words.{word}"), range=[0, top], **curves)
        fig.update_xaxes(title=say("words.size"), **curves)
        fig.update_layout(legend={"y": high[2] / sum(high) + 0.01}, margin={"t": 8})
        return plot.film(fig, result, x, say("words.size"))

    if rows:
        return Figure(id, draw, table, summary)
    more: dict[str, Any] = {"marked": True, "finish": lines}
    return kinds.swept(HERE, id, "size", lambda r: NARROW_TO_WIDE, lambda r: {word: values(r)}, summary, **more)


def log_sizes(fig: go.Figure, **place: int) -> None:
    ticks = {"tickvals": SIZES, "ticktext": [str(size) for size in SIZES]}
    fig.update_xaxes(type="log", range=np.log10([1.8, 36]).tolist(), **ticks, **place)


def same(picture: np.ndarray) -> np.ndarray:
    """Pictures that are the same at every size."""
    return np.broadcast_to(picture, (len(SIZES), *picture.shape))


def rebuilt(result: Result, text: Text) -> dict[str, np.ndarray]:
    rows = {text.say("words.original"): same(result.original), "PCA": result.pca_made}
    return rows | dict(zip(names(result, text.language), result.made))


def cleaned(result: Result, text: Text) -> dict[str, np.ndarray]:
    rows = {text.say("words.noised"): same(result.noised), text.say("words.original"): same(result.original)}
    return rows | dict(zip(names(result, text.language), result.made_clean))


def drawn(result: Result, text: Text) -> dict[str, np.ndarray]:
    labels = enumerate(names(result, text.language))
    ways = [(w, text.say(f"ways.{way}")) for w, way in enumerate(WAYS)]
    return {text.listed([name, way]): result.drawn[v, :, w, -1] for v, name in labels for w, way in ways}


# The plane of codes


def draw_plane(result: Result, language: str) -> go.Figure:
    """Codes of the test pictures through two numbers, each as its label; below, what the decoder makes of the plane."""
    labels = names(result, language)
    fig = plot.panels(2, len(labels), labels, horizontal_spacing=0.03, vertical_spacing=0.03)
    for v in range(len(labels)):
        for label in np.unique(result.label):
            places = result.code[v][result.label == label]
            look: dict[str, Any] = {
                "mode": "text",
                "textfont": {"size": 12, "color": style.contender(int(label)).colour},
            }
            tip = f"{label}: (%{{x:.2f}}, %{{y:.2f}})<extra></extra>"
            look |= {"hovertemplate": tip, "text": [str(label)] * len(places)}
            fig.add_scatter(**plot.xy(places), **look, row=1, col=v + 1)
        grid = result.plane[v, ::-1].reshape(1, *result.plane.shape[1:3], SIDE, SIDE)
        plot.images(fig, 1 - plot.mosaic(grid, 0.0), row=2, col=v + 1)
        anchor = fig.get_subplot(2, v + 1).yaxis.anchor
        fig.update_yaxes(scaleanchor=anchor, constrain="domain", row=2, col=v + 1)
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    fig.update_xaxes(constrain="domain", row=2)
    plot.bare(fig)
    plot.aspect(fig, 2 / len(labels))
    return fig


def table_plane(result: Result, language: str) -> pd.DataFrame:
    say, columns = text(language).say, {text(language).say("words.class"): whole(result.label)}
    for v, name in enumerate(names(result, language)):
        columns |= {f"{name}, {say(f'words.axis_{a + 1}')}": result.code[v, :, a].round(3) for a in range(2)}
    return pd.DataFrame(columns)


def summary_plane(result: Result, language: str) -> str:
    def of(i: int) -> dict[str, Any]:
        wide, high = np.ptp(result.code[i].astype(float), 0)
        return {"wide": f"{wide:.1f}", "high": f"{high:.1f}"}

    return HERE.each(result, language, "summaries.plane", of)


# What a VAE says of its codes, and gaps


def beliefs(result: Result) -> dict[str, np.ndarray]:
    found = {name: per_size(name)(result) for name in ("kl", "active", "sampled")}
    return found | {"error": per_size("error", TEST)(result)}


def summary_code(result: Result, language: str) -> str:
    def of(i: int) -> dict[str, Any]:
        kl, active, sampled, error = (values[i].astype(float).mean(0)[2] for values in beliefs(result).values())
        said = {"active": f"{active:.1f}", "error": percent(error), "kl": f"{kl:.2f}", "sampled": percent(sampled)}
        return said | {"key": "summaries.code" if gaussian(result.params.versions[i]) else "summaries.code_plain"}

    return HERE.each(result, language, "", of)


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


# Answers to questions


def draw_walk(walk: Walk, language: str) -> go.Figure:
    say, fig = text(language).say, plot.figure(190, "closest")
    plot.album(fig, {say("words.codes"): walk.path[None], say("words.blend"): walk.blend[None]}, SIDE)
    return fig


def summary_walk(walk: Walk, language: str) -> str:
    return text(language).say("summaries.walk")


def draw_rebuilt(found: Rebuilt, language: str) -> go.Figure:
    """The drawing and what came back through every bottleneck, from the widest."""
    fig, said = plot.figure(150, "closest"), [text(language).say("words.drawn"), *map(str, SIZES)]
    plot.album(fig, {"": np.stack([found.picture, *found.made])[None]}, SIDE)
    middle = (SIDE + 1) * np.arange(len(said)) + (SIDE - 1) / 2
    fig.update_xaxes(visible=True, showgrid=False, tickvals=middle, ticktext=said)
    return fig


def summary_rebuilt(found: Rebuilt, language: str) -> str:
    s = SIZES.index(8)
    said = {"size": SIZES[s], "error": f"{found.error[s]:.2f}", "rank": percent(found.rank[s])}
    return text(language).say("summaries.rebuilt", **said)


FIGURES = HERE.figures(
    sizes_figure("rebuild", "error", per_size("error", TEST), lambda r, text: pca(r, "pca", TEST), rebuilt),
    Figure("plane", draw_plane, table_plane, summary_plane),
    HERE.later(sizes_figure(
        "holes", "good", good,
        lambda r, text: pca(r, "pca_good", -1) | {text.say("words.real"): r.real_good[:, -1:]}, drawn,
    )),
    HERE.later(kinds.intervals(HERE, "gaps", gaps, summary_gaps, finish=finish_gaps)),
    sizes_figure(
        "noise", "cleaned", per_size("cleaned"),
        lambda r, text: pca(r, "pca_cleaned") | {text.say("words.untouched"): r.noisy[:, None]}, cleaned,
    ),
    HERE.later(sizes_figure(
        "probe", "probe", per_size("probe"),
        lambda r, text: pca(r, "pca_probe", -1) | {text.say("words.pixels"): r.pixels_probe[:, -1:]}
        | {text.say("words.untrained"): per_size("untrained")(r)[-1]},
    )),
    kinds.swept(
        HERE, "code", "size", lambda r: NARROW_TO_WIDE, beliefs, summary_code, marked=True,
        finish=lambda fig, r, text: log_sizes(fig),
    ),
)  # fmt: skip
