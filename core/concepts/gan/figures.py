"""Pictures of a game: what every seed makes, D's landscape with G's folded plane, outputs, quality, modes."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concept.text import Text
from core.concepts.gan.params import ALONE, CODES, GAMES, Result, Version, Walk, mode_count, on_points
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, by_rule

REACH = 3.0  # the field covers [-REACH, REACH]²
FIELD: dict[str, Any] = {"reach": REACH, "zsmooth": "best", "opacity": 0.6}  # D over the plane
REAL, MADE, VIOLET = style.PALETTE[8], style.PALETTE[2], style.PALETTE[3]
ACROSS = 3  # panels side by side
LONGEST_ARROW = 0.45
ROWS = 40  # rows of a table


def setting(version: Version, name: str, text: Text) -> str:
    value = getattr(version, name)
    if isinstance(value, str):
        return text.say(f"options.{name}.{value}")
    return text.say("words.yes" if value else "words.no") if isinstance(value, bool) else f"{value:g}"


def diverged(result: Result) -> np.ndarray:
    """Which versions make samples that are no numbers any more, on any seed: [version]."""
    lost = ~np.isfinite(result.samples[:, :, -1]).all((1, 2, 3))
    if result.share.shape[-1]:  # samples that are no numbers belong to no mode
        lost |= (result.share[:, :, -1].sum(-1) < 0.999).any(1)
    return lost


HERE = Gallery("gan", lambda r, text: by_rule(r.params.versions, text, setting), "words.version", diverged)
text, names = HERE.text, HERE.names


def seed_names(result: Result, text: Text, count: int, once: bool = False) -> list[str]:
    """Each of `count` seeds of every version, whose name stands before them, or before the first (`once`)."""
    labels, seed = HERE.names(result, text.language), text.say("words.seed")
    lead = [f"{name}, " if len(labels) > 1 else "" for name in labels]
    return [f"{'' if once and s else name}{seed} {s + 1}" for name in lead for s in range(count)]


def squares(rows: int, columns: int, titles: list[str], room: float) -> plot.Sheet:
    """Squares side by side without axes; `room` is the share of a panel's height kept for its title."""
    spacing = room / (1 + room) / max(rows, 1)
    fig = plot.panels(rows, columns, titles, horizontal_spacing=0.02, vertical_spacing=spacing)
    fig.update_layout(margin={"l": 5, "r": 5, "t": 34, "b": 5}, showlegend=False)
    plot.aspect(fig, (1 + room) * rows / columns)
    return fig


