"""Pictures of a network that learns to write: samples beside a ruler, bits, counting, temperature, single units."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.concepts.text_generation.claims import TEST, best_ngram, best_order
from core.concepts.text_generation.params import FEATURES, HEATS, PACKERS, SAMPLED, SPLITS, WARMTHS, Result
from core.figures import plot, style

MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"
ORANGE, GREEN, PURPLE, INK, STONE = (style.PALETTE[i] for i in (1, 2, 3, 8, 9))
RUNGS = (0, 1 / 16, 1 / 4, 1)  # of all steps
WIDE = 76  # characters of a line beside the ruler; what does not fit is cut off
NARROW = 44  # characters of a line of samples alone, which a phone can show
FULL_WIDTH = 0x2E80  # the first code point of the characters of Chinese, which take more room
LETTERS = 32  # letters of a line over which units are shown
LINE = 17.5  # pixels of a line of samples
RULER = (27, 31.5, 32)  # per cent of the width: the ruler, where leaders end, where samples begin


def text(language: str) -> Text:
    return words("text_generation", language)


def bits_now(result: Result, tick: int = -1) -> np.ndarray:
    """Bits per character of the test text at a tick: [seed]."""
    return result.bits[:, tick, TEST]


def order_name(result: Result, say: Text) -> str:
    """The best n-gram by its order on most seeds."""
    orders = best_order(result)
    return say.say("words.ngram", n=int(np.bincount(orders).argmax()))


def order_names(result: Result, language: str) -> str:
    """The best n-grams of all seeds by their orders; of all seeds it may be the same."""
    say = text(language)
    return say.listed(say.say("words.ngram", n=int(n)) for n in np.unique(best_order(result)))


def runs_of(orders: np.ndarray) -> list[str]:
    """Ascending orders with neighbours drawn together: 1, 2, 3, 9 is 1–3, 9."""
    parts = np.split(orders, np.flatnonzero(np.diff(orders) > 1) + 1)
    return [f"{part[0]}" if len(part) == 1 else f"{part[0]}–{part[-1]}" for part in parts if part.size]


def rulers(result: Result, language: str) -> list[tuple[str, float]]:
    """What the network is compared with, and its mean bits per character on the test text; none while unknown."""
    if not np.isfinite(result.ngram).all():
        return []
    say = text(language)
    mean = result.ngram[:, :, 1].mean(0)
    shown = [(say.say("words.ngram", n=n), float(mean[n - 1])) for n in (1, 2, 5)]
    best, name = float(best_ngram(result).mean()), order_name(result, say)
    shown = [pair for pair in shown if pair[0] != name] + [(name, best)]
    shown += [(packer, float(bits)) for packer, bits in zip(PACKERS, result.packed.mean(0))]
    return sorted(shown, key=lambda pair: -pair[1])


# Samples


def passages(points: np.ndarray, marks: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Texts and their marks from code points and marks [passage, place], each up to its end."""
    ends = np.where((points == 0).any(1), (points == 0).argmax(1), points.shape[1])
    return [("".join(map(chr, row[:end])), mark[:end]) for row, mark, end in zip(points, marks, ends)]


def line(found: list[tuple[str, np.ndarray]], wide: int = WIDE, between: str = "  ") -> str:
    """Passages in one line, as plotly's HTML, with what is copied underlined in orange."""
    shown, room = "", wide
    for i, (passage, mark) in enumerate(found):
        lead = between if i else ""
        if room <= len(lead) or (i and len(lead) + len(passage) > room):
            break
        passage = passage[: room - len(lead)]
        room -= len(lead) + len(passage)
        shown += lead.replace(" ", "\u00a0") + marked(passage, mark)
    return shown or "\u00a0"


def marked(passage: str, mark: np.ndarray) -> str:
    runs: list[list[str | bool]] = []
    for letter, is_copied in zip(passage, mark.astype(bool)):
        if not runs or runs[-1][1] != is_copied:
            runs.append(["", bool(is_copied)])
        runs[-1][0] = f"{runs[-1][0]}{letter}"
    runs = [[escape(str(run), quote=False), is_copied] for run, is_copied in runs]  # plotly knows no &quot;
    copy = f'<span style="color:{ORANGE}"><u>{{}}</u></span>'
    return "".join(copy.format(run) if is_copied else str(run) for run, is_copied in runs)


def lines(points: np.ndarray, marks: np.ndarray) -> list[str]:
    """A line per temperature of samples [temperature, passage, place]."""
    return [line(passages(p, m)) for p, m in zip(points, marks)]


