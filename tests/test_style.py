"""The look keeps its promises, measured by an independent ruler (WCAG 2, Machado 2009, CIEDE2000)."""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from core.concept.catalog import CONCEPTS
from core.concept.params import Rows, fields
from core.concept.parts import load
from core.figures import plot, style

ROOT = Path(__file__).resolve().parents[1]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
PALETTES = {"light": style.PALETTE, "dark": style.PALETTE_DARK}

# Machado, Oliveira and Fernandes 2009, table of severity 1.0; they act on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
RGB_TO_XYZ = np.array(  # IEC 61966-2-1, D65
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


def linear(colour: str) -> np.ndarray:
    """'#rrggbb' -> linear RGB."""
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels])


def contrast(a: str, b: str) -> float:
    bright, dim = sorted((float(RGB_TO_XYZ[1] @ linear(c)) for c in (a, b)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def cielab(colour: str, vision: str = "normal") -> tuple[float, float, float]:
    seen = np.clip(VISIONS[vision] @ linear(colour), 0, 1)
    ratio = (RGB_TO_XYZ @ seen) / RGB_TO_XYZ.sum(axis=1)
    fx, fy, fz = (r ** (1 / 3) if r > (6 / 29) ** 3 else r / (3 * (6 / 29) ** 2) + 4 / 29 for r in ratio)
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def ciede2000(one: tuple[float, float, float], two: tuple[float, float, float]) -> float:
    """Sharma, Wu and Dalal 2005, equations 2 to 22, with kL = kC = kH = 1."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    c1, c2 = math.hypot((1 + g) * a1, b1), math.hypot((1 + g) * a2, b2)
    h1 = math.degrees(math.atan2(b1, (1 + g) * a1)) % 360 if c1 else 0.0
    h2 = math.degrees(math.atan2(b2, (1 + g) * a2)) % 360 if c2 else 0.0
    if c1 * c2 == 0:
        dh, mean_h = 0.0, h1 + h2
    elif abs(h2 - h1) <= 180:
        dh, mean_h = h2 - h1, (h1 + h2) / 2
    else:
        dh = h2 - h1 - 360 if h2 > h1 else h2 - h1 + 360
        mean_h = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    d_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(mean_h - 30))
        + 0.24 * math.cos(math.radians(2 * mean_h))
        + 0.32 * math.cos(math.radians(3 * mean_h + 6))
        - 0.20 * math.cos(math.radians(4 * mean_h - 63))
    )
    turn = 30 * math.exp(-(((mean_h - 275) / 25) ** 2))
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    r_t = -math.sin(math.radians(2 * turn)) * 2 * math.sqrt(mean_c**7 / (mean_c**7 + 25**7))
    x, y, z = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    return math.sqrt(x * x + y * y + z * z + r_t * y * z)


def difference(a: str, b: str, vision: str) -> float:
    return ciede2000(cielab(a, vision), cielab(b, vision))


def closest(colours: tuple[str, ...], vision: str) -> float:
    return min(difference(a, b, vision) for a, b in itertools.combinations(colours, 2))


# -- the ruler --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [  # Sharma, Wu and Dalal 2005, table 1
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_agrees_with_the_published_pairs(one, two, expected):
    assert ciede2000(one, two) == pytest.approx(expected, abs=5e-5)
    assert ciede2000(two, one) == pytest.approx(expected, abs=5e-5)


def test_contrast_and_simulation_agree_with_known_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=1e-9)
    assert contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.005)  # the well-known grey just below 4.5
    for matrix in VISIONS.values():  # white stays white
        assert matrix.sum(axis=1) == pytest.approx(np.ones(3), abs=2e-6)
    red, green = "#cc3311", "#5a8a00"  # told apart at once; with a red-green deficiency much less
    assert difference(red, green, "deuteranopia") < difference(red, green, "normal") / 2


# -- the palette ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("theme", PALETTES)
def test_every_colour_stands_out_from_its_background_and_its_text(theme):
    look = style.THEMES[theme]
    for colour in PALETTES[theme]:
        assert contrast(colour, look["background"]) >= 3, colour
        assert difference(colour, look["text"], "normal") >= 10, colour


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize(("vision", "all_ten", "first_six"), [
    ("normal", 20, 20), ("protanopia", 13, 16), ("deuteranopia", 13, 15),
])  # fmt: skip
def test_every_pair_of_colours_differs_under_every_vision(theme, vision, all_ten, first_six):
    assert closest(PALETTES[theme], vision) >= all_ten
    assert closest(PALETTES[theme][:6], vision) >= first_six


def test_the_themes_agree_on_roles():
    assert len(set(style.PALETTE)) == len(set(style.PALETTE_DARK)) == 10
    for light, dark in zip(style.PALETTE, style.PALETTE_DARK):
        assert style.to_dark(light) == dark
        (_, a, b), (_, c, d) = cielab(light), cielab(dark)
        if min(math.hypot(a, b), math.hypot(c, d)) > 15:  # greys have no hue to keep
            turn = (math.degrees(math.atan2(b, a) - math.atan2(d, c)) + 180) % 360 - 180
            assert abs(turn) <= 40, (light, dark)


def test_colour_is_never_the_only_cue():
    """Rows differ in symbol, as many as a page takes; where only dashes are drawn, in dash or by a mark."""
    kinds = [kind for entry in CONCEPTS for kind in fields(load(entry.stem).Params).values() if isinstance(kind, Rows)]
    most = max(kind.high for kind in kinds if not {"x", "y"} <= fields(kind.row).keys())  # but places of a plane
    looks = [style.contender(i) for i in range(most)]
    assert len({look.symbol for look in looks}) == most
    assert len(set(style.DASHES)) == len(style.DASHES) <= 6
    drawn = [plot.curve(i) for i in range(most)]
    marks = [(look["line"]["dash"], "markers" in look["mode"] and look["marker"]["symbol"]) for look in drawn]
    assert len(set(marks)) == most and not any(mark for _, mark in marks[:6])
    assert style.contender(0) == (style.PALETTE[0], "solid", "circle")


def test_the_dash_of_a_split_leaves_a_row_its_symbol():
    for split in style.SPLITS.values():
        drawn = [plot.curve(i, split.dash) for i in range(13)]
        assert {look["line"]["dash"] for look in drawn} == {split.dash}
        assert len({look["marker"]["symbol"] for look in drawn}) == 13
        assert {look["mode"] for look in drawn} == {"lines+markers"}


def test_splits_differ_in_colour_and_in_dash():
    assert list(style.SPLITS) == ["train", "validation", "test"]
    assert len({split.dash for split in style.SPLITS.values()}) == 3
    for split in style.SPLITS.values():
        assert style.to_dark(split.colour) == split.colour_dark
    for vision in VISIONS:
        assert closest(tuple(s.colour for s in style.SPLITS.values()), vision) >= 16
        assert closest(tuple(s.colour_dark for s in style.SPLITS.values()), vision) >= 16


# -- the scales -------------------------------------------------------------------------------------------
def steps(colours, vision="normal"):
    return np.array([difference(a, b, vision) for a, b in itertools.pairwise(colours)])


def test_the_sequential_scale_is_even_and_rises_under_every_vision():
    assert len(style.SEQUENTIAL) == 10
    distance = steps(style.SEQUENTIAL)
    assert distance.max() / distance.min() < 1.1
    for vision in VISIONS:
        lightness = [cielab(colour, vision)[0] for colour in style.SEQUENTIAL]
        assert np.all(np.diff(lightness) > 5), vision
        assert steps(style.SEQUENTIAL, vision).min() > 4, vision


def test_the_diverging_scale_is_even_symmetric_and_neutral_in_the_middle():
    scale = style.DIVERGING
    assert len(scale) == 10
    distance = steps(scale)
    assert distance.max() / distance.min() < 1.2
    lab = np.array([cielab(colour) for colour in scale])
    assert np.abs(lab[:, 0] - lab[::-1, 0]).max() < 3  # as dark on the left as on the right
    assert np.all(np.diff(lab[:5, 0]) > 0)
    pair = [[int(scale[k][c : c + 2], 16) for c in (1, 3, 5)] for k in (4, 5)]
    zero = "#" + "".join(f"{round(v):02x}" for v in np.mean(pair, axis=0))
    assert math.hypot(*cielab(zero)[1:]) < 4  # a grey
    for look in style.THEMES.values():  # seen on both themes, as are both ends
        assert min(contrast(c, look["background"]) for c in (scale[0], zero, scale[-1])) >= 1.5
    for vision in VISIONS:
        for k in range(5):
            assert difference(scale[k], scale[9 - k], vision) > 8, (k, vision)


# -- helpers and template ---------------------------------------------------------------------------------
def test_fade_and_to_dark():
    assert style.fade("#125bca", 0) == "#125bca00"
    assert style.fade("#125bca", 0.2) == "#125bca33"
    assert style.fade("#125bca33", 1) == "#125bcaff"
    assert style.to_dark("#125bca33") == style.PALETTE_DARK[0] + "33"
    assert style.to_dark("#012345") == "#012345"
    assert style.to_dark("rgba(0,0,0,0)") == "rgba(0,0,0,0)"
    with pytest.raises(ValueError, match="alpha"):
        style.fade("#125bca", 1.5)


def sizes(tree):
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "font" or key.endswith("font"):
                yield value["size"]
            yield from sizes(value)


def test_template_is_plain_legible_and_leaves_text_to_the_browser():
    plain = style.template()
    assert json.loads(json.dumps(plain)) == plain
    assert min(sizes(plain["layout"])) >= 13
    assert "color" not in plain["layout"]["font"]
    assert plain["layout"]["hovermode"] == "x unified"
    assert style.template("closest")["layout"]["hovermode"] == "closest"
    for theme, look in style.THEMES.items():
        layout = style.template(theme=theme)["layout"]
        assert layout["font"]["color"] == look["text"]
        assert layout["colorway"] == list(PALETTES[theme])


def test_plotly_accepts_template_colours_dashes_and_symbols():
    go = pytest.importorskip("plotly.graph_objects")
    figure = go.Figure(layout={"template": style.template()})
    for i in range(10):
        colour, dash, symbol = style.contender(i)
        figure.add_scatter(
            y=[0, i],
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol},
            fillcolor=style.fade(colour, 0.2),
        )
    assert len(figure.to_dict()["data"]) == 10


# -- the app's own theme ----------------------------------------------------------------------------------
def test_the_config_says_the_same_as_the_style():
    theme = CONFIG["theme"]
    names = {
        "background": "backgroundColor",
        "surface": "secondaryBackgroundColor",
        "text": "textColor",
        "border": "borderColor",
        "primary": "primaryColor",
        "link": "linkColor",
    }
    for which, palette in PALETTES.items():
        for ours, theirs in names.items():
            assert theme[which][theirs] == style.THEMES[which][ours], (which, theirs)
        assert theme[which]["chartCategoricalColors"] == list(palette)
    assert theme["chartSequentialColors"] == list(style.SEQUENTIAL)
    assert theme["chartDivergingColors"] == list(style.DIVERGING)


def over(front: str, back: str, alpha: float) -> str:
    pairs = [(int(front[k : k + 2], 16), int(back[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(alpha * f + (1 - alpha) * b):02x}" for f, b in pairs)


@pytest.mark.parametrize("theme", PALETTES)
def test_text_is_legible_everywhere(theme):
    main = CONFIG["theme"][theme]
    side = {**main, **main["sidebar"]}
    assert contrast("#ffffff", main["primaryColor"]) >= 4.5  # the words on a main button
    for part in (main, side):
        caption = over(part["textColor"], part["backgroundColor"], 0.6)  # Streamlit's captions
        assert contrast(caption, part["backgroundColor"]) >= 4.5
        for ground in ("backgroundColor", "secondaryBackgroundColor"):
            assert contrast(part["textColor"], part[ground]) >= 7
            assert contrast(part["linkColor"], part[ground]) >= 4.5
            assert contrast(style.THEMES[theme]["muted"], part[ground]) >= 4.5
            assert contrast(part["primaryColor"], part[ground]) >= 3


def test_fonts_are_local_and_there_with_their_licence():
    for face in CONFIG["theme"]["fontFaces"]:
        path = ROOT / face["url"].removeprefix("app/")
        assert path.is_file() and path.read_bytes()[:4] == b"wOF2", face
    assert "SIL OPEN FONT LICENSE" in (ROOT / "static/fonts/OFL.txt").read_text(encoding="utf-8")
    assert "://" not in json.dumps(CONFIG)
    png = (ROOT / "static/favicon.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and len(png) < 10_000
