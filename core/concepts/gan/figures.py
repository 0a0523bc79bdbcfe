"""Pictures of a game: what every seed makes, D's landscape with G's folded plane, outputs, quality, modes."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.params import applicable
from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.concepts.gan.params import ALONE, CODES, GAMES, Result, Version, Walk, mode_count, on_points
from core.figures import plot, style

REACH = 3.0  # the field covers [-REACH, REACH]²
REAL, MADE, VIOLET = style.PALETTE[8], style.PALETTE[2], style.PALETTE[3]
PAPER = [[0, "#15181d"], [1, "#fdfcf9"]]  # digits, in both themes
ACROSS = 3  # panels side by side
LONGEST_ARROW = 0.45
ROWS = 40  # rows of a table
FIELD = style.DIVERGING


def text(language: str) -> Text:
    return words("gan", language)


def names(result: Result, language: str) -> list[str]:
    """A short name per version: its rule, and what tells it from others of the same rule."""
    versions, say = result.params.versions, text(language).say
    found = []
    for version in versions:
        twins = [v for v in versions if v.rule == version.rule and v != version]
        differing = [
            n for n in applicable(version) if n != "rule" and any(getattr(t, n) != getattr(version, n) for t in twins)
        ]
        settings = ", ".join(f"{say(f'symbols.{n}')} {setting(version, n, language)}" for n in differing)
        found.append(say(f"rules.{version.rule}") + (f" ({settings})" if settings else ""))
    return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]


def setting(version: Version, name: str, language: str) -> str:
    value, say = getattr(version, name), text(language).say
    if isinstance(value, str):
        return say(f"options.{name}.{value}")
    return say("words.yes" if value else "words.no") if isinstance(value, bool) else f"{value:g}"


def panels(rows: int, columns: int, titles: list[str], room: float) -> go.Figure:
    """Squares side by side without axes; `room` is the share of a panel's height kept for its title."""
    fig = make_subplots(
        rows,
        columns,
        subplot_titles=titles,
        horizontal_spacing=0.02,
        vertical_spacing=room / (1 + room) / max(rows, 1),
        figure=plot.figure(hover="closest"),
    )
    fig.update_layout(margin={"l": 5, "r": 5, "t": 34, "b": 5}, showlegend=False)
    plot.aspect(fig, (1 + room) * rows / columns)
    return fig


def plane(fig: go.Figure) -> None:
    fig.update_xaxes(visible=False, range=[-REACH, REACH], constrain="domain")
    fig.update_yaxes(visible=False, range=[-REACH, REACH], scaleanchor="x", constrain="domain")


def add_field(fig: go.Figure, field: np.ndarray, **look: object) -> None:
    """D over the plane, field [row, column] in 0…255."""
    axis = np.linspace(-REACH, REACH, field.shape[-1])
    fig.add_heatmap(
        x=axis,
        y=axis,
        z=field.astype(np.float32),
        zmin=0,
        zmax=255,
        zsmooth="best",
        colorscale=style.colorscale(FIELD),
        showscale=False,
        hoverinfo="skip",
        opacity=0.6,
        **look,
    )


