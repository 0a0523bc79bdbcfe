"""Pictures of reinforcement learning: values that spread over a grid, trips along a cliff, a pole, a game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.reinforcement_learning.claims import reach, reached_now, too_low, trip_reward, unbeaten
from core.concepts.reinforcement_learning.cliff.params import BESIDE, LEARNERS
from core.concepts.reinforcement_learning.game.params import OUTCOMES
from core.concepts.reinforcement_learning.game.params import PLAYERS as GAMERS
from core.concepts.reinforcement_learning.params import HIGH, LETTERS, POLICIES, WAYS, WIDE, Result
from core.concepts.reinforcement_learning.pole.params import BASELINES, FIXED, PLAYERS
from core.concepts.reinforcement_learning.worlds import (
    CLIFF_GOAL,
    CLIFF_SHAPE,
    CLIFF_START,
    MOVES,
    STEEPEST,
    cliff_rule,
    greedy,
    neighbours,
    start_and_goal,
    walls_of,
)
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, percents
from core.figures.kinds import Chips

SHOWN = (WAYS.index("td"), WAYS.index("mc"))  # on the first screen
BLOCK = 10  # trips in the mean of one point
COUNTED = {"mean": "solid", "one": "dot", "top": "dash"}  # how reward is reported
TINT = [[0, style.fade(style.PALETTE[0], 0.05)], [1, style.fade(style.PALETTE[0], 0.6)]]  # of a value
FULL = {"range": [-0.02, 1.02]}


def rows(part: str, names: tuple[str, ...], **more: Any) -> Gallery:
    return Gallery(
        "reinforcement_learning", lambda result, text: [text.say(f"rows.{name}") for name in names], "words.who",
        of=part, **more,
    )  # fmt: skip


HERE = rows("", (*WAYS, *POLICIES))
CLIFF = rows("cliff", (*LEARNERS, *BESIDE))
POLE = rows("pole", PLAYERS)
SLOPES = rows("pole", BASELINES, known=lambda r: len(r.noise) == len(FIXED))
GAME = rows("game", GAMERS)


# Maps


def field(
    fig: plot.Sheet, values: np.ndarray, chance: np.ndarray, top: tuple[float, float], walls: np.ndarray,
    marks: dict[int, str], ids: list[str] | None = None, **place: Any,
) -> None:  # fmt: skip
    """Values [moment, y, x] from `top[0]` to `top[1]` as colours, and where a policy [moment, cell, move] goes as
    arrows; no arrow where no way is better."""
    high, wide = values.shape[1:]
    look = pictures.CELLS | {"zmin": top[0], "zmax": top[1], "colorscale": TINT}
    look |= {"customdata": np.reshape(ids, (high, wide))} if ids else {}
    tip = "%{z:.3f}<extra></extra>"
    shown = np.where(walls.reshape(high, wide), np.nan, values).astype(np.float32)
    fig.add_heatmap(z=shown[-1], hovertemplate=tip, **look, **place).was(z=shown)
    way = chance @ MOVES[:, ::-1]  # to the right and down
    way = np.where(np.isin(np.arange(high * wide), list(marks))[:, None] | walls[:, None], 0, way)
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    way = np.where(length > 1e-9, way / np.maximum(length, 1e-9), np.nan)
    y, x = np.divmod(np.arange(high * wide), wide)
    at = np.stack([x, y], -1) - 0.3 * way
    lines = np.stack([at, at + 0.6 * way, np.full_like(at, np.nan)], -2).reshape(len(way), -1, 2)
    arrow = plot.arrow(style.PALETTE[8], 1.6, 8) | {"hoverinfo": "skip"}
    arrow["marker"] |= {"symbol": "arrow", "size": [0, 9, 0] * (high * wide), "opacity": 1, "line": {"width": 0}}
    fig.add_scatter(**plot.xy(lines[-1]), **arrow, **place).was(**plot.xy(lines))
    stone = plot.marker(style.AXIS, "square", 11)
    fig.add_scatter(x=x[walls], y=y[walls], mode="markers", marker=stone, hoverinfo="skip", **place)
    for cell, said in marks.items():
        bold = {"textfont": {"size": 13, "weight": 700}, **plot.QUIET}
        fig.add_scatter(x=[cell % wide], y=[cell // wide], mode="text", text=[said], **bold, **place)
    fig.update_yaxes(range=[high - 0.5, -0.5], visible=False, constrain="domain", **place)
    fig.update_xaxes(range=[-0.5, wide - 0.5], visible=False, constrain="domain", **place)


def grid_map(fig: plot.Sheet, result: Result, values: np.ndarray, **place: Any) -> None:
    """Values [moment, cell] of the grid and the arrows that follow from them."""
    start, goal = start_and_goal(result.params)
    walls, text = walls_of(result.params), {start: "S", goal: "G"}
    chance = greedy(values, neighbours(HIGH, WIDE, walls), goal)
    field(fig, values.reshape(-1, HIGH, WIDE), chance, (0, 1), walls, text, list(LETTERS), **place)


# The grid


def returns(result: Result) -> np.ndarray:
    return result.returned


def draw_spread(result: Result, language: str) -> go.Figure:
    """Values of the first seed by one-step TD and by Monte Carlo; beside them what their arrows bring."""
    text = HERE.text(language)
    names = HERE.names(result, language)
    specs: Any = [[{}, {"rowspan": 2}], [{}, None]]
    titles = [names[SHOWN[0]], "", names[SHOWN[1]]]
    fig = plot.panels(
        2, 2, titles, 370, specs=specs, column_widths=[0.6, 0.4], horizontal_spacing=0.12, vertical_spacing=0.09
    )
    for k, way in enumerate(SHOWN):
        grid_map(fig, result, result.values[way, 0].astype(float), row=k + 1, col=1)
        fig.update_yaxes(scaleanchor=("x", "x3")[k], row=k + 1, col=1)
    for trace in fig.data:
        trace.showlegend = False
    side: dict[str, Any] = {"row": 1, "col": 2}
    for i in (*SHOWN, *range(len(WAYS), len(names))):
        hover = f"%{{y:.3f}}<extra>{names[i]}</extra>"
        plot.bands(fig, result.tick, result.returned[i].astype(float), names[i], plot.curve(i), hover=hover, **side)
    fig.update_xaxes(title=text.say("words.episode"), **side)
    fig.update_yaxes(title=text.say("words.return"), rangemode="tozero", **side)
    fig.update_layout(legend={"y": 1.2}, margin={"t": 62, "l": 5})
    plot.stack(fig)
    return plot.film(fig, result, result.tick, text.say("words.episode"), cut=True)


def table_spread(result: Result, language: str) -> pd.DataFrame:
    fixed = np.full(len(POLICIES), np.nan)
    columns = {
        "words.reach": np.concatenate([reach(result)[:, :, -1].mean(1), fixed]).round(2),
        "words.return": result.returned[:, :, -1].mean(1).round(4),
    }
    return HERE.table(result, language, columns)


def far(result: Result) -> list[str]:
    return [f"{v:.1f}" for v in reach(result)[:, :, -1].mean(1)] + [""] * len(POLICIES)


def summary_spread(result: Result, language: str) -> str:
    """How far credit has come, and what the arrows bring from the start."""
    text, found = HERE.text(language), result.returned[:, :, -1].astype(float).mean(1)
    said = HERE.each(
        result, language, "summaries.spread",
        lambda i: {"far": far(result)[i], "found": f"{found[i]:.3f}"} if i in SHOWN and np.isfinite(found[i]) else None,
    )  # fmt: skip
    beside = {name: f"{found[len(WAYS) + k]:.3f}" for k, name in enumerate(POLICIES)}
    if not np.isfinite(found).all():
        return said or text.say("summaries.nothing")
    return (
        f"{text.say('summaries.watched', count=int(result.tick[-1]))} {said} {text.say('summaries.beside', **beside)}"
    )


def paint_map(fig: plot.Sheet, result: Result, text: Text, i: int, **place: Any) -> None:
    fixed = i - len(WAYS)
    values = result.fixed[None, fixed] if fixed >= 0 else result.values[i, 0]
    grid_map(fig, result, np.repeat(values, len(result.tick), 0) if fixed >= 0 else values.astype(float), **place)


def errors(result: Result) -> np.ndarray:
    """Mean value less the truth, over the cells no farther than the start, as a share: [row, seed, tick]; planning has
    another truth."""
    low = -too_low(result)
    low[WAYS.index("planning")] = np.nan
    other = -too_low(replace(result, values=result.fixed))
    return np.concatenate([low, np.broadcast_to(other[:, None, None], (len(other), *low.shape[1:]))])


SPREAD = Figure("spread", draw_spread, table_spread, summary_spread)
MAPS = pictures.beside(
    HERE, "maps", paint_map, table_spread,
    HERE.saying("summaries.maps", far=far, found=lambda r: r.returned[:, :, -1].mean(1)),
    when=("episode", lambda r: r.tick), columns=2, ratio=0.52,
)  # fmt: skip
ERROR = kinds.curves(
    HERE, "error", "episode", lambda r: r.tick, lambda r: {"error": errors(r)},
    HERE.saying("summaries.error", less=lambda r: errors(r)[:, :, -1].mean(1)),
    finish=lambda fig, r, text: fig.add_hline(y=0, line=plot.line(style.AXIS, 1)),
)  # fmt: skip


# The cliff


def lost(result: Any) -> np.ndarray:
    """What a trip costs in blocks of trips: [row, seed, block]."""
    count = result.reward.shape[-1] // BLOCK
    blocks = result.reward[..., : count * BLOCK].reshape(*result.reward.shape[:2], count, BLOCK).mean(-1)
    beside = np.broadcast_to(result.beside[:, None, None], (len(BESIDE), *blocks.shape[1:]))
    return -np.concatenate([blocks, beside])


def table_cliff(result: Any, language: str) -> pd.DataFrame:
    nothing = np.full(len(BESIDE), np.nan)
    last = result.greedy[:, :, -1].mean(1) if result.greedy.shape[2] else np.full(len(LEARNERS), np.nan)
    on = trip_reward(result).mean(1) if result.reward.shape[-1] else nothing[: len(LEARNERS)]
    columns = {
        "words.online": np.concatenate([on, result.beside]).round(2),
        "words.greedy": np.concatenate([last, nothing]).round(2),
    }
    return CLIFF.table(result, language, columns)


def said_cliff(result: Any, language: str) -> str:
    table = table_cliff(result, language)
    on, greedy_reward = table.iloc[:, 1].to_numpy(float), table.iloc[:, 2].to_numpy(float)

    def row(i: int) -> dict[str, Any] | None:
        if not np.isfinite(on[i]):
            return None
        numbers = {"online": f"{on[i]:.1f}".replace("-", "−")}
        if i >= len(LEARNERS):
            return numbers | {"key": "summaries.cliff_beside"}
        return numbers | {"greedy": f"{greedy_reward[i]:.1f}".replace("-", "−")}

    return CLIFF.each(result, language, "summaries.cliff", row, "summaries.nothing")


def finish_cliff(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(type="log", tickvals=[13, 20, 30, 50, 100, 200, 500, 1000, 5000], range=[1.05, 3.8])


def paint_cliff(fig: plot.Sheet, result: Any, text: Text, i: int, **place: Any) -> None:
    values = result.values[min(i, len(LEARNERS) - 1), 0].astype(float)
    best = values == values.max(-1, keepdims=True)
    chance, most = best / best.sum(-1, keepdims=True), values.max(-1)
    if i == len(LEARNERS):
        chance, most = np.broadcast_to(np.eye(4)[cliff_rule()], chance.shape), np.full_like(most, np.nan)
    edge = np.isin(np.arange(len(cliff_rule())), np.arange(CLIFF_START + 1, CLIFF_GOAL))
    marks = {CLIFF_START: "S", CLIFF_GOAL: "G"}
    field(fig, most.reshape(-1, *CLIFF_SHAPE), chance, (-20, 0), edge, marks, **place)


def cliff_titles(result: Any, text: Text) -> list[str]:
    return [text.say(f"rows.{name}") for name in (*LEARNERS, "rule")]


TRIPS = kinds.curves(
    CLIFF, "cliff", "trip", lambda r: BLOCK * (1 + np.arange(r.reward.shape[-1] // BLOCK)), lambda r: {"lost": lost(r)},
    said_cliff, table=table_cliff, finish=finish_cliff, hover=".1f", banded=0,
)  # fmt: skip
ARROWS = pictures.beside(
    CLIFF, "ways", paint_cliff, table_cliff, said_cliff, titles=cliff_titles, when=("trip", lambda r: r.tick),
    columns=2, ratio=0.42,
)  # fmt: skip


# The pole


def counted(result: Any) -> np.ndarray:
    """Reward as it is reported: mean, first one and best of an update's episodes: [player, seed, tick, how]."""
    return np.stack([result.reward.mean(-1), result.reward[..., 0], result.reward.max(-1)], -1)


