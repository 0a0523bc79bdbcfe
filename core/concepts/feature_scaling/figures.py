"""Pictures of scaling: paths over the loss, steps by rule, tables in several units, images in another light."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.feature_scaling.claims import at_best, best
from core.concepts.feature_scaling.lighting.params import KINDS as LIT
from core.concepts.feature_scaling.lighting.params import STRENGTHS
from core.concepts.feature_scaling.params import Result
from core.concepts.feature_scaling.rules.params import RULES, SCALINGS, STRETCHES
from core.concepts.feature_scaling.tables.params import FACTORS, GROUPS, HANDLINGS, KINDS, RATES, WAYS
from core.conclusions.measures import final
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percents
from core.figures.numbers import significant

LEAST = 1e-12  # of a gap that is drawn


def named(result: Result, text: Text) -> list[str]:
    return [text.say(f"options.rule.{scaling.rule}") for scaling in result.params.scalings]


def further(part: str, rows: tuple[str, ...], head: str = "words.scaling") -> Gallery:
    """Of an experiment whose rows are always these."""
    return Gallery("feature_scaling", lambda r, text: [text.say(f"rows.{row}") for row in rows], head, of=part)


HERE = Gallery("feature_scaling", named, "words.scaling")
SCALED, RULED = further("rules", SCALINGS), further("rules", RULES, "words.rule")
TABLE, IMAGES = further("tables", KINDS), further("lighting", LIT)
GROUPED, HANDLED = further("tables", WAYS), further("tables", HANDLINGS, "words.handling")


def steps(result: Any, numbers: np.ndarray) -> list[str]:
    """Medians over seeds of steps [row, seed] in words; what has not arrived takes more than the run has."""
    found = np.median(np.nan_to_num(numbers, nan=np.inf), 1)
    more = f"> {result.step:,}" if result.complete else "…"
    return [f"{k:,.0f}" if np.isfinite(k) else more for k in found]


# The plane


def draw_paths(result: Result, language: str) -> go.Figure:
    """The first seed: the loss over both weights in every scaling, the way down, and how many steps it takes."""
    text, names = HERE.text(language), HERE.names(result, language)
    counts = steps(result, result.reached[:, :1])
    titles = [f"{name}<br><b>{text.say('words.takes', steps=k)}</b>" for name, k in zip(names, counts)]
    across = min(3, len(names))
    fig, places = plot.grid(titles, across, 0.16 / across, 0.2)
    for i, place in enumerate(places):
        begin = result.surface[i].max() / 4
        plot.heights(fig, result.across[i], result.up[i], np.log10(result.surface[i] + 1e-4 * begin), **place)
        look = plot.curve(i, "solid", width=1.2) | {"mode": "lines+markers", "marker": plot.mark(i, 4)}
        tip = f"{text.say('words.step')} %{{customdata:,}}<extra>{names[i]}</extra>"
        clock = {"meta": {"clock": result.tick.tolist()}, "customdata": result.tick}
        fig.add_scatter(**plot.xy(result.path[i]), hovertemplate=tip, **clock, **look, **place)
        star = plot.marker(style.PALETTE[8], "star", 13)
        said = f"{text.say('words.lowest')}<extra></extra>"
        fig.add_scatter(**plot.xy(result.lowest[i][None]), mode="markers", marker=star, hovertemplate=said, **place)
        fig.update_xaxes(title="w₁", range=result.across[i][[0, -1]], nticks=4, constrain="domain", **place)
        fig.update_yaxes(title="w₂", range=result.up[i][[0, -1]], nticks=5, constrain="domain", **place)
    fig.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor, title_standoff=2))
    fig.for_each_xaxis(lambda axis: axis.update(title_standoff=4))
    fig.update_layout(showlegend=False, margin={"t": 48})
    down = places[-1]["row"]
    plot.aspect(fig, min(1.62 / across, 0.56) * down, 230 * down)
    return plot.film(fig, result, result.tick, text.say("words.step"), range(1, len(fig.data), 3))


def table_paths(result: Result, language: str) -> pd.DataFrame:
    with np.errstate(all="ignore"):
        reached = np.median(np.nan_to_num(result.reached, nan=np.inf), 1)
    columns = {"words.steps": np.where(np.isfinite(reached), reached, np.nan)}
    columns |= {"words.condition": significant(np.median(result.condition, 1), 4)}
    columns |= {"words.rate": significant(np.median(result.rate, 1), 3)}
    return HERE.table(result, language, columns | {"words.angle": np.median(result.angle, 1).round(1)})


SUMMARY_PATHS = HERE.saying(
    "summaries.paths",
    steps=lambda r: steps(r, r.reached),
    condition=lambda r: [f"{k:,.3g}" if k < 1e3 else f"{k:,.0f}" for k in np.median(r.condition, 1)],
    angle=lambda r: np.median(r.angle, 1),
)


def finish_descent(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.add_hline(y=result.params.target, line=plot.line(style.AXIS, 2, "dot"))
    at = {"x": 0, "y": np.log10(result.params.target), "xref": "paper", "xanchor": "left", "yanchor": "bottom"}
    fig.add_annotation(text=text.say("words.target"), **at)
    powers(fig)
    fig.update_yaxes(range=[at["y"] - 1.3, 0.1])
    fig.update_xaxes(type="log", dtick=1, range=[0, np.log10(max(result.tick[-1], 10))])


# Rules


def powers(fig: plot.Sheet) -> None:
    fig.update_yaxes(type="log", dtick=1, exponentformat="power")


def finish_rules(fig: plot.Sheet, result: Any, text: Text) -> None:
    powers(fig)
    fig.update_yaxes(title=text.say("words.steps"), col=1)
    over_titles(fig)
    fig.update_xaxes(type="log", tickvals=STRETCHES, ticktext=[str(k) for k in STRETCHES])


def over_titles(fig: plot.Sheet) -> None:
    """The legend over the titles of panels."""
    fig.update_layout(legend={"y": 1.1}, margin={"t": 64})


def finish_light(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[-0.02, 1.02])
    over_titles(fig)


def finish_condition(fig: plot.Sheet, result: Any, text: Text) -> None:
    powers(fig)
    fig.update_xaxes(type="log", dtick=1, exponentformat="power")


def some_arrived(result: Any) -> bool:
    return bool(np.isfinite(result.reached).any())


def arrived(result: Any, language: str) -> str:
    """How many steps each rule takes on raw features, stretched least and most."""
    least, most = (steps(result, result.reached[:, 0, :, k]) for k in (0, -1))
    return RULED.each(result, language, "summaries.rules", lambda i: {"least": least[i], "most": most[i]})


# Tables


def over_epochs(result: Any) -> dict[str, np.ndarray]:
    """Test accuracy at the best rate, [kind, seed, tick]."""
    chosen = np.take_along_axis(result.test, best(result)[:, None, None, None], 2)
    return {"test_accuracy": chosen[:, :, 0]}


def log_x(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", exponentformat="power")


def shares(fig: plot.Sheet) -> None:
    fig.update_yaxes(range=[-0.02, 1.02])


def finish_rate(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", exponentformat="power", dtick=1)
    shares(fig)


def finish_groups(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=GROUPS, ticktext=[str(k) for k in GROUPS])
    shares(fig)


def numbers(values: tuple[float, ...]) -> Any:
    return lambda result: np.array(values)


def trained(result: Any) -> bool:
    return bool(np.isfinite(result.own).all())


STEP, EPOCH = ("step", lambda r: r.tick), ("epoch", lambda r: r.tick)
SUMMARY_TABLES = TABLE.saying(
    "summaries.tables", right=lambda r: percents(at_best(r)), rate=lambda r: np.array(RATES)[best(r)]
)
PATHS = Figure("paths", draw_paths, table_paths, SUMMARY_PATHS)
DESCENT = kinds.curves(
    HERE, "descent", *STEP, lambda r: {"gap": np.where(r.gap < LEAST, np.nan, r.gap)}, SUMMARY_PATHS, log=True,
    hover=".2g", table=table_paths, finish=finish_descent,
)  # fmt: skip
STEPS = kinds.swept(
    SCALED, "rules", "stretch", numbers(STRETCHES), lambda r: dict(zip(RULES, r.reached)), arrived,
    side=True, marked=True, log=True, hover=",.0f", digits=0, finish=finish_rules,
)  # fmt: skip
CONDITION = kinds.swept(
    RULED, "condition", "condition", lambda r: np.median(r.condition[0], 0).round(1),
    lambda r: {"steps": r.reached[:, 0]}, arrived, log=True, marked=True, hover=",.0f", digits=0,
    finish=finish_condition,
)  # fmt: skip
ACCURACY = kinds.curves(TABLE, "tables", *EPOCH, over_epochs, SUMMARY_TABLES, banded=0)
BY_RATE = kinds.swept(
    TABLE, "rate", "rate", numbers(RATES), lambda r: {"test_accuracy": r.test[..., -1]}, SUMMARY_TABLES, banded=0,
    marked=True, finish=finish_rate,
)  # fmt: skip
GROUPS_OF = kinds.swept(
    GROUPED, "groups", "group", numbers(GROUPS), lambda r: {"test_accuracy": r.own},
    GROUPED.saying("summaries.groups", one=lambda r: percents(r.own[..., 0]), many=lambda r: percents(r.own[..., -1])),
    marked=True, finish=finish_groups,
)  # fmt: skip
OVERFLOW = kinds.swept(
    HANDLED, "overflow", "factor", numbers(FACTORS), lambda r: {"overflow": r.overflow},
    HANDLED.saying("summaries.overflow", one=lambda r: percents(r.overflow[..., 0]),
                   many=lambda r: percents(r.overflow[..., -1])),
    marked=True, finish=finish_rate,
)  # fmt: skip
LIGHT = kinds.curves(
    IMAGES, "lighting", "strength", numbers(STRENGTHS),
    lambda r: {"light": r.light.astype(float), "contrast": r.contrast.astype(float)},
    IMAGES.saying("summaries.lighting", same=lambda r: percents(final("light", 0)(r)),
                  light=lambda r: percents(final("light", -1)(r)),
                  contrast=lambda r: percents(final("contrast", -1)(r))),
    grows=False, moments=EPOCH, side=True, marked=True,
    finish=finish_light,
)  # fmt: skip
FIGURES = (
    *HERE.figures(PATHS, DESCENT),
    *SCALED.figures(SCALED.later(STEPS, some_arrived)),
    *RULED.figures(RULED.later(CONDITION, some_arrived)),
    *TABLE.figures(ACCURACY, BY_RATE),
    *GROUPED.figures(GROUPED.later(GROUPS_OF, trained)),
    *HANDLED.figures(HANDLED.later(OVERFLOW, trained)),
    *IMAGES.figures(LIGHT),
)
