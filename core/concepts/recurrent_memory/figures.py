"""Pictures of recurrent memory: answers, errors, gates, gradients through time, what is held, the cliff, names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.recurrent_memory.claims import (
    ended,
    ever,
    longest,
    readable,
    reads,
    solved,
    when,
)
from core.concepts.recurrent_memory.cliff.params import B, W
from core.concepts.recurrent_memory.names.params import LANGUAGES, LETTERS
from core.concepts.recurrent_memory.params import (
    BASELINES,
    GATED,
    GRU,
    LSTM,
    QUANTITIES,
    SOLVED,
    Answer,
    Net,
    Result,
    learns,
    recurrent,
    used,
)
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percent, percents

STEP = ("step", lambda r: r.tick)
LOOK = ("step", lambda r: r.look)
POWERS = {"type": "log", "exponentformat": "power", "dtick": 1}


def name_of(net: Net, text: Text) -> str:
    """The cell, and what is not as by default."""
    said = [text.say(f"options.cell.{net.cell}")]
    usual = GRU if net.cell == "gru" else LSTM
    if net.cell in GATED and net.opened != usual.opened:
        said.append(f"b = {net.opened:g}")
    if recurrent(net):
        said += [text.say("options.start.orthogonal")] * (net.start == "orthogonal")
        said += [text.say("words.layered", count=net.layers)] * (net.layers > 1)
        said += [text.say("words.both")] * net.both + [text.say("words.carried")] * (net.carried and not net.both)
    if net.cell == "cnn":
        said.append(text.say("words.sees", count=2**net.layers))
    if learns(net) and net.clip != 1:
        said.append(text.say("words.clip", at=f"{net.clip:g}") if net.clip else text.say("words.unclipped"))
    return ", ".join(said)


def named(result: Any, text: Text) -> list[str]:
    return [name_of(net, text) for net in used(result.params)]


HERE = Gallery("recurrent_memory", named, "words.network", diverged=lambda r: ~np.isfinite(r.error[..., -1]))
CLIFF = Gallery(
    "recurrent_memory", lambda r, text: [text.say(f"options.kind.{clip.kind}") for clip in r.params.clips],
    "words.clipping",
    diverged=lambda r: ~np.isfinite(r.loss[..., -1]), of="cliff",
)  # fmt: skip
NAMES = Gallery(
    "recurrent_memory", lambda r, text: [text.say(f"options.kind.{reader.kind}") for reader in r.params.readers],
    "words.reader", diverged=lambda r: ~np.isfinite(r.loss[..., -1]), of="names",
)  # fmt: skip


# The first screen


def sequence(fig: plot.Sheet, example: np.ndarray, text: Text, **place: Any) -> None:
    """Values as bars, those that are marked in colour and with a star above."""
    place_of = np.arange(1, example.shape[1] + 1)
    plain = {"color": style.fade(style.PALETTE[9], 0.55)}
    starred = {"color": style.PALETTE[1], "pattern": {"shape": "/"}}
    for word, there, look in (("unmarked", example[1] == 0, plain), ("marked", example[1] > 0, starred)):
        name, star = text.say(f"words.{word}"), "★" if word == "marked" else ""
        more: dict[str, Any] = {"textposition": "outside", "cliponaxis": False, "marker": look, "width": 0.8}
        tip = f"%{{x}}: %{{y:.2f}}<extra>{name}</extra>"
        bars = {"x": place_of[there], "y": example[0][there], "text": [star] * int(there.sum())}
        fig.add_bar(**bars, name=name, hovertemplate=tip, showlegend=False, **more, **place)
    fig.update_layout(barmode="overlay")
    fig.update_yaxes(title=text.say("words.value"), range=[0, 1.22], dtick=0.5, **place)


def answers(fig: plot.Sheet, truth: np.ndarray, said: np.ndarray, names: list[str], text: Text, **place: Any) -> None:
    """The first answer of every network, [net(, tick)], and the right one as a line."""
    now = [float(truth[0]), *said[..., -1][np.isfinite(said[..., -1])]]
    low, high = min(0.0, *now), max(1.0, *now)
    for i, name in enumerate(names):
        look = {"mode": "markers", "marker": plot.mark(i, 13), "hovertemplate": f"%{{y:.3f}}<extra>{name}</extra>"}
        fig.add_scatter(x=[i], y=said[i, -1:], name=name, showlegend=False, **look, **place).was(y=said[i][:, None])
    fig.add_hline(y=float(truth[0]), line=plot.line(style.AXIS, 2, "dot"), **place)
    fig.update_xaxes(visible=False, range=[-0.6, len(names) - 0.4], **place)
    room = 0.12 * (high - low)
    fig.update_yaxes(range=[low - room, high + room], title=text.say("words.answer"), **place)


def draw_answers(result: Result, language: str) -> go.Figure:
    """One sequence and what the networks answer; below, the share of seeds that have solved the task."""
    text, names = HERE.text(language), HERE.names(result, language)
    boxes: Any = [[{}, {}], [{"colspan": 2}, None]]
    about: dict[str, Any] = {"column_widths": [0.72, 0.28], "row_heights": [0.36, 0.64], "specs": boxes}
    fig = plot.panels(2, 2, None, 390, vertical_spacing=0.13, horizontal_spacing=0.11, **about)
    sequence(fig, result.example, text, row=1, col=1)
    if result.said.shape[-1]:
        answers(fig, result.truth, result.said[:, 0].astype(float), names, text, row=1, col=2)
    below: dict[str, Any] = {"row": 2, "col": 1}
    for i, (name, seeds) in enumerate(zip(names, solved(result).astype(float))):
        plot.bands(
            fig, result.tick, seeds, name, plot.curve(i), hover=f"%{{y:.0%}}<extra>{name}</extra>", share=True, **below
        )
    fig.update_xaxes(title=text.say("words.step"), range=[0, result.total], **below)
    fig.update_yaxes(title=text.say("words.solved"), range=[-0.03, 1.03], tickformat=".0%", **below)
    fig = plot.film(
        fig, result, result.tick, text.say("words.step"), [i for i, t in enumerate(fig.data) if t.xaxis == "x3"]
    )
    return fig


def table_answers(result: Result, language: str) -> pd.DataFrame:
    columns = {
        "words.solved": ever(result).mean(1).round(3),
        "words.when": np.where(ever(result).any(1), when(result).min(1), np.nan),
        "words.error": result.error[..., -1].mean(1).round(5),
        "words.answer": result.said[:, 0, -1].astype(float).round(4),
        "words.truth": np.full(len(used(result.params)), round(float(result.truth[0]), 4)),
    }
    return HERE.table(result, language, columns)


def summary_answers(result: Result, language: str) -> str:
    text, found, first = HERE.text(language), ever(result), when(result)

    def row(i: int) -> dict[str, Any]:
        count = int(found[i].sum())
        numbers = {"count": count, "seeds": result.params.seeds, "step": int(first[i].min())}
        return numbers | ({"key": "summaries.none"} if not count else {})

    return (
        text.say("summaries.task", task=text.say(f"options.task.{result.params.task}"), length=result.params.length)
        + " "
        + HERE.each(result, language, "summaries.solved", row)
    )


def finish_error(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Lines: always answering with the mean, and where a task counts as solved."""
    base = BASELINES[result.params.task]
    for height, word in ((base, "baseline"), (SOLVED * base, "counts")):
        fig.add_hline(y=height, line=plot.line(style.AXIS, 1.5, "dot"))
        said: dict[str, Any] = {"text": text.say(f"words.{word}"), "xref": "paper", "x": 1, "xanchor": "right"}
        fig.add_annotation(y=float(np.log10(height)), yanchor="bottom", showarrow=False, **said)
    fig.update_yaxes(**POWERS)


