"""Pictures of residual networks: accuracy by depth, what comes back, lesions, copying, rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.residual_networks.claims import ROWS, TEST, TRAIN, at_best, backward, best_rate, kept, reached
from core.concepts.residual_networks.copy.params import CHAINS, CLOSE, STARTED
from core.concepts.residual_networks.params import KINDS, Outcome, Result, depths
from core.concepts.residual_networks.rates.params import RATES
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent

STEP = ("step", lambda r: r.tick)
SPLITS = kinds.Chips("split", {"train": "solid", "test": "dot"}, ("train", "test"))
MARKED = [digit * 10.0**power for power in range(-8, 5) for digit in (1, 3)]
LOG: dict[str, Any] = {"type": "log", "tickvals": MARKED, "ticktext": [f"{value:g}" for value in MARKED]}


def named(result: Result, text: Text) -> list[str]:
    return [text.say(f"options.kind.{net.kind}") for net in result.params.nets]


def rated(result: Any, text: Text) -> list[str]:
    last = depths(result.params)[-2:]
    return [text.say("words.deep_net", name=text.say(f"options.kind.{kind}"), depth=last[deep]) for kind, deep in ROWS]


HERE = Gallery("residual_networks", named, "words.network", diverged=lambda r: ~np.isfinite(r.loss).all((3, 4)))
COPIES = Gallery(
    "residual_networks", lambda r, text: [text.say(f"options.kind.{kind}") for kind in STARTED], "words.network",
    diverged=lambda r: ~np.isfinite(r.error).all(-1), of="copy",
)  # fmt: skip
RATED = Gallery(
    "residual_networks", rated, "words.network",
    diverged=lambda r: ~np.isfinite(r.loss).all((3, 4)), of="rates",
)  # fmt: skip


# Depth


def places(result: Result) -> np.ndarray:
    """How many layers lie before each place of the deepest."""
    return 1 + 2 * np.arange(result.gradient.shape[-1])


def draw_depth(result: Result, language: str) -> go.Figure:
    """Training accuracy by depth; beside it the gradient by layer of the deepest."""
    text = HERE.text(language)
    fig = plot.panels(1, 2, None, 390, column_widths=[0.52, 0.48], horizontal_spacing=0.14)
    left: dict[str, Any] = {"row": 1, "col": 1}
    right: dict[str, Any] = {"row": 1, "col": 2}
    for i, name in enumerate(HERE.names(result, language)):
        seeds = result.accuracy[i, ..., TRAIN].astype(float).transpose(1, 2, 0)  # [seed, tick, depth]
        look = plot.curve(i, width=3, marked=True) | {"legendgroup": f"{i}"}
        plot.bands(fig, result.depth, seeds, name, look, hover=f"%{{y:.3f}}<extra>{name}</extra>", **left)
        back = result.gradient[i].astype(float)
        tip = f"%{{y:.2g}}<extra>{name}</extra>"
        plot.bands(fig, places(result), back, name, look, hover=tip, log=True, **right)
        fig.data[-1].showlegend = False
    ticks = [f"{depth}" for depth in result.depth]
    fig.update_xaxes(title=text.say("words.depth"), type="log", tickvals=result.depth, ticktext=ticks, **left)
    fig.update_yaxes(title=text.say("words.training_accuracy"), range=[0, 1.02], **left)
    fig.update_xaxes(title=text.say("words.layer", depth=result.params.deepest), **right)
    fig.update_yaxes(title=text.say("words.gradient"), **LOG, **right)
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.step"))


def table_depth(result: Result, language: str) -> pd.DataFrame:
    say = HERE.text(language).say
    columns: dict[str, Any] = {}
    for k, depth in enumerate(result.depth):
        for split, word in ((TRAIN, "training_accuracy"), (TEST, "test_accuracy")):
            head = f"{say(f'words.{word}')}, {say('words.layers', depth=depth)}"
            columns[head] = reached(split, k)(result).mean(1).round(4)
    return HERE.table(result, language, columns | {"words.backward": times(result)})


def times(result: Result, tick: int = -1) -> np.ndarray:
    """How many times larger the gradient is at the first place than at the last, median over seeds: [net]."""
    return np.round(10 ** np.median(backward(result, tick), 1), 3)


def ends(split: int) -> dict[str, Any]:
    """Accuracy at the depth before the deepest, and there."""
    return {
        "before": lambda r: [int(r.depth[-2])] * len(r.params.nets),
        "deepest": lambda r: [int(r.depth[-1])] * len(r.params.nets),
        "less": lambda r: [f"{v:.3f}" for v in reached(split, -2)(r).mean(1)],
        "more": lambda r: [f"{v:.3f}" for v in reached(split)(r).mean(1)],
    }


def of_ticks(result: Result) -> np.ndarray:
    """Accuracy [net, seed, tick, depth, split]."""
    return result.accuracy.transpose(0, 2, 3, 1, 4)


def finish_test(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=result.depth, ticktext=[f"{depth}" for depth in result.depth])
    fig.update_yaxes(range=[0, 1.02])


def finish_signal(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_yaxes(**LOG)


# Lesions


def cut_out(result: Result) -> dict[str, np.ndarray]:
    """Test accuracy without each block, and with each changed places with the next: [net, seed, block]."""
    removed, swapped = result.removed[:, :, -1], result.swapped[:, :, -1]
    return {"removed": removed, "swapped": np.pad(swapped, ((0, 0), (0, 0), (0, 1)), constant_values=np.nan)}


def finish_lesions(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: the whole networks."""
    for i, whole in enumerate(reached(TEST)(result).mean(1)):
        line = plot.line(style.contender(i).colour, 1.5, "dot")
        fig.add_hline(y=whole, line=line, row="all", col="all")
    fig.update_yaxes(range=[0, 1.02])
    fig.update_xaxes(dtick=1 if result.removed.shape[-1] < 14 else 2)