# Every seed


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images [..., 16, 64] in −1…1 as one picture each, uint8 [..., 35, 35], the first row of pixels on top."""
    grey = np.nan_to_num(127.5 * (images + 1)).clip(0, 255).astype(np.uint8)
    return plot.mosaic(grey.reshape(*images.shape[:-2], 4, 4, 8, 8), 0)


def draw_seeds(result: Result, language: str) -> go.Figure:
    """One panel per seed and version: D's field, real examples and samples; of digits the samples alone."""
    say, labels = text(language).say, names(result, language)
    count, modes = result.samples.shape[1], mode_count(result.params)
    columns = min(ACROSS, count)
    titles = seed_names(result, text(language), count, once=True)
    fig = squares(len(labels) * ceil(count / columns), columns, titles, 0.19)
    fig.update_annotations(font_size=13)
    for i, (v, s) in enumerate(np.ndindex(len(labels), count)):
        place: dict[str, Any] = {"row": i // columns + 1, "col": i % columns + 1}
        made = result.samples[v, s]  # [tick, sample, feature]
        if on_points(result.params):
            plot.field(fig, result.field[v, s], **FIELD, **place)
            fig.add_scatter(**plot.xy(result.real[s]), **dots(say("words.real"), REAL, "circle", 3, 0.55), **place)
            fig.add_scatter(**plot.xy(made[-1]), **dots(say("words.made"), MADE, "diamond", 5, 0.9), **place)
            fig.was(**plot.xy(made))
        else:
            plot.images(fig, mosaic(made), 0, 255, **place)
        if not result.params.own:
            x, y = (-REACH, REACH) if on_points(result.params) else (-0.5, 34.5)
            look = {"texttemplate": f"<b>%{{text}}</b>/{modes}", "textfont": {"size": 13}}
            plot.words(fig, [x], [y], result.covered[v, s][:, None], "top right", **look, **place)
    if on_points(result.params):
        plot.plane(fig, REACH)
    else:
        fig.update_xaxes(visible=False, constrain="domain", range=[-0.5, 34.5])
        fig.update_yaxes(visible=False, scaleanchor="x", constrain="domain", range=[-0.5, 34.5])
    return plot.film(fig, result, result.tick, say("words.step"))


def dots(name: str, colour: str, symbol: str, size: float, opacity: float) -> dict[str, Any]:
    marker = plot.marker(colour, symbol, size, opacity=opacity, line={"width": 0})
    hover = f"{name} (%{{x:.2f}}, %{{y:.2f}})<extra></extra>"
    return {"name": name, "mode": "markers", "marker": marker, "hovertemplate": hover}


def table_seeds(result: Result, language: str) -> pd.DataFrame:
    columns = {distance_name(result): result.distance} | outputs(result)
    if not result.params.own:
        known = {"covered": result.covered.astype(int), "good": result.good, "largest": result.share.max(-1)}
        columns = known | columns
    last = {f"words.{word}": values[..., -1].round(3) for word, values in (columns | obedience(result)).items()}
    return HERE.table(result, language, {"words.seed": 1 + np.arange(len(result.floor))} | last)


def distance_name(result: Result) -> str:
    """The word for how far samples are from real examples."""
    return "divergence" if on_points(result.params) else "frechet"


def summary_seeds(result: Result, language: str) -> str:
    if result.params.own:
        return summary_quality(result, language)
    modes = mode_count(result.params)
    enough = ceil(0.85 * modes)

    def values(v: int) -> dict[str, Any]:
        covered, good, largest = result.covered[v, :, -1], result.good[v, :, -1], result.share[v, :, -1].max(-1)
        shares = {"good": f"{100 * good.mean():.0f}", "largest": f"{100 * largest.mean():.0f}"}
        most = int((covered >= 0.85 * modes).sum())
        return {"modes": modes, "most": most, "enough": enough, "seeds": len(covered)} | shares

    return HERE.each(result, language, "summaries.seeds", values)


# The landscape of D, the plane folded by G


def segments(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines [tick, line, node, 2] as x and y [tick, n] with a gap after each line."""
    gap = np.full((*lines.shape[:2], 1, 2), np.nan, np.float32)
    joined = np.concatenate([lines, gap], 2).reshape(len(lines), -1, 2)
    return joined[..., 0], joined[..., 1]


def arrows(start: np.ndarray, push: np.ndarray) -> np.ndarray:
    """Where arrows begin and end [tick, arrow, 2, 2]: lengths go with the root of the push, the longest is the same at
    every tick."""
    length = np.linalg.norm(push, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        longest = np.nanmax(np.where(np.isfinite(length), length, 0), axis=1, keepdims=True)
        scaled = np.where(length > 0, push / length * np.sqrt(length / longest), np.nan) * LONGEST_ARROW
    return np.stack([start, start + scaled], 2)


def draw_plane(result: Result, language: str) -> go.Figure:
    """The first seed of every version: D's field, real points, the folded square of codes, samples and their pushes."""
    say, labels = text(language).say, names(result, language)
    columns = min(2, len(labels))
    fig = squares(ceil(len(labels) / columns), columns, labels if len(labels) > 1 else [], 0.16)

    def moving(x: np.ndarray, y: np.ndarray, layer: str, **look: Any) -> None:
        fig.add_scatter(x=x[-1], y=y[-1], meta={"layer": layer}, hoverinfo="skip", **look).was(x=x, y=y)

    for v in range(len(labels)):
        place: dict[str, Any] = {"row": v // columns + 1, "col": v % columns + 1}
        plot.field(fig, result.field[v, 0], **FIELD, meta={"layer": "field"}, **place)
        look = dots(say("words.real"), REAL, "circle", 4, 0.6) | {"meta": {"layer": "real"}}
        fig.add_scatter(**plot.xy(result.real[0]), **look, **place)
        fold = result.fold[v]
        lines = np.concatenate([fold, fold.transpose(0, 2, 1, 3)], 1)
        moving(*segments(lines), "fold", mode="lines", line=plot.line(style.fade(VIOLET, 0.75), 1.2), **place)
        made = result.samples[v, 0]
        diamond = plot.marker(MADE, "diamond", 6.5, 0.6)
        moving(made[..., 0], made[..., 1], "made", mode="markers", marker=diamond, **place)
        ends = arrows(made[:, : result.push.shape[2]], result.push[v])
        head = plot.marker(REAL, "arrow", [0, 9, 0] * ends.shape[1], angleref="previous", opacity=1)
        moving(*segments(ends), "push", mode="lines+markers", line=plot.line(REAL, 1.3), marker=head, **place)
    plot.plane(fig, REACH)
    layers = ("field", "real", "fold", "made", "push")
    plot.chips(fig, "layer", {layer: say(f"layers.{layer}") for layer in layers}, list(layers))
    return plot.film(fig, result, result.tick, say("words.step"))


def table_plane(result: Result, language: str) -> pd.DataFrame:
    """Samples of the first seed, and where each is pushed."""
    push = result.push[:, -1, :ROWS].round(4)  # [version, arrow, feature]
    made = result.samples[:, 0, -1, : push.shape[1]].round(4)
    columns = {"x₁": made[..., 0], "x₂": made[..., 1], "words.push_1": push[..., 0], "words.push_2": push[..., 1]}
    return HERE.table(result, language, columns)


def summary_plane(result: Result, language: str) -> str:
    say = text(language).say
    said = []
    for v, name in enumerate(names(result, language)):
        field = result.field[v, 0, -1] / 255.0
        kind = "codes" if result.params.versions[v].rule in CODES else "plane"
        low, high = (f"{100 * value:.0f}" for value in (field.min(), field.max()))
        said.append(say(f"summaries.{kind}", name=name, low=low, high=high))
        if not result.params.own:
            said.append(say("summaries.good", good=f"{100 * result.good[v, 0, -1]:.0f}"))
    return " ".join(said)


# Curves over steps


def end_of(result: Result) -> float:
    return max(float(result.tick[-1]), 1.0) if result.complete else float(result.total)


def outputs(result: Result) -> dict[str, np.ndarray]:
    """Mean output of D on real and on made examples: [version, seed, tick]."""
    return {"d_real": result.d_real, "d_fake": result.d_fake}


def draw_outputs(result: Result, language: str) -> go.Figure:
    say, labels, fig = text(language).say, names(result, language), plot.figure(440)
    rules = [v.rule for v in result.params.versions]
    for v, name in enumerate(labels):
        if rules[v] not in CODES:
            for (word, values), dash in zip(outputs(result).items(), ("solid", "dot")):
                label = say(f"words.{word}") + (f", {name}" if len(labels) > 1 else "")
                plot.bands(fig, result.tick, values[v].astype(float), label, plot.curve(v, dash))
    if not set(rules) - {*GAMES[:3], *ALONE, *CODES}:
        fig.add_hline(y=0.5, line=plot.line(style.AXIS, 1.5, "dash"))
        fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_xaxes(title=say("words.steps"), range=[0, end_of(result)])
    fig.update_yaxes(title=say("words.output"))
    plot.film(fig, result, result.tick, say("words.step"), True)
    return fig if fig.data else plot.waiting(fig, say("words.no_d"))


def summary_outputs(result: Result, language: str) -> str:
    def values(v: int) -> dict[str, Any] | None:
        real, made = (of[v, :, -1].mean() for of in outputs(result).values())
        shown = result.params.versions[v].rule not in CODES and np.isfinite([real, made]).all()
        return {"real": f"{real:.2f}", "made": f"{made:.2f}"} if shown else None

    return HERE.each(result, language, "summaries.outputs", values, "summaries.no_outputs")


OUTPUTS = Figure("outputs", draw_outputs, kinds.means(HERE, "step", lambda r: r.tick, outputs), summary_outputs)


def quality(result: Result) -> dict[str, np.ndarray]:
    """Modes covered, share of good samples, distance to real data: [version, seed, tick] each."""
    known = {} if result.params.own else {"covered": result.covered, "good": result.good}
    return known | {distance_name(result): result.distance}


def obedience(result: Result) -> dict[str, np.ndarray]:
    """With a condition, the share of samples that obey it: [version, seed, tick]."""
    return {"obeyed": result.obeyed} if np.isfinite(result.obeyed).any() else {}


def finish_quality(fig: plot.Sheet, result: Result, text: Text) -> None:
    panels = len(quality(result)), len(quality(result) | obedience(result))
    far, last = ({"row": n, "col": 1} if panels[1] > 1 else {} for n in panels)
    fig.update_layout(height=160 + 135 * panels[1])
    fig.update_yaxes(rangemode="tozero")
    fig.add_hline(y=float(result.floor.mean()), line=plot.line(style.AXIS, 1.5, "dot"), **far)
    fig.update_xaxes(range=[0, end_of(result)])
    fig.update_xaxes(title=text.say("words.steps"), **last)
    if len(result.params.versions) == 1:
        fig.update_traces(showlegend=False)


def summary_quality(result: Result, language: str) -> str:
    say, params = text(language).say, result.params
    kind = "quality_own" if params.own else "quality" if on_points(params) else "quality_digits"

    def values(v: int) -> dict[str, Any]:
        distance = result.distance[v, :, -1].mean()
        far = f"{distance:.3f}" if np.isfinite(distance) else say("words.infinite")
        found: dict[str, Any] = {"distance": far, "floor": f"{result.floor.mean():.3f}"}
        if params.own:
            return found
        covered, good = (of[v, :, -1].mean() for of in (result.covered, result.good))
        return found | {"covered": f"{covered:.1f}", "good": f"{100 * good:.0f}", "modes": mode_count(params)}

    return HERE.each(result, language, f"summaries.{kind}", values)


QUALITY = kinds.curves(
    HERE, "quality", "step", lambda r: r.tick, lambda r: quality(r) | obedience(r), summary_quality,
    finish=finish_quality, table=kinds.means(HERE, "step", lambda r: r.tick, quality, most=ROWS, worded=True),
)  # fmt: skip


# Shares of the modes


def modes(result: Result) -> np.ndarray:
    """Numbers of the modes: digits, or places counted from 1."""
    return np.arange(result.share.shape[-1]) + on_points(result.params)


def finish_shares(fig: plot.Sheet, result: Result, text: Text) -> None:
    fig.update_traces(hovertemplate=f"%{{y}}, {text.say('words.mode')} %{{x}}: %{{z:.1f}} %<extra></extra>")
    fig.update_xaxes(dtick=1)


def table_shares(result: Result, language: str) -> pd.DataFrame:
    mode, shares = text(language).say("words.mode"), result.share[:, :, -1].round(3)
    columns = {"words.seed": 1 + np.arange(shares.shape[1])}
    columns |= {f"{mode} {m}": shares[..., i] for i, m in enumerate(modes(result))}
    return HERE.table(result, language, columns)


def summary_shares(result: Result, language: str) -> str:
    fair = f"{100 / result.share.shape[-1]:.3g}"

    def values(v: int) -> dict[str, Any]:
        largest = result.share[v, :, -1].max(-1)
        collapsed = {"collapsed": int((largest > 0.5).sum()), "seeds": len(largest)}
        return collapsed | {"largest": f"{100 * largest.mean():.0f}", "fair": fair}

    return HERE.each(result, language, "summaries.shares", values)


SHARES = kinds.densities(
    HERE, "shares", "mode", modes, lambda r: 100 * r.share.reshape(-1, *r.share.shape[2:]).transpose(1, 0, 2),
    table_shares, summary_shares, rows=lambda r, text: seed_names(r, text, r.share.shape[1]),
    when=("step", lambda r: r.tick), top=lambda r: min(100, 400 / r.share.shape[-1]), height=(140, 26), gap=(1.5, 1.5),
    finish=finish_shares, shown=lambda params: not params.own,
)  # fmt: skip


# A walk between two codes: not a figure of the Result, but of an answer


def draw_walk(walk: Walk, result: Result, language: str) -> go.Figure:
    if on_points(result.params):
        fig = squares(1, 1, [], 0.0)
        seed = min(walk.params.seed - 1, len(result.real) - 1)
        fig.add_scatter(**plot.xy(result.real[seed]), **dots(text(language).say("words.real"), REAL, "circle", 4, 0.5))
        look = {"mode": "lines+markers+text", "line": plot.line(MADE, 2), "marker": plot.marker(MADE, "diamond", 9)}
        look |= {"text": [str(i + 1) for i in range(len(walk.path))], "textposition": "top center"}
        hover = "%{text}: (%{x:.2f}, %{y:.2f}), D %{customdata:.2f}<extra></extra>"
        fig.add_scatter(**plot.xy(walk.path), **look, customdata=walk.score, hovertemplate=hover)
        plot.plane(fig, REACH)
        plot.aspect(fig, 0.6)
        return fig
    fig = plot.figure(150, "closest")
    plot.images(fig, plot.mosaic(walk.path.reshape(1, 1, -1, 8, 8), -1), -1)
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, scaleanchor="x", constrain="domain")
    return fig


def summary_walk(walk: Walk, language: str) -> str:
    low, high = walk.score.min(), walk.score.max()
    return text(language).say("summaries.walk", stops=len(walk.path), low=f"{low:.2f}", high=f"{high:.2f}")


FIGURES = HERE.figures(
    Figure("seeds", draw_seeds, table_seeds, summary_seeds),
    Figure("plane", draw_plane, table_plane, summary_plane, shown=on_points),
    OUTPUTS,
    QUALITY,
    SHARES,
)
