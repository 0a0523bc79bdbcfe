"""Claims in one table and runs beside each other, as a reader meets them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlparse

import pytest
from conftest import Lab, Visit, visiting
from playwright.sync_api import Browser, expect

from core.concept.params import write
from core.concept.parts import load
from core.conclusions.compare import Comparison, choose, run_text

pytestmark = pytest.mark.browser

RACE = "/optimizer_race?contenders=sgd~lr-0.1~~adam~lr-{rate}&seeds=2&epochs=3&figure=loss"
TRACES = (
    "() => document.querySelector('#root .js-plotly-plot').data.map((t) => [t.name || '', JSON.stringify(t.y ?? null)])"
)


def query(visit: Visit) -> dict[str, list[str]]:
    return parse_qs(urlparse(visit.page.url).query)


def test_a_claim_is_found_and_opens_its_page_at_the_setting_that_decides_it(visit: Visit) -> None:
    visit.page.goto("/claims?about=optimizer_race&lang=en")
    link = visit.page.get_by_role("link", name="“Adam needs less tuning” than SGD")
    expect(link).to_be_visible()
    target = parse_qs(urlparse(link.get_attribute("href") or "").query)
    assert int(target["data_seed"][0]) >= 50_000
    visit.idle()
    visit.page.get_by_label("Words to find").fill("tuning")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**find=tuning**")
    visit.idle()
    link.focus()
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/optimizer_race?**data_seed=5**")
    expect(visit.page.get_by_role("heading", name="Optimizer race")).to_be_visible()
    visit.idle()
    found = query(visit)
    assert all(found.get(name) == value for name, value in target.items())
    visit.page.go_back()
    visit.page.wait_for_url("**/claims?**find=tuning**")
    expect(link).to_be_visible()


def test_a_mistake_is_found_by_its_symptom_and_is_one_click_from_its_experiment(visit: Visit) -> None:
    visit.page.goto("/mistakes?lang=zh")
    visit.page.get_by_label("查找字词").fill("softmax")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**find=softmax**")
    visit.idle()
    visit.page.locator(".lab-wording a").first.click()
    visit.page.wait_for_url(lambda url: "figure=" in url and "/mistakes" not in url)
    visit.chart()


def test_claims_fit_a_phone(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 380, "height": 800})
    visit.page.goto("/claims?lang=zh&verdict=undecided")
    expect(visit.page.locator(".lab-wording a").first).to_be_visible()
    visit.idle()
    wide = visit.page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth; }"
    )
    assert wide <= 0
    words = visit.page.locator(".lab-verdict").all_inner_texts()
    assert words and all("未能判定" in word for word in words)


def test_two_runs_are_compared_and_the_link_gives_the_same_elsewhere(visit: Visit, chromium: Browser, lab: Lab) -> None:
    for rate in ("0.01", "0.03"):
        visit.page.goto(RACE.format(rate=rate))
        visit.done()
        visit.idle()
    visit.page.goto("/compare?lang=en&concept=optimizer_race&picture=loss")
    boxes = visit.page.get_by_role("checkbox")
    for i in range(2):
        visit.idle()
        visit.page.get_by_test_id("stCheckbox").nth(i).click()
        visit.page.wait_for_url("**&a=**" if i == 0 else "**&b=**")
    expect(boxes.nth(0)).to_be_checked()
    visit.page.wait_for_function(
        "() => document.querySelector('#root .js-plotly-plot')?.data.some((t) => t.name?.startsWith('B · '))"
    )
    visit.idle()
    mine = visit.page.evaluate(TRACES)
    assert {name for name, _ in mine if name} == {"A · SGD", "A · Adam", "B · SGD", "B · Adam"}
    table = visit.page.get_by_test_id("stTable").first
    expect(table).to_contain_text("Learning rate η (Adam)")
    expect(table).not_to_contain_text("SGD")
    for other in visiting(chromium, lab):
        other.page.goto(visit.page.url.replace("lang=en", "lang=zh"))
        other.page.wait_for_function(
            "() => document.querySelector('#root .js-plotly-plot')?.data.some((t) => t.name?.startsWith('B · '))"
        )
        other.idle()
        theirs = other.page.evaluate(TRACES)
        assert [y for _, y in theirs] == [y for _, y in mine]
        expect(other.page.get_by_test_id("stTable").first).to_contain_text("学习率 η (Adam)")
        other.page.goto("/compare")
        other.idle()
        expect(other.page.get_by_text("还没有记录").or_(other.page.get_by_text("Nothing yet"))).to_be_visible()


def test_a_link_to_compare_opens_what_it_says_on_a_slow_machine(visit: Visit) -> None:
    """The place runs twice at once, and the browser may get its widgets without what the first run told them."""
    concept = load("dropout")
    clean = next(preset for preset in concept.presets if preset.id == "clean")
    runs = [run_text(params) for params in (concept.Params(), concept.Params().replace(**clean.changes))]
    link = write(choose(Comparison(concept="dropout", picture="loss", view="beside"), runs))
    slow = visit.page.context.new_cdp_session(visit.page)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 3})
    for _ in range(2):
        visit.page.goto(f"/compare?{urlencode({'lang': 'en'} | link)}")
        expect(visit.page.get_by_test_id("stCheckbox").first).to_be_attached()
        visit.idle()
        visit.page.wait_for_timeout(1500)  # what a browser says wrongly it says by then
        found = parse_qs(urlparse(visit.page.evaluate("location.href")).query, keep_blank_values=True)
        assert {name: found.get(name) for name in link} == {name: [value] for name, value in link.items()}


def test_a_pinned_run_stays_under_the_next_one_and_a_new_tab_knows_it(visit: Visit) -> None:
    visit.page.goto(RACE.format(rate="0.01"))
    visit.done()
    visit.page.get_by_role("button", name="Pin this run").click()
    expect(visit.page.get_by_role("button", name="Unpin")).to_be_visible()
    rate = visit.page.get_by_label("Learning rate η 2")
    rate.fill("0.03")
    rate.press("Enter")
    both = "() => document.querySelector('#root .js-plotly-plot')?.data.some((t) => t.name === 'pinned · Adam')"
    visit.page.wait_for_function(both)
    tab = visit.page.context.new_page()
    tab.goto(RACE.format(rate="0.003"))
    tab.wait_for_function(both)
    tab.get_by_role("button", name="Unpin").click()
    expect(tab.get_by_role("button", name="Unpin")).to_have_count(0)
    tab.close()


def test_somebody_new_compares_at_one_click(visit: Visit) -> None:
    visit.page.goto("/compare?lang=en")
    visit.idle()
    visit.page.get_by_role("button", name="Six layers deep").click()
    visit.page.wait_for_url("**concept=activations**&b=**")
    visit.idle()
    for letter in ("A", "B"):  # at once where they are cheap
        start = visit.page.locator(f".st-key-compare-start-{letter} button:visible")
        if start.count():  # predicted to take long
            start.click()
            visit.idle()
    visit.page.wait_for_function(
        "() => document.querySelector('#root .js-plotly-plot')?.data.some((t) => t.name?.startsWith('B · '))",
        timeout=180_000,
    )
