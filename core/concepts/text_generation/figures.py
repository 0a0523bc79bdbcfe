"""Pictures of a network that learns to write: samples beside a ruler, bits, counting, temperature, single units."""

from __future__ import annotations

from html import escape
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.parts import Figure
from core.concepts.text_generation.claims import ONE, TEST, best_ngram, best_order
from core.concepts.text_generation.params import FEATURES, HEATS, PACKERS, SAMPLED, SPLITS, WARMTHS, Result
from core.figures import plot, style
from core.figures.gallery import Gallery
from core.figures.numbers import whole

MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace"
ORANGE, GREEN, PURPLE, INK, STONE = (style.PALETTE[i] for i in (1, 2, 3, 8, 9))
RUNGS = (0, 1 / 16, 1 / 4, 1)  # of all steps
WIDE = 54  # characters of a line beside the ruler, which a laptop can show; what does not fit is cut off
BESIDE = 1, 2  # the temperatures of which samples stand there
NARROW = 44  # characters of a line of samples alone, which a phone can show
FULL_WIDTH = 0x2E80  # the first code point of the characters of Chinese, which take more room
LETTERS = 32  # letters of a line over which units are shown
LINE = 17.5  # pixels of a line of samples
WRITTEN: dict[str, Any] = {  # a block of text, to the right of its place
    "mode": "text",
    "textposition": "middle right",
    "textfont": {"family": MONO, "size": 12.5},
    "hoverinfo": "skip",
}
SHARES = ("distinct", "from_training", "from_held_out")  # of samples
RULER = (27, 31.5, 32)  # per cent of the width: the ruler, where leaders end, where samples begin

HERE = Gallery("text_generation", diverged=lambda r: ~np.isfinite(bits_now(r)))
text = HERE.text


def bits_now(result: Result, tick: Any = -1) -> np.ndarray:
    """Bits per character of the test text at a tick: [seed], or at several: [seed, tick]."""
    return result.bits[:, tick, TEST]


def order_name(result: Result, language: str) -> str:
    """The best n-gram by its order on most seeds."""
    return text(language).say("words.ngram", n=int(np.bincount(best_order(result)).argmax()))


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
    mean = result.ngram[:, :, 1].mean(0)
    shown = {text(language).say("words.ngram", n=n): float(mean[n - 1]) for n in (1, 2, 5)}
    shown |= {order_name(result, language): float(best_ngram(result).mean())}
    shown |= dict(zip(PACKERS, result.packed.mean(0).tolist()))
    return sorted(shown.items(), key=lambda pair: -pair[1])


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
    shown = ""
    for is_copied, run in groupby(zip(passage, mark.astype(bool)), key=itemgetter(1)):
        letters = escape("".join(letter for letter, _ in run), quote=False)  # plotly knows no &quot;
        shown += f'<span style="color:{ORANGE}"><u>{letters}</u></span>' if is_copied else letters
    return shown


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
    say, found = text(language).say, rulers(result, language)
    blocks = [
        (say("words.at_step", step=int(result.at[t])), bits_now(result, t).mean(), result.sample[t], result.copied[t])
        for t in rungs(result)
    ]
    learned = len(blocks)
    if result.counted.any():
        blocks.append((order_name(result, language), best_ngram(result).mean(), result.counted, result.counted_copied))
    block = (len(BESIDE) + 1.6) * LINE
    height = round((len(RUNGS) + 1) * block) + 60
    fig = plot.figure(height, "closest")
    values = [bits for _, bits in found] + [bits for _, bits, *_ in blocks if np.isfinite(bits)]
    uniform = float(np.log2(len(result.vocabulary)))
    top, low = max([uniform, *values]), min([uniform / 2, *values])
    pad = 0.04 * (top - low)
    top, low = top + pad, low - pad
    pixel = (top - low) / (height - 60)
    line_x, far, start = RULER

    look = {"mode": "lines", "line": plot.line(style.AXIS, 2), "hoverinfo": "skip"}
    fig.add_scatter(x=[line_x, line_x], y=[low, top], **look)
    labels = apart([bits for _, bits in found], 15 * pixel)
    look = {"mode": "lines+text", "line": plot.line(style.AXIS, 1.5), "textposition": "middle left"}
    for (name, bits), place in zip(found, labels):
        said = {"text": ["", "", f"{name} <b>{bits:.2f}</b>"], "hovertemplate": f"{name}: {bits:.3f}<extra></extra>"}
        away = [line_x, line_x - 1.5, line_x - 3]
        fig.add_scatter(x=away, y=[bits, bits, place], **look, **said, textfont={"size": 11.5})
    for k, (name, bits, *samples) in enumerate(blocks):
        place = top - pixel * block * (k + 0.45)
        if np.isfinite(bits) and k < learned:
            colour = style.contender(0).colour
            ends = {"size": [11, 1], "symbol": "circle", "color": colour, "opacity": [1, 0]}
            look = {"mode": "lines+markers", "line": plot.line(colour, 1.5, "dot"), "marker": ends}
            hover = f"{name}: {bits:.3f}<extra></extra>"
            fig.add_scatter(x=[line_x, far], y=[bits, place], **look, hovertemplate=hover)
        rows = [f"<b>{name}</b> · {say('words.bits', bits=f'{bits:.2f}' if np.isfinite(bits) else '–')}"]
        written = [(SAMPLED[i], *(each[i] for each in samples)) for i in BESIDE]
        rows += [f'<span style="color:{GREEN}">{t:<4g}</span>{line(passages(*own))}' for t, *own in written]
        fig.add_scatter(x=[start], y=[place], text=["<br>".join(rows)], **WRITTEN)
    fig.update_xaxes(visible=False, range=[0, 100], fixedrange=True)
    fig.update_yaxes(visible=False, range=[low, top], fixedrange=True)
    fig.update_layout(showlegend=False, dragmode=False, margin={"l": 2, "r": 2, "t": 30, "b": 8})
    fig.add_annotation(x=0, y=1, xref="paper", yref="paper", yanchor="bottom", xanchor="left", text=say("words.ruler"))
    return fig


