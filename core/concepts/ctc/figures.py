"""Pictures of CTC: what every frame says, training, peaks, repeats, decoders, all paths of a small case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.ctc.params import BLANK, HIGH, SYMBOLS, WIDE, Net, Read, Result
from core.concepts.ctc.paths.params import FRAMES, LETTERS, WIDTHS
from core.concepts.ctc.reading import said_by
from core.concepts.ctc.strips import middles
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent, percents

STEP = ("step", lambda r: r.tick)
SEEN = 2  # networks on the first screen
MARK = "·"  # the blank, in paths


def named(result: Any, text: Text) -> list[str]:
    """A network by its loss, and what tells it from plain CTC."""
    return [name_of(net, text) for net in result.params.nets]


def name_of(net: Net, text: Text) -> str:
    told = [text.say("words.prior_is", power=f"{net.prior:g}")] if net.prior and net.loss == "ctc" else []
    told += [] if net.both else [text.say("words.one_way")]
    name = text.say(f"options.loss.{net.loss}")
    for more in told:
        name = text.say("words.with", name=name, more=more)
    return name


def lost(result: Any) -> np.ndarray:
    return ~np.isfinite(result.loss[:, :, -1])


HERE = Gallery("ctc", named, head="words.net", diverged=lost)
READERS = ("path", *(f"beam_{width}" for width in WIDTHS))
CASE = Gallery("ctc", lambda r, text: [text.say(f"words.{name}") for name in READERS], "words.decoder", of="paths")


def last(name: str) -> Any:
    """An array [net, seed, tick, …] in the end."""
    return lambda result: getattr(result, name)[:, :, -1].astype(float)


# What every frame says


def spelled(text: Sequence[int]) -> str:
    return "".join(f"{digit}" for digit in text if digit != BLANK) or "∅"


def said(p: np.ndarray) -> str:
    """What the likeliest path of p [symbol, time] says."""
    return spelled(said_by(p.argmax(0).tolist(), BLANK)) if np.isfinite(p).all() else "–"


def paint_strip(fig: plot.Sheet, strip: np.ndarray, **place: Any) -> None:
    plot.images(fig, 1 - strip[None, ::-1], **place)
    fig.update_yaxes(visible=False, range=[-0.5, HIGH - 0.5], **place)


def paint_frames(fig: plot.Sheet, p: np.ndarray, text: Text, **place: Any) -> None:
    """Probabilities p [moment, symbol, time] as colours, and above them the digits that the likeliest path says."""
    stride = -(-WIDE // p.shape[2])
    at = middles(stride)
    look = pictures.CELLS | {"xgap": 0.5, "ygap": 0.5, "zmin": 0, "zmax": 1}
    look |= {"colorscale": style.colorscale(style.SEQUENTIAL)}
    names = [*map(str, range(BLANK)), text.say("words.blank_symbol")]
    tip = f"{text.say('words.column')} %{{x:.0f}}, %{{customdata}}: %{{z:.2f}}<extra></extra>"
    who = [[name] * len(at) for name in names]
    fig.add_heatmap(x=at, y=np.arange(SYMBOLS), z=p[-1], customdata=who, hovertemplate=tip, **look, **place).was(z=p)
    path = np.where(np.isfinite(p).all(1), p.argmax(1), BLANK)
    new = np.concatenate([np.ones_like(path[:, :1], bool), path[:, 1:] != path[:, :-1]], 1) & (path != BLANK)
    digits = np.where(new, path.astype(str), "")
    font = {"textfont": {"size": 13, "color": style.PALETTE[1]}, "showlegend": False}
    plot.words(fig, at, np.full(len(at), SYMBOLS + 1.05), digits, "middle center", **font, **place)
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False}
    fig.update_yaxes(tickvals=[0, 3, 6, BLANK], ticktext=["0", "3", "6", names[-1]], tickfont={"size": 10},
                     range=[-0.5, SYMBOLS + 2.6], **axis, **place)  # fmt: skip


def draw_strip(result: Result, language: str) -> go.Figure:
    """Left a test strip, and what two networks say of its frames; right the label error of all over training."""
    text, names = HERE.text(language), HERE.names(result, language)
    shown = min(SEEN, len(names))
    titles = ["", "", *(text.say("words.frames_of", name=name) for name in names[:shown])]
    tall = 0.9 / shown
    specs: list[Any] = [[{}, {"rowspan": 1 + shown}], *[[{}, None]] * shown]
    fig = plot.panels(1 + shown, 2, titles, 400, specs=specs, column_widths=[0.62, 0.38], horizontal_spacing=0.1,
                      row_heights=[0.24, *[tall] * shown], vertical_spacing=0.13)  # fmt: skip
    paint_strip(fig, result.strip, row=1, col=1)
    truth = result.truth[result.truth < BLANK]
    left, right = (side[: len(truth)] - 0.5 for side in result.edge)
    for i in range(shown):
        place = {"row": 2 + i, "col": 1}
        paint_frames(fig, result.p[i].astype(float), text, **place)
        for a, b in zip(left, right):
            span = {"x0": a, "x1": b, "y0": SYMBOLS - 0.4, "y1": SYMBOLS + 2.5, "line_width": 0}
            fig.add_shape(type="rect", fillcolor=style.fade(style.PALETTE[1], 0.16), layer="below", **span, **place)
    for row in range(1, 2 + shown):
        bottom = row > shown
        fig.update_xaxes(range=[-0.5, WIDE - 0.5], showgrid=False, showticklabels=bottom, row=row, col=1)
    fig.update_xaxes(title={"text": text.say("words.column"), "standoff": 2}, row=1 + shown, col=1)
    curves: list[int] = []
    for i, name in enumerate(names):
        before = len(fig.data)
        plot.bands(fig, result.tick, result.error[i].astype(float), name, plot.curve(i), hover="%{y:.2f}", row=1, col=2)
        curves += range(before, len(fig.data))
    fig.update_yaxes(title={"text": text.say("words.error"), "standoff": 4}, range=[-0.02, 1.1], row=1, col=2)
    fig.update_xaxes(title={"text": text.say("words.step"), "standoff": 2}, range=[0, result.total], row=1, col=2)
    fig.update_annotations(font_size=12)
    fig.update_layout(legend={"y": 1.02, "yanchor": "bottom"}, margin={"l": 8, "r": 8, "t": 34, "b": 34})
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"), curves)


def table_strip(result: Result, language: str) -> pd.DataFrame:
    text = HERE.text(language)
    columns = kinds.interval_columns(text, {"error": last("error")(result), "blank": last("blank")(result)})
    return HERE.table(result, language, {"words.says": [f"“{said(p[-1])}”" for p in result.p]} | columns)


def summary_strip(result: Result, language: str) -> str:
    error, step = percents(last("error")(result)), int(result.tick[-1])

    def row(i: int) -> dict[str, Any]:
        return {"said": said(result.p[i, -1]), "error": error[i]}

    listed = HERE.each(result, language, "summaries.reads", row)
    return HERE.text(language).say("summaries.strip", listed=listed, step=step, truth=spelled(result.truth.tolist()))


# Training


def summary_training(result: Result, language: str) -> str:
    error, blank = result.error.astype(float).mean(1), result.blank.astype(float).mean(1)

    def row(i: int) -> dict[str, Any] | None:
        seen = np.flatnonzero(np.isfinite(blank[i]))
        if not len(seen):
            return None
        top = seen[blank[i, seen].argmax()]
        if not blank[i, top]:
            return {"key": "summaries.never_blank", "now": percent(error[i, -1])}
        told = {"blank": percent(blank[i, top]), "when": int(result.tick[top]), "error": percent(error[i, top])}
        return told | {"now": percent(error[i, -1])}

    listed = HERE.each(result, language, "summaries.training", row)
    share = float(result.impossible.astype(float).mean())
    key = "summaries.impossible" if share else "summaries.possible"
    return f"{listed} {HERE.text(language).say(key, share=percent(share))}"


def finish_training(fig: plot.Sheet, result: Any, text: Text) -> None:
    for row in (1, 2):
        fig.update_yaxes(range=[-0.03, 1.1], row=row, col=1)
    fig.update_yaxes(type="log", row=3, col=1)


def table_training(result: Result, language: str) -> pd.DataFrame:
    values = {word: last(word)(result) for word in ("error", "blank", "reported", "loss")}
    return HERE.table(result, language, kinds.interval_columns(HERE.text(language), values))


def mean_of(name: str) -> Any:
    return lambda result: [percent(v) for v in mean_known(last(name)(result))]


def mean_known(seeds: np.ndarray) -> np.ndarray:
    """Means of values [row, seed] over the seeds that have one."""
    count = np.isfinite(seeds).sum(1)
    return np.where(count, np.nansum(seeds, 1) / np.maximum(count, 1), np.nan)


def summary_beam(result: Result, language: str) -> str:
    better, gains = (result.__getattribute__(name).astype(float).mean(1) for name in ("better", "gains"))

    def row(i: int) -> dict[str, Any] | None:
        if len(result.look) < 2 or not np.isfinite(better[i, -1]):
            return None
        most = 1 + int(np.nanargmax(better[i, 1:]))
        return {"most": percent(better[i, most]), "when": int(result.look[most]), "now": percent(better[i, -1]),
                "gain": f"{-100 * gains[i, -1] + 0.0:+.1f}".replace("-", "−")}  # fmt: skip

    return HERE.each(result, language, "summaries.beam", row, none="summaries.later")


# A small case, all paths


def letters(text: Sequence[int]) -> str:
    return "".join(LETTERS[k] for k in text) or "∅"


def by_text(result: Any) -> dict[str, list[tuple[str, float]]]:
    """Every text with its paths, the likeliest first."""
    found: dict[str, list[tuple[str, float]]] = {}
    for path, chance in zip(result.path.tolist(), result.chance.tolist()):
        if chance > 0:
            spelt = "".join((*LETTERS, MARK)[k] for k in path)
            found.setdefault(letters(said_by(path, len(LETTERS))), []).append((spelt, chance))
    return dict(sorted(found.items(), key=lambda item: -sum(chance for _, chance in item[1])))


def draw_paths(result: Any, language: str) -> go.Figure:
    """A bar per text, made of its paths, each as high as it is likely; the likeliest path is marked."""
    text, found = CASE.text(language), by_text(result)
    fig = plot.figure(400, "closest", barmode="stack")
    most, top = max(map(len, found.values())), max(max(found.values(), key=lambda paths: paths[0][1])[0][1], 0.0)
    for k in range(most):
        layer = [paths[k] if k < len(paths) else ("", 0.0) for paths in found.values()]
        best = [k == 0 and chance == top for _, chance in layer]
        colour = [style.fade(style.PALETTE[1 if mark else 0], 0.75 if mark else 0.45) for mark in best]
        shape = ["/" if mark else "" for mark in best]
        look = {"color": colour, "line": {"color": "#fdfcf9", "width": 1}, "pattern": {"shape": shape}}
        tip = "%{customdata}: %{y:.3f}<extra></extra>"
        names = [spelt if chance > 0.03 else "" for spelt, chance in layer]
        fig.add_bar(x=list(found), y=[chance for _, chance in layer], marker=look, text=names, showlegend=False,
                    customdata=[spelt for spelt, _ in layer], hovertemplate=tip, textposition="inside")  # fmt: skip
    fig.update_xaxes(title=text.say("words.text"), type="category")
    fig.update_yaxes(title=text.say("words.chance"))
    return fig


def table_paths(result: Any, language: str) -> pd.DataFrame:
    rows = [(text, path, round(chance, 6)) for text, paths in by_text(result).items() for path, chance in paths]
    texts, paths, chances = zip(*rows)
    return CASE.frame(language, {"words.text": texts, "words.one_path": paths, "words.chance": chances})


def summary_paths(result: Any, language: str) -> str:
    text, found = CASE.text(language), by_text(result)
    if not found:
        return text.say("summaries.later")
    totals = {name: sum(chance for _, chance in paths) for name, paths in found.items()}
    best, own = next(iter(totals)), letters([LETTERS.index(letter) for letter in result.params.text])
    path, chance = max((each for paths in found.values() for each in paths), key=lambda each: each[1])
    says = letters(said_by([(*LETTERS, MARK).index(k) for k in path], len(LETTERS)))
    key = "summaries.paths_same" if says == best else "summaries.paths_differ"
    numbers = {"path": path, "chance": f"{chance:.3f}", "says": says, "best": best, "total": f"{totals[best]:.3f}"}
    ways, loss = len(found.get(own, ())), float(-result.log_p)
    if not np.isfinite(loss):
        asked = text.say("summaries.no_path", text=own, frames=len(result.p))
    else:
        asked = text.say("summaries.loss", text=own, ways=ways, total=f"{np.exp(-loss):.3f}", loss=f"{loss:.3f}")
    return f"{text.say(key, **numbers)} {asked}"


def decoded_wrong(result: Any) -> np.ndarray:
    return np.concatenate([result.differs[None], result.misses])


def summary_decoders(result: Any, language: str) -> str:
    found = decoded_wrong(result).astype(float).mean(1)
    listed = CASE.each(result, language, "summaries.decoder", lambda i: {"share": percent(found[i, -1])})
    return CASE.text(language).say("summaries.decoders", frames=FRAMES[found.shape[1] - 1], listed=listed)


# A strip of the reader's own


def draw_read(found: Read, language: str) -> go.Figure:
    text, count = HERE.text(language), len(found.p)
    titles = ["", *(text.say("words.numbered", number=k + 1, said=said(p)) for k, p in enumerate(found.p))]
    fig = plot.panels(1 + count, 1, titles, 110 + 150 * count, row_heights=[0.5, *[1.0] * count],
                      vertical_spacing=0.25 / (1 + count))  # fmt: skip
    paint_strip(fig, found.strip, row=1, col=1)
    for k, p in enumerate(found.p.astype(float)):
        paint_frames(fig, p[None], text, row=2 + k, col=1)
    fig.update_xaxes(range=[-0.5, WIDE - 0.5], showgrid=False, showticklabels=False)
    fig.update_xaxes(showticklabels=True, title={"text": text.say("words.column"), "standoff": 2}, row=1 + count, col=1)
    plot.bare(fig)
    fig.update_layout(margin={"b": 34})
    return fig


def summary_read(found: Read, language: str) -> str:
    text = HERE.text(language)
    both = zip(found.said.tolist(), found.beam.tolist(), found.chance.tolist())
    return text.sentences(
        text.say("summaries.read", number=k, said=spelled(said), beam=spelled(likely), chance=f"{chance:.2f}")
        for k, (said, likely, chance) in enumerate(both, 1)
    )


FIGURES = (
    *HERE.figures(
        Figure("strip", draw_strip, table_strip, summary_strip),
        kinds.curves(
            HERE, "training", *STEP, lambda r: {"error": r.error, "blank": r.blank, "reported": r.reported},
            summary_training, table=table_training, finish=finish_training,
        ),
        HERE.later(kinds.intervals(
            HERE, "where", lambda r: {word: last(word)(r) for word in ("blank", "covers", "inside")},
            HERE.saying("summaries.where", blank=mean_of("blank"), covers=mean_of("covers"), inside=mean_of("inside")),
        )),
        HERE.later(kinds.intervals(
            HERE, "repeats", lambda r: {w: last("split")(r)[..., k] for k, w in enumerate(("plain", "repeated"))},
            HERE.saying("summaries.repeats",
                        plain=lambda r: [percent(v) for v in mean_known(last("split")(r)[..., 0])],
                        repeated=lambda r: [percent(v) for v in mean_known(last("split")(r)[..., 1])]),
        )),
        kinds.curves(
            HERE, "beam", "step", lambda r: r.look, lambda r: {"better": r.better, "gains": r.gains}, summary_beam,
            marked=True,
        ),
    ),
    *CASE.figures(
        Figure("paths", draw_paths, table_paths, summary_paths),
        CASE.later(kinds.swept(
            CASE, "decoders", "frames_count", lambda r: np.array(FRAMES)[: r.differs.shape[1]],
            lambda r: {"wrong_text": decoded_wrong(r)}, summary_decoders, marked=True, height=390,
            finish=lambda fig, r, text: fig.update_yaxes(rangemode="tozero"),
        ), lambda r: bool(r.differs.size)),
    ),
)  # fmt: skip
