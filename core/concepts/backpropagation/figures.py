"""Pictures of backpropagation: a network with all its numbers, elementary graphs, checks, mistakes, costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.backpropagation.bench.params import SHAPES, VERSIONS
from core.concepts.backpropagation.check.params import CHECKS
from core.concepts.backpropagation.claims import DOUBLE, accuracy, best, order, wrongness
from core.concepts.backpropagation.graph.params import NEURON, REUSE, Operation, edges, nodes
from core.concepts.backpropagation.params import ENDS, NODES, WEIGHTS, Result
from core.concepts.backpropagation.speed.params import GRADIENTS, WAYS
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percents

Places = dict[str, tuple[float, float]]
LOW = str.maketrans("123456789-", "₁₂₃₄₅₆₇₈₉−")
ROWS = {"1": 2.0, "2": 0.7}  # of the picture; columns are layers
PLACES = {name: ("xho".index(name[0]), ROWS[name[1]]) for name in NODES}
STUB = 0.52  # length of the edge of a bias, which comes from above or below
RADIUS, DISTANT = np.array([0.17, 0.215]), np.array([0.2, 0.14])  # of a node, across and up, here and in graphs
BACK, LIT, DISC = style.PALETTE[5], style.PALETTE[1], "#8f8f8f2e"
TOP, UNDER = np.array([[1.08, 3.22]]), np.array([[1.08, 2.98]])


def further(part: str, head: str, names: tuple[str, ...], **more: Any) -> Gallery:
    return Gallery(
        "backpropagation", lambda result, text: [text.say(f"rows.{n}") for n in names], head, of=part, **more
    )


HERE = Gallery("backpropagation", lambda result, text: [sign(name) for name in WEIGHTS], "words.weight")
GRAPHS = Gallery("backpropagation", head="words.node", of="graph")
CHECK = further("check", "words.check", CHECKS)
BENCH = further("bench", "words.version", VERSIONS, diverged=lambda r: ~np.isfinite(r.loss).all(-1))
LOOPS, PASSES = further("speed", "words.way", WAYS), further("speed", "words.gradient_by", GRADIENTS)


def sign(name: str) -> str:
    return name.translate(LOW)


def digits(value: float) -> str:
    """Three of them, with a minus sign; nothing of what is not known."""
    return f"{value:.3g}".replace("-", "−") if np.isfinite(value) else ""


# The network


def ends(name: str) -> np.ndarray:
    """Where the edge of a weight begins and ends, from rim to rim, [2, 2]."""
    start, end = ENDS[WEIGHTS.index(name)]
    to = np.array(PLACES[end], float)
    if start not in PLACES:
        out = np.array([0, STUB if end.endswith("1") else -STUB])
        return np.stack([to + out, to + np.sign(out) * RADIUS])
    return from_rim(np.array([PLACES[start], to]), RADIUS)


def from_rim(edge: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """An edge [2, 2] without what lies inside the two nodes."""
    way = edge[1] - edge[0]
    rim = way / np.linalg.norm(way / radius)
    return edge + np.stack([rim, -rim])


def nearest(x: float, y: float) -> str:
    """The weight whose edge is closest to this place of the picture."""

    def away(name: str) -> float:
        start, end = ends(name)
        way, to = end - start, np.array([x, y]) - start
        return float(np.linalg.norm(to - np.clip(to @ way / (way @ way), 0, 1) * way))

    return min(WEIGHTS, key=away)


def factors(result: Result, which: int) -> np.ndarray:
    """Input, slope and what comes back of a weight after every move: [move, 3]."""
    start, end = ENDS[which]
    to = NODES.index(end)
    moves = len(result.value)
    inputs = result.value[:, NODES.index(start)] if start in NODES else np.ones(moves)
    return np.stack([inputs, result.slope[:, to], result.back[:, to]], 1)


def draw_network(result: Result, language: str) -> go.Figure:
    """On the left every number, with one weight lit; on the right the loss as that weight changes."""
    text, lit, moves = HERE.text(language), WEIGHTS.index(result.params.lit), len(result.value)
    fig = plot.panels(1, 2, None, 430, column_widths=[0.62, 0.38], horizontal_spacing=0.09)
    left: dict[str, Any] = {"row": 1, "col": 1}
    at, spots = np.array([ends(name) for name in WEIGHTS]), np.array([PLACES[name] for name in NODES], float)
    lines = np.concatenate([at, np.full((len(at), 1, 2), np.nan)], 1).reshape(-1, 2)
    fig.add_scatter(**plot.xy(lines), mode="lines", line=plot.line(style.AXIS, 1.3), **plot.QUIET, **left)
    fig.add_scatter(**plot.xy(at[lit]), **plot.arrow(LIT, 4, 13), **plot.QUIET, **left)
    mark = plot.marker(DISC, "circle", 46, line=plot.line(style.AXIS, 1.5))
    fig.add_scatter(**plot.xy(spots), mode="markers", marker=mark, **plot.QUIET, **left)
    write(fig, spots, [[f"{sign(n)}<br>{digits(v)}" for n, v in zip(NODES, row)] for row in result.value], 12, **left)
    said = [[f"{sign(n)} {digits(v)}" for n, v in zip(WEIGHTS, row)] for row in result.weight]
    above = [name[0] == "w" or end.endswith("1") for name, (_, end) in zip(WEIGHTS, ENDS)]
    level = at[:, 0, 1] == at[:, 1, 1]
    share = np.select([level, at[:, 0, 0] == at[:, 1, 0], at[:, 0, 0] < 1], [0.5, -0.14, 0.27], 0.73)[:, None]
    sides = ["top center" if up else "bottom center" for up in above]
    sizes = [14 if k == lit else 12 for k in range(len(WEIGHTS))]
    write(fig, (1 - share) * at[:, 0] + share * at[:, 1], said, sizes, sides, **left)
    back = arrows(result.back[:, 2:])
    inner = np.array([[0, -0.33], [0, 0.33]])
    write(fig, spots[2:4] + inner, [row[:2] for row in back], 13, colour=BACK, **left)
    aims = [f"{text.say('words.target')} {digits(t)}" for t in result.target]
    write(fig, spots[4:] + np.array([0.2, 0.11]), [aims] * moves, 12, "middle right", **left)
    write(fig, spots[4:] + np.array([0.2, -0.11]), [row[2:] for row in back], 13, "middle right", BACK, **left)
    pairs = zip(factors(result, lit), result.gradient[:, lit])
    products = [(" · ".join(bracket(digits(v)) for v in three), digits(g)) for three, g in pairs]
    name = f"∂L/∂{sign(WEIGHTS[lit])}"
    write(fig, TOP, [[text.say("words.product")]] * moves, 12, **left)
    write(fig, UNDER, [[f"{name} = {said} = <b>{g}</b>" if g else ""] for said, g in products], 14, colour=LIT, **left)
    fig.update_xaxes(visible=False, range=[-0.25, 2.75], **left)
    fig.update_yaxes(visible=False, range=[-0.05, 3.35], **left)
    draw_loss(fig, result, lit, text, row=1, col=2)
    plot.stack(fig)
    fig.update_layout(showlegend=False, margin={"t": 10})
    return plot.film(fig, result, np.arange(moves), text.say("words.move"))


def write(
    fig: plot.Sheet,
    spots: np.ndarray,
    said: list[list[str]],
    size: Any,
    where: Any = "middle center",
    colour: str = "",
    **place: Any,
) -> None:
    """Texts [moment][place] at these spots [place, 2]."""
    font = {"size": size} | ({"color": colour} if colour else {})
    look: dict[str, Any] = {"textfont": font, "showlegend": False, **place}
    plot.words(fig, spots[:, 0], spots[:, 1], np.array(said), where, **look)


def arrows(back: np.ndarray) -> list[list[str]]:
    """What comes back, [moment, node], in words."""
    return [[f"← {digits(v)}" if np.isfinite(v) else "" for v in row] for row in back]


def bracket(said: str) -> str:
    return f"({said})" if said.startswith("−") else said


def draw_loss(fig: plot.Sheet, result: Result, lit: int, text: Text, **place: Any) -> None:
    """The loss as one weight changes, and its values where that is nudged up and down."""
    nudge, now, known = result.params.nudge, result.weight[:, lit], np.isfinite(result.gradient[:, lit])
    look = {"mode": "lines", "line": plot.line(style.PALETTE[0], 2.4)} | plot.QUIET
    fig.add_scatter(x=result.place[-1], y=result.along[-1], **look, **place).was(x=result.place, y=result.along)
    x = np.where(known[:, None], now[:, None] + nudge * np.array([-1, 1]), np.nan)
    pairs = zip(x, result.place, result.along)
    y = np.array([np.interp(two, where, loss) for two, where, loss in pairs])
    middle, slope, reach = y.mean(1, keepdims=True), (y[:, 1:] - y[:, :1]) / (2 * nudge), np.array([-1.2, 1.2])
    line = {"x": now[:, None] + reach, "y": middle + slope * reach}
    look = {"mode": "lines", "line": plot.line(LIT, 2, "dash")} | plot.QUIET
    fig.add_scatter(**{axis: values[-1] for axis, values in line.items()}, **look, **place).was(**line)
    mark = plot.marker(LIT, "diamond", 11, 1.0)
    fig.add_scatter(x=x[-1], y=y[-1], mode="markers", marker=mark, **plot.QUIET, **place).was(x=x, y=y)
    heights = result.along[np.isfinite(result.along)] if known.any() else np.array([0.0, 1.0])
    low, high = heights.min(), heights.max()
    spread = max(high - low, 1e-9)
    centre = np.nanmean(result.place[-1]) if known[-1] else now[-1]
    said = [[f"(L₊ − L₋) / 2ε = <b>{digits(v)}</b>" if np.isfinite(v) else ""] for v in result.nudged[:, lit]]
    head = [[text.say("words.nudged", nudge=f"{nudge:g}")]] * len(now)
    write(fig, np.array([[centre, high + 0.32 * spread]]), head, 12, **place)
    write(fig, np.array([[centre, high + 0.17 * spread]]), said, 15, colour=LIT, **place)
    fig.update_xaxes(title=sign(WEIGHTS[lit]), **place)
    fig.update_yaxes(title=text.say("words.loss"), nticks=5, range=[low - 0.08 * spread, high + 0.42 * spread], **place)


def table_network(result: Result, language: str) -> pd.DataFrame:
    parts = np.array([factors(result, k)[-1] for k in range(len(WEIGHTS))])
    columns = dict(zip(("words.input", "words.slope", "words.back"), parts.T))
    columns |= {"words.gradient": result.gradient[-1], "words.autograd": result.autograd[-1]}
    columns |= {"words.by_nudge": result.nudged[-1]}
    return HERE.table(result, language, {"words.value": result.weight[-1]} | columns)


def summary_network(result: Result, language: str) -> str:
    text, lit = HERE.text(language), WEIGHTS.index(result.params.lit)
    gradient, nudged, torch = (float(v[-1, lit]) for v in (result.gradient, result.nudged, result.autograd))
    if not np.isfinite(gradient):
        return text.say("summaries.later")
    parts = dict(zip(("input", "slope", "back"), map(digits, factors(result, lit)[-1])))
    found = {"gradient": digits(gradient), "nudged": digits(nudged), "torch": digits(torch)}
    return text.say("summaries.network", name=sign(WEIGHTS[lit]), loss=f"{result.loss[-1]:.4f}", **parts, **found)


# Elementary graphs


def drawn(
    id: str,
    program: tuple[Operation, ...],
    places: Places,
    found: Callable[[Any], tuple[np.ndarray, ...]],
    wrong: Callable[[Any], np.ndarray] | None = None,
) -> Figure:
    """A program as a graph: values in the nodes, what comes back below them and along the edges."""
    spots = np.array([places[name] for name in nodes(program)], float)

    def finish(fig: plot.Sheet, result: Any, text: Text) -> None:
        moves = len(result.neuron)
        write(fig, spots - np.array([0, -0.21]), [nodes(program)] * moves, 15, "top center")
        write(fig, spots - (0, 0.21), arrows(found(result)[1]), 14, "bottom center", BACK)
        if wrong:
            said = [
                text.say("words.overwritten", value=digits(v)) if np.isfinite(v) else "" for v in wrong(result)[:, 0]
            ]
            write(fig, spots[:1] - (0, 0.42), [[each] for each in said], 13, "bottom center")
        own = [from_rim(np.array([places[a], places[b]]), DISTANT) for a, b in edges(program)]
        fig.data[0].update(**plot.xy(np.concatenate([np.r_[each, [[np.nan] * 2]] for each in own])))
        fig.update_xaxes(
            range=[spots[:, 0].min() - (0.8 if wrong else 0.45), spots[:, 0].max() + 0.45], scaleanchor=None
        )
        fig.update_yaxes(range=[spots[:, 1].min() - 0.75, spots[:, 1].max() + 0.5], scaleanchor=None)
        fig.update_layout(meta=None, height=380)

    def table(result: Any, language: str) -> pd.DataFrame:
        values, back, _ = found(result)
        columns = {"words.node": nodes(program), "words.value": values[-1], "words.back": back[-1]}
        return GRAPHS.frame(language, columns | ({"words.wrong": wrong(result)[-1]} if wrong else {}))

    def summary(result: Any, language: str) -> str:
        text, (values, back, along) = GRAPHS.text(language), (array[-1] for array in found(result))
        if not np.isfinite(back).all():
            return text.say("summaries.later")
        if wrong:
            shares = " + ".join(bracket(digits(v)) for v, (start, _) in zip(along, edges(program)) if start == "a")
            return text.say("summaries.reuse", shares=shares, whole=digits(back[0]), wrong=digits(wrong(result)[-1, 0]))
        pairs = zip(nodes(program), back)
        listed = text.listed(f"{name} {digits(v)}" for name, v in pairs if name in ("w", "x", "b"))
        return text.say("summaries.neuron", output=digits(values[-1]), listed=listed)

    moves: Any = "move", lambda r: np.arange(len(r.neuron))

    def numbers(result: Any) -> tuple[np.ndarray, np.ndarray]:
        values, _, along = found(result)
        return values, along

    where: Any = {name: places[name] for name in nodes(program)}
    parts = (lambda r: where), (lambda r: edges(program))
    figure = pictures.graph(GRAPHS, id, *parts, numbers, summary, when=moves, finish=finish)
    return replace(figure, table=table)


# Mistakes


def finish_broken(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(type="log", range=[-1, 1], tickvals=[0.1, 0.2, 0.5, 1, 2, 5, 10])


def draw_shapes(result: Any, language: str) -> go.Figure:
    """Every product as rectangles of its dimensions; what NumPy refuses has a dashed one, and says so."""
    text, fig = BENCH.text(language), plot.figure(430, "closest")
    lines: dict[str, list[np.ndarray]] = {"": [], "dash": []}
    labels: list[tuple[float, float, str]] = []
    for k, (name, shape) in enumerate(zip(SHAPES, result.shape.reshape(-1, 3, 2).tolist())):
        x, y = 240.0 * (k % 2), -82.0 * (k // 2)
        labels.append((x + 88, y + 22, f"<b>{name}</b>"))
        for sides, symbol in zip(shape, "·= "):
            refused = not sides[0]
            tall, wide = (24.0, 34.0) if refused else (0.75 * side for side in sides)
            corners = np.array([[-wide, 0], [wide, 0], [wide, -2 * tall], [-wide, -2 * tall], [-wide, 0]]) / 2
            middle = np.array([x + 26, y])
            lines["dash" if refused else ""].append(np.r_[corners + middle, [[np.nan] * 2]])
            said = text.say("words.refused") if refused else f"{sides[0]} × {sides[1]}"
            labels += [(middle[0], y + 7, said), (x + 59, y - 12, symbol)]
            x += 66
    for i, (dash, boxes) in enumerate(lines.items()):
        look: dict[str, Any] = {"mode": "lines", "line": plot.line(style.PALETTE[i], 2, dash)}
        fig.add_scatter(**plot.xy(np.concatenate(boxes)), **look, **plot.QUIET)
    xs, ys, told = zip(*labels)
    plot.words(fig, xs, ys, np.array([told]), "middle center", textfont={"size": 12})
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, scaleanchor="x")
    plot.bare(fig, 5)
    return fig


def table_shapes(result: Any, language: str) -> pd.DataFrame:
    shape = result.shape
    sides = "left_rows", "left_columns", "right_rows", "right_columns", "rows", "columns"
    heads = (f"words.{side}" for side in sides)
    return BENCH.frame(language, {"words.product_of": list(SHAPES)} | dict(zip(heads, shape.T)))


def summary_shapes(result: Any, language: str) -> str:
    text = BENCH.text(language)
    refused = [name for name, shape in zip(SHAPES, result.shape) if not shape[-1]]
    return text.say("summaries.shapes", count=len(SHAPES) - len(refused), refused=text.listed(refused))


# Checks and costs


def log_axes(fig: plot.Sheet, result: Any, text: Text) -> None:
    for update in (fig.update_xaxes, fig.update_yaxes):
        update(type="log", exponentformat="power", dtick=1)


def finish_check(fig: plot.Sheet, result: Any, text: Text) -> None:
    log_axes(fig, result, text)
    fig.update_xaxes(dtick=3)
    fig.update_yaxes(range=[-11, 0.3], dtick=2)
    fig.update_layout(legend={"y": 1.11})


def finish_passes(fig: plot.Sheet, result: Any, text: Text) -> None:
    log_axes(fig, result, text)
    for i, counted in enumerate(result.counted):
        mark = plot.mark(i, 12) | {"symbol": f"{plot.mark(i)['symbol']}-open", "line": {"width": 2}}
        name = f"{text.say(f'rows.{GRADIENTS[i]}')}, {text.say('words.counted')}"
        fig.add_scatter(x=result.weights, y=counted, mode="markers", marker=mark, name=name)


def micro(result: Any) -> dict[str, np.ndarray]:
    return {"microseconds": 1e6 * result.seconds / result.examples}


SUMMARY_CHECK = CHECK.saying(
    "summaries.check", power=lambda r: order(r).mean(1),
    best=lambda r: [f"{DOUBLE * 10**v:.0e}" for v in np.median(best(r), 1)],
    least=lambda r: [f"{v:.0e}" for v in np.median(r.start.min(-1), 1)],
)  # fmt: skip
SUMMARY_BROKEN = BENCH.saying(
    "summaries.broken", error=lambda r: [f"{10**v:.0e}" for v in wrongness(r).mean(1)],
    before=lambda r: r.loss[:, :, 0].mean(1), after=lambda r: [f"{v:.3g}" for v in r.loss[:, :, -1].mean(1)],
    right=lambda r: percents(accuracy(r)),
)  # fmt: skip
SUMMARY_LOOPS = LOOPS.saying(
    "summaries.loops", one=lambda r: micro(r)["microseconds"][:, :, 0].mean(1),
    many=lambda r: micro(r)["microseconds"][:, :, -1].mean(1),
)  # fmt: skip
SUMMARY_PASSES = PASSES.saying(
    "summaries.passes", passes=lambda r: [f"{v:,.1f}" for v in r.passes[:, :, -1].mean(1)],
    counted=lambda r: [f"{v:,.1f}" for v in r.counted[:, -1]],
)  # fmt: skip
NEURON_PLACES: Places = {"w": (0, 2), "x": (0, 1), "h₁": (1, 1.5), "b": (1, 0.5)}
NEURON_PLACES |= {name: (k, 1) for k, (name, _, _) in enumerate(NEURON[1:], 2)}
REUSE_PLACES: dict[str, tuple[float, float]] = {
    "a": (0, 0.5),
    "b": (0, 2),
    "c": (1, 1.6),
    "d": (2, 1.25),
    "e": (3, 0.7),
}
STEPS = "step", lambda r: r.tick
LOSSES = kinds.curves(
    BENCH, "broken", *STEPS, lambda r: {"training_loss": r.loss}, SUMMARY_BROKEN, log=True, hover=".3g",
    banded=0, finish=finish_broken,
)  # fmt: skip
BROKEN = kinds.intervals(
    BENCH, "bench",
    lambda r: {
        "log_checked": wrongness(r), "log_again": np.log10(r.again.clip(1e-300)), "test_accuracy": accuracy(r)
    }, SUMMARY_BROKEN,
)  # fmt: skip
CHECKED = kinds.swept(
    CHECK, "check", "nudge", lambda r: r.epsilon, lambda r: {"start": r.start, "trained": r.trained}, SUMMARY_CHECK,
    side=True, log=True, hover=".1e", digits=14, finish=finish_check,
)  # fmt: skip
LOOPED = kinds.swept(LOOPS, "loops", "examples", lambda r: r.examples, micro, SUMMARY_LOOPS, log=True, finish=log_axes)
COSTS = kinds.swept(
    PASSES, "passes", "weights", lambda r: r.weights, lambda r: {"passes": r.passes}, SUMMARY_PASSES, log=True,
    hover=",.1f", finish=finish_passes,
)  # fmt: skip
FIGURES = (
    *HERE.figures(Figure("network", draw_network, table_network, summary_network)),
    *GRAPHS.figures(
        drawn("reuse", REUSE, REUSE_PLACES, lambda r: (r.reuse, r.reuse_back, r.reuse_along), lambda r: r.overwritten),
        drawn("neuron", NEURON, NEURON_PLACES, lambda r: (r.neuron, r.neuron_back, r.neuron_along)),
    ),
    *BENCH.figures(LOSSES, BENCH.later(BROKEN), Figure("shapes", draw_shapes, table_shapes, summary_shapes)),
    *CHECK.figures(CHECK.later(CHECKED)),
    *PASSES.figures(PASSES.later(COSTS, lambda r: len(r.weights) > 0)),
    *LOOPS.figures(LOOPS.later(LOOPED, lambda r: len(r.examples) > 0)),
)
