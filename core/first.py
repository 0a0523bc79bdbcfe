"""What stands on a page while the app still starts: title, sentence, and a picture of a real stored result.

The app needs a second before it shows anything. So the server writes this into the HTML of a page that is opened at its
default settings, where the result that came with the project is what the reader asks for; on the home page it is the
concept map. The chart (core/ui/chart.js) or the map (core/ui/home.js) takes it away when it has been drawn itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from core import style
from core.catalog import CATALOG, CONCEPTS, LANGUAGES
from core.concept import load
from core.runs.key import source_digest
from core.runs.store import shipped
from core.text import Text, words

HERE = Path(__file__).parent
NEUTRAL = {"lang", "v"}  # parts of a link that leave the default settings as they are

# In the theme that the reader chose, else in the system's. It goes too when the reader begins to do something.
SCRIPT = """<script>
{
  const first = document.getElementById("lab-first"), go = () => first.remove();
  let name = "";
  try { name = Object.entries(localStorage).find(([key]) => key.startsWith("stActiveTheme"))?.[1] || ""; } catch {}
  const chosen = name.match(/"name":"[^"]*(dark|light)/i)?.[1].toLowerCase();
  const theme = first.dataset.theme = chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  for (const image of first.querySelectorAll("img")) image.src = `./app/static/${image.dataset.picture}.${theme}.webp`;
  for (const event of ["pointerdown", "keydown", "wheel"]) addEventListener(event, go, { once: true, capture: true });
  setTimeout(go, 20000);
}
</script>"""

FACE = """@font-face {
  font-family: Inter; font-weight: 100 900; src: url(./app/static/fonts/inter-latin-wght-normal.woff2) format("woff2");
}
"""


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


def origin(stem: str, meta: dict[str, Any], text: Text) -> str:
    """Where a result that came with the project comes from, and whether the experiment has changed since."""
    day = datetime.fromtimestamp(meta["saved"], UTC).date().isoformat()
    same = meta["source"] == source_digest(stem)
    return text.say("run.shipped" if same else "run.shipped_old", date=day, code=meta["source"][:7], **meta["versions"])


def picture(stem: str, query: str, language: str) -> str:
    """What to put into the HTML of a page; empty where a link asks for more than its default settings."""
    return _picture(stem, language) if set(parse_qs(query, keep_blank_values=True)) <= NEUTRAL else ""


@cache
def _picture(stem: str, language: str) -> str:
    if stem == "home":
        body, css = _map(language), (HERE / "ui" / "home.css").read_text("utf-8")
    elif body := _figure(stem, language):
        css = ""
    else:
        return ""
    themes = "".join(f"#lab-first[data-theme={t}] {{ {style.variables(t)} }}\n" for t in style.THEMES)
    css = FACE + themes + (HERE / "first.css").read_text("utf-8") + css
    return f'<style>{css}</style><div id="lab-first" inert>{body}</div>{SCRIPT}'


def _figure(stem: str, language: str) -> str:
    """Empty for what is no concept, and where the default is another than the one that came with the project."""
    stored = shipped(stem)
    if stored is None or stored.result.params != load(stem).Params():
        return ""
    text = words(stem, language)
    return (
        f"<h1>{escape(text.title)}</h1><p>{escape(text.lead)}</p>"
        f'<figure><img data-picture="first/{stem}.{language}" alt=""><figcaption>'
        f"<small>{escape(origin(stem, stored.meta, text))}</small><br>{escape(stored.meta['summary'][language])}"
        "</figcaption></figure>"
    )


def _map(language: str) -> str:
    from core.ui.home import as_html

    text = words("", language)
    cards = as_html(language, claims=False).replace('data-picture="', 'data-picture="thumbnails/')
    intro = escape(text.say("home.intro"))
    head = f"<h1>{escape(text.title)}</h1><p>{escape(text.lead)}</p><small>{intro}</small>"
    return f'{head}<div class="lab-map">{cards}</div>'