# Every seed


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images [..., 16, 64] in −1…1 as one picture each, uint8 [..., 35, 35], the first row of pixels on top."""
    lead = images.shape[:-2]
    grey = np.nan_to_num(127.5 * (images.reshape(*lead, 4, 4, 8, 8) + 1)).clip(0, 255).astype(np.uint8)
    padded = np.pad(grey, [(0, 0)] * (len(lead) + 2) + [(0, 1), (0, 1)])
    whole = np.moveaxis(padded, -3, -2).reshape(*lead, 36, 36)[..., :35, :35]
    return whole[..., ::-1, :]


def draw_seeds(result: Result, language: str) -> go.Figure:
    """One panel per seed and version: D's field, real examples and samples; of digits the samples alone."""
    say, labels = text(language).say, names(result, language)
    count, modes = result.samples.shape[1], mode_count(result.params)
    many = len(labels) > 1
    columns = min(ACROSS, count)
    rows = len(labels) * ceil(count / columns)
    titles = [
        f"{labels[v]}, {say('words.seed')} {s + 1}" if many and not s else f"{say('words.seed')} {s + 1}"
        for v in range(len(labels))
        for s in range(count)
    ]
    fig = panels(rows, columns, titles, 0.19)
    fig.update_annotations(font_size=13)
    stacks: dict[int, dict[str, np.ndarray]] = {}
    for v in range(len(labels)):
        for s in range(count):
            i = v * count + s
            place = {"row": i // columns + 1, "col": i % columns + 1}
            made = result.samples[v, s]  # [tick, sample, feature]
            if on_points(result.params):
                stacks[len(fig.data)] = {"z": result.field[v, s]}
                add_field(fig, result.field[v, s, -1], **place)
                dots(fig, result.real[s], say("words.real"), REAL, "circle", 3, 0.55, **place)
                stacks[len(fig.data)] = {"x": made[..., 0], "y": made[..., 1]}
                dots(fig, made[-1], say("words.made"), MADE, "diamond", 5, 0.9, **place)
                corner = {"x": [-REACH], "y": [REACH]}
            else:
                pictures = mosaic(made)
                stacks[len(fig.data)] = {"z": pictures}
                fig.add_heatmap(
                    z=pictures[-1].astype(np.float32), zmin=0, zmax=255, colorscale=PAPER, showscale=False,
                    hoverinfo="skip", **place,
                )  # fmt: skip
                corner = {"x": [-0.5], "y": [34.5]}
            if result.params.own:
                continue
            covered = result.covered[v, s]
            stacks[len(fig.data)] = {"text": covered[:, None]}
            fig.add_scatter(
                **corner,
                text=covered[-1:],
                texttemplate=f"<b>%{{text}}</b>/{modes}",
                mode="text",
                textposition="top right",
                textfont={"size": 13},
                cliponaxis=False,
                hoverinfo="skip",
                **place,
            )
    if on_points(result.params):
        plane(fig)
    else:
        fig.update_xaxes(visible=False, constrain="domain", range=[-0.5, 34.5])
        fig.update_yaxes(visible=False, scaleanchor="x", constrain="domain", range=[-0.5, 34.5])
    if result.complete:
        plot.scrub(fig, result.tick, say("words.step"), [], stacks)
    return fig


def diverged(result: Result, language: str) -> str:
    """Which versions make samples that are no numbers any more, on any seed; empty where none does."""
    lost = (~np.isfinite(result.samples[:, :, -1])).any((1, 2, 3))
    if result.share.shape[-1]:  # samples that are no numbers belong to no mode
        lost |= (result.share[:, :, -1].sum(-1) < 0.999).any(1)
    found = text(language).listed(np.array(names(result, language))[lost])
    return text(language).say("summaries.diverged", names=found) if found else ""


def dots(
    fig: go.Figure, x: np.ndarray, name: str, colour: str, symbol: str, size: float, opacity: float, **place: object
) -> None:
    fig.add_scatter(
        x=x[:, 0],
        y=x[:, 1],
        name=name,
        mode="markers",
        marker={"size": size, "symbol": symbol, "color": colour, "opacity": opacity, "line": {"width": 0}},
        hovertemplate=f"{name} (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
        **place,
    )


def table_seeds(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    v, s = (a.ravel() for a in np.meshgrid(*map(np.arange, result.covered.shape[:2]), indexing="ij"))
    columns: dict[str, object] = {say("words.version"): [labels[i] for i in v], say("words.seed"): s + 1}
    if not result.params.own:
        columns |= {
            say("words.covered"): result.covered[v, s, -1].astype(int),
            say("words.good"): result.good[v, s, -1].round(3),
            say("words.largest"): result.share[v, s, -1].max(-1).round(3),
        }
    columns |= {
        distance_name(result, language): result.distance[v, s, -1].round(3),
        say("words.d_real"): result.d_real[v, s, -1].round(3),
        say("words.d_fake"): result.d_fake[v, s, -1].round(3),
    }
    if np.isfinite(result.obeyed).any():
        columns[say("words.obeyed")] = result.obeyed[v, s, -1].round(3)
    return pd.DataFrame(columns)


def distance_name(result: Result, language: str) -> str:
    return text(language).say("words.divergence" if on_points(result.params) else "words.frechet")


def summary_seeds(result: Result, language: str) -> str:
    say = text(language).say
    modes, own = mode_count(result.params), result.params.own
    parts = [summary_quality(result, language)] if own else []
    for v, name in enumerate([] if own else names(result, language)):
        covered = result.covered[v, :, -1]
        parts.append(
            say(
                "summaries.seeds",
                name=name,
                modes=modes,
                most=int((covered >= 0.85 * modes).sum()),
                enough=ceil(0.85 * modes),
                seeds=len(covered),
                good=f"{100 * result.good[v, :, -1].mean():.0f}",
                largest=f"{100 * result.share[v, :, -1].max(-1).mean():.0f}",
            )
        )
    return " ".join(parts)


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
    fig = panels(ceil(len(labels) / columns), columns, labels if len(labels) > 1 else [], 0.16)
    stacks: dict[int, dict[str, np.ndarray]] = {}

    def moving(x: np.ndarray, y: np.ndarray, layer: str, **look: Any) -> None:
        stacks[len(fig.data)] = {"x": x, "y": y}
        fig.add_scatter(x=x[-1], y=y[-1], meta={"layer": layer}, hoverinfo="skip", **look)

    for v in range(len(labels)):
        place: dict[str, Any] = {"row": v // columns + 1, "col": v % columns + 1}
        stacks[len(fig.data)] = {"z": result.field[v, 0]}
        add_field(fig, result.field[v, 0, -1], meta={"layer": "field"}, **place)
        dots(fig, result.real[0], say("words.real"), REAL, "circle", 4, 0.6, meta={"layer": "real"}, **place)
        fold = result.fold[v]
        lines = np.concatenate([fold, fold.transpose(0, 2, 1, 3)], 1)
        moving(*segments(lines), "fold", mode="lines", line={"color": style.fade(VIOLET, 0.75), "width": 1.2}, **place)
        made = result.samples[v, 0]
        moving(
            made[..., 0], made[..., 1], "made", mode="markers",
            marker={"size": 6.5, "symbol": "diamond", "color": MADE, "line": {"width": 0.6, "color": "#ffffff"}},
            **place,
        )  # fmt: skip
        ends = arrows(made[:, : result.push.shape[2]], result.push[v])
        count = ends.shape[1]
        head = {"symbol": "arrow", "angleref": "previous", "size": [0, 9, 0] * count, "color": REAL, "opacity": 1}
        moving(*segments(ends), "push", mode="lines+markers", line={"color": REAL, "width": 1.3}, marker=head, **place)
    plane(fig)
    layers = ("field", "real", "fold", "made", "push")
    plot.chips(fig, "layer", {layer: say(f"layers.{layer}") for layer in layers}, list(layers))
    if result.complete:
        plot.scrub(fig, result.tick, say("words.step"), [], stacks)
    return fig


def table_plane(result: Result, language: str) -> pd.DataFrame:
    """Samples of the first seed, and where each is pushed."""
    say, labels = text(language).say, names(result, language)
    count = min(ROWS, result.push.shape[2])
    frames = []
    for v, name in enumerate(labels):
        made, push = result.samples[v, 0, -1, :count], result.push[v, -1, :count]
        columns = {say("words.version"): [name] * len(made), "x₁": made[:, 0], "x₂": made[:, 1]}
        columns |= {say("words.push_1"): push[:, 0], say("words.push_2"): push[:, 1]}
        frames.append(pd.DataFrame(columns).round(4))
    return pd.concat(frames)


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


def draw_outputs(result: Result, language: str) -> go.Figure:
    """Mean output of D on real and on made examples."""
    say, labels = text(language).say, names(result, language)
    fig = plot.figure(440)
    rules = [v.rule for v in result.params.versions]
    for v, name in enumerate(labels):
        if rules[v] in CODES:
            continue
        for values, dash, what in ((result.d_real, "solid", "d_real"), (result.d_fake, "dot", "d_fake")):
            label = say(f"words.{what}") + (f", {name}" if len(labels) > 1 else "")
            plot.bands(fig, result.tick, values[v].astype(float), label, plot.curve(v, dash))
    if not set(rules) - {*GAMES[:3], *ALONE, *CODES}:
        fig.add_hline(y=0.5, line={"color": style.AXIS, "width": 1.5, "dash": "dash"})
        fig.update_yaxes(range=[-0.02, 1.02])
    fig.update_xaxes(title=say("words.steps"), range=[0, end_of(result)])
    fig.update_yaxes(title=say("words.output"))
    if result.complete:
        plot.scrub(fig, result.tick, say("words.step"), list(range(len(fig.data))), {})
    if not fig.data:
        fig.add_scatter(x=[], y=[])
        fig.add_annotation(text=say("words.no_d"), xref="paper", yref="paper", x=0.5, y=0.5)
    return fig


def table_outputs(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.step"): result.tick}
    for v, name in enumerate(names(result, language)):
        for values, what in ((result.d_real, "d_real"), (result.d_fake, "d_fake")):
            columns[f"{say(f'words.{what}')}, {name}"] = values[v].astype(float).mean(0).round(4)
    return pd.DataFrame(columns)


def summary_outputs(result: Result, language: str) -> str:
    say = text(language).say
    said = []
    for v, name in enumerate(names(result, language)):
        if result.params.versions[v].rule not in CODES:
            real, made = (values[v, :, -1].mean() for values in (result.d_real, result.d_fake))
            if np.isfinite([real, made]).all():
                said.append(say("summaries.outputs", name=name, real=f"{real:.2f}", made=f"{made:.2f}"))
    return " ".join(said) or say("summaries.no_outputs")


def draw_quality(result: Result, language: str) -> go.Figure:
    """Modes covered, share of good samples, distance to real data; with a condition, the share that obeys it."""
    say, labels = text(language).say, names(result, language)
    known = [] if result.params.own else ["covered", "good"]
    fields = [*known, "distance"] + (["obeyed"] if np.isfinite(result.obeyed).any() else [])
    fig = make_subplots(
        len(fields), 1, shared_xaxes=True, vertical_spacing=0.05, figure=plot.figure(160 + 135 * len(fields))
    )
    for row, field in enumerate(fields, 1):
        for v, name in enumerate(labels):
            seeds = getattr(result, field)[v].astype(float)
            if np.isfinite(seeds).any():
                place: dict[str, Any] = {"row": row, "col": 1, "legendgroup": name}
                plot.bands(fig, result.tick, seeds, name, plot.curve(v), **place)
                fig.data[-1].showlegend = row == 1 and len(labels) > 1
        title = distance_name(result, language) if field == "distance" else say(f"words.{field}")
        fig.update_yaxes(title={"text": title, "font": {"size": 12}}, rangemode="tozero", row=row, col=1)
    floor = {"color": style.AXIS, "width": 1.5, "dash": "dot"}
    fig.add_hline(y=float(result.floor.mean()), line=floor, row=len(known) + 1, col=1)
    fig.update_xaxes(range=[0, end_of(result)])
    fig.update_xaxes(title=say("words.steps"), row=len(fields), col=1)
    if result.complete:
        plot.scrub(fig, result.tick, say("words.step"), list(range(len(fig.data))), {})
    return fig


def table_quality(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    shown = np.unique(np.linspace(0, len(result.tick) - 1, ROWS).round().astype(int))
    columns: dict[str, object] = {say("words.step"): result.tick[shown]}
    for v, name in enumerate(names(result, language)):
        for field in ("distance",) if result.params.own else ("covered", "good", "distance"):
            title = distance_name(result, language) if field == "distance" else say(f"words.{field}")
            columns[f"{title}, {name}"] = getattr(result, field)[v].astype(float).mean(0)[shown].round(4)
    return pd.DataFrame(columns)


def summary_quality(result: Result, language: str) -> str:
    say, params = text(language).say, result.params
    kind = "quality_own" if params.own else "quality" if on_points(params) else "quality_digits"
    said = []
    for v, name in enumerate(names(result, language)):
        distance = result.distance[v, :, -1].mean()
        far = f"{distance:.3f}" if np.isfinite(distance) else say("words.infinite")
        values: dict[str, object] = {"name": name, "distance": far, "floor": f"{result.floor.mean():.3f}"}
        if not params.own:
            covered, good = (getattr(result, f)[v, :, -1].mean() for f in ("covered", "good"))
            values |= {"covered": f"{covered:.1f}", "good": f"{100 * good:.0f}", "modes": mode_count(params)}
        said.append(say(f"summaries.{kind}", **values))
    return " ".join(said)


# Shares of the modes


def draw_shares(result: Result, language: str) -> go.Figure:
    """The share of samples nearest each mode, good or not, one row per seed and version."""
    say, labels = text(language).say, names(result, language)
    count, modes = result.share.shape[1], result.share.shape[-1]
    rows = [
        f"{name}, {say('words.seed')} {s + 1}" if len(labels) > 1 else f"{say('words.seed')} {s + 1}"
        for name in labels
        for s in range(count)
    ]
    values = result.share.reshape(-1, *result.share.shape[2:]).transpose(1, 0, 2)  # [tick, row, mode]
    fig = plot.figure(140 + 26 * len(rows), "closest")
    fig.add_heatmap(
        x=np.arange(modes) + (0 if not on_points(result.params) else 1),
        y=rows,
        z=100 * values[-1],
        zmin=0,
        zmax=min(100, 400 / modes),
        xgap=1.5,
        ygap=1.5,
        colorscale=style.colorscale(style.SEQUENTIAL),
        colorbar={"title": {"text": say("words.percent")}},
        hovertemplate=f"%{{y}}, {say('words.mode')} %{{x}}: %{{z:.1f}} %<extra></extra>",
    )
    fig.update_yaxes(autorange="reversed", automargin=True)
    fig.update_xaxes(title=say("words.mode"), dtick=1, showgrid=False)
    if result.complete:
        plot.scrub(fig, result.tick, say("words.step"), [], {0: {"z": 100 * values}})
    return fig


def table_shares(result: Result, language: str) -> pd.DataFrame:
    say, labels = text(language).say, names(result, language)
    rows = [(name, s + 1) for name in labels for s in range(result.share.shape[1])]
    columns: dict[str, object] = {say("words.version"): [r[0] for r in rows], say("words.seed"): [r[1] for r in rows]}
    first = 1 if on_points(result.params) else 0
    for mode in range(result.share.shape[-1]):
        columns[f"{say('words.mode')} {mode + first}"] = result.share[:, :, -1, mode].ravel().round(3)
    return pd.DataFrame(columns)


def summary_shares(result: Result, language: str) -> str:
    say, modes = text(language).say, result.share.shape[-1]
    said = []
    for v, name in enumerate(names(result, language)):
        largest = result.share[v, :, -1].max(-1)
        values = {"largest": f"{100 * largest.mean():.0f}", "fair": f"{100 / modes:.3g}", "seeds": len(largest)}
        said.append(say("summaries.shares", name=name, collapsed=int((largest > 0.5).sum()), **values))
    return " ".join(said)


# A walk between two codes: not a figure of the Result, but of an answer


def draw_walk(walk: Walk, result: Result, language: str) -> go.Figure:
    say = text(language).say
    if on_points(result.params):
        fig = panels(1, 1, [], 0.0)
        seed = min(walk.params.seed - 1, len(result.real) - 1)
        dots(fig, result.real[seed], say("words.real"), REAL, "circle", 4, 0.5)
        fig.add_scatter(
            x=walk.path[:, 0],
            y=walk.path[:, 1],
            mode="lines+markers+text",
            line={"color": MADE, "width": 2},
            marker={"size": 9, "symbol": "diamond", "color": MADE},
            text=[str(i + 1) for i in range(len(walk.path))],
            textposition="top center",
            customdata=walk.score,
            hovertemplate="%{text}: (%{x:.2f}, %{y:.2f}), D %{customdata:.2f}<extra></extra>",
        )
        plane(fig)
        plot.aspect(fig, 0.6)
        return fig
    fig = plot.figure(150, "closest")
    pictures = np.pad(walk.path.reshape(-1, 8, 8), ((0, 0), (0, 0), (0, 1)), constant_values=-1)
    fig.add_heatmap(
        z=pictures.transpose(1, 0, 2).reshape(8, -1)[::-1, :-1], zmin=-1, zmax=1, colorscale=PAPER, showscale=False,
        hoverinfo="skip",
    )  # fmt: skip
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, scaleanchor="x", constrain="domain")
    return fig


def summary_walk(walk: Walk, language: str) -> str:
    low, high = walk.score.min(), walk.score.max()
    return text(language).say("summaries.walk", stops=len(walk.path), low=f"{low:.2f}", high=f"{high:.2f}")


FIGURES = with_note(
    (
        Figure("seeds", draw_seeds, table_seeds, summary_seeds),
        Figure("plane", draw_plane, table_plane, summary_plane, shown=on_points),
        Figure("outputs", draw_outputs, table_outputs, summary_outputs),
        Figure("quality", draw_quality, table_quality, summary_quality),
        Figure("shares", draw_shares, table_shares, summary_shares, shown=lambda params: not params.own),
    ),
    diverged,
)