def copied_share(points: np.ndarray, marks: np.ndarray) -> float:
    """Per cent of the characters of passages [passage, place] that are copied; NaN of none."""
    mark = np.concatenate([mark for _, mark in passages(points, marks)])
    return 100 * float(mark.mean()) if mark.size else np.nan


def table_samples(result: Result, language: str) -> pd.DataFrame:
    shown, each = rungs(result), len(SAMPLED)
    pairs = [pair for tick in shown for pair in zip(result.sample[tick], result.copied[tick])]
    columns = {
        "words.step": result.at[shown].repeat(each),
        "words.test_bits": bits_now(result, shown).mean(0).round(4).repeat(each),
        "words.temperature": SAMPLED * len(shown),
        "words.sample": [" | ".join(passage for passage, _ in passages(*pair)[:6])[:200] for pair in pairs],
        f"{text(language).say('words.copied')} (%)": whole([copied_share(*pair) for pair in pairs]),
    }
    return HERE.frame(language, columns)


def summary_ladder(result: Result, language: str) -> str:
    say, bits = text(language).say, bits_now(result)
    if not np.isfinite(bits).all():
        return ""
    if not rulers(result, language):
        return say("summaries.begun" if result.at[-1] == 0 else "summaries.not_counted", bits=f"{bits.mean():.2f}")
    gain = best_ngram(result) - bits
    network, best = f"{bits.mean():.3f}", f"{best_ngram(result).mean():.3f}"
    key = "level" if network == best else "below" if gain.mean() > 0 else "above"
    values = {"bits": network, "best": best, "count": int((gain > 0).sum()), "seeds": len(gain)}
    return say(f"summaries.{key}", name=order_names(result, language), **values)


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

    count = len(SAMPLED)
    blocks = np.array([[block(tick, k) for k in range(count)] for tick in range(len(result.at))])
    fig.add_scatter(x=np.zeros(count), y=-np.arange(count), text=blocks[-1], **WRITTEN).was(text=blocks)
    fig.update_xaxes(visible=False, range=[-1, 100], fixedrange=True)
    fig.update_yaxes(visible=False, range=[-count + 0.5, 0.5], fixedrange=True)
    fig.update_layout(showlegend=False, dragmode=False, margin={"l": 2, "r": 2, "t": 8, "b": 8})
    return plot.film(fig, result, result.at, say("words.step"))


