"""Figures of several runs in one: curves over the same axes. The dash tells runs apart; contenders keep their
colour and, as their dash is taken, show their symbol.

It knows nothing of what a figure shows. What has no curves, keeps the shape of a plane, or has other axes in another
run is not laid over: `overlay` says so with None, and the figures stand beside each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import style

DASHES = ("solid", "dash", "dot", "dashdot")
WIDTHS = {"solid": 2.6, "dash": 1.8, "dot": 1.3}  # what a dash has told until now, a width tells here
THINNEST = 1.2


def overlay(figures: dict[str, go.Figure]) -> go.Figure | None:
    """Figures by name of the run, drawn over each other on common axes; None where that would not say anything.

    Curves of the same name have the same colour in every run; where a run has one curve only, every run has a colour
    of its own. The dash says which run a curve belongs to.
    """
    plain = {name: figure.to_plotly_json() for name, figure in figures.items()}
    first, *others = plain.values()
    if not all(map(_has_curves, plain.values())) or not all(_same_axes(first, other) for other in others):
        return None
    one_each = all(len(_coloured(figure)) <= 1 for figure in plain.values())
    taken: dict[str, str] = {}
    traces, lengths = [], []
    for place, (name, figure) in enumerate(plain.items()):
        new = _alone(figure, place) if one_each else _by_name(figure, taken)
        chips = (figure["layout"].get("meta") or {}).get("chips")
        traces += [_of_run(trace, name, place, new, _width(trace, chips)) for trace in figure["data"]]
        lengths.append(len(figure["data"]))
    layout = first["layout"]
    layout["height"] = max(figure["layout"].get("height", 420) for figure in plain.values())
    for axis in _axes(first):
        _widen([figure["layout"][axis] for figure in plain.values()])
    for kind in ("annotations", "shapes"):  # what is the same everywhere: titles of panels, not a run's own marks
        layout[kind] = [mark for mark in layout.get(kind, ()) if all(mark in f["layout"].get(kind, ()) for f in others)]
    metas = [figure["layout"].get("meta") or {} for figure in plain.values()]
    layout["meta"] = {k: v for k, v in metas[0].items() if k in ("chips", "stack")} | _scrub(metas, lengths)
    return go.Figure({"data": traces, "layout": layout})


def common_axes(figures: list[go.Figure]) -> None:
    """Give figures that stand beside each other the same ranges, which hold what all of them draw; where axes are not
    the same, or more than curves and points is drawn, the figures stay as they are."""
    first, *others = (figure.to_plotly_json() for figure in figures)
    plain = all(trace["type"] == "scatter" for figure in (first, *others) for trace in figure["data"])
    if not plain or _plane(first) or not all(_same_axes(first, other) for other in others):
        return
    for axis in _axes(first):
        extents = [extent for figure in figures if (extent := _extent(figure, axis))]
        if len(extents) == len(figures):
            reach = [min(low for low, _ in extents), max(high for _, high in extents)]
            for figure in figures:
                figure.layout[axis].range = reach


def _extent(figure: go.Figure, axis: str) -> tuple[float, float] | None:
    """The range of an axis: as it says, else of what is drawn along it, with a little room; None where nothing is."""
    about = figure.layout[axis]
    if about.range is not None and None not in about.range:
        return about.range[0], about.range[1]
    letter, short = axis[0], axis.replace("axis", "")
    found = [np.empty(0)]
    for trace in figure.data:
        if (trace[f"{letter}axis"] or letter) == short and trace[letter] is not None:
            try:
                found.append(np.asarray(trace[letter], float))
            except ValueError:  # names, not numbers
                return None
            if (bars := trace[f"error_{letter}"].array) is not None:
                found += [found[-1] - np.asarray(bars, float), found[-1] + np.asarray(bars, float)]
    values = np.concatenate(found)
    if about.type == "log":
        values = np.log10(values[values > 0])
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) or 0.5
    return (min(low, 0.0) if about.rangemode == "tozero" else low - room), high + room


def _axes(figure: dict[str, Any]) -> list[str]:
    return sorted(name for name in figure["layout"] if name.startswith(("xaxis", "yaxis")))


def _curve(trace: dict[str, Any]) -> bool:
    """Whether a trace is a curve that a reader sees, and not the edge of a band."""
    return "lines" in (trace.get("mode") or "") and (trace.get("line") or {}).get("width") != 0


def _has_curves(figure: dict[str, Any]) -> bool:
    """Whether figures of this kind say something when they lie over each other."""
    traces, layout = figure["data"], figure["layout"]
    numbers = not any(
        "categoryarray" in layout[axis] or layout[axis].get("type") == "category" for axis in _axes(figure)
    )
    only = all(trace["type"] == "scatter" and trace.get("mode") != "text" for trace in traces)
    return only and numbers and not _plane(figure) and any(map(_curve, traces))


def _plane(figure: dict[str, Any]) -> bool:
    """Whether a figure keeps the shape of a plane."""
    layout = figure["layout"]
    return "aspect" in (layout.get("meta") or {}) or any("scaleanchor" in layout[axis] for axis in _axes(figure))


def _same_axes(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two figures have the same panels, with the same quantities on the same kind of scale."""
    if _axes(one) != _axes(other):
        return False
    return all(
        [one["layout"][axis].get(part) for part in ("title", "type", "ticktext", "domain", "overlaying")]
        == [other["layout"][axis].get(part) for part in ("title", "type", "ticktext", "domain", "overlaying")]
        for axis in _axes(one)
    )