def rungs(result: Result) -> list[int]:
    """The ticks shown: before training, early, a quarter, the end, and meanwhile the latest."""
    wanted = [int(np.abs(result.at - share * result.total).argmin()) for share in RUNGS]
    reached = [tick for tick, share in zip(wanted, RUNGS) if result.at[-1] >= share * result.total - 0.5]
    return sorted({*reached, len(result.at) - 1})


def apart(values: list[float], gap: float) -> list[float]:
    """Places for labels of falling `values`, at least `gap` from each other and as near as that allows."""
    places = list(values)
    for _ in range(100):
        for i in range(len(places) - 1):
            missing = gap - (places[i] - places[i + 1])
            if missing > 1e-9:
                places[i] += missing / 2
                places[i + 1] -= missing / 2
    return places


def draw_ladder(result: Result, language: str) -> go.Figure:
    """The ruler of bits per character on the left, what the network writes on the right."""
    say = text(language).say
    shown, found = rungs(result), rulers(result, language)
    blocks = [
        (
            say("words.at_step", step=int(result.at[tick])),
            float(bits_now(result, tick).mean()),
            lines(result.sample[tick], result.copied[tick]),
        )
        for tick in shown
    ]
    if result.counted.any():
        counting = text(language)
        blocks.append(
            (order_name(result, counting), best_ngram(result).mean(), lines(result.counted, result.counted_copied))
        )
    room = len(RUNGS) + 1
    height = round(room * (len(SAMPLED) + 2) * LINE) + 60
    fig = plot.figure(height, "closest")
    values = [bits for _, bits in found] + [bits for _, bits, _ in blocks if np.isfinite(bits)]
    uniform = float(np.log2(len(result.vocabulary)))
    top, low = max([uniform, *values]), min([uniform / 2, *values])
    pad = 0.04 * (top - low)
    top, low = top + pad, low - pad
    pixel = (top - low) / (height - 60)
    line_x, far, start = RULER

    fig.add_scatter(
        x=[line_x, line_x], y=[low, top], mode="lines", line={"color": style.AXIS, "width": 2}, hoverinfo="skip"
    )
    labels = apart([bits for _, bits in found], 15 * pixel)
    for (name, bits), place in zip(found, labels):
        fig.add_scatter(
            x=[line_x, line_x - 1.5, line_x - 3],
            y=[bits, bits, place],
            mode="lines+text",
            line={"color": style.AXIS, "width": 1.5},
            text=["", "", f"{name} <b>{bits:.2f}</b>"],
            textposition="middle left",
            textfont={"size": 11.5},
            hovertemplate=f"{name}: {bits:.3f}<extra></extra>",
        )
    for k, (name, bits, samples) in enumerate(blocks):
        place = top - pixel * (len(SAMPLED) + 2) * LINE * (k + 0.45)
        last = result.counted.any() and k == len(blocks) - 1
        colour = STONE if last else style.contender(0)[0]
        if np.isfinite(bits) and not last:
            fig.add_scatter(
                x=[line_x, far],
                y=[bits, place],
                mode="lines+markers",
                line={"color": colour, "width": 1.5, "dash": "dot"},
                marker={"size": [11, 1], "symbol": "circle", "color": colour, "opacity": [1, 0]},
                hovertemplate=f"{name}: {bits:.3f}<extra></extra>",
            )
        rows = [f"<b>{name}</b> · {say('words.bits', bits=f'{bits:.2f}' if np.isfinite(bits) else '–')}"]
        rows += [f'<span style="color:{GREEN}">{t:<4g}</span>{row}' for t, row in zip(SAMPLED, samples)]
        fig.add_scatter(
            x=[start],
            y=[place],
            mode="text",
            text=["<br>".join(rows)],
            textposition="middle right",
            textfont={"family": MONO, "size": 12.5},
            hoverinfo="skip",
        )
    fig.update_xaxes(visible=False, range=[0, 100], fixedrange=True)
    fig.update_yaxes(visible=False, range=[low, top], fixedrange=True)
    fig.update_layout(showlegend=False, dragmode=False, margin={"l": 2, "r": 2, "t": 30, "b": 8})
    fig.add_annotation(x=0, y=1, xref="paper", yref="paper", yanchor="bottom", xanchor="left", text=say("words.ruler"))
    return fig