# Inside


def shades(units: np.ndarray) -> np.ndarray:
    """Units of one network [look, quantity, unit, time] as numbers from 0 to 1: gates as they are, c and h by sign and
    size, over the largest there is; ½ is 0."""
    found = units.astype(float).copy()
    for at in map(QUANTITIES.index, ("cell", "state")):
        largest = np.nanmax(np.abs(found[:, at]), initial=0) or 1.0
        found[:, at] = 0.5 + 0.5 * found[:, at] / largest
    return found


def drawn_inside(example: np.ndarray, units: np.ndarray, names: list[str], text: Text) -> plot.Sheet:
    """Per network what its units do over the sequence, [net, look, quantity, unit, time], under the sequence itself."""
    there = [i for i in range(len(names)) if np.isfinite(units[i]).any()]
    fig = plot.panels(2, len(there), None, 430, row_heights=[0.2, 0.8], vertical_spacing=0.05, horizontal_spacing=0.13,
                      column_titles=[names[i] for i in there], shared_xaxes=True)  # fmt: skip
    for k, i in enumerate(there, 1):
        sequence(fig, example, text, row=1, col=k)
        fig.update_yaxes(title=text.say("words.value") if k == 1 else "", row=1, col=k)
        rows: list[tuple[int, int] | None] = []
        ticks, labels = [], []
        for q, quantity in enumerate(QUANTITIES):
            own = [u for u in range(units.shape[3]) if np.isfinite(units[i, -1, q, u]).any()]
            if own:
                ticks.append(len(rows) + (len(own) - 1) / 2)
                labels.append(text.say(f"quantities.{quantity}"))
                rows += [(q, u) for u in own] + [None]
        z = np.full((units.shape[1], max(len(rows) - 1, 1), units.shape[-1]), np.nan)
        for at, row in enumerate(rows):
            if row:
                z[:, at] = shades(units[i])[:, row[0], row[1]]
        tip = "%{x}: %{z:.2f}<extra></extra>"
        look = {"zmin": 0, "zmax": 1, "showscale": False, "colorscale": style.colorscale(style.DIVERGING)}
        fig.add_heatmap(x=np.arange(1, z.shape[-1] + 1), z=z[-1], hovertemplate=tip, **look, row=2, col=k).was(z=z)
        fig.update_yaxes(
            tickvals=ticks, ticktext=labels, autorange="reversed", showgrid=False, tickfont={"size": 11}, row=2, col=k
        )
        fig.update_xaxes(title=text.say("words.time"), showgrid=False, row=2, col=k)
        fig.update_xaxes(range=[0.5, z.shape[-1] + 0.5], col=k)
    fig.update_layout(showlegend=False)
    plot.stack(fig)
    return fig


