"""What every figure owes to those who do not see colours, and its table to those who calculate with it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from test_contract import ALL, cheap, trained

from core.concept.catalog import LANGUAGES
from core.concept.params import Rows, fields
from core.concept.parts import Figure, load
from core.concept.result import BaseResult
from core.figures import style
from core.runs.store import shipped

ROWS = ("contenders", "nets", "methods", "versions")
CHANNELS = ("dash", "symbol", "pattern", "place")


class Mark(NamedTuple):
    """What one thing of a panel looks like: its colour, and everything that is seen without it."""

    panel: tuple[str, str]
    name: str
    part: str
    colour: str
    dash: frozenset
    symbol: frozenset
    pattern: frozenset
    place: frozenset


def listed(values: Any, n: int) -> list:
    """One value, or one for each of n points, as n values."""
    return list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values] * n


def places(fig: go.Figure, trace: Any) -> list | None:
    """The row or column of words where each point of a trace stands; None where it stands among numbers."""
    for letter in "xy":
        axis = fig.layout[(getattr(trace, f"{letter}axis", None) or letter).replace(letter, f"{letter}axis", 1)]
        values = list(trace[letter] if trace[letter] is not None else ())
        if values and all(isinstance(value, str) for value in values):
            return values
        worded = {
            float(text[letter][0]) for text in fig.data
            if text.type == "scatter" and text.mode == "text" and len(set(text[letter])) == 1
            and (text.xaxis, text.yaxis) == (trace.xaxis, trace.yaxis)
        }  # fmt: skip
        rows = axis.tickvals if axis.ticktext is not None else worded
        if letter == "y" and values and len(set(values)) == 1 and rows is not None and values[0] in rows:
            return values
    return None


def marks(fig: go.Figure) -> Iterator[Mark]:
    """All that a reader tells apart: edges and fills of bands go with their line, scales have no meaning by colour."""
    role = ((fig.layout.meta or {}).get("chips") or {}).get("role", "")
    for trace in fig.data:
        if trace.type not in ("scatter", "bar") or trace.x is None or not len(trace.x):
            continue
        mode = (trace.mode or "lines") if trace.type == "scatter" else "bar"
        drawn = "lines" in mode and trace.line.width != 0
        pointed = "markers" in mode or mode == "bar"
        if not drawn and not pointed:
            continue
        n = len(trace.x)
        colours = listed(trace.marker.color if pointed and trace.marker.color is not None else trace.line.color, n)
        if not all(isinstance(colour, str) for colour in colours):
            continue
        symbols = listed(trace.marker.symbol or "circle", n) if "markers" in mode else []
        patterns = listed(trace.marker.pattern.shape or "", n) if mode == "bar" else []
        stands = places(fig, trace)
        for colour in dict.fromkeys(colours):
            own = [k for k in range(n) if colours[k] == colour]

            def of(values: list, own: list[int] = own) -> frozenset:
                return frozenset(values[k] for k in own) if values else frozenset()

            yield Mark(
                (trace.xaxis or "x", trace.yaxis or "y"),
                trace.name or "",
                (trace.meta or {}).get(role, "") if isinstance(trace.meta, dict) else "",
                colour[:7],
                frozenset([trace.line.dash or "solid"]) if drawn else frozenset(),
                of(symbols),
                of(patterns),
                of(stands or []),
            )


def together(found: list[Mark]) -> list[Mark]:
    """One mark for each thing: points without a name (the end of a line, the foot of a bar) go with what has theirs."""
    things: dict[tuple, Mark] = {}
    for mark in found:
        named = {
            m.name for m in found if m.name and (m.panel, m.part, m.colour) == (mark.panel, mark.part, mark.colour)
        }
        for name in [mark.name] if mark.name or mark.dash or not named else named:
            key = (mark.panel, name, mark.part, mark.colour)
            old = things.get(key)
            joined = {c: getattr(mark, c) | (getattr(old, c) if old else frozenset()) for c in CHANNELS}
            things[key] = Mark(*key, **joined)
    return list(things.values())


def told_apart(one: Mark, other: Mark) -> bool:
    """Whether something but colour tells two things apart: in some channel each has what the other has not, or only one
    of them has anything."""
    pairs = [(getattr(one, channel), getattr(other, channel)) for channel in CHANNELS]
    return any((a - b and b - a) or bool(a) != bool(b) for a, b in pairs)


def by_colour_alone(fig: go.Figure) -> list[tuple[str, str]]:
    """Pairs of things in one panel that a reader who sees no colours takes for the same."""
    found = together(list(marks(fig)))
    return [
        (f"{a.name} {a.part}", f"{b.name} {b.part}")
        for a, b in itertools.combinations(found, 2)
        if a.panel == b.panel and a.colour != b.colour and not told_apart(a, b)
    ]


@cache
def results(stem: str) -> list[BaseResult]:
    """Of every experiment of a page: the default as it ships, a small run of as many rows as a page takes, and presets
    until every figure is shown."""
    found: list[BaseResult] = []
    for each in load(stem).experiments:
        default = shipped(each.name)
        assert default is not None
        full = {
            name: tuple(itertools.islice(itertools.cycle(getattr(each.Params(), name)), kind.high))
            for name, kind in fields(each.Params).items()
            if name in ROWS and isinstance(kind, Rows) and name not in each.without
        }
        left = {figure.id for figure in load(stem).figures if figure.of == each.part}
        found.append(default.result)
        presets = (cheap(each.Params().replace(**preset.changes), each.name) for preset in load(stem).presets)
        for params in (each.tiny.replace(**full), *presets):
            shows = {figure.id for figure in load(stem).figures if figure.of == each.part and figure.shown(params)}
            if shows & left:
                found.append(trained(each.name, params)[0][-1])
            left -= shows
        assert not left
    return found


def shown(stem: str, result: BaseResult) -> list[Figure]:
    """The figures that draw this Result."""
    concept = load(stem)
    return [f for f in concept.figures if type(result) is concept.of(f).Result and f.shown(result.params)]


@ALL
def test_colour_is_never_the_only_cue(stem: str) -> None:
    found = {}
    for result in results(stem):
        for figure in shown(stem, result):
            if pairs := by_colour_alone(figure.draw(result, "en")):
                found.setdefault(figure.id, pairs)
    assert not found


@ALL
def test_a_row_looks_the_same_wherever_it_is_drawn(stem: str) -> None:
    """In its colour; its dash, or where that says something else its symbol; and its symbol, full or open."""
    names = getattr(import_module(f"core.concepts.{stem}.figures"), "names", None)
    found = {}
    for result in results(stem) if names else ():
        rows = {name: style.contender(i) for i, name in enumerate(names(result, "en"))}
        for figure in shown(stem, result):
            for trace in figure.draw(result, "en").data:
                look = rows.get(trace.name)
                if trace.type != "scatter" or look is None:
                    continue
                mode, symbol = trace.mode or "lines", trace.marker.symbol
                wrong = [
                    "lines" in mode and trace.line.color != look.colour,
                    "lines" in mode and "markers" not in mode and trace.line.dash != look.dash,
                    "markers" in mode and isinstance(symbol, str) and symbol.removesuffix("-open") != look.symbol,
                ]
                if any(wrong):
                    found.setdefault((figure.id, trace.name), (wrong, symbol))
    assert not found


# Tables

NUMBER = re.compile(r"[<>≤≥≈~±+\-−–\s]*\d[\d.,\s]*(e[+-]?\d+)?([\s%…/×±–-]*\d*[\d.,]*)*", re.IGNORECASE)


def disguised(table: pd.DataFrame) -> dict[str, Any]:
    """Columns of a table that are neither numbers throughout (NaN where there is none) nor words throughout, each with
    a cell that shows it."""
    found = {}
    for name, column in table.items():
        cells = [cell for cell in column if not pd.isna(cell)]
        texts = [cell for cell in cells if isinstance(cell, str)]
        wrong = [cell for cell in texts if NUMBER.fullmatch(cell)] or (texts if len(texts) < len(cells) else [])
        if wrong:
            found[name] = wrong[0]
    return found


def test_the_ruler_knows_numbers_in_disguise() -> None:
    for cell in ("0 %", "> 300", "0.3 … 0.3", "−1", "+1", "1.2e-05", "3/8", "7", "12,5", "0.25 ± 0.1", "1 000"):
        assert disguised(pd.DataFrame({"a": [cell, "word"]})) == {"a": cell}
    for cells in (["Adam", "η = 0.1"], ["7 #2", ""], [1.5, None], [1, 2], ["3rd", "5-gram"], ["", ""]):
        assert not disguised(pd.DataFrame({"a": cells}))
    assert disguised(pd.DataFrame({"a": [1.5, "diverged"]}))


@ALL
def test_numbers_of_tables_are_numbers(stem: str) -> None:
    found = {}
    for result in results(stem):
        for figure in shown(stem, result):
            for language in LANGUAGES:
                if wrong := disguised(figure.table(result, language)):
                    found.setdefault(figure.id, wrong)
    assert not found