def _colour(trace: dict[str, Any]) -> str:
    """The palette colour of a trace, or "" for greys and colours of its own."""
    found = (trace.get("line") or {}).get("color") or (trace.get("marker") or {}).get("color")
    return found[:7] if isinstance(found, str) and found[:7] in style.PALETTE else ""


def _coloured(figure: dict[str, Any]) -> dict[str, str]:
    """Palette colour → the name of the first curve that has it."""
    found: dict[str, str] = {}
    for trace in figure["data"]:
        if _curve(trace) and (colour := _colour(trace)):
            found.setdefault(colour, trace.get("name") or "")
    return found


def _alone(figure: dict[str, Any], place: int) -> dict[str, str]:
    """Old colour → new one, where every run has one."""
    return dict.fromkeys(_coloured(figure), style.PALETTE[place])


def _by_name(figure: dict[str, Any], taken: dict[str, str]) -> dict[str, str]:
    """Old colour → new one; `taken` (name → colour) grows by the names that are new."""
    new = {}
    for colour, name in _coloured(figure).items():
        if name not in taken:
            free = [c for c in (colour, *style.PALETTE) if c not in taken.values()]
            taken[name] = (free or [colour])[0]
        new[colour] = taken[name]
    return new


def _width(trace: dict[str, Any], chips: dict[str, Any] | None) -> float:
    """The width of a curve: that of what is switched on at first, or what its dash was, since the dash is taken."""
    if chips and (kind := (trace.get("meta") or {}).get(chips["role"])):
        return WIDTHS["solid"] if kind in chips["active"] else THINNEST
    return WIDTHS.get((trace.get("line") or {}).get("dash", "solid"), THINNEST)


def _of_run(trace: dict[str, Any], name: str, place: int, new: dict[str, str], width: float) -> dict[str, Any]:
    """A trace as one of a named run: its name, dash, width and colours."""
    for owner in (trace, trace.get("line"), trace.get("marker")):
        for attribute in ("color", "fillcolor"):
            value = (owner or {}).get(attribute)
            if isinstance(value, str) and value[:7] in new:
                owner[attribute] = new[value[:7]] + value[7:]  # type: ignore[index]
    if _curve(trace):
        trace["line"] = (trace.get("line") or {}) | {"dash": DASHES[place % len(DASHES)], "width": width}
        if "symbol" in (trace.get("marker") or {}):
            trace["mode"] = "lines+markers"
    if trace.get("name"):
        trace["name"] = f"{name} · {trace['name']}"
    elif _curve(trace) and trace.get("hoverinfo") != "skip":
        trace["name"] = name
    for group in ("legendgroup", "uid"):
        if trace.get(group):
            trace[group] = f"{name} {trace[group]}"
    if isinstance(trace.get("hovertemplate"), str) and "<extra></extra>" in trace["hovertemplate"]:
        trace["hovertemplate"] = f"{name} · {trace['hovertemplate']}"
    return trace


def _widen(axes: list[dict[str, Any]]) -> None:
    """Give the first of these axes a range that holds them all, or leave it to the browser where one of them does."""
    ranges = [axis.get("range") for axis in axes]
    if all(found is not None and None not in found for found in ranges):
        axes[0]["range"] = [min(r[0] for r in ranges), max(r[1] for r in ranges)]  # type: ignore[index]
    else:
        axes[0].pop("range", None)


def _scrub(metas: list[dict[str, Any]], lengths: list[int]) -> dict[str, Any]:
    """One scrubber for all: where figures are cut by x alone their moments are put together, else they must agree."""
    scrubs = [meta.get("scrub") for meta in metas]
    if not all(scrubs) or len({scrub["label"] for scrub in scrubs}) > 1:  # type: ignore[index]
        return {}
    values = [list(scrub["values"]) for scrub in scrubs]  # type: ignore[index]
    if any(scrub["stacks"] for scrub in scrubs) and any(found != values[0] for found in values):  # type: ignore[index]
        return {}
    merged: dict[str, Any] = {"values": sorted(set().union(*values)), "label": scrubs[0]["label"]}  # type: ignore[index]
    merged |= {"cut": [], "stacks": {}}
    start = 0
    for scrub, length in zip(scrubs, lengths):
        merged["cut"] += [start + i for i in scrub["cut"]]  # type: ignore[index]
        merged["stacks"] |= {str(start + int(i)): stack for i, stack in scrub["stacks"].items()}  # type: ignore[index]
        start += length
    return {"scrub": merged}
