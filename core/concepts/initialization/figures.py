"""Pictures of starts: what goes through the layers, equal units, how far layers move, depth, the ladder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.concept.text import Text
from core.concepts.initialization.claims import EQUAL, chosen, factor, right, slopes, tuned, units
from core.concepts.initialization.depth.params import DEPTHS, RATES, RULES, SCHEMES
from core.concepts.initialization.ladder.params import DEPTHS as RUNG_DEPTHS
from core.concepts.initialization.ladder.params import RUNGS
from core.concepts.initialization.params import PARTS, Result
from core.concepts.initialization.symmetry.params import WAYS
from core.figures import kinds, plot
from core.figures.gallery import Gallery, percent, percents
from core.figures.kinds import Chips
from core.figures.numbers import significant

STEP = ("step", lambda r: r.tick)
DASHES = dict(zip(PARTS, ("solid", "dot", "dash", "dashdot")))
AT = {"best": "solid", "equal": "dot"}


def named(result: Any, text: Text) -> list[str]:
    return [text.say(f"options.scheme.{start.scheme}") for start in result.params.starts]


def further(part: str, names: tuple[str, ...], **more: Any) -> Gallery:
    """Of an experiment whose rows are always these."""
    word = "options.scheme" if part == "depth" else "rows"
    return Gallery(
        "initialization", lambda result, text: [text.say(f"{word}.{name}") for name in names], of=part, **more
    )


def lost(result: Any) -> np.ndarray:
    return ~np.isfinite(result.loss[..., -1]).reshape(len(result.loss), -1).all(-1)


HERE = Gallery("initialization", named, known=lambda r: r.signal.shape[1] > 0)
MOVES = Gallery("initialization", named, diverged=lost, of="moves")
UNEQUAL = further("symmetry", WAYS, diverged=lost)
NETS = further("depth", SCHEMES, known=lambda r: len(r.depth) > 0)
LADDER = further("ladder", RUNGS, diverged=lost)


# Before training


def mean_factor(result: Result, part: int) -> np.ndarray:
    """By what everything is multiplied from layer to layer, geometric mean over seeds, NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.exp(np.log(factor(part)(result)).mean(1))
    return np.where(np.isfinite(found), found, np.nan)


def by_part(result: Result, language: str) -> pd.DataFrame:
    text = HERE.text(language)
    heads = [text.say("words.per_layer", part=text.say(f"parts.{part}")) for part in PARTS]
    return HERE.table(result, language, {head: significant(mean_factor(result, k), 3) for k, head in enumerate(heads)})