def summary_samples(result: Result, language: str) -> str:
    cold, hot = (copied_share(result.sample[-1, k], result.copied[-1, k]) for k in (0, -1))
    shares = {"cold": f"{np.nan_to_num(cold):.0f}", "hot": f"{np.nan_to_num(hot):.0f}"}
    return text(language).say("summaries.samples", **shares, low=SAMPLED[0], high=SAMPLED[-1])


# Bits


def draw_bits(result: Result, language: str) -> go.Figure:
    """Bits per character of the training and test text while it learns, and of what only counts."""
    say, fig = text(language).say, plot.figure(460)
    for split in ("train", "test"):
        colour, _, dash = style.SPLITS[split]
        look = {"mode": "lines+markers", "line": plot.line(colour, 2.5, dash)}
        plot.bands(fig, result.at, result.bits[..., SPLITS.index(split)], say(f"splits.{split}"), look)
    found = rulers(result, language)
    values = [bits for _, bits in found] + result.bits[np.isfinite(result.bits)].tolist()
    top, low = (max(values), min(values)) if values else (1.0, 0.0)
    labels = apart([bits for _, bits in found], (top - low) * 15 / 380)
    end = {"x": 1, "xref": "x domain", "xanchor": "right", "yanchor": "bottom", "font": {"size": 12}}
    for (name, bits), place in zip(found, labels):
        across = {"x0": 0, "x1": 1, "xref": "x domain", "y0": bits, "y1": bits}
        fig.add_shape(type="line", **across, line=plot.line(style.AXIS, 1, "dot"))
        fig.add_annotation(y=place, text=f"{name} {bits:.2f}", **end)
    fig.update_xaxes(title=say("words.step"), range=[0, result.total])
    fig.update_yaxes(title=say("words.bits_axis"))
    return fig


def table_bits(result: Result, language: str) -> pd.DataFrame:
    bits = {f"splits.{split}": result.bits[:, :, k].mean(0).round(4) for k, split in enumerate(SPLITS)}
    return HERE.frame(language, {"words.step": result.at} | bits)


def summary_bits(result: Result, language: str) -> str:
    train, test = (result.bits[:, -1, SPLITS.index(split)].mean() for split in ("train", "test"))
    if not np.isfinite([train, test]).all():
        return ""
    values = {"train": f"{train:.3f}", "test": f"{test:.3f}", "gap": f"{test - train:.3f}", "seeds": len(result.bits)}
    return text(language).say("summaries.bits", **values)


# Counting


def draw_counting(result: Result, language: str) -> go.Figure:
    """Bits per character of n-grams by their order, and of the network and the compressors as lines."""
    say, fig = text(language).say, plot.figure(460)
    seeds = result.ngram[:, :, 1]
    orders = np.arange(1, seeds.shape[1] + 1)
    look = {"mode": "lines+markers", "line": plot.line(PURPLE, 2.5), "marker": {"symbol": "square", "size": 8}}
    plot.bands(fig, orders, seeds, say("words.ngrams"), look)
    across = np.array([orders[0] - 0.4, orders[-1] + 0.4])
    packers = zip(PACKERS, result.packed.mean(0)[:, None], (GREEN, STONE), ("dashdot", "longdash"))
    own = (say(f"options.cell.{result.params.cell}"), bits_now(result), *style.SPLITS["test"][::2])
    for name, bits, colour, dash in (own, *packers):
        look = {"mode": "lines", "line": {"color": colour, "dash": dash}}
        plot.bands(fig, across, np.repeat(bits[:, None], 2, 1), name, look)
    fig.update_xaxes(title=say("words.order"), dtick=1, range=across.tolist())
    fig.update_yaxes(title=say("words.test_bits"))
    return fig