def draw_operation(found: Outcome, language: str) -> go.Figure:
    """Accuracy before and after, and what one example is taken for."""
    say, fig = HERE.text(language).say, plot.panels(1, 2, None, 260, horizontal_spacing=0.12)
    names = [say(f"options.kind.{KINDS[kind]}") for kind in found.kind]
    for i, name in enumerate(names):
        mean = found.accuracy[i].astype(float).mean(0)
        look = plot.curve(i, "solid", marked=True)
        ends = [say("words.whole"), say("words.operated")]
        fig.add_scatter(x=ends, y=mean, name=name, hovertemplate="%{y:.3f}", **look, row=1, col=1)
        said, tip = found.said[i, :, 1], f"%{{x}}: %{{y:.3f}}<extra>{name}</extra>"
        more: dict[str, Any] = {"showlegend": False, "hovertemplate": tip}
        fig.add_scatter(x=np.arange(len(said)), y=said, **look, **more, row=1, col=2)
    fig.add_vline(x=int(found.truth), line=plot.line(style.AXIS, 2, "dot"), row=1, col=2)
    fig.update_yaxes(range=[0, 1.02])
    fig.update_yaxes(title=say("words.test_accuracy"), row=1, col=1)
    fig.update_yaxes(title=say("words.probability"), row=1, col=2)
    fig.update_xaxes(title=say("words.class", truth=int(found.truth)), dtick=1, row=1, col=2)
    plot.stack(fig)
    return fig


def summary_operation(found: Outcome, language: str) -> str:
    text = HERE.text(language)
    said = []
    for i, kind in enumerate(found.kind):
        whole, after = found.accuracy[i].astype(float).mean(0)
        name, right = text.say(f"options.kind.{KINDS[kind]}"), found.said[i, int(found.truth)]
        numbers = {"whole": f"{whole:.3f}", "after": f"{after:.3f}", "was": percent(right[0]), "now": percent(right[1])}
        said.append(text.say("summaries.operation", name=name, **numbers))
    return text.sentences(said)


