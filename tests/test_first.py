"""What stands on a page while the app still starts."""

from __future__ import annotations

from html import escape

import pytest
from PIL import Image

from core import first, style
from core.catalog import CATALOG, CONCEPTS, LANGUAGES
from core.defaults import BROAD, FIRST
from core.runs.store import about_shipped
from core.text import words

STEMS = [entry.stem for entry in CONCEPTS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", STEMS)
def test_a_default_link_shows_title_sentence_and_a_real_result_with_its_origin(stem: str, language: str) -> None:
    shown, text, about = (
        first.picture(stem, f"lang={language}&v=1", language),
        words(stem, language),
        about_shipped(stem),
    )
    assert escape(text.title) in shown and escape(text.lead) in shown
    assert escape(about["summary"][language]) in shown and about["source"][:7] in shown
    assert f'data-picture="first/{stem}.{language}"' in shown
    for theme, look in style.THEMES.items():
        with Image.open(FIRST / f"{stem}.{language}.{theme}.webp") as picture:
            assert picture.width == 2 * BROAD
            corner = picture.convert("RGB").getpixel((1, 1))
            wanted = [int(look["background"][i : i + 2], 16) for i in (1, 3, 5)]
            assert max(abs(a - b) for a, b in zip(corner, wanted)) <= 12
            assert len(picture.convert("L").getcolors(256) or []) > 20, "an empty picture"


def test_nothing_is_left_over() -> None:
    names = {f"{stem}.{language}.{theme}.webp" for stem in STEMS for language in LANGUAGES for theme in style.THEMES}
    assert {path.name for path in FIRST.iterdir()} == names


@pytest.mark.parametrize("query", ["rate=0.3", "lang=en&figure=loss", "weight_seed", "lang=en&v=1&hello="])
def test_a_link_that_asks_for_more_does_not_get_the_default(query: str) -> None:
    assert first.picture("dropout", query, "en") == ""


def test_home_shows_the_whole_map() -> None:
    shown = first.picture("home", "", "zh")
    assert all(escape(words(stem, "zh").title) in shown for stem in STEMS)
    assert all(f'data-picture="thumbnails/{stem}"' in shown for stem in STEMS)


def test_pages_and_their_titles() -> None:
    assert first.page("/") == "home" and first.page("/dropout/") == "dropout"
    assert first.page("/_stcore/health") == first.page("/app/static/x.png") == first.page("/nothing") == ""
    assert all(first.title(entry.stem, language) for entry in CATALOG for language in LANGUAGES)
    assert first.picture("status", "", "en") == ""


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [("", "", "en"), ("", "zh-CN,zh;q=0.9", "zh"), ("lang=en", "zh", "en"), ("lang=zh&lang=xx", "de", "en")],
)
def test_the_language_is_the_link_s_or_the_browser_s(query: str, accepted: str, language: str) -> None:
    assert first.language(query, accepted) == language