def finish_signal(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_yaxes(type="log", exponentformat="power", nticks=8)
    fig.update_xaxes(range=[-0.02 * result.params.depth, 1.02 * result.params.depth])


def finish_share(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[-0.02, 1.04])


SUMMARY_SIGNAL = HERE.saying("summaries.signal", factor=lambda r: mean_factor(r, 0))
SIGNAL = kinds.swept(
    HERE, "signal", "layer", lambda r: np.arange(r.params.depth + 1), lambda r: {"signal": r.signal}, SUMMARY_SIGNAL,
    parts=Chips("part", DASHES, ("spread",)), log=True, hover=".2~e", table=by_part, finish=finish_signal,
)  # fmt: skip
SLOPE = kinds.swept(
    HERE, "slope", "hidden", lambda r: np.arange(1, r.params.depth + 1), lambda r: {"slope": r.slope[:, :, 1:]},
    HERE.saying("summaries.slope", first=lambda r: r.slope[:, :, 1].mean(1), last=lambda r: r.slope[:, :, -1].mean(1)),
    marked=True, finish=finish_share,
)  # fmt: skip


# In training


def finish_moves(fig: plot.Sheet, result: Any, text: Text) -> None:
    labels = [*map(str, range(1, result.params.hidden + 1)), text.say("words.outputs")]
    fig.update_xaxes(tickvals=np.arange(1, result.params.hidden + 2), ticktext=labels)
    fig.update_yaxes(rangemode="tozero")


SYMMETRY = kinds.curves(
    UNEQUAL, "symmetry", *STEP, lambda r: {"rank": r.rank, "test_accuracy": r.accuracy},
    UNEQUAL.saying("summaries.symmetry", rank=lambda r: units(r).mean(1), share=lambda r: percents(right(r))),
)  # fmt: skip
MOVED = kinds.swept(
    MOVES, "moves", "hidden", lambda r: np.arange(1, r.params.hidden + 2), lambda r: {"moved": r.moved},
    MOVES.saying("summaries.moves", first=lambda r: r.moved[:, :, -1, 0].mean(1),
                 last=lambda r: r.moved[:, :, -1, -1].mean(1)),
    moments=STEP, marked=True, finish=finish_moves,
)  # fmt: skip
CLOSING = kinds.swept(
    MOVES, "closing", "hidden", lambda r: np.arange(1, r.params.hidden + 1), lambda r: {"slope": slopes(r)},
    MOVES.saying("summaries.slope", first=lambda r: slopes(r)[:, :, -1, 0].mean(1),
                 last=lambda r: slopes(r)[:, :, -1, -1].mean(1)),
    moments=STEP, marked=True, finish=finish_share,
)  # fmt: skip
TRAINING = kinds.curves(
    MOVES, "training", *STEP, lambda r: {"loss": r.loss, "test_accuracy": r.accuracy},
    MOVES.saying("summaries.training", loss=lambda r: r.loss[..., -1].mean(1), share=lambda r: percents(right(r))),
    log=True, finish=lambda fig, r, text: fig.update_yaxes(type="log", nticks=6, exponentformat="power", row=1, col=1),
)  # fmt: skip


# Depth and ladder


def by_depth(result: Any) -> dict[str, np.ndarray]:
    """Test accuracy [scheme, seed, depth, at] under every optimizer."""
    both = np.stack([tuned(result, result.accuracy), result.accuracy[:, :, :, EQUAL]], -1)
    return {rule: both[:, k].transpose(1, 2, 0, 3) for k, rule in enumerate(RULES)}


def finish_depth(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(tickvals=DEPTHS, range=[0, DEPTHS[-1] + 2])
    fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_layout(legend={"y": 1.12}, margin={"t": 64})


def table_depth(result: Any, language: str) -> pd.DataFrame:
    """A row per start, depth and optimizer."""
    say, accuracy, best = NETS.text(language).say, by_depth(result), chosen(result)
    rules = np.array([say(f"words.{rule}") for rule in RULES])
    shape = len(SCHEMES), len(result.depth), len(RULES)
    means = np.stack([accuracy[rule].mean(1) for rule in RULES], 2)  # [scheme, depth, rule, at]
    rates = np.array([RATES[rule] for rule in RULES])
    rate = rates[np.arange(len(RULES))[None, :, None], best].transpose(2, 0, 1)
    columns = {"words.depth": np.broadcast_to(result.depth[:, None], shape), "words.rule": rules, "words.rate": rate}
    return NETS.table(result, language, columns | {f"ats.{at}": means[..., k].round(4) for k, at in enumerate(AT)})


def summary_depth(result: Any, language: str) -> str:
    found, depth = by_depth(result), int(result.depth[-1])
    shares = {rule: [percent(v) for v in values[:, :, -1, 0].mean(1)] for rule, values in found.items()}
    of = lambda i: {rule: said[i] for rule, said in shares.items()} | {"depth": depth}  # noqa: E731
    return NETS.each(result, language, "summaries.depth", of)


DEPTH = kinds.swept(
    NETS, "depth", "depth", lambda r: r.depth, by_depth, summary_depth, parts=Chips("at", AT, ("best",)), side=True,
    marked=True, table=table_depth,
    finish=finish_depth,
)  # fmt: skip
RUNG = kinds.intervals(
    LADDER, "ladder", lambda r: {f"layers_{depth}": r.loss[:, k, :, -1] for k, depth in enumerate(RUNG_DEPTHS)},
    LADDER.saying("summaries.ladder", one=lambda r: r.loss[:, 0, :, -1].mean(1),
                  five=lambda r: r.loss[:, 1, :, -1].mean(1)),
    finish=lambda fig, r, text: fig.update_xaxes(rangemode="tozero"),
)  # fmt: skip
FIGURES = (
    *HERE.figures(HERE.later(SIGNAL), HERE.later(SLOPE)),
    *UNEQUAL.figures(SYMMETRY),
    *MOVES.figures(MOVED, CLOSING, TRAINING),
    *NETS.figures(NETS.later(DEPTH)),
    *LADDER.figures(RUNG),
)