def draw_gates(result: Result, language: str) -> go.Figure:
    text = HERE.text(language)
    if not np.isfinite(result.inside).any():
        return plot.waiting(plot.figure(), text.say("words.no_gates"))
    fig = drawn_inside(result.example, result.inside, HERE.names(result, language), text)
    return plot.film(fig, result, result.look, text.say("words.step"))


GATES_SHOWN = ("input", "forget", "output", "reset", "update")


def table_gates(result: Result, language: str) -> pd.DataFrame:
    columns = {}
    for quantity in GATES_SHOWN:
        found = result.mean_gate[:, :, -1, QUANTITIES.index(quantity)].astype(float).mean(1)
        for k, word in enumerate(("unmarked", "marked")):
            say = HERE.text(language).say
            columns[f"{say(f'quantities.{quantity}')}, {say(f'words.{word}')}"] = found[:, k].round(3)
    return HERE.table(result, language, columns)


def summary_gates(result: Result, language: str) -> str:
    text = HERE.text(language)

    def row(i: int) -> dict[str, Any] | None:
        for quantity in ("input", "update"):
            off, on = result.mean_gate[i, :, -1, QUANTITIES.index(quantity)].astype(float).mean(0)
            if np.isfinite(off) and np.isfinite(on):
                return {"gate": text.say(f"quantities.{quantity}"), "on": f"{on:.2f}", "off": f"{off:.2f}"}
        return None

    return HERE.each(result, language, "summaries.gates", row, none="summaries.no_gates")


