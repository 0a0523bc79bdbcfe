"""Pictures of searches: trainings on a map, the best of them, searchers over what they spend, what matters how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.hyperparameter_search.claims import chosen, winners
from core.concepts.hyperparameter_search.importance.params import FACTORS, RATES, tasks
from core.concepts.hyperparameter_search.params import SPANS, WAYS, Guessed, Params, Result
from core.concepts.hyperparameter_search.race.params import SEARCHERS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, percent

SPLITS = ("validation", "test")
CASES = ("here_wide", "here_narrow", "other_wide", "other_narrow")


def rows(keys: tuple[str, ...], head: str, of: str = "") -> Gallery:
    return Gallery("hyperparameter_search", lambda r, text: [text.say(f"rows.{k}") for k in keys], head, of=of)


def data_name(params: Params, text: Text) -> str:
    return text.say("words.own") if params.own else text.say(f"options.data.{params.data}")


def remark(result: Any, text: Text) -> str:
    """Which data are compared."""
    here, there = (data_name(each, text) for each in tasks(result.params))
    return text.say("words.compared", here=here, there=there)


HERE, WINNER, RACE = rows(WAYS, "words.way"), rows(SPLITS, "words.score"), rows(SEARCHERS, "words.searcher", "race")
MATTER = Gallery(
    "hyperparameter_search", lambda r, text: [text.say(f"rows.{k}") for k in FACTORS], "words.factor",
    remark=remark, of="importance",
)  # fmt: skip


# The map


def places_of(params: Params, name: str) -> dict[str, Any]:
    """The axis of a hyperparameter, whose places are from 0 to 1: marked at powers of ten (of momentum, of 1 − μ)."""
    first, last = SPANS.get(name, (np.log10(params.low), np.log10(params.low) + params.decades))
    powers = np.arange(np.ceil(min(first, last) - 1e-9), np.floor(max(first, last) + 1e-9) + 1)
    said = [f"10<sup>{k:.0f}</sup>" if abs(k) > 2 else f"{10.0**k:g}" for k in powers]
    said = [f"{1 - 10.0**k:g}" for k in powers] if name == "momentum" else said
    at = (powers - first) / (last - first)
    return {"tickvals": at, "ticktext": said, "range": [-0.02, 1.02], "showgrid": False, "zeroline": False}


def between(settings: np.ndarray, place: np.ndarray, momentum: bool = False) -> np.ndarray:
    """The setting at a place from 0 to 1 among those of the map, which are at equal ratios (of momentum, of 1 − μ)."""
    found = np.log10(1 - settings if momentum else settings)
    at = 10 ** np.interp(place, np.linspace(0, 1, len(found)), found)
    return 1 - at if momentum else at


def colours(heights: np.ndarray) -> dict[str, Any]:
    return {"colorscale": style.colorscale(style.SEQUENTIAL), "zmin": float(heights.min()), "zmax": 1.0}


def looks(scale: dict[str, Any], right: np.ndarray, symbol: Any = "circle", size: int = 13) -> dict[str, Any]:
    """Markers in the colours of the map."""
    own = {"colorscale": scale["colorscale"], "cmin": scale["zmin"], "cmax": scale["zmax"], "symbol": symbol}
    return {"color": right, "size": size, "line": plot.line("#ffffff", 1.8)} | own


def mapped(ways: tuple[str, ...]) -> Any:
    """Draws the map with a search of each of these ways on it, and below the accuracies over the learning rate."""
    which = [WAYS.index(way) for way in ways]

    def draw(result: Result, language: str) -> go.Figure:
        text, params, names = HERE.text(language), result.params, HERE.names(result, language)
        heights, titles = result.height.mean(0), list[str]()
        bests = result.validation[:, 0, :, -1].max(-1)  # of the first seed's searches
        middle = bests.argsort(1, kind="stable")[:, bests.shape[1] // 2]
        mean = result.validation[:, :, :, -1].max(-1).mean((1, 2))
        for i in which:
            count = len(np.unique(result.place[i, 0, middle[i], :, 0].round(9)))
            first, over = (f"{v:.2f}" for v in (result.validation[i, 0, middle[i], -1].max(), mean[i]))
            titles.append(text.say("words.panel", name=names[i], count=count, best=first, over=over))
        grid: dict[str, Any] = {"row_heights": [0.7, 0.3], "shared_xaxes": True, "shared_yaxes": True}
        fig = plot.panels(2, len(which), titles, 440, vertical_spacing=0.05, horizontal_spacing=0.06, **grid)
        across, up = np.linspace(0, 1, heights.shape[2]), np.linspace(0, 1, heights.shape[1])
        scale = colours(heights)
        second = text.say(f"options.second.{params.second}")
        for k, i in enumerate(which, 1):
            x, y = result.place[i, 0, middle[i]].T
            right, above = result.validation[i, 0, middle[i]], {"row": 1, "col": k}
            best = np.where(np.arange(len(x)) == right[-1].argmax(), "star", "circle")
            bar = {"showscale": k == 1, "colorbar": {"thickness": 12, "len": 0.72, "y": 0.66, "title": ""}}
            tip = f"{text.say('words.map')}: %{{z:.2f}}<extra></extra>"
            fig.add_heatmap(x=across, y=up, z=heights[-1], hovertemplate=tip, **scale, **bar, **above).was(z=heights)
            rate, other = between(result.rate, x), between(result.setting, y, params.second == "momentum")
            tip = f"η %{{customdata[0]:.2g}}, {second} %{{customdata[1]:.2g}}: <b>%{{marker.color:.2f}}</b>"
            dots = {"mode": "markers", "showlegend": False, "customdata": np.c_[rate, other]}
            dots["hovertemplate"] = f"{tip}<extra></extra>"
            fig.add_scatter(x=x, y=y, marker=looks(scale, right[-1], best), **dots, **above).was(marker__color=right)
            along = heights.mean(1)
            line = {"mode": "lines", "line": plot.line(style.AXIS, 2), "hoverinfo": "skip", "showlegend": False}
            fig.add_scatter(x=across, y=along[-1], **line, row=2, col=k).was(y=along)
            fig.add_scatter(x=x, y=right[-1], marker=looks(scale, right[-1], best, 12), **dots, row=2, col=k)
            fig.was(y=right, marker__color=right)
            fig.update_xaxes(**places_of(params, "rate"), row=1, col=k)
            fig.update_xaxes(title=text.say("words.rate"), **places_of(params, "rate"), row=2, col=k)
            fig.update_yaxes(**places_of(params, params.second), row=1, col=k)
        fig.update_yaxes(title=second, title_standoff=4, row=1, col=1)
        fig.update_yaxes(range=[scale["zmin"] - 0.1, 1.05], row=2)
        fig.update_yaxes(title=text.say("words.validation_short"), title_standoff=4, row=2, col=1)
        fig.update_annotations(font_size=13)
        fig.update_layout(margin={"t": 46})
        plot.stack(fig)
        return plot.film(fig, result, result.epoch, text.say("words.epoch"))

    return draw


def table_searches(result: Result, language: str) -> pd.DataFrame:
    """Means over searches, with their intervals over seeds."""
    found = {split: chosen(result)[..., k] for k, split in enumerate(SPLITS)}
    return HERE.table(result, language, kinds.interval_columns(HERE.text(language), found))


def summary_searches(result: Result, language: str) -> str:
    found = chosen(result).mean(1)
    return HERE.each(
        result, language, "summaries.searches",
        lambda i: {"validation": f"{found[i, 0]:.3f}", "test": f"{found[i, 1]:.3f}",
                   "trials": result.params.side**2},
    )  # fmt: skip


# The best of n


def summary_winner(result: Result, language: str) -> str:
    found, text = winners(result), WINNER.text(language)
    counts = counted(result)
    said = {"count": int(counts[-1]), "one": f"{found[0, :, 0].mean():.3f}", "one_test": f"{found[1, :, 0].mean():.3f}"}
    return text.say(
        "summaries.winner", many=f"{found[0, :, -1].mean():.3f}", many_test=f"{found[1, :, -1].mean():.3f}", **said
    )


def counted(result: Result) -> np.ndarray:
    return np.arange(1, winners(result).shape[2] + 1)


def log_counts(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", tickvals=[k for j in range(4) for k in (10**j, 2 * 10**j, 5 * 10**j)])


# The race


def raced(result: Any) -> dict[str, np.ndarray]:
    """Means over searches of the best so far, [searcher, seed, tick]."""
    return {"best": result.best.mean(2)}


def ended(result: Any) -> dict[str, np.ndarray]:
    return {"validation": result.best[..., -1].mean(2), "test": result.test[..., -1].mean(2)}


def summary_race(result: Any, language: str) -> str:
    found = {split: values.mean(1) for split, values in ended(result).items()}
    spent = len(result.spent)
    told = [{split: f"{values[i]:.3f}" for split, values in found.items()} for i in range(len(SEARCHERS))]
    begun = np.isfinite(found["test"])
    said = RACE.each(result, language, "summaries.race", lambda i: told[i] if begun[i] else None)
    return f"{RACE.text(language).say('summaries.spent', spent=spent)} {said}"


# Importance


def shares(result: Any) -> dict[str, np.ndarray]:
    """[factor, seed] of every case."""
    return {case: result.share[k].T for k, case in enumerate(CASES)}


def titles(result: Any, text: Text) -> list[str]:
    names, ends = [data_name(each, text) for each in tasks(result.params)], RATES.values()
    return [text.say("words.case", data=name, low=f"{a:g}", high=f"{b:g}") for name in names for a, b in ends]


def finish_importance(fig: plot.Sheet, result: Any, text: Text) -> None:
    top = np.nanmax(result.share.mean(1), initial=0.1) * 1.25
    look = {"range": [-0.04, top], "tickformat": ".0%", "dtick": 0.1 if top < 0.35 else 0.2}
    for k, said in enumerate(titles(result, text), 1):
        fig.update_xaxes(title={"text": said, "font": {"size": 12}}, **look, row=1, col=k)
    fig.update_layout(margin={"b": 64})


def table_importance(result: Any, language: str) -> pd.DataFrame:
    heads = [title.replace("<br>", " ") for title in titles(result, MATTER.text(language))]
    return MATTER.table(result, language, kinds.with_half(dict(zip(heads, shares(result).values()))))


def summary_importance(result: Any, language: str) -> str:
    text, names = MATTER.text(language), MATTER.names(result, language)
    said = []
    for title, found in zip(titles(result, text), shares(result).values()):
        mean = found.mean(1)
        if np.isfinite(mean).all():
            first = mean.argsort()[::-1][:3]
            listed = text.listed(f"{names[i]} {percent(mean[i])}" for i in first)
            said.append(text.say("summaries.importance", case=title.replace("<br>", " "), listed=listed))
    return text.sentences(said) if said else text.say("summaries.later")


def known_shares(result: Any) -> bool:
    return bool(np.isfinite(result.share).any())


# The reader's own search


def draw_guess(answer: Guessed, language: str) -> go.Figure:
    """Where the reader has tried, on the map of the first seed."""
    text, fig = HERE.text(language), plot.figure(360, "closest")
    places, scale = np.array(answer.params.places), colours(answer.height)
    across, up = (np.linspace(0, 1, n) for n in answer.height.shape[::-1])
    fig.add_heatmap(x=across, y=up, z=answer.height, hoverinfo="skip", **scale)
    look = {"mode": "markers+text", "text": [str(k + 1) for k in range(len(places))], "textposition": "top center"}
    tip = "%{marker.color:.3f}<extra></extra>"
    fig.add_scatter(x=places[:, 0], y=places[:, 1], marker=looks(scale, answer.validation), hovertemplate=tip, **look)
    fig.update_xaxes(title=text.say("words.place_rate"), range=[-0.02, 1.02])
    fig.update_yaxes(title=text.say("words.place_second"), range=[-0.02, 1.02])
    return fig


def summary_guess(answer: Guessed, language: str) -> str:
    text, count = HERE.text(language), len(answer.validation)
    mine = int(answer.validation.argmax())
    said = {"count": count, "best": f"{answer.validation[mine]:.3f}", "test": f"{answer.test[mine]:.3f}"}
    known = bool(np.isfinite(answer.others).all())
    grid, random = (f"{v:.3f}" for v in (answer.others if known else answer.ended))
    return text.say("summaries.guess" if known else "summaries.guess_more", grid=grid, random=random, **said)


FIGURES = (
    *HERE.figures(
        Figure("map", mapped(("grid", "random")), table_searches, summary_searches),
        Figure("scale", mapped(("random", "linear")), table_searches, summary_searches),
        kinds.intervals(
            HERE, "best", lambda r: {split: chosen(r)[..., k] for k, split in enumerate(SPLITS)}, summary_searches,
            together={"accuracy": {"validation": (2, "diamond"), "test": (1, "circle")}},
        ),
    ),
    *WINNER.figures(
        kinds.swept(WINNER, "best_of", "count", counted, lambda r: {"accuracy": winners(r)}, summary_winner,
                    banded=0, marked=True, finish=log_counts),
    ),
    *RACE.figures(
        RACE.later(kinds.curves(
            RACE, "race", "spent", lambda r: r.spent, raced, summary_race, banded=0, marked=True, finish=log_counts,
        ), lambda r: len(r.spent) > 0),
        RACE.later(kinds.intervals(
            RACE, "chosen", ended, summary_race,
            together={"accuracy": {"validation": (2, "diamond"), "test": (1, "circle")}},
        )),
    ),
    *MATTER.figures(
        MATTER.later(kinds.intervals(MATTER, "importance", shares, summary_importance, table=table_importance,
                                     finish=finish_importance), known_shares),
    ),
)  # fmt: skip