def table_samples(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    rows = []
    for tick in rungs(result):
        for t, points, marks in zip(SAMPLED, result.sample[tick], result.copied[tick]):
            found = passages(points, marks)
            share = np.concatenate([mark for _, mark in found])
            rows.append(
                {
                    say("words.step"): int(result.at[tick]),
                    say("words.test_bits"): round(float(bits_now(result, tick).mean()), 4),
                    say("words.temperature"): t,
                    say("words.sample"): " | ".join(passage for passage, _ in found[:6])[:200],
                    f"{say('words.copied')} (%)": round(100 * float(share.mean())) if share.size else np.nan,
                }
            )
    return pd.DataFrame(rows)


def diverged(result: Result, language: str) -> str:
    """That a training diverged; empty where none did."""
    return "" if np.isfinite(bits_now(result)).all() else text(language).say("summaries.diverged")


def summary_ladder(result: Result, language: str) -> str:
    say = text(language)
    bits = bits_now(result)
    if not np.isfinite(bits).all():
        return ""
    if not rulers(result, language):
        return say.say("summaries.begun" if result.at[-1] == 0 else "summaries.not_counted", bits=f"{bits.mean():.2f}")
    gain = best_ngram(result) - bits
    network, best = f"{bits.mean():.3f}", f"{best_ngram(result).mean():.3f}"
    key = "level" if network == best else "below" if gain.mean() > 0 else "above"
    return say.say(
        f"summaries.{key}",
        bits=network,
        best=best,
        name=order_names(result, language),
        count=int((gain > 0).sum()),
        seeds=len(gain),
    )


def draw_samples(result: Result, language: str) -> go.Figure:
    """A block of samples per temperature, at every moment recorded."""
    say = text(language).say
    rows, narrow = 5, NARROW if np.median(result.vocabulary) < FULL_WIDTH else NARROW * 3 // 5
    fig = plot.figure(round(len(SAMPLED) * (rows + 2) * LINE) + 50, "closest")

    def block(tick: int, k: int) -> str:
        shown = [f"<b>{say('words.temperature_is', t=f'{SAMPLED[k]:g}')}</b>"]
        left = passages(result.sample[tick, k], result.copied[tick, k])
        while left and len(shown) <= rows:
            passage, mark = left[0]
            if len(passage) > narrow:  # over several lines
                shown.append(line(left[:1], narrow))
                left[0] = passage[narrow:], mark[narrow:]
                continue
            ends = np.cumsum([len(passage) + 2 for passage, _ in left]) - 2
            fit = int((ends <= narrow).argmin()) or len(left)
            shown.append(line(left[:fit], narrow))
            left = left[fit:]
        return "<br>".join([*shown, *["\u00a0"] * (rows + 1 - len(shown))])

    blocks = np.array([[block(tick, k) for k in range(len(SAMPLED))] for tick in range(len(result.at))])
    fig.add_scatter(
        x=np.zeros(len(SAMPLED)),
        y=-np.arange(len(SAMPLED)),
        mode="text",
        text=blocks[-1],
        textposition="middle right",
        textfont={"family": MONO, "size": 12.5},
        hoverinfo="skip",
    )
    fig.update_xaxes(visible=False, range=[-1, 100], fixedrange=True)
    fig.update_yaxes(visible=False, range=[-len(SAMPLED) + 0.5, 0.5], fixedrange=True)
    fig.update_layout(showlegend=False, dragmode=False, margin={"l": 2, "r": 2, "t": 8, "b": 8})
    if result.complete:
        plot.scrub(fig, result.at, say("words.step"), [], {0: {"text": blocks}})
    return fig


def summary_samples(result: Result, language: str) -> str:
    say = text(language).say
    shares = []
    for points, marks in zip(result.sample[-1], result.copied[-1]):
        mark = np.concatenate([mark for _, mark in passages(points, marks)])
        shares.append(100 * mark.mean() if mark.size else 0.0)
    return say("summaries.samples", cold=f"{shares[0]:.0f}", hot=f"{shares[-1]:.0f}", low=SAMPLED[0], high=SAMPLED[-1])


# Bits


def draw_bits(result: Result, language: str) -> go.Figure:
    """Bits per character of the training and test text while it learns, and of what only counts."""
    say = text(language).say
    fig = plot.figure(460)
    for split in ("train", "test"):
        seeds, look = result.bits[:, :, SPLITS.index(split)], style.SPLITS[split]
        if len(seeds) > 1:
            edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
            fig.add_scatter(x=result.at, y=seeds.min(0), **edge)
            fig.add_scatter(
                x=result.at, y=seeds.max(0), fill="tonexty", fillcolor=style.fade(look.colour, 0.15), **edge
            )
        fig.add_scatter(
            x=result.at,
            y=seeds.mean(0),
            name=say(f"splits.{split}"),
            mode="lines+markers",
            line={"color": look.colour, "dash": look.dash, "width": 2.5},
            hovertemplate="%{y:.3f}",
        )
    found = rulers(result, language)
    values = [bits for _, bits in found] + result.bits[..., :][np.isfinite(result.bits)].tolist()
    top, low = (max(values), min(values)) if values else (1.0, 0.0)
    labels = apart([bits for _, bits in found], (top - low) * 15 / 380)
    for (name, bits), place in zip(found, labels):
        fig.add_shape(
            type="line",
            x0=0,
            x1=1,
            xref="x domain",
            y0=bits,
            y1=bits,
            line={"color": style.AXIS, "width": 1, "dash": "dot"},
        )
        fig.add_annotation(
            x=1,
            xref="x domain",
            y=place,
            xanchor="right",
            yanchor="bottom",
            text=f"{name} {bits:.2f}",
            font={"size": 12},
        )
    fig.update_xaxes(title=say("words.step"), range=[0, result.total])
    fig.update_yaxes(title=say("words.bits_axis"))
    return fig


def table_bits(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns = {say("words.step"): result.at}
    for k, split in enumerate(SPLITS):
        columns[say(f"splits.{split}")] = result.bits[:, :, k].mean(0).round(4)
    return pd.DataFrame(columns)


def summary_bits(result: Result, language: str) -> str:
    say = text(language).say
    train, test = (result.bits[:, -1, SPLITS.index(split)].mean() for split in ("train", "test"))
    if not np.isfinite([train, test]).all():
        return ""
    return say(
        "summaries.bits", train=f"{train:.3f}", test=f"{test:.3f}", gap=f"{test - train:.3f}", seeds=len(result.bits)
    )


# Counting


def draw_counting(result: Result, language: str) -> go.Figure:
    """Bits per character of n-grams by their order, and of the network and the compressors as lines."""
    say = text(language).say
    fig = plot.figure(460)
    seeds = result.ngram[:, :, 1]
    orders = np.arange(1, seeds.shape[1] + 1)
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    if len(seeds) > 1:
        fig.add_scatter(x=orders, y=seeds.min(0), **edge)
        fig.add_scatter(x=orders, y=seeds.max(0), fill="tonexty", fillcolor=style.fade(PURPLE, 0.15), **edge)
    fig.add_scatter(
        x=orders,
        y=seeds.mean(0),
        name=say("words.ngrams"),
        mode="lines+markers",
        line={"color": PURPLE, "width": 2.5},
        marker={"symbol": "square", "size": 8},
        hovertemplate="%{y:.3f}",
    )
    network = bits_now(result)
    across = [orders[0] - 0.4, orders[-1] + 0.4]
    look = style.SPLITS["test"]
    if len(network) > 1:
        fig.add_scatter(x=across, y=[network.min()] * 2, **edge)
        fig.add_scatter(
            x=across, y=[network.max()] * 2, fill="tonexty", fillcolor=style.fade(look.colour, 0.15), **edge
        )
    curves = [(say(f"options.cell.{result.params.cell}"), network.mean(), look.colour, look.dash)]
    curves += [
        (name, bits, c, d)
        for name, bits, c, d in zip(PACKERS, result.packed.mean(0), (GREEN, STONE), ("dashdot", "longdash"))
    ]
    for name, bits, colour, dash in curves:
        fig.add_scatter(
            x=across,
            y=[bits] * 2,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash},
            hovertemplate="%{y:.3f}",
        )
    fig.update_xaxes(title=say("words.order"), dtick=1, range=across)
    fig.update_yaxes(title=say("words.test_bits"))
    return fig


def table_counting(result: Result, language: str) -> pd.DataFrame:
    say = text(language)
    bits = [(say.say("words.ngram", n=n + 1), result.ngram[:, n, 1]) for n in range(result.ngram.shape[1])]
    bits += [(packer, result.packed[:, k]) for k, packer in enumerate(PACKERS)]
    bits += [(say.say(f"options.cell.{result.params.cell}"), bits_now(result))]
    return pd.DataFrame(
        {
            say.say("words.predictor"): [name for name, _ in bits],
            say.say("words.test_bits"): [round(float(found.mean()), 4) for _, found in bits],
            say.say("words.per_byte"): [
                round(float((found / result.bytes_per_character).mean()), 4) for _, found in bits
            ],
            say.say("words.perplexity"): [round(float((2**found).mean()), 3) for _, found in bits],
        }
    )


def summary_counting(result: Result, language: str) -> str:
    say = text(language)
    if not np.isfinite(result.ngram).all():
        return say.say("summaries.not_counted")
    bits = bits_now(result)
    if not np.isfinite(bits).all():
        return ""
    below = result.ngram[:, :, 1].mean(0) > bits.mean()
    per_byte = (bits / result.bytes_per_character).mean()
    key = "beats_all" if below.all() else "beats_some" if below.any() else "beats_none"
    return say.say(
        f"summaries.{key}",
        bits=f"{bits.mean():.3f}",
        per_byte=f"{per_byte:.3f}",
        best=order_names(result, language),
        orders=say.listed(runs_of(np.flatnonzero(below) + 1)),
    )


# Temperature


def draw_temperature(result: Result, language: str) -> go.Figure:
    """Above, shares of many samples; below, bits per character of the test text, by temperature."""
    say = text(language).say
    fig = make_subplots(2, 1, vertical_spacing=0.17, row_heights=[0.55, 0.45], figure=plot.figure(600))
    shares = (
        ("distinct", result.distinct, style.contender(0)),
        ("from_training", result.from_training, style.contender(1)),
        ("from_held_out", result.from_held_out, style.contender(2)),
    )
    for name, seeds, (colour, dash, symbol) in shares:
        if len(seeds) > 1:
            edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "row": 1, "col": 1}
            fig.add_scatter(x=WARMTHS, y=seeds.min(0), **edge)
            fig.add_scatter(x=WARMTHS, y=seeds.max(0), fill="tonexty", fillcolor=style.fade(colour, 0.15), **edge)
        fig.add_scatter(
            x=WARMTHS,
            y=seeds.mean(0),
            name=say(f"words.{name}"),
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol, "size": 8},
            hovertemplate="%{y:.0%}",
            row=1,
            col=1,
        )
    look = style.SPLITS["test"]
    mean = result.tempered.mean(0)
    fig.add_scatter(
        x=HEATS,
        y=mean,
        name=say("words.test_bits"),
        mode="lines",
        line={"color": look.colour, "dash": look.dash},
        showlegend=False,
        hovertemplate="%{y:.3f}",
        row=2,
        col=1,
    )
    if np.isfinite(mean).all():
        best = int(mean.argmin())
        fig.add_scatter(
            x=[HEATS[best]],
            y=[mean[best]],
            mode="markers+text",
            marker={"color": INK, "size": 10, "symbol": "diamond"},
            text=[f"{HEATS[best]:g}"],
            textposition="top center",
            showlegend=False,
            hoverinfo="skip",
            row=2,
            col=1,
        )
    fig.update_xaxes(range=[0.25, 2.05])
    fig.update_xaxes(title=say("words.temperature"), row=2, col=1)
    fig.update_yaxes(title=say("words.share"), tickformat=".0%", range=[-0.03, 1.05], row=1, col=1)
    fig.update_yaxes(title=say("words.bits_short"), row=2, col=1)
    return fig