def episodes(result: Any) -> np.ndarray:
    return result.tick * result.params.batch


def solved_by(result: Any) -> np.ndarray:
    """Whether the threshold was reached by then, however that is reported."""
    return np.maximum.accumulate(reached_now(counted(result)), 2)


def share_solved(result: Any) -> list[str]:
    return percents(solved_by(result)[:, :, -1, 0])


def said_pole(result: Any, language: str) -> str:
    shares, now = share_solved(result), result.reward[:, :, -1].mean((1, 2))
    one = percents(solved_by(result)[:, :, -1, 1])

    def row(i: int) -> dict[str, Any] | None:
        said = {"share": shares[i], "one": one[i], "now": f"{now[i]:.0f}"}
        return said if np.isfinite(now[i]) else None

    return POLE.each(result, language, "summaries.pole", row, "summaries.nothing", "summaries.poles")


def table_pole(result: Any, language: str) -> pd.DataFrame:
    text, said = POLE.text(language), counted(result)
    columns: dict[str, Any] = {}
    for k, how in enumerate(COUNTED):
        columns[f"{text.say('words.solved')}, {text.say(f'hows.{how}')}"] = (
            solved_by(result)[:, :, -1, k].mean(1).round(3)
        )
    columns["words.reward"] = said[:, :, -1, 0].mean(1).round(1)
    return POLE.table(result, language, columns)