def table_counting(result: Result, language: str) -> pd.DataFrame:
    say = text(language).say
    bits = {say("words.ngram", n=n): seeds for n, seeds in enumerate(result.ngram[:, :, 1].T, 1)}
    bits |= dict(zip(PACKERS, result.packed.T)) | {say(f"options.cell.{result.params.cell}"): bits_now(result)}
    found = np.array(list(bits.values()), float)  # [predictor, seed]
    numbers = {"test_bits": found, "per_byte": found / result.bytes_per_character, "perplexity": 2**found}
    means = {
        f"words.{word}": values.mean(1).round(3 if word == "perplexity" else 4) for word, values in numbers.items()
    }
    return HERE.frame(language, {"words.predictor": list(bits)} | means)


def summary_counting(result: Result, language: str) -> str:
    say, bits = text(language).say, bits_now(result)
    if not np.isfinite(result.ngram).all():
        return say("summaries.not_counted")
    if not np.isfinite(bits).all():
        return ""
    below = result.ngram[:, :, 1].mean(0) > bits.mean()
    key = "beats_all" if below.all() else "beats_some" if below.any() else "beats_none"
    orders = text(language).listed(runs_of(np.flatnonzero(below) + 1))
    values = {"bits": f"{bits.mean():.3f}", "per_byte": f"{(bits / result.bytes_per_character).mean():.3f}"}
    return say(f"summaries.{key}", **values, best=order_names(result, language), orders=orders)


# Temperature


def draw_temperature(result: Result, language: str) -> go.Figure:
    """Above, shares of many samples; below, bits per character of the test text, by temperature."""
    say = text(language).say
    fig = plot.panels(2, 1, None, 600, "x unified", vertical_spacing=0.17, row_heights=[0.55, 0.45])
    for i, name in enumerate(SHARES):
        colour, dash, symbol = style.contender(i)
        mark = {"symbol": symbol, "size": 8}
        look = {"mode": "lines+markers", "line": {"color": colour, "dash": dash}, "marker": mark}
        values, word = getattr(result, name), say(f"words.{name}")
        plot.bands(fig, WARMTHS, values, word, look, hover="%{y:.0%}", row=1, col=1)
    (colour, _, dash), mean, below = style.SPLITS["test"], result.tempered.mean(0), {"row": 2, "col": 1}
    look = {"mode": "lines", "line": {"color": colour, "dash": dash}, "name": say("words.test_bits")}
    fig.add_scatter(x=HEATS, y=mean, **look, hovertemplate="%{y:.3f}", showlegend=False, **below)
    if np.isfinite(mean).all():
        best = int(mean.argmin())
        look = {"mode": "markers+text", "marker": plot.marker(INK, "diamond", 10), "textposition": "top center"}
        fig.add_scatter(x=[HEATS[best]], y=[mean[best]], text=[f"{HEATS[best]:g}"], **look, **plot.QUIET, **below)
    fig.update_xaxes(range=[0.25, 2.05])
    fig.update_xaxes(title=say("words.temperature"), **below)
    fig.update_yaxes(title=say("words.share"), tickformat=".0%", range=[-0.03, 1.05], row=1, col=1)
    fig.update_yaxes(title=say("words.bits_short"), **below)
    return fig


def table_temperature(result: Result, language: str) -> pd.DataFrame:
    bits = dict(zip(HEATS, result.tempered.mean(0).round(4)))
    shares = {f"words.{name}": getattr(result, name).mean(0).round(3) for name in SHARES}
    predicted = {"words.test_bits": [bits.get(t, np.nan) for t in WARMTHS]}
    return HERE.frame(language, {"words.temperature": WARMTHS} | shares | predicted)