def table_temperature(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    columns: dict[str, object] = {say("words.temperature"): WARMTHS}
    for name in ("distinct", "from_training", "from_held_out"):
        columns[say(f"words.{name}")] = getattr(result, name).mean(0).round(3)
    columns[say("words.test_bits")] = [
        round(float(result.tempered[:, HEATS.index(t)].mean()), 4) if t in HEATS else np.nan for t in WARMTHS
    ]
    return pd.DataFrame(columns)


def summary_temperature(result: Result, language: str) -> str:
    say = text(language).say
    if not np.isfinite(result.tempered).all() or not np.isfinite(result.distinct).all():
        return say("summaries.not_tempered")
    cold, one = 0, WARMTHS.index(1.0)
    return say(
        "summaries.temperature",
        low=f"{WARMTHS[cold]:g}",
        high=f"{WARMTHS[one]:g}",
        cold=f"{100 * result.distinct.mean(0)[cold]:.0f}",
        one=f"{100 * result.distinct.mean(0)[one]:.0f}",
        cold_copied=f"{100 * result.from_training.mean(0)[cold]:.0f}",
        one_copied=f"{100 * result.from_training.mean(0)[one]:.0f}",
        best=f"{HEATS[int(result.tempered.mean(0).argmin())]:g}",
    )


# Single units


def by_strength(result: Result) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units of seed 0, the one that follows something most last; what each follows (chosen on the first half of the
    test passages), and its correlation with that on the second."""
    feature = np.abs(result.follows[0]).argmax(1)
    r = result.follows[1][np.arange(len(feature)), feature]
    order = np.abs(r).argsort(kind="stable")
    return order, feature[order], r[order]


def draw_units(result: Result, language: str) -> go.Figure:
    """A text coloured by the state of one unit after each letter; the scrubber goes through the units."""
    say = text(language).say
    letters = len(result.reading)
    rows = max(1, -(-letters // LETTERS))
    fig = plot.figure(90 + 27 * max(rows, 10), "closest")
    if not letters:
        fig.add_scatter(x=[0.5], y=[0.5], mode="text", text=[say("words.after_training")], hoverinfo="skip")
        fig.update_xaxes(visible=False)
        fig.update_yaxes(visible=False)
        return fig
    order, feature, r = by_strength(result)
    flat = np.full((len(order), rows * LETTERS), np.nan, np.float32)
    flat[:, :letters] = result.activation[order] / 127
    states = flat.reshape(len(order), rows, LETTERS)
    shown = np.full(rows * LETTERS, "", object)
    shown[:letters] = ["↵" if c == 10 else chr(c) for c in result.reading]
    names = [
        say("words.follows", unit=int(u), feature=say(f"features.{FEATURES[f]}"), r=f"{c:+.2f}")
        for u, f, c in zip(order, feature, r)
    ]
    fig.add_heatmap(
        z=states[-1],
        zmin=-1,
        zmax=1,
        colorscale=style.colorscale(style.DIVERGING),
        text=shown.reshape(rows, LETTERS),
        texttemplate="%{text}",
        textfont={"family": MONO, "size": 13},
        hovertemplate="%{text}: %{z:.2f}<extra></extra>",
        xgap=1,
        ygap=3,
        colorbar={"orientation": "h", "y": -0.02, "yanchor": "top", "len": 0.6},
    )
    fig.add_scatter(
        x=[-0.5],
        y=[-1.1],
        mode="text",
        text=[names[-1]],
        textposition="middle right",
        textfont={"size": 14},
        hoverinfo="skip",
        cliponaxis=False,
    )
    fig.update_xaxes(visible=False, range=[-0.6, LETTERS - 0.4], fixedrange=True)
    fig.update_yaxes(visible=False, range=[rows - 0.5, -1.6], fixedrange=True)
    fig.update_layout(showlegend=False, margin={"l": 4, "r": 4, "t": 8, "b": 40})
    plot.scrub(fig, order, say("words.unit"), [], {0: {"z": states}, 1: {"text": np.array(names)[:, None]}})
    return fig


def table_units(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    rows = []
    for f, feature in enumerate(FEATURES):
        unit = int(np.abs(result.follows[0, :, f]).argmax())
        rows.append(
            {
                say("words.feature"): say(f"features.{feature}"),
                say("words.unit"): unit,
                say("words.r_here"): round(float(result.follows[1, unit, f]), 3),
                say("words.r_before"): round(float(result.followed[:, 0, f].mean()), 3),
                say("words.r_after"): round(float(result.followed[:, 1, f].mean()), 3),
            }
        )
    return pd.DataFrame(rows)


def summary_units(result: Result, language: str) -> str:
    say = text(language).say
    if not np.isfinite(result.followed).all():
        return say("summaries.not_read")
    order, feature, r = by_strength(result)
    gain = (result.followed[:, 1] - result.followed[:, 0]).mean(0)
    most = int(gain.argmax())
    return say(
        "summaries.units" if gain[most] > 0 else "summaries.units_same",
        unit=int(order[-1]),
        feature=say(f"features.{FEATURES[feature[-1]]}"),
        r=f"{r[-1]:+.2f}",
        learned=say(f"features.{FEATURES[most]}"),
        before=f"{result.followed[:, 0, most].mean():.2f}",
        after=f"{result.followed[:, 1, most].mean():.2f}",
    )


FIGURES = with_note(
    (
        Figure("ladder", draw_ladder, table_samples, summary_ladder),
        Figure("samples", draw_samples, table_samples, summary_samples),
        Figure("bits", draw_bits, table_bits, summary_bits),
        Figure("counting", draw_counting, table_counting, summary_counting),
        Figure("temperature", draw_temperature, table_temperature, summary_temperature),
        Figure("units", draw_units, table_units, summary_units),
    ),
    diverged,
)