def finish_reward(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_yaxes(range=[0, 515])


HOWS = Chips("how", COUNTED, ("mean",))
SOLVED = kinds.solved(
    POLE, "solved", "episodes", episodes, solved_by, said_pole, parts=HOWS, table=table_pole,
    banded=2, finish=lambda fig, r, text: fig.update_yaxes(**FULL),
)  # fmt: skip
REWARD = kinds.curves(
    POLE, "reward", "episodes", episodes, lambda r: {"reward": counted(r)}, said_pole, parts=HOWS, table=table_pole,
    finish=finish_reward, hover=".0f",
)  # fmt: skip
NOISE = kinds.intervals(
    SLOPES, "noise", lambda r: {f"noise_{name}": np.log10(r.noise[k]) for k, name in enumerate(FIXED)},
    SLOPES.saying("summaries.noise", **{name: lambda r, k=k: r.noise[k].mean(1) for k, name in enumerate(FIXED)}),
)  # fmt: skip
ALONG = kinds.intervals(
    SLOPES, "along", lambda r: {f"along_{name}": r.along[k] for k, name in enumerate(FIXED)},
    SLOPES.saying("summaries.along", **{name: lambda r, k=k: r.along[k].mean(1) for k, name in enumerate(FIXED)}),
    finish=lambda fig, r, text: fig.add_vline(x=1, line=plot.line(style.AXIS, 1.5, "dot"), row="all", col="all"),
)  # fmt: skip


def draw_balance(found: Any, language: str) -> go.Figure:
    """The cart with its pole as it stands, and the angle until now."""
    say = POLE.text(language).say
    fig = plot.panels(1, 2, None, 260, column_widths=[0.5, 0.5], horizontal_spacing=0.12)
    place, _, angle, _ = found.path[-1]
    left: dict[str, Any] = {"row": 1, "col": 1, "hoverinfo": "skip", "showlegend": False}
    fig.add_scatter(x=[-2.4, 2.4], y=[0, 0], mode="lines", line=plot.line(style.AXIS, 2), **left)
    cart = plot.marker(style.PALETTE[0], "square", 26)
    fig.add_scatter(x=[place], y=[0], mode="markers", marker=cart, **left)
    tip = [place, place + np.sin(angle)], [0, np.cos(angle)]
    fig.add_scatter(x=tip[0], y=tip[1], mode="lines", line=plot.line(style.PALETTE[1], 8), **left)
    fig.update_xaxes(range=[-2.6, 2.6], title=say("words.place"), row=1, col=1)
    fig.update_yaxes(visible=False, range=[-0.3, 1.3], scaleanchor="x", row=1, col=1)
    steps = np.arange(len(found.path))
    look = plot.curve(1) | {"showlegend": False, "mode": "lines+markers"}
    fig.add_scatter(
        x=steps, y=np.degrees(found.path[:, 2]), hovertemplate="%{y:.1f}°<extra></extra>", **look, row=1, col=2
    )
    for edge in (-1, 1):
        fig.add_hline(y=edge * np.degrees(STEEPEST), line=plot.line(style.AXIS, 1.5, "dot"), row=1, col=2)
    fig.update_xaxes(title=say("words.steps"), row=1, col=2)
    fig.update_yaxes(title=say("words.angle"), row=1, col=2)
    plot.stack(fig)
    return fig


def summary_balance(found: Any, language: str) -> str:
    text = POLE.text(language)
    key = "summaries.fallen" if found.fallen else "summaries.standing"
    mine = text.say(key, count=len(found.path) - 1)
    others = [
        text.say("summaries.other", name=name, count=int(n))
        for name, n in zip(POLE.names(found, language), found.steps)
    ]
    return f"{mine} {text.say('summaries.others', listed=text.listed(others))}"


# The game


def against(k: int) -> Callable[[Any], np.ndarray]:
    """Chances to win and to lose: [player, seed, tick, outcome]."""
    return lambda r: r.chance[:, :, :, k]


def said_game(result: Any, language: str) -> str:
    if not len(result.tick):
        return GAME.text(language).say("summaries.nothing")
    shares = percents(unbeaten(result)[:, :, -1])
    chance = result.chance[:, :, -1].mean(1)  # [player, against, outcome]

    def row(i: int) -> dict[str, Any] | None:
        if not np.isfinite(chance[i]).all():
            return None
        won, lost_ = (f"{100 * v:.0f} %" for v in (chance[i, 0, 0], chance[i, 1, 1]))
        return {"share": shares[i], "won": won, "lost": lost_}

    return GAME.each(result, language, "summaries.game", row, "summaries.nothing", "summaries.games")


def table_game(result: Any, language: str) -> pd.DataFrame:
    chance = result.chance[:, :, -1].mean(1).round(4) if len(result.tick) else np.full((len(GAMERS), 2, 2), np.nan)
    pairs = [(k, o) for k in (0, 1) for o in (0, 1)]
    heads = [f"words.{name}_{which}" for name in ("random", "best") for which in OUTCOMES]
    return GAME.table(result, language, {head: chance[:, k, o] for head, (k, o) in zip(heads, pairs)})


def finish_games(fig: plot.Sheet, result: Any, text: Text) -> None:
    fig.update_xaxes(type="log", exponentformat="power", dtick=1)
    fig.update_yaxes(**FULL)


def finish_strength(fig: plot.Sheet, result: Any, text: Text) -> None:
    finish_games(fig, result, text)
    fig.update_layout(legend={"y": 1.24}, margin={"t": 96})


UNBEATEN = kinds.solved(
    GAME, "unbeaten", "games", lambda r: np.maximum(r.tick, 1), unbeaten, said_game, table=table_game,
    finish=finish_games, marked=True, banded=2,
)  # fmt: skip
AGAINST = kinds.curves(
    GAME, "against", "games", lambda r: np.maximum(r.tick, 1),
    lambda r: {"won_random": against(0)(r)[..., 0], "lost_best": against(1)(r)[..., 1]}, said_game,
    table=table_game, finish=finish_strength, marked=True, side=True,
)  # fmt: skip


def draw_board(found: Any, language: str) -> go.Figure:
    """The board: what the machine thought of its moves as colours, and whose cells they are."""
    fig = plot.figure(300, "closest")
    look = pictures.CELLS | {"zmin": -1, "zmax": 1, "colorscale": style.colorscale(style.DIVERGING), "opacity": 0.6}
    ids = np.arange(9).reshape(3, 3)
    values = np.where(np.isnan(found.values), 0, found.values).reshape(3, 3)
    fig.add_heatmap(z=values, customdata=ids, hovertemplate="%{z:.2f}<extra></extra>", **look)
    y, x = np.divmod(np.arange(9), 3)
    for side, mark in ((1, "×"), (2, "○")):
        own = found.cells == side
        big = {"textfont": {"size": 40}, "hoverinfo": "skip", "showlegend": False}
        fig.add_scatter(x=x[own], y=y[own], mode="text", text=[mark] * int(own.sum()), **big)
    fig.update_yaxes(autorange="reversed", visible=False, scaleanchor="x", constrain="domain")
    fig.update_xaxes(visible=False, constrain="domain")
    plot.bare(fig, 5)
    return fig


def summary_board(found: Any, language: str) -> str:
    say = GAME.text(language).say
    return say(
        {-1: "summaries.your_turn", 0: "summaries.draw", 1: "summaries.you_won", 2: "summaries.you_lost"}[found.over]
    )


FIGURES = (
    *HERE.figures(SPREAD, MAPS, ERROR),
    *CLIFF.figures(CLIFF.later(TRIPS, lambda r: r.reward.shape[-1] >= BLOCK), ARROWS),
    *POLE.figures(*(POLE.later(figure, lambda r: len(r.tick) > 0) for figure in (SOLVED, REWARD))),
    *SLOPES.figures(SLOPES.later(NOISE), SLOPES.later(ALONG)),
    *GAME.figures(UNBEATEN, AGAINST),
)