def summary_temperature(result: Result, language: str) -> str:
    say = text(language).say
    if not np.isfinite(result.tempered).all() or not np.isfinite(result.distinct).all():
        return say("summaries.not_tempered")
    distinct, copied = (100 * shares.mean(0)[[0, ONE]] for shares in (result.distinct, result.from_training))
    values = {"low": f"{WARMTHS[0]:g}", "high": f"{WARMTHS[ONE]:g}"}
    values |= {"best": f"{HEATS[int(result.tempered.mean(0).argmin())]:g}"}
    values |= {name: f"{share:.0f}" for name, share in zip(("cold", "one"), distinct)}
    values |= {f"{name}_copied": f"{share:.0f}" for name, share in zip(("cold", "one"), copied)}
    return say("summaries.temperature", **values)


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
    say, letters = text(language).say, len(result.reading)
    rows = max(1, -(-letters // LETTERS))
    fig = plot.figure(90 + 27 * max(rows, 10), "closest")
    if not letters:
        fig.add_scatter(x=[0.5], y=[0.5], mode="text", text=[say("words.after_training")], hoverinfo="skip")
        return fig.update_xaxes(visible=False).update_yaxes(visible=False)
    order, feature, r = by_strength(result)
    flat = np.full((len(order), rows * LETTERS), np.nan, np.float32)
    flat[:, :letters] = result.activation[order] / 127
    states = flat.reshape(len(order), rows, LETTERS)
    shown = np.full(rows * LETTERS, "", object)
    shown[:letters] = ["↵" if c == 10 else chr(c) for c in result.reading]
    words = [say(f"features.{FEATURES[f]}") for f in feature]
    said = [say("words.follows", unit=int(u), feature=f, r=f"{c:+.2f}") for u, f, c in zip(order, words, r)]
    names = np.array(said)[:, None]
    letter = {"text": shown.reshape(rows, LETTERS), "texttemplate": "%{text}", "textfont": {"family": MONO, "size": 13}}
    look = {"zmin": -1, "zmax": 1, "colorscale": style.colorscale(style.DIVERGING), "xgap": 1, "ygap": 3}
    look |= {"colorbar": {"orientation": "h", "y": -0.02, "yanchor": "top", "len": 0.6}}
    fig.add_heatmap(z=states[-1], **letter, **look, hovertemplate="%{text}: %{z:.2f}<extra></extra>").was(z=states)
    look = WRITTEN | {"textfont": {"size": 14}, "cliponaxis": False}
    fig.add_scatter(x=[-0.5], y=[-1.1], text=names[-1], **look).was(text=names)
    fig.update_xaxes(visible=False, range=[-0.6, LETTERS - 0.4], fixedrange=True)
    fig.update_yaxes(visible=False, range=[rows - 0.5, -1.6], fixedrange=True)
    fig.update_layout(showlegend=False, margin={"l": 4, "r": 4, "t": 8, "b": 40})
    plot.scrub(fig, order, say("words.unit"), [], fig.stacks)
    return fig


def table_units(result: Result, language: str) -> pd.DataFrame:
    unit = np.abs(result.follows[0]).argmax(0)  # [feature]
    here = result.follows[1][unit, np.arange(len(FEATURES))].astype(float)
    before, after = result.followed.mean(0).astype(float)
    columns = {"feature": [text(language).say(f"features.{feature}") for feature in FEATURES], "unit": unit}
    columns |= {"r_here": here.round(3), "r_before": before.round(3), "r_after": after.round(3)}
    return HERE.frame(language, {f"words.{word}": values for word, values in columns.items()})


def summary_units(result: Result, language: str) -> str:
    say = text(language).say
    if not np.isfinite(result.followed).all():
        return say("summaries.not_read")
    order, feature, r = by_strength(result)
    before, after = result.followed.mean(0)
    gain = (result.followed[:, 1] - result.followed[:, 0]).mean(0)
    most = int(gain.argmax())
    strongest = {"unit": int(order[-1]), "feature": say(f"features.{FEATURES[feature[-1]]}"), "r": f"{r[-1]:+.2f}"}
    most_learned = {"learned": say(f"features.{FEATURES[most]}"), "before": f"{before[most]:.2f}"}
    key = "summaries.units" if gain[most] > 0 else "summaries.units_same"
    return say(key, **strongest, **most_learned, after=f"{after[most]:.2f}")


FIGURES = HERE.figures(
    Figure("ladder", draw_ladder, table_samples, summary_ladder),
    Figure("samples", draw_samples, table_samples, summary_samples),
    Figure("bits", draw_bits, table_bits, summary_bits),
    Figure("counting", draw_counting, table_counting, summary_counting),
    Figure("temperature", draw_temperature, table_temperature, summary_temperature),
    Figure("units", draw_units, table_units, summary_units),
)
