"""What stands on a page while the app still starts: title, sentence, and the very figure that the link asks for.

The app needs a second before it shows anything. So the server writes this into the HTML of a page whose result is
stored or, at the default settings, came with the project; on the home page it is the concept map. The chart is drawn
before the app's own scripts begin, and the page takes it over as it stands (core/ui/chart.js). The map goes when the
page has drawn its own (core/ui/home.js).
"""

from __future__ import annotations

import json
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl

from core.concept.catalog import CATALOG, CONCEPTS, LANGUAGES
from core.concept.params import read
from core.concept.parts import Figure, load
from core.concept.text import words
from core.figures import style
from core.runs.manager import Manager
from core.runs.run import COMPLETE, Run
from core.runs.uploads import NotHere
from core.takeaway import records
from core.ui import chart, link, streamlit_words
from core.ui.home import as_html

HERE = Path(__file__).parent

LARGE = 150_000  # characters of a figure that are sent whole before the page, which then has nothing to draw again
NEUTRAL = {"lang", "v"}  # parts of a link to the home page that change nothing of the map

# In every page, before the app's own scripts.
ALWAYS = f"<script>{(HERE / 'history.js').read_text('utf-8')}</script>{streamlit_words.script()}"

# In the theme that the reader chose, else in the system's. It goes too when the reader begins to do something.
SCRIPT = """{
  const first = document.getElementById("lab-first");
  const go = () => { first.remove(); first.querySelector(".lab-chart")?.lab?.close(); };
  let name = "";
  try { name = Object.entries(localStorage).find(([key]) => key.startsWith("stActiveTheme"))?.[1] || ""; } catch {}
  const chosen = name.match(/"name":"[^"]*(dark|light)/i)?.[1].toLowerCase();
  const theme = first.dataset.theme = chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  for (const image of first.querySelectorAll("img")) image.src = `./app/static/${image.dataset.picture}.${theme}.webp`;
  for (const event of ["pointerdown", "keydown", "wheel"]) addEventListener(event, go, { once: true, capture: true });
  setTimeout(go, 20000);
}"""

# In the page's own typeface: the room for labels is measured once.
DRAW = """
const first = document.getElementById("lab-first");
document.fonts.load("16px Inter").then(() => first.isConnected && draw(first));
"""

FONT = "./app/static/fonts/inter-latin-wght-normal.woff2"
FACE = f'@font-face {{ font-family: Inter; font-weight: 100 900; src: url({FONT}) format("woff2"); }}\n'


def page(path: str) -> str:
    """The stem of the page at this path; empty where there is none."""
    stem = path.strip("/") or "home"
    return stem if stem in {entry.stem for entry in CATALOG} else ""


def language(query: str, accepted: str) -> str:
    """The language in which a page will be shown: as the link says, else as the browser asks."""
    asked = parse_qs(query).get("lang", [""])[-1]
    return asked if asked in LANGUAGES else "zh" if accepted.startswith("zh") else "en"


def title(stem: str, language: str) -> str:
    """The title of a page."""
    if stem in {entry.stem for entry in CONCEPTS}:
        return words(stem, language).title
    text = words("", language)
    return text.title if stem == "home" else text.say(f"chapters.{stem}")


def shown(stem: str, query: str, language: str, manager: Manager) -> str:
    """What to put into the HTML of a page; empty where nothing is known yet of what the link asks for."""
    if stem == "home":
        return _map(language) if set(link.ours(dict(parse_qsl(query, keep_blank_values=True)))) <= NEUTRAL else ""
    if stem not in {entry.stem for entry in CONCEPTS}:
        return ""
    found = _asked(stem, query, manager)
    return _figure(*found, language) if found else ""


def draw_ahead(manager: Manager) -> None:
    """Draw the results that came with the project, and what stands before them, so that no first visitor waits."""
    for stem in ("home", *(entry.stem for entry in CONCEPTS)):
        for language in LANGUAGES:
            shown(stem, "", language, manager)


def _asked(stem: str, query: str, manager: Manager) -> tuple[Run, Figure] | None:
    """The run that a link asks for, if there is nothing to compute and nothing to say of the link first; its figure."""
    if len(query) > link.LONGEST:
        return None
    concept, asked = load(stem), link.ours(dict(parse_qsl(query, keep_blank_values=True)))
    beside = {name: asked.pop(name, "") for name in link.RESERVED}
    of_asks = {name for name in asked if "." in name and name.partition(".")[0] in concept.questions}  # come later
    params, problems = read(concept.Params, {name: value for name, value in asked.items() if name not in of_asks})
    if problems:
        return None
    figures = [figure for figure in concept.figures if figure.shown(params)]
    figure = next((figure for figure in figures if figure.id == beside["figure"]), figures[0])
    of = concept.of(figure)
    device = beside["device"] if beside["device"] in of.devices else "auto"
    try:
        run = manager.find(of.name, params, device)  # as anyone may see it: what stands first is the same for all
    except NotHere:  # the page knows its reader, and asks for the file
        return None
    if run is None or run.status != COMPLETE:
        run = manager.shipped(of.name)
    return (run, figure) if run is not None and run.params == of.settings(params) else None


def _figure(run: Run, figure: Figure, language: str) -> str:
    text, (body, css, _) = words(run.stem, language), chart.parts()
    summary = figure.summary(run.result, language)
    drawn = chart.figure_json(run, figure, language)
    if len(drawn) > LARGE:
        drawn = _still(drawn)
    content = (
        f"<h1>{escape(text.title)}</h1><p>{escape(text.lead)}</p><figure>{body}<figcaption>"
        f"<small>{escape(records.origin(run, text))}</small><br>{escape(summary)}</figcaption></figure>"
    )
    named = chart.named(figure, text, {"": run})
    script = f"{{{chart.alone(drawn, text, summary, named)}{DRAW}}}"
    return f'{_standing(content, css)}<script src="./lab/plotly.min.js"></script><script>{script}</script>'


def _still(drawn: str) -> str:
    """A figure without its earlier moments, which are most of it; the page brings them."""
    figure = json.loads(drawn)
    figure["layout"].get("meta", {}).pop("scrub", None)
    return json.dumps(figure)


@cache
def _map(language: str) -> str:
    text = words("", language)
    cards = as_html(language, claims=False).replace('data-picture="', 'data-picture="thumbnails/')
    head = f"<h1>{escape(text.title)}</h1><p>{escape(text.lead)}</p><small>{escape(text.say('home.intro'))}</small>"
    return _standing(f'{head}<div class="lab-map">{cards}</div>', (HERE / "home.css").read_text("utf-8"))


def _standing(content: str, css: str) -> str:
    themes = "".join(f"#lab-first[data-theme={t}] {{ {style.variables(t)} }}\n" for t in style.THEMES)
    css = FACE + themes + (HERE / "first.css").read_text("utf-8") + css
    return f'<style>{css}</style><div id="lab-first" inert>{content}</div><script>{SCRIPT}</script>'
