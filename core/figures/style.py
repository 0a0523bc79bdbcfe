"""The look of every figure: colours, dashes, symbols, scales, one template. Plain data, without plotly.

The ten colours were found by a search over OKLCH, both themes at once, for the largest smallest difference
(CIEDE2000) that a pair keeps under normal vision and under simulated protanopia and deuteranopia (Machado et
al. 2009, severity 1): at least 20 and 13; among the first six at least 20 and 15. `tests/test_style.py` holds
these numbers. The same index has the same role and nearly the same hue in both themes, so a figure drawn with
PALETTE is turned to the dark theme by replacing colours (`DARK_OF`, `to_dark`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

# -- the two themes; .streamlit/config.toml says the same -------------------------------------------------
THEMES: Final[dict[str, dict[str, str]]] = {
    "light": {
        "background": "#fdfcf9",
        "surface": "#f3f1ea",  # widgets, code, cards
        "text": "#15181d",
        "muted": "#5c616b",  # captions, ticks
        "border": "#dbd7cc",
        "primary": "#17646a",
        "link": "#1b5e92",
    },
    "dark": {
        "background": "#15181d",
        "surface": "#20252c",
        "text": "#e6e4df",
        "muted": "#a3a8b1",
        "border": "#363d47",
        "primary": "#2e8087",
        "link": "#8abcf0",
    },
}
GRID: Final = "#8080802e"  # a grey that is seen, and only just, on both backgrounds
AXIS: Final = "#808080c0"  # a grey that is seen well on both: error bars, reference lines

# -- ten contenders ---------------------------------------------------------------------------------------
# blue, orange, green, purple, teal / red, violet, olive, ink, stone
PALETTE: Final = (
    "#125bca", "#cf7a23", "#137c59", "#88226c", "#3790a4",
    "#790004", "#9379fa", "#7a6200", "#40433d", "#958d8a",
)  # fmt: skip
PALETTE_DARK: Final = (
    "#5080ee", "#e78900", "#49c688", "#b94d98", "#9eeefc",
    "#c74c3d", "#aea2d8", "#f5e34e", "#d9ebce", "#948a87",
)  # fmt: skip
DARK_OF: Final = dict(zip(PALETTE, PALETTE_DARK))

# Colour is never the only cue. The eye keeps six dashes apart; rows beyond them share one with an earlier row, and
# their curves carry marks (`plot.curve`). No two rows of a page share a symbol.
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS: Final = (
    "circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down",
    "star", "pentagon", "hexagram", "bowtie", "hourglass", "star-square",
)  # fmt: skip


class Look(NamedTuple):
    """How one row of a list (a contender, a network, a method) looks, wherever it is drawn."""

    colour: str
    dash: str
    symbol: str


class Split(NamedTuple):
    """How one part of the data looks, in every figure of the project."""

    colour: str
    colour_dark: str
    dash: str


SPLITS: Final = {
    "train": Split(PALETTE[0], PALETTE_DARK[0], "solid"),
    "validation": Split(PALETTE[2], PALETTE_DARK[2], "dot"),
    "test": Split(PALETTE[1], PALETTE_DARK[1], "dash"),
}

# -- scales: equal steps of CIEDE2000 from one colour to the next; the same ten in both themes ------------
SEQUENTIAL: Final = (  # dark is little, light is much; lightness only rises, under every kind of vision
    "#241d50", "#2f3b81", "#285a9b", "#1a75a2", "#1b8ca5",
    "#28a4a6", "#4cbaa1", "#82cf97", "#c0e093", "#f8ee9f",
)  # fmt: skip
DIVERGING: Final = (  # blue is negative, brown is positive, zero a light grey between the two middle colours
    "#003b7c", "#2362ac", "#5186c9", "#8caedb", "#c1cad7",
    "#d6c6bf", "#d5a18a", "#c0714c", "#a14613", "#6e1e00",
)  # fmt: skip

FIELDS: Final = (
    "heatmap",
    "contour",
    "surface",
    "histogram2d",
)  # traces that plotly gives a scale of its own
FONT: Final = "Inter, 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"


def contender(i: int) -> Look:
    """The look of row i. Colours return after ten rows, dashes after six, symbols after as many as a page takes."""
    return Look(*(kind[i % len(kind)] for kind in (PALETTE, DASHES, SYMBOLS)))


def fade(colour: str, alpha: float) -> str:
    """`#rrggbb` with an opacity from 0 to 1, as `#rrggbbaa`: bands, fills, single seeds behind their mean."""
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in [0, 1], not {alpha}")
    return f"{colour[:7]}{round(alpha * 255):02x}"


def to_dark(colour: str) -> str:
    """The dark theme's colour for one of PALETTE, its opacity kept; any other colour as it is."""
    return DARK_OF.get(colour[:7], colour[:7]) + colour[7:] if colour.startswith("#") else colour


