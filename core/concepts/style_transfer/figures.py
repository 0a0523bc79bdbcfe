"""Pictures of style transfer: the picture as it changes, textures, what shuffling leaves, and layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.style_transfer.depth.params import KINDS
from core.concepts.style_transfer.params import LAYERS, Result
from core.concepts.style_transfer.shuffled.params import COLOURS, NETWORKS, ORDERS, SHOWN
from core.concepts.style_transfer.shuffled.params import KINDS as MATRICES
from core.concepts.style_transfer.texture.params import WAYS
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery

STEP = ("step", lambda r: r.tick)
DEPTH = np.arange(1, LAYERS + 1)
ROWS = [(network, order) for network in NETWORKS for order in ORDERS]


def missing(result: Any, text: Text) -> str:
    """Where the trained network is wanted and not installed."""
    return "" if result.trained or getattr(result.params, "network", "") == "random" else text.say("summaries.missing")


def absent(result: Any, text: Text) -> str:
    return "" if result.trained else text.say("summaries.absent")


def gallery(part: str, rows: Any, word: str, remark: Any = absent) -> Gallery:
    """Of rows that are always these."""
    named = lambda result, text: [text.say(f"{word}.{row}") for row in rows]  # noqa: E731
    return Gallery("style_transfer", named, "words.row", remark=remark, of=part)


HERE = gallery("", ("content", "style", "result"), "rows", missing)
FAR = gallery("", ("content_distance", "style_distance"), "words", missing)
TEXTURES = gallery("texture", WAYS, "ways")
SHUFFLED = gallery("shuffled", [f"{network}_{order}" for network, order in ROWS], "rows")
RELATED = gallery("shuffled", MATRICES, "rows")
REBUILT = gallery("depth", KINDS[:2], "rows")
LAID = gallery("depth", [str(k) for k in DEPTH], "layers", missing)


# The transfer


def shown_transfer(result: Result, text: Text) -> dict[str, np.ndarray]:
    now = result.picture if len(result.picture) else result.content[None]
    return {
        text.say("rows.content"): result.content,
        text.say("rows.style"): result.style,
        text.say("rows.result"): now,
    }


def ends(result: Result) -> tuple[float, float]:
    """Content and style distance now."""
    if not len(result.tick):
        return 0.0, float(result.still[0])
    return float(result.content_distance[-1]), float(result.style_distance[-1])


def table_transfer(result: Result, language: str) -> pd.DataFrame:
    far, strange = ends(result)
    columns = {
        "words.content_distance": [0, result.still[1], far],
        "words.style_distance": [result.still[0], 0, strange],
    }
    return HERE.table(result, language, {head: np.round(values, 4) for head, values in columns.items()})


def summary_transfer(result: Result, language: str) -> str:
    text, (far, strange) = HERE.text(language), ends(result)
    if not np.isfinite([far, strange, result.still[0]]).all():
        return text.say("summaries.none")
    step = int(result.tick[-1]) if len(result.tick) else 0
    return text.say("summaries.transfer", step=step, far=far, strange=strange, before=float(result.still[0]))


def finish_log(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(type="log", exponentformat="power", dtick=1)


# Textures


def shown_texture(result: Any, text: Text) -> dict[str, np.ndarray]:
    found = {text.say("rows.style"): result.style}
    for way, made in zip(WAYS, result.picture):
        if WAYS[way][1] != "lbfgs" and (result.trained or WAYS[way][0] != "trained"):
            found[text.say(f"ways.{way}")] = made if len(made) else result.style[None] * 0
    return found


def table_texture(result: Any, language: str) -> pd.DataFrame:
    loss = result.loss[..., -1].mean(1) if result.loss.shape[-1] else np.full(len(WAYS), np.nan)
    return TEXTURES.table(result, language, {"words.loss": loss.round(5)})


SUMMARY_TEXTURE = TEXTURES.saying(
    "summaries.texture",
    repeats=lambda r: r.repeats.mean((1, 2)),
    changed=lambda r: np.nan_to_num(r.changed).max((1, 2)),
)
SUMMARY_LOSS = TEXTURES.saying("summaries.loss", loss=lambda r: r.loss[..., -1].mean(1))


def measured(result: Any) -> dict[str, np.ndarray]:
    """At the end, [way, seed] each."""
    return {"repeats": result.repeats[..., 0], "seen": result.seen[..., 0]}


def summary_loss(result: Any, language: str) -> str:
    ready = result.loss.shape[-1]
    return SUMMARY_LOSS(result, language) if ready else TEXTURES.text(language).say("summaries.later")


# Shuffled


def draw_shuffled(result: Any, language: str) -> go.Figure:
    """A picture, its pixels shuffled, and the Gram matrices of the colours of both."""
    text = SHUFFLED.text(language)
    names = [text.say(f"words.{name}") for name in ("as_is", "mixed")]
    fig, places = plot.grid([*names, *[text.say("words.gram_of")] * 2], 2, 0.14, 0.24)
    high, wide = result.pictures.shape[1:3]
    for picture, place in zip(result.pictures, places):
        pictures.in_colour(fig, picture, **place)
    pictures.upright(fig, places[:2], (0, wide), high)
    colours = [text.say(f"words.{name}") for name in ("red", "green", "blue")]
    look = pictures.CELLS | {"zmin": 0, "zmax": 1, "colorscale": style.colorscale(style.SEQUENTIAL)}
    for z, place in zip(result.colours, places[2:]):
        numbers = {"texttemplate": "%{z:.4f}", "hovertemplate": "%{y}, %{x}: %{z:.6f}<extra></extra>"}
        fig.add_heatmap(z=z, x=colours, y=colours, **look, **numbers, **place)
        fig.update_xaxes(visible=True, range=[-0.5, COLOURS - 0.5], showgrid=False, constrain="range", **place)
        about = {"visible": True, "range": [COLOURS - 0.5, -0.5], "showgrid": False, "scaleanchor": None}
        fig.update_yaxes(automargin=True, **about, **place)
    plot.bare(fig)
    fig.update_layout(margin={"b": 30})
    plot.aspect(fig, 0.58, 330)
    return fig


def noticed(result: Any) -> tuple[np.ndarray, np.ndarray]:
    """By how much Gram matrices and maps moved: [row, seed, layer] each."""
    return tuple(values.reshape(len(ROWS), *values.shape[2:]) for values in (result.style, result.content))


def table_shuffled(result: Any, language: str) -> pd.DataFrame:
    names = [SHUFFLED.text(language).say(f"words.{name}") for name in ("red", "green", "blue")]
    pairs = [f"{a}, {b}" for a in names for b in names]
    before, after = result.colours.reshape(2, -1).round(6)
    return SHUFFLED.frame(language, {"words.row": pairs, "words.as_is": before, "words.mixed": after})


def summary_shuffled(result: Any, language: str) -> str:
    gap = float(np.abs(result.colours[0] - result.colours[1]).max())
    moved = float(np.abs(result.pictures[0] / 255 - result.pictures[1] / 255).mean())
    if not np.isfinite([gap, moved]).all():
        return SHUFFLED.text(language).say("summaries.none")
    return SHUFFLED.text(language).say("summaries.shuffled", gap=f"{gap:.0e}" if gap > 1e-12 else "0", moved=moved)


SUMMARY_LAYERS = SHUFFLED.saying(
    "summaries.layers",
    gram=lambda r: noticed(r)[0].max((1, 2)),
    maps=lambda r: noticed(r)[1].max(2).mean(1),
)


def numbered(result: Any) -> list[str]:
    return [f"F{k + 1}" for k in range(SHOWN)]


def summary_matrices(result: Any, language: str) -> str:
    gap = float(np.nanmean(result.uncentred)) if np.isfinite(result.uncentred).any() else np.nan
    if not np.isfinite(gap):
        return RELATED.text(language).say("summaries.later")
    return RELATED.text(language).say("summaries.matrices", gap=gap)


# By layer


def shown_rebuilt(result: Any, text: Text) -> dict[str, np.ndarray]:
    return laid(result, text, KINDS[0 if result.trained else 1 : 2], {"trained": "content", "random": "content"})


def shown_transferred(result: Any, text: Text) -> dict[str, np.ndarray]:
    return laid(result, text, KINDS[2:], {"transferred": "content", "texture": "style"})


def laid(result: Any, text: Text, which: Any, first: dict[str, str]) -> dict[str, np.ndarray]:
    """A row per kind: what is wanted, then what came of it, layer by layer."""
    found = {}
    for k, kind in enumerate(which):
        found[text.say(f"rows.{first[kind]}") + " " * k] = getattr(result, first[kind])
        for layer, made in enumerate(result.picture[KINDS.index(kind)]):
            title = text.say(f"words.{kind}_at", layer=layer + 1)
            found[title] = made if len(made) else result.content[None] * 0
    return found


def by_layer(values: np.ndarray) -> np.ndarray:
    """[kind, layer, seed, tick] as [kind, seed, tick, layer]."""
    return np.moveaxis(values, 1, -1)


def table_rebuilt(result: Any, language: str) -> pd.DataFrame:
    now = result.psnr[:2, ..., -1].mean(2) if result.psnr.shape[-1] else np.full((2, LAYERS), np.nan)
    return REBUILT.table(result, language, {"words.layer": DEPTH[None], "words.psnr": now.round(2)})


def summary_rebuilt(result: Any, language: str) -> str:
    if not result.psnr.shape[-1]:
        return REBUILT.text(language).say("summaries.later")
    now = result.psnr[:2, ..., -1].mean(2)
    values = {"first": lambda r: now[:, 0], "last": lambda r: now[:, -1]}
    return REBUILT.saying("summaries.rebuilt", **values)(result, language)


def table_laid(result: Any, language: str) -> pd.DataFrame:
    ready = result.styled.shape[-1]
    found = [v[..., -1].mean(1) if ready else np.full(LAYERS, np.nan) for v in (result.styled, result.alike)]
    columns = dict(zip(("words.style_distance", "words.alike"), (v.round(4) for v in found)))
    return LAID.table(result, language, columns)


def summary_laid(result: Any, language: str) -> str:
    if not result.styled.shape[-1]:
        return LAID.text(language).say("summaries.later")
    now = [values[..., -1].mean(1) for values in (result.styled, result.alike)]
    return LAID.saying("summaries.laid", styled=lambda r: now[0], alike=lambda r: now[1])(result, language)


def balance(result: Any) -> dict[str, np.ndarray]:
    """Of what is transferred, [1, seed, tick, layer] each."""
    found = {"style_distance": result.styled, "alike": result.alike}
    return {word: by_layer(values[None]) for word, values in found.items()}


ONE = gallery("depth", ("transferred",), "rows", missing)


def finish_layers(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(dtick=1)


def finish_noticed(fig: plot.Sheet, result: Any, text: Text) -> None:
    finish_layers(fig, result, text)
    fig.update_yaxes(rangemode="tozero")


FIGURES = (
    *HERE.figures(
        pictures.album(HERE, "transfer", shown_transfer, table_transfer, summary_transfer, columns=3, when=STEP),
    ),
    *FAR.figures(
        kinds.curves(
            FAR, "distances", *STEP,
            lambda r: {"distance": np.stack([r.content_distance, r.style_distance])[:, None]},
            summary_transfer, log=True, finish=finish_log,
        )
    ),
    *TEXTURES.figures(
        pictures.album(TEXTURES, "texture", shown_texture, table_texture, summary_loss, columns=4, when=STEP),
        TEXTURES.later(
            kinds.intervals(TEXTURES, "judged", measured, SUMMARY_TEXTURE),
            lambda r: r.repeats.shape[-1] > 0,
        ),
        kinds.curves(TEXTURES, "optimizers", *STEP, lambda r: {"loss": r.loss}, summary_loss, log=True, banded=0,
                     finish=finish_log),
    ),
    *SHUFFLED.figures(
        Figure("shuffled", draw_shuffled, table_shuffled, summary_shuffled),
        SHUFFLED.later(
            kinds.swept(SHUFFLED, "layers", "layer", lambda r: np.arange(LAYERS + 1),
                        lambda r: dict(zip(("gram_moved", "maps_moved"), noticed(r))), SUMMARY_LAYERS, marked=True,
                        finish=finish_noticed),
        ),
    ),
    *RELATED.figures(pictures.matrix(RELATED, "matrices", lambda r: r.matrices, numbered, numbered, summary_matrices,
                                     diverging=True, numbers=False, columns=3)),
    *REBUILT.figures(
        pictures.album(REBUILT, "rebuilt", shown_rebuilt, table_rebuilt, summary_rebuilt, columns=6, when=STEP),
        kinds.swept(REBUILT, "psnr", "layer", lambda r: DEPTH, lambda r: {"psnr": by_layer(r.psnr[:2])},
                    summary_rebuilt, moments=STEP, marked=True, finish=finish_layers),
    ),
    *LAID.figures(
        pictures.album(LAID, "transferred", shown_transferred, table_laid, summary_laid, columns=6, when=STEP),
    ),
    *ONE.figures(
        kinds.swept(ONE, "balance", "layer", lambda r: DEPTH, balance, summary_laid, moments=STEP, marked=True,
                    finish=finish_layers),
    ),
)  # fmt: skip