# Copying


def by_chain(result: Any) -> dict[str, np.ndarray]:
    return {f"chain_{count}": result.error[:, c] for c, count in enumerate(CHAINS)}


def finish_copy(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(**LOG)
    fig.update_layout(legend={"y": 1.12})
    fig.update_yaxes(title=text.say("words.error"), col=1)
    fig.add_hline(y=CLOSE, line=plot.line(style.AXIS, 1.5, "dot"), row="all", col="all")


def summary_copy(result: Any, language: str) -> str:
    """Errors in the end, and on how many seeds a chain was copied so well."""
    last = result.error[..., -1].astype(float)

    def row(i: int) -> dict[str, Any]:
        mean = {f"error_{count}": f"{np.median(last[i, c]):.2g}" for c, count in enumerate(CHAINS)}
        done = int((result.error[i, 0] < CLOSE).any(-1).sum())
        return mean | {"done": done, "seeds": last.shape[-1], "step": result.step}

    return COPIES.each(result, language, "summaries.copy", row)


# Rates


def of_rates(result: Any) -> dict[str, np.ndarray]:
    return {"accuracy": result.accuracy.transpose(0, 2, 3, 1, 4)}  # [row, seed, tick, rate, split]


def finish_rates(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=RATES, ticktext=[f"{rate:g}" for rate in RATES])
    fig.update_yaxes(range=[0, 1.02])


def share(name: str) -> Any:
    return lambda r: [percent(float(v.mean())) for v in kept(name)(r)]


SIGNAL = HERE.saying(
    "summaries.signal",
    start=lambda r: [f"{v:.2g}" for v in times(r, 0)],
    end=lambda r: [f"{v:.2g}" for v in times(r)],
    step=lambda r: [int(r.tick[-1])] * len(r.params.nets),
)
LESIONS = kinds.swept(
    HERE, "lesions", "block", lambda r: 1 + np.arange(r.removed.shape[-1]), cut_out,
    HERE.saying("summaries.lesions", whole=lambda r: [f"{v:.3f}" for v in reached(TEST)(r).mean(1)],
                removed=share("removed"), swapped=share("swapped")),
    marked=True, finish=finish_lesions,
)  # fmt: skip
FIGURES = (
    *HERE.figures(
        Figure("depth", draw_depth, table_depth, HERE.saying("summaries.depth", **ends(TRAIN), times=times)),
        HERE.later(LESIONS),
        kinds.swept(
            HERE, "test", "depth", lambda r: r.depth, lambda r: {"accuracy": of_ticks(r)},
            HERE.saying("summaries.test", **ends(TEST)), moments=STEP, parts=SPLITS, marked=True, finish=finish_test,
        ),
        kinds.curves(
            HERE, "steps", *STEP, lambda r: {"accuracy": r.accuracy[:, -1]},
            HERE.saying("summaries.test", **ends(TEST)), parts=SPLITS, marked=True,
            finish=lambda fig, r, text: fig.update_yaxes(range=[0, 1.02]),
        ),
        kinds.swept(
            HERE, "signal", "place", places, lambda r: {"size": r.size, "gradient": r.gradient}, SIGNAL,
            moments=STEP, log=True, marked=True, hover=".2g", digits=6, finish=finish_signal,
        ),
    ),
    *COPIES.figures(
        kinds.curves(COPIES, "copy", *STEP, by_chain, summary_copy, log=True, side=True, finish=finish_copy),
    ),
    *RATED.figures(
        kinds.swept(
            RATED, "rates", "rate", lambda r: np.array(RATES), of_rates,
            RATED.saying("summaries.rates", top=lambda r: [f"{v:.3f}" for v in at_best(r).mean(1)],
                         rate=lambda r: [f"{RATES[k]:g}" for k in best_rate(r)]),
            moments=STEP, parts=SPLITS, marked=True, finish=finish_rates,
        ),
    ),
)  # fmt: skip