def colorscale(colours: tuple[str, ...]) -> list[list[float | str]]:
    """Evenly spaced colours in plotly's form, [[0, first], ..., [1, last]]."""
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


def variables(theme: str) -> str:
    """The app's CSS variables of a theme, for HTML that stands outside of it."""
    names = {
        "text-color": "text",
        "background-color": "background",
        "secondary-background-color": "surface",
        "border-color": "border",
        "primary-color": "primary",
        "link-color": "link",
    }
    return "".join(f"--st-{name}: {THEMES[theme][key]}; " for name, key in names.items()) + f"--st-font: {FONT};"


def template(hover: str = "x unified", theme: str | None = None) -> dict[str, Any]:
    """A plotly template, as plain data.

    `hover`: "x unified" for curves over steps, "closest" for points, maps and images.
    `theme`: None leaves the colours of text, hover labels and backgrounds to the browser, which knows the
    reader's theme; "light" or "dark" fills them in, for a figure that leaves the app (HTML, PNG).
    """
    axis: dict[str, Any] = {
        "automargin": True,
        "gridcolor": GRID,
        "gridwidth": 1,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "tickfont": {"size": 13},
        "title": {"font": {"size": 14}, "standoff": 10},
    }
    space = {
        "gridcolor": "#8f8f8f",  # WebGL draws no faint grey
        "showbackground": False,
        "zeroline": False,
        "tickfont": {"size": 13},
        "title": {"font": {"size": 13}},
    }
    bar = {"outlinewidth": 0, "thickness": 12, "ticks": "", "tickfont": {"size": 13}}
    layout: dict[str, Any] = {
        "font": {"family": FONT, "size": 14},
        "title": {"font": {"size": 16}, "x": 0, "xanchor": "left", "xref": "paper", "automargin": True},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(PALETTE),
        "colorscale": {
            "sequential": colorscale(SEQUENTIAL),
            "sequentialminus": colorscale(SEQUENTIAL),
            "diverging": colorscale(DIVERGING),
        },
        "coloraxis": {"colorbar": bar},
        "margin": {"l": 8, "r": 12, "t": 32, "b": 8, "pad": 2},
        "xaxis": axis,
        "yaxis": axis,
        "scene": {"xaxis": space, "yaxis": space, "zaxis": space},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 13},
            "traceorder": "normal",  # bands would turn it round
            "itemwidth": 46,  # long enough to show a dash
            "bgcolor": "rgba(0,0,0,0)",
            "title": {"text": ""},
        },
        "hovermode": hover,
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "namelength": -1, "align": "left"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "orientation": "h"},
        "annotationdefaults": {"font": {"size": 13}, "showarrow": False},
        "bargap": 0.25,
        "dragmode": "zoom",
    }
    if theme is not None:
        look = THEMES[theme]
        layout["font"]["color"] = look["text"]
        layout["hoverlabel"] |= {"bgcolor": look["surface"], "bordercolor": look["border"]}
        layout["hoverlabel"]["font"]["color"] = look["text"]
        layout["paper_bgcolor"] = layout["plot_bgcolor"] = look["background"]
        if theme == "dark":
            layout["colorway"] = list(PALETTE_DARK)
    return {
        "layout": layout,
        "data": {
            "scatter": [{"line": {"width": 2.2}, "marker": {"size": 7}}],
            "bar": [{"marker": {"line": {"width": 0}}}],
            **{kind: [{"colorbar": bar, "colorscale": colorscale(SEQUENTIAL)}] for kind in FIELDS},
        },
    }
