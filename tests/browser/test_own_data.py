"""A reader's own data in a real Chromium: brought, trained on, shared, asked for, deleted."""

from __future__ import annotations

from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from conftest import Lab, Visit, visiting
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

RNG = np.random.default_rng(0)
ROWS = [f"{x:.3f},{5 + 9 * (i % 2) + x / 9:.3f},{('cat', 'dog')[i % 2]}" for i, x in enumerate(RNG.normal(30, 5, 60))]
CSV = "\n".join(["height,weight,species", *ROWS]).encode()


def bring(page: Page, content: bytes, label: str = "Own data") -> None:
    file = page.locator('input[type="file"]')
    if not file.count():
        page.get_by_text(label, exact=True).click()
    file.set_input_files({"name": "animals.csv", "mimeType": "text/csv", "buffer": content})


def own(page: Page) -> str:
    return parse_qs(urlparse(page.url).query, keep_blank_values=True)["own"][0]


def points(visit: Visit) -> int:
    """How many points the two classes on the screen have."""
    return visit.page.evaluate(
        "document.querySelector('#root .js-plotly-plot')._fullData.filter(t => /^class/.test(t.name))"
        ".reduce((n, t) => n + t.x.length, 0)"
    )


def opened(visit: Visit, url: str) -> None:
    visit.page.goto(url)
    visit.chart()
    visit.done()


def test_how_a_file_was_read_can_be_read_in_full_on_a_small_screen(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1366, "height": 768})
    opened(visit, "/optimizer_race?lang=en&seeds=2&epochs=2")
    bring(page, CSV.replace(b"cat", b"K\xe4tzchen"))
    page.get_by_role("button", name="Use these data").wait_for()
    boxes = page.get_by_test_id("stExpander").get_by_test_id("stSelectbox").locator("input")
    read = boxes.evaluate_all("all => all.map((box) => [box.value, box.scrollWidth <= box.clientWidth])")
    assert ["Western European (Latin-1)", True] in read and ["Names of the columns", True] in read
    assert all(whole for _, whole in read), read


def test_own_points_are_trained_on_shared_asked_for_and_deleted(chromium: Browser, lab: Lab) -> None:
    for mine in visiting(chromium, lab):
        page = mine.page
        opened(mine, "/perceptron?seeds=2&passes=50")
        assert points(mine) == 60 and own(page) == ""
        bring(page, CSV + b"\n1.5,2.5,cat")
        page.get_by_role("button", name="Use these data").wait_for()
        mine.idle()
        page.get_by_role("button", name="Use these data").click()
        page.wait_for_url("**own=sha256*")
        mine.done()
        expect(page.get_by_text("61 rows, 2 number columns, 2 classes")).to_be_visible()
        page.wait_for_timeout(1500)
        assert points(mine) == 61 and own(page).endswith(":61x2x2")
        link = page.url
        opened(mine, link)  # a reload finds it again
        assert points(mine) == 61 and page.locator('[data-testid="stAlert"]').count() == 0

        for theirs in visiting(chromium, lab):
            opened(theirs, link)
            expect(theirs.page.locator('[data-testid="stAlert"]')).to_contain_text("not here (61 × 2 × 2)")
            assert own(theirs.page) == "" and points(theirs) == 60
            bring(theirs.page, CSV)
            expect(theirs.page.get_by_text("not what the link was made with")).to_be_visible()

            page.get_by_text("Share with the link").click()
            page.wait_for_timeout(1500)
            opened(theirs, link)
            expect(theirs.page.get_by_text("Shared by the sender of the link")).to_be_visible()
            assert points(theirs) == 61 and theirs.page.get_by_text("animals.csv").count() == 0

            page.get_by_role("button", name="Delete").click()
            page.wait_for_url(lambda url: "own=&" in url)
            opened(theirs, link)
            expect(theirs.page.locator('[data-testid="stAlert"]')).to_contain_text("not here")


MALFORMED = (  # a file, and what is said of it in English and in Chinese
    (CSV + b"\n31.5,,cat", "row 62, column “weight”: no value", "第 62 行的 “weight” 列没有值"),
    (CSV + b"\n31.5,heavy,cat", "row 62, column “weight”: “heavy” is not a number", "“weight” 列：“heavy” 不是数字"),
    (CSV + b"\n31,5,cat", "can be read in two ways", "有两种读法"),
    (CSV + b"\n3.5,5.5,=cat()", "a spreadsheet would compute", "当作公式计算"),
    (CSV.replace(b"dog", b"cat"), "says “cat”", "每一行都是 “cat”"),
    (b"PK\x03\x04", "spreadsheet", "电子表格"),
)


@pytest.mark.parametrize("language", [0, 1], ids=["en", "zh"])
def test_a_malformed_file_is_named_by_row_and_changes_nothing(visit: Visit, language: int) -> None:
    page, use = visit.page, ("Use these data", "使用这份数据")[language]
    opened(visit, f"/perceptron?seeds=2&lang={('en', 'zh')[language]}")
    before = page.url
    for content, *needles in MALFORMED:
        bring(page, content, ("Own data", "自己的数据")[language])
        expect(page.get_by_text(needles[language])).to_be_visible()
        assert page.get_by_role("button", name=use).count() == 0
        page.get_by_role("button", name=("Remove animals.csv", "移除 animals.csv")[language]).click()
        expect(page.get_by_text(needles[language])).to_have_count(0)
    assert page.url == before and (language or points(visit) == 60)


@pytest.mark.parametrize(
    ("language", "label", "gone", "lost"),
    [
        ("en", "Own data", "Not sent: the cookie of this site is gone", "Not sent: the lab did not take the file"),
        ("zh", "自己的数据", "未上传：本站的 Cookie 已不在", "未上传：实验室没有收到这个文件"),
    ],
)
def test_a_file_that_is_not_sent_says_why(visit: Visit, language: str, label: str, gone: str, lost: str) -> None:
    """The cookie is deleted, or the line is down, between opening the panel and choosing the file."""
    page = visit.page
    opened(visit, f"/perceptron?seeds=2&n=20&lang={language}")
    page.get_by_text(label, exact=True).click()
    alert = page.get_by_test_id("stFileUploader").get_by_role("alert")
    page.locator('input[type="file"]').wait_for(state="attached")
    visit.idle()
    page.context.clear_cookies()
    bring(page, CSV, label)
    expect(alert).to_contain_text(gone)
    expect(alert).not_to_contain_text("Axios")
    page.route("**/upload_file/**", lambda sent: sent.abort())
    bring(page, CSV, label)
    expect(alert.last).to_contain_text(lost)
    expect(alert.last).not_to_contain_text("Axios")
    expect(alert.last).to_contain_text({"en": "Error:", "zh": "错误："}[language])
    visit.errors[:] = [error for error in visit.errors if "File uploader error" not in error]  # streamlit's own log