def places(result: Result) -> np.ndarray:
    return np.arange(1, result.through.shape[-1] + 1)


def finish_through(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Open circles: σ(b) to the power of the steps to the end, for every forget bias."""
    steps = places(result)
    for opened in sorted({net.opened for net in used(result.params) if net.cell in ("lstm", "peephole")}):
        theory = (1 / (1 + np.exp(-opened))) ** (steps[-1] - steps)
        look = {"mode": "lines+markers", "line": plot.line(style.AXIS, 1.5, "dot")}
        look |= {"marker": plot.marker(style.AXIS, "circle-open", 5), "name": f"σ({opened:g})<sup>k</sup>"}
        fig.add_scatter(x=steps, y=theory, hovertemplate="%{y:.2g}", **look)
    fig.update_yaxes(**POWERS | {"range": [-8.2, 1]})


def summary_through(result: Result, language: str) -> str:
    def row(i: int) -> dict[str, Any] | None:
        first, last = (np.median(result.through[i, :, look, 0].astype(float)) for look in (0, -1))
        return {"first": f"{first:.2g}", "last": f"{last:.2g}"} if np.isfinite(first) and np.isfinite(last) else None

    return HERE.each(result, language, "summaries.through", row, none="summaries.no_state")


def summary_held(result: Result, language: str) -> str:
    sums = [readable(look)(result).mean(1) for look in (0, -1)]

    def row(i: int) -> dict[str, Any] | None:
        if not np.isfinite(result.held[i, :, -1]).any():
            return None
        return {"first": f"{sums[0][i]:.1f}", "last": f"{sums[1][i]:.1f}", "length": result.params.length}

    return HERE.each(result, language, "summaries.held", row, none="summaries.no_state")


def summary_norm(result: Result, language: str) -> str:
    def row(i: int) -> dict[str, Any] | None:
        known = learns(used(result.params)[i]) and np.isfinite(result.norm[i]).all()
        return {"most": f"{result.norm[i].max():.2g}"} if known else None

    return HERE.each(result, language, "summaries.norm", row, none="summaries.no_training")


# The cliff


def draw_cliff(result: Any, language: str) -> go.Figure:
    """Over the surface, from one start the path of every clip; a panel each."""
    text, names = CLIFF.text(language), CLIFF.names(result, language)
    fig, spots = plot.grid(names, min(len(names), 2), gap=0.08, room=0.2, shared_xaxes=True, shared_yaxes=True)
    for i, place in enumerate(spots):
        plot.heights(fig, W, B, result.surface.astype(float), **place)
        for seed in range(min(result.params.seeds, 6)):
            path = result.path[i, seed]
            tip = "w %{x:.2f}, b %{y:.2f}<extra></extra>"
            look = plot.curve(i, "solid", 1.6) | {"hovertemplate": tip, "showlegend": False, "opacity": 0.9}
            clock = {"clock": result.tick.tolist()}
            fig.add_scatter(
                **plot.xy(path), meta=clock, **look | {"mode": "lines+markers", "marker": {"size": 3}}, **place
            )
        start = {"mode": "markers", "marker": plot.marker(style.PALETTE[8], "circle", 7, 1), **plot.QUIET}
        fig.add_scatter(**plot.xy(result.path[i, :6, 0]), **start, **place)
    fig.update_xaxes(range=[W[0], W[-1]])
    fig.update_yaxes(range=[B[0], B[-1]])
    fig.update_xaxes(title="w", row=spots[-1]["row"])
    fig.update_yaxes(title="b", col=1)
    fig.update_layout(height=60 + 300 * spots[-1]["row"], margin={"t": 34})
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"), [k for k, t in enumerate(fig.data) if t.meta])


def table_cliff(result: Any, language: str) -> pd.DataFrame:
    columns = {
        "words.loss": np.round(10 ** np.median(ended(result), 1), 5),
        "words.longest": np.round(10 ** longest(result).max(1), 2) if result.step else np.zeros(len(result.loss)),
        "words.turned": result.turned.max(1).round(1),
    }
    return CLIFF.table(result, language, columns)


def summary_cliff(result: Any, language: str) -> str:
    return CLIFF.saying(
        "summaries.cliff",
        most=lambda r: [f"{v:.2g}" for v in r.longest.max(1)],
        loss=lambda r: [f"{v:.2g}" for v in np.median(r.loss[..., -1], 1)],
    )(result, language)


# Names

SPLITS = kinds.Chips("split", {"train": "solid", "test": "dot"}, ("test",))


def signs(result: Any) -> list[str]:
    return [LETTERS[k - 1] for k in result.letters]


def summary_letters(result: Any, language: str) -> str:
    text, last = NAMES.text(language), result.typed[:, :, -1, -1]

    def row(i: int) -> dict[str, Any] | None:
        tongue = text.say(f"languages.{LANGUAGES[int(last[i].argmax())]}")
        return {"tongue": tongue, "share": percent(float(last[i].max()))} if np.isfinite(last[i]).all() else None

    return NAMES.each(result, language, "summaries.letters", row, none="summaries.later")


# An own sequence


def draw_typed(found: Answer, language: str) -> go.Figure:
    """Answers, and what is inside the networks over the sequence; the nets' names stand in the numbers beside."""
    text = HERE.text(language)
    names = [text.say("words.numbered", number=k + 1) for k in range(len(found.said))]
    fig = drawn_inside(found.example, found.inside[:, None], names, text)
    return fig


def summary_typed(found: Answer, language: str) -> str:
    text = HERE.text(language)
    said = text.listed(f"{k + 1}: {value:.3f}" for k, value in enumerate(found.said[:, 0]))
    right = "–" if not np.isfinite(found.truth[0]) else f"{found.truth[0]:.3f}"
    return text.say("summaries.typed", said=said, truth=right)


FIGURES = (
    *HERE.figures(
        Figure("answers", draw_answers, table_answers, summary_answers),
        kinds.curves(
            HERE, "error", *STEP, lambda r: {"error": r.error},
            HERE.saying("summaries.error", last=lambda r: [f"{v:.2g}" for v in r.error[..., -1].mean(1)]),
            log=True, hover=".2g", digits=6, finish=finish_error,
        ),
        Figure("gates", draw_gates, table_gates, summary_gates),
        kinds.curves(
            HERE, "through", "time", places, lambda r: {"through": r.through}, summary_through, moments=LOOK,
            log=True, hover=".2g", digits=12, finish=finish_through,
        ),
        kinds.curves(
            HERE, "held", "time", places, lambda r: {"held": r.held}, summary_held, moments=LOOK, hover=".2f",
            finish=lambda fig, r, text: fig.update_yaxes(range=[-0.03, 1.03]),
        ),
        kinds.curves(
            HERE, "norm", *STEP, lambda r: {"norm": r.norm}, summary_norm,
            log=True, hover=".2g", finish=lambda fig, r, text: fig.update_yaxes(**POWERS),
        ),
    ),
    *CLIFF.figures(Figure("cliff", draw_cliff, table_cliff, summary_cliff)),
    *NAMES.figures(
        kinds.curves(
            NAMES, "names", *STEP, lambda r: {"accuracy": r.accuracy},
            NAMES.saying("summaries.names", share=lambda r: percents(reads(r))), parts=SPLITS,
        ),
        NAMES.later(
            pictures.matrix(
                NAMES, "letters", lambda r: r.typed[:, :, -1], lambda r: [code[:2] for code in LANGUAGES], signs,
                summary_letters, columns=2, ratio=0.72, room=0.3,
            ),
            lambda r: bool(r.typed.size),
        ),
    ),
)  # fmt: skip
