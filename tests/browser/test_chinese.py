"""Chinese pages are in Chinese: also what streamlit and plotly say by themselves."""

from __future__ import annotations

import re
from functools import cache

import pytest
from conftest import Visit
from playwright.sync_api import Page, expect

from core.concept.catalog import CATALOG
from core.concept.text import CONCEPTS

pytestmark = pytest.mark.browser

LATIN = re.compile(r"(?<![0-9A-Za-z])(?![0-9a-f]{7}\b)[A-Za-z][A-Za-z'’]+")  # words, and no version of the code
NO_WORDS = re.compile(r"^- [\w.]+:|^## .*|\{[^{}]*\}|\$[^$]*\$|\]\([^)]*\)", re.MULTILINE)  # of the lab's text files
READ = {"text_generation", "word_embeddings"}  # what their networks read, and figures show, is English
STAY = {"English"}  # the other language's own name
SPOKEN = """() => {
  const found = [];
  const silent = "script, style, code, .katex, [aria-hidden=true], [role=img], [translate=no]";
  const heard = ["aria-label", "title", "placeholder", "alt", "data-title"];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) { if (!node.parentElement.closest(silent)) found.push(node.data); }
    else found.push(...heard.map((name) => node.getAttribute(name)));
  }
  return found.filter((said) => said?.trim());
}"""


@cache
def known() -> set[str]:
    """The names and abbreviations that the Chinese texts themselves use."""
    texts = [NO_WORDS.sub(" ", path.read_text("utf-8")) for path in CONCEPTS.parent.glob("**/*.zh.md")]
    return STAY.union(*(LATIN.findall(said) for said in texts))


def english(page: Page, besides: tuple[str, ...] = ()) -> list[str]:
    """What is said on a page, seen or heard, in words that no Chinese text has."""
    names = known().union(*map(LATIN.findall, besides))
    return sorted({said for said in page.evaluate(SPOKEN) if not names.issuperset(LATIN.findall(said))})


def opened(visit: Visit, stem: str) -> Page:
    visit.page.goto(f"/{stem}?lang=zh")
    visit.page.wait_for_selector("[data-testid=stMain] h1")
    visit.idle()
    return visit.page


def speaks_no_english(visit: Visit, stem: str) -> None:
    """A Chinese page with all that is folded away."""
    page = visit.page
    visit.unfold()
    quoted = []
    if stem in READ:
        page.evaluate("document.querySelectorAll('.lab-plot text, td').forEach((written) => written.remove())")
        quoted = re.findall("“([^”]*)”", page.locator("#root").inner_text())
    assert english(page, tuple(quoted)) == [], stem


@pytest.mark.parametrize("stem", [entry.stem for entry in CATALOG if entry.place])
def test_a_place_speaks_no_english(another: Visit, stem: str) -> None:
    opened(another, stem)
    speaks_no_english(another, stem)


def test_what_opens_by_a_click_speaks_no_english(visit: Visit) -> None:
    page = opened(visit, "perceptron")
    visit.done()
    page.get_by_test_id("stMainMenuButton").click()
    page.get_by_test_id("stMainMenuList").wait_for()
    assert english(page) == []
    page.keyboard.press("Escape")
    page.get_by_label("查找概念").first.fill("qqq")
    expect(page.get_by_text("没有匹配项")).to_be_visible()
    assert english(page) == []
    page.keyboard.press("Escape")
    page.locator("summary", has_text="自己的数据").click()
    content = "height,width,sort\n" + "".join(f"{i}.5,{i * i % 17}.25,{'ab'[i % 2]}\n" for i in range(40))
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="使用这份数据").wait_for()
    visit.idle()
    expect(page.get_by_role("button", name="移除 mine.csv")).to_be_visible()
    assert english(page, besides=(content, "mine.csv")) == []


def test_a_zoomed_figure_and_a_typed_number_speak_no_english(visit: Visit) -> None:
    page = opened(visit, "dropout")
    visit.chart()
    box = page.locator("#root .js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 160, steps=4)
    page.mouse.up()
    expect(page.get_by_text("双击可恢复坐标范围")).to_be_visible()
    assert english(page) == []
    page = opened(visit, "perceptron")
    page.locator("summary", has_text="更多设置").click()
    number = page.get_by_test_id("stNumberInputField").first
    number.fill("100000")
    expect(page.get_by_text("按 Enter 生效")).to_be_visible()
    number.press("Enter")
    expect(page.get_by_test_id("stNumberInput").first.get_by_role("alert")).to_contain_text("超出范围")
    assert english(page) == []


def test_streamlits_words_follow_the_language_and_nothing_else_does(visit: Visit) -> None:
    page = opened(visit, "status")
    pages = page.get_by_test_id("stSidebarNav")
    expect(pages).to_have_attribute("aria-label", "页面")
    typed = "const mine = document.createElement('b'); mine.id = 'mine'; mine.title = mine.textContent = 'Open'"
    page.evaluate(f"() => {{ {typed}; document.body.append(mine); }}")
    page.get_by_text("English", exact=True).click()
    expect(pages).to_have_attribute("aria-label", "App pages")
    page.get_by_text("中文", exact=True).click()
    expect(pages).to_have_attribute("aria-label", "页面")
    expect(page.locator("#mine")).to_have_attribute("title", "Open")
    expect(page.locator("#mine")).to_have_text("Open")
