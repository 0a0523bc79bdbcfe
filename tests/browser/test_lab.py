"""The lab as a reader meets it, in a real Chromium."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import psutil
import pytest
from conftest import Lab, Visit, start, visiting
from playwright.sync_api import Browser, Route, expect

from core.concept.params import write
from core.concept.parts import load
from core.concept.text import words

pytestmark = pytest.mark.browser

SMALL = "contenders=sgd~lr-0.1~~adam~lr-0.01&seeds=2&epochs=3"
LONG = "contenders=sgd~lr-0.1~~adam~lr-0.01&epochs=300&seeds=5&batch=4&device=cpu"  # a quarter of a minute or more
HEAVY = "epochs=300&seeds=20&batch=8&device=cpu"  # minutes in torch: waits for its button on any machine


def query(visit: Visit) -> dict[str, list[str]]:
    return parse_qs(urlparse(visit.page.url).query)


def test_a_deep_link_as_the_first_request_to_a_fresh_server(chromium: Browser, tmp_path: Path) -> None:
    """It opens as any other; the web process stays light and has no torch (docs/deployment.md says what use adds)."""
    lab = start(tmp_path)
    try:
        for visit in visiting(chromium, lab):
            visit.page.goto(f"/optimizer_race?lang=zh&data=moons&{SMALL}&weight_seed=7")
            expect(visit.page.get_by_role("heading", name="优化器对比")).to_be_visible()
            visit.chart()
            visit.done()
            assert visit.page.locator('[data-testid="stSidebarNavLink"]').count() >= 2
            assert visit.page.locator('[data-testid="stDialog"]').count() == 0
            found = query(visit)
            assert (
                found["data"] == ["moons"]
                and found["weight_seed"] == ["7"]
                and found["lang"] == ["zh"]
                and found["v"] == ["1"]
            )
            process = psutil.Process(lab.process.pid)
            assert not [m.path for m in process.memory_maps() if "libtorch" in m.path]
            assert process.memory_info().rss < 250 * 2**20
    finally:
        lab.process.terminate()
        lab.process.wait(20)


def test_a_change_runs_and_the_link_follows(visit: Visit) -> None:
    visit.page.goto("/optimizer_race?" + SMALL)
    visit.chart()
    visit.done()
    rate = visit.page.get_by_label("Learning rate η 2")
    rate.fill("0.03")
    rate.press("Enter")
    visit.page.wait_for_url("**adam~lr-0.03**")
    visit.done()
    assert "adam~lr-0.03" in query(visit)["contenders"][0]
    visit.page.go_back()
    visit.page.wait_for_url("**adam~lr-0.01**")
    visit.done()
    expect(rate).to_have_value("0.01")


def test_back_and_forward_go_through_what_the_reader_did_one_step_each(visit: Visit) -> None:
    """Page, widgets and address agree at every step; what the app adds to an address is none."""
    page, say, steps = visit.page, words("dropout", "en").say, []
    checked = '[data-testid="stMain"] [role="radio"][aria-checked="true"]'

    def stands(*labels: str, title: str = "Dropout", **link: str) -> None:
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        for label in labels:
            expect(page.locator(checked).filter(has_text=label)).to_have_count(1)
        visit.idle()
        found = parse_qs(urlparse(page.evaluate("location.href")).query, keep_blank_values=True)
        assert {name: found[name] for name in link} == {name: [value] for name, value in link.items()}
        assert not {"completes", "utm_source", "junk"} & set(found)
        assert page.locator('[data-testid="stMain"] [data-testid="stException"]').count() == 0

    def step(labels: tuple[str, ...], **link: str) -> None:
        steps.append((labels, link))
        stands(*labels, **link)

    clean, test, loss = say("presets.clean"), say("figures.test"), say("figures.loss")
    page.goto("/status?lang=en")
    expect(page.get_by_role("heading", name=words("", "en").say("chapters.status"))).to_be_visible()
    visit.idle()
    page.goto("/dropout?utm_source=mail&lang=en&seeds=2&epochs=3&lr=9&lr=0.02&junk=1")
    step((test,), wrong="0.3", lr="0.02", figure="test", lang="en")
    expect(page.locator('[data-testid="stAlert"]')).to_contain_text("junk")
    expect(page.locator('[data-testid="stAlert"]')).not_to_contain_text("utm")
    page.get_by_role("radio", name=clean, exact=True).click()
    step((clean, test), wrong="0", figure="test", lang="en")
    page.get_by_role("radio", name=loss, exact=True).click()
    step((clean, loss), wrong="0", figure="loss", lang="en")
    page.get_by_role("radio", name="中文").click()
    chinese = words("dropout", "zh")
    step((chinese.say("presets.clean"),), title=chinese.title, wrong="0", figure="loss", lang="zh")
    page.get_by_test_id("stSidebarNavLink").filter(has_text=words("perceptron", "zh").title).click()
    step((), title=words("perceptron", "zh").title, data="blobs", lang="zh")
    page.get_by_role("combobox").first.click()
    page.keyboard.type("mixup")
    page.get_by_role("option").first.click()
    step((), title=words("mixup", "zh").title, lang="zh")
    for labels, link in reversed(steps[:-1]):
        page.go_back()
        stands(*labels, **link)
    for labels, link in steps[1:]:
        page.go_forward()
        stands(*labels, **link)
    for _ in steps[1:]:
        page.go_back()
        visit.idle()
    page.go_back()
    page.wait_for_url("**/status?**")


def test_a_refused_change_says_what_stays_and_a_decimal_comma_is_understood(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?lang=en&" + SMALL)
    visit.done()
    visit.idle()
    rate = page.get_by_label("Learning rate η 1")
    rate.fill("0,05")
    rate.press("Enter")
    page.wait_for_url("**sgd~lr-0.05**")
    visit.idle()
    rate.fill("much")
    rate.press("Enter")
    alert = page.locator('[data-testid="stAlert"]')
    expect(alert).to_contain_text("It stays at 0.05.")
    expect(alert).not_to_contain_text("link")
    expect(rate).to_have_value("0.05")


def test_a_rate_among_the_settings_takes_a_decimal_comma_and_says_what_stays(visit: Visit) -> None:
    """A field that is no row, and that the link has set: what is refused is not said to come from the link."""
    page, say = visit.page, words("activations", "en").say
    page.goto("/activations?lang=en&lr=0.05&seeds=1&epochs=2&depth=1")
    visit.done()
    page.get_by_text(say("frame.more"), exact=True).click()
    rate = page.get_by_role("combobox", name=say("params.lr"))

    def give(typed: str) -> None:
        visit.idle()
        rate.fill(typed)
        rate.press("Enter")

    give("much")
    alert = page.locator('[data-testid="stAlert"]')
    expect(alert).to_contain_text("It stays at 0.05.")
    expect(alert).not_to_contain_text("link")
    give("0,01")
    page.wait_for_url("**lr=0.01**")
    expect(alert).to_have_count(0)


def test_an_own_rate_can_be_typed_and_a_bad_one_is_refused_by_name(visit: Visit) -> None:
    visit.page.goto("/optimizer_race?" + SMALL)
    visit.chart()
    visit.done()
    rate = visit.page.get_by_label("Learning rate η 1")
    rate.fill("0.0123")
    rate.press("Enter")
    visit.page.wait_for_url("**sgd~lr-0.0123**")
    visit.done()
    rate = visit.page.get_by_label("Learning rate η 1")
    rate.fill("-1")
    rate.press("Enter")
    expect(visit.page.locator('[data-testid="stAlert"]')).to_contain_text("-1")
    assert "sgd~lr-0.0123" in visit.page.url
    assert visit.page.locator('[data-testid="stException"]').count() == 0


def test_contenders_are_added_and_removed(visit: Visit) -> None:
    visit.page.goto("/optimizer_race?" + SMALL)
    visit.chart()
    visit.page.get_by_role("button", name="Add").click()
    visit.page.wait_for_url("**~~momentum~**")
    expect(visit.page.locator(".lab-row")).to_have_count(3)
    visit.done()
    visit.page.get_by_role("button", name="Further settings of").nth(2).click()
    visit.page.get_by_role("button", name="Remove").and_(visit.page.locator(":visible")).click()
    expect(visit.page.locator(".lab-row")).to_have_count(2)


def test_a_stored_figure_stands_before_the_app_starts_and_the_page_takes_that_very_chart(visit: Visit) -> None:
    page = visit.page
    page.goto("/perceptron?lang=en&data_seed=11")
    visit.done()
    held: list[Route] = []
    page.route("**/static/js/index.*.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    early = page.locator("#lab-first .js-plotly-plot .main-svg").first
    expect(early).to_be_visible()
    assert held and page.locator("#root").inner_html() == ""
    said = early.get_attribute("aria-label")
    page.evaluate("document.querySelector('#lab-first .js-plotly-plot').mark = 'early'")
    for route in held:
        route.continue_()
    page.unroute("**/static/js/index.*.js")
    visit.chart()
    expect(page.locator("#lab-first")).to_have_count(0)
    assert page.evaluate("document.querySelector('#root .js-plotly-plot').mark") == "early"
    assert page.locator("#root .main-svg").first.get_attribute("aria-label") == said
    page.get_by_role("radio", name="中文").click()
    expect(page.locator("#root .main-svg").first).not_to_have_attribute("aria-label", said or "")
    assert page.evaluate("document.querySelector('#root .js-plotly-plot').mark") == "early"


def test_live_chart_is_mounted_once_keeps_zoom_and_hidden_traces_and_stops(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?figure=loss&weight_seed=4242&" + LONG)  # seeds of its own: nothing of it is stored
    page.wait_for_selector(".st-key-run button:visible, .st-key-stop button:visible")
    if page.locator(".st-key-run button:visible").count():  # predicted to take long
        page.locator(".st-key-run button:visible").click()
    page.wait_for_selector(".st-key-stop button:visible")
    visit.chart()
    page.wait_for_function(  # until then a stored picture of 30 epochs stands there, then one of a single moment
        "(({ _fullLayout: layout, _fullData: [...traces] }) => layout.xaxis.range[1] === 300 &&"
        " traces.some((trace) => trace.x?.length > 3))(document.querySelector('#root .js-plotly-plot'))",
        timeout=120_000,
    )
    page.evaluate("document.querySelector('#root .js-plotly-plot').mark = 'first'")
    box = page.locator("#root .js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    page.locator("#root .js-plotly-plot .legendtoggle").first.click()
    page.wait_for_function(  # plotly waits for a second click first
        "document.querySelector('#root .js-plotly-plot')._fullData.some(t => t.visible === 'legendonly')",
        timeout=20_000,
    )

    def survives() -> bool:
        """Whether a zoom by dragging, as a reader does it, outlives ten updates."""
        page.mouse.move(box["x"] + 20, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 200, steps=5)
        page.mouse.up()
        page.wait_for_function("document.querySelector('#root .js-plotly-plot')._fullLayout.xaxis.range[1] < 300")
        before = visit.data()
        seen: set[int] = set()
        deadline = time.monotonic() + 60
        while len(seen) < 11 and time.monotonic() < deadline:
            seen.add(visit.data()["points"])
            page.wait_for_timeout(100)
        assert len(seen) >= 11, "the figure did not grow ten times"
        after = visit.data()
        return (after["range"], after["hidden"]) == (before["range"], before["hidden"])

    assert survives()
    assert page.evaluate("document.querySelector('#root .js-plotly-plot').mark") == "first", (
        "the chart was mounted again"
    )

    page.get_by_role("radio", name="中文").click()  # other clicks while it trains
    expect(page.get_by_role("heading", name="优化器对比")).to_be_visible()
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("heading", name="Optimizer race")).to_be_visible()
    page.locator(".st-key-stop button").click()
    expect(page.locator(".st-key-status-row")).to_contain_text("Stopped at")
    assert visit.data()["points"] > 1  # what it had is kept


# Every message between page and server takes this many milliseconds longer, each way.
FAR = """(() => { const Near = WebSocket; window.WebSocket = class extends Near {
  set onmessage(hear) { this.addEventListener("message", (event) => setTimeout(() => hear.call(this, event), 150)); }
  send(data) { setTimeout(() => super.send(data), 150); }
}; })()"""


def test_settings_outlive_what_a_slow_connection_still_says_of_the_ones_before(visit: Visit) -> None:
    """While a run is followed the browser repeats several times a second what it knows of every widget."""
    page, concept = visit.page, load("text_generation")
    page.add_init_script(FAR)
    page.goto("/text_generation?lang=en")
    page.wait_for_selector(".st-key-stop button:visible")
    say = words("text_generation", "en").say
    settings = {p.id: concept.Params().replace(**p.changes) for p in concept.presets}
    names = [name for name, params in settings.items() if params != concept.Params()]
    for name in (*names, *names[:2]):
        page.get_by_test_id("stMain").get_by_role("radio", name=say(f"presets.{name}"), exact=True).click()
        page.wait_for_timeout(2500)
        found = parse_qs(urlparse(page.evaluate("location.href")).query, keep_blank_values=True)
        wanted = write(settings[name])
        assert {field: found[field][-1] for field in wanted} == wanted, name


def test_a_heavy_run_waits_for_its_button_and_a_hopeless_one_is_refused(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?figure=loss&" + HEAVY)
    expect(page.locator(".st-key-status-row")).to_contain_text("has not been run yet")
    page.locator(".st-key-run button:visible").click()
    expect(page.locator(".st-key-stop button:visible")).to_be_visible()
    visit.chart()
    page.wait_for_timeout(1000)  # not into the page's own change from Run to Stop
    page.locator(".st-key-stop button:visible").click()
    expect(page.locator(".st-key-status-row")).to_contain_text("Stopped at")
    visit.idle()
    page.locator(".st-key-run button:visible").click()
    expect(page.locator(".st-key-stop button:visible")).to_be_visible()
    page.wait_for_timeout(1000)
    page.locator(".st-key-stop button:visible").click()
    expect(page.locator(".st-key-status-row")).to_contain_text("Stopped at")  # it holds the only worker
    page.goto("/optimizer_race?epochs=300&seeds=20&batch=1&width=256&depth=6")
    expect(page.get_by_text("are allowed here")).to_be_visible()
    expect(page.locator(".st-key-run button:visible")).to_have_count(0)


def test_a_figure_fills_the_screen_and_its_buttons_speak_the_readers_language(visit: Visit) -> None:
    page = visit.page
    page.goto("/perceptron?lang=zh")
    visit.chart()
    page.locator("#root .js-plotly-plot").first.hover()
    height = "document.querySelector('#root .lab-plot').clientHeight"
    before = page.evaluate(height)
    page.get_by_role("button", name="全屏").click()
    page.wait_for_function(f"{height} > 0.8 * innerHeight")
    assert page.evaluate("document.fullscreenElement.className").startswith("lab-chart")
    page.get_by_role("button", name="全屏").click()
    page.wait_for_function(f"!document.fullscreenElement && {height} === {before}")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("button", name="Full screen")).to_be_attached()


def test_a_finished_run_can_be_scrubbed(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?figure=accuracy&" + SMALL)
    visit.chart()
    visit.done()
    page.wait_for_selector(".lab-scrub:not([hidden])")
    full = visit.data()["points"]
    page.locator(".lab-scrub input").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert visit.data()["points"] == full - 2
    assert "epoch 1" in page.locator(".lab-scrub output").inner_text()
    page.locator(".lab-scrub button").click()
    expect(page.locator(".lab-scrub output")).to_have_text("epoch 3")
    page.get_by_role("button", name="train").click()  # a chip
    expect(page.get_by_role("button", name="train")).to_have_attribute("aria-pressed", "true")


def test_language_switch_keeps_the_experiment(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?data=xor&" + SMALL)
    visit.chart()
    visit.done()
    before = {k: v for k, v in query(visit).items() if k != "lang"}
    page.get_by_role("radio", name="中文").click()
    expect(page.get_by_role("heading", name="优化器对比")).to_be_visible()
    visit.done()
    page.wait_for_url("**lang=zh**")
    assert {k: v for k, v in query(visit).items() if k != "lang"} == before
    expect(page.locator('[data-testid="stSidebarNav"]')).to_contain_text("训练")
    assert "epoch" not in visit.data()["title"]


def test_a_link_from_a_stranger_is_named_and_harmless(visit: Visit) -> None:
    page = visit.page
    page.goto(
        "/optimizer_race?device=abacus&figure=portrait&epochs=-5&data=<script>alert(1)</script>&contenders=magic~lr-1&nonsense=![x](https://outside.example/x.png)"
        "&seeds=" + "9" * 5000
    )
    alert = page.locator('[data-testid="stAlert"]')
    expect(alert).to_be_visible()
    for word in ("epochs", "data", "contenders", "magic", "nonsense", "seeds", "abacus", "portrait"):
        expect(alert).to_contain_text(word)
    visit.chart()
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator("img[src*=outside]").count() == 0


@pytest.mark.parametrize("contenders", ["", "sgd~lr-1e99"])
def test_no_contenders_and_an_absurd_rate_take_the_default_with_a_message(visit: Visit, contenders: str) -> None:
    visit.page.goto(f"/optimizer_race?epochs=2&seeds=2&contenders={contenders}")
    expect(visit.page.locator('[data-testid="stAlert"]')).to_contain_text("contenders")
    visit.chart()
    assert visit.page.locator(".lab-row").count() == 8


def test_divergence_is_shown(visit: Visit) -> None:
    visit.page.goto("/optimizer_race?contenders=sgd~lr-100~~adam~lr-0.01&seeds=3&epochs=5&width=64&depth=2&figure=loss")
    visit.chart()
    visit.done()
    assert visit.page.locator("#root .js-plotly-plot").count() == 1
    symbols = visit.page.evaluate(
        "document.querySelector('#root .js-plotly-plot')._fullData.filter(t => t.marker?.symbol === 'x').length"
    )
    assert symbols >= 1


def test_both_themes_and_phone_width(chromium: Browser, lab: Lab) -> None:
    for scheme, dark in (("light", False), ("dark", True)):
        for visit in visiting(chromium, lab, color_scheme=scheme):
            visit.page.set_viewport_size({"width": 380, "height": 800})
            visit.page.goto("/optimizer_race?" + SMALL)
            ink = visit.chart()["ink"]
            visit.done()
            assert (sum(map(float, ink[4:-1].split(","))) > 384) is dark
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= 380
            chart = visit.page.locator("#root .js-plotly-plot").bounding_box()
            controls = visit.page.locator(".lab-row").first.bounding_box()
            assert chart and controls and chart["y"] < controls["y"], "on a phone the picture comes first"


def test_a_preset_brings_its_figure(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?" + SMALL)
    visit.chart()
    visit.done()
    page.get_by_role("radio", name="Too fast").click()
    page.wait_for_url("**figure=loss**")
    expect(page.get_by_role("radio", name="Loss", exact=True)).to_be_checked()


def test_search_finds_a_page_in_either_language(visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    page.get_by_role("combobox").first.click()
    page.keyboard.type("感知")
    page.get_by_role("option").first.click()
    expect(page.get_by_role("heading", name="Perceptron")).to_be_visible()
    visit.chart()


def inside(visit: Visit, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a point in axis units is."""
    found = visit.page.evaluate(
        """([x, y]) => { const p = document.querySelector('#root .js-plotly-plot'), { xaxis, yaxis } = p._fullLayout;
        p.scrollIntoView({ block: 'center' }); const box = p.getBoundingClientRect();
        return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)]; }""",
        [x, y],
    )
    return found[0], found[1]


def test_a_click_asks_and_places_and_a_box_takes_away(visit: Visit) -> None:
    page = visit.page
    page.goto("/perceptron?seeds=2&n=20")
    visit.chart()
    visit.done()
    page.mouse.click(*inside(visit, 0.9, 0.9))
    expect(page.get_by_text("the perceptron says")).to_be_visible()
    page.get_by_role("radio", name="places +1").click()
    page.wait_for_timeout(500)
    page.mouse.click(*inside(visit, -0.8, 0.4))
    page.wait_for_url("**added=plus**")
    x, y = query(visit)["added"][0].split("~")[1:3]
    assert abs(float(x.removeprefix("x-")) + 0.8) < 0.03 and abs(float(y.removeprefix("y-")) - 0.4) < 0.03
    page.wait_for_timeout(1000)
    visit.done()
    visit.idle()
    page.mouse.move(*inside(visit, -0.9, 0.5))
    page.mouse.down()
    page.mouse.move(*inside(visit, -0.7, 0.3), steps=6)
    page.mouse.up()
    page.wait_for_url(lambda url: "added=plus" not in url)
    visit.done()


def test_moves_by_hand(visit: Visit) -> None:
    page = visit.page
    page.goto("/perceptron?order=by_hand&moves=m&data=xor&seeds=1&n=20")
    visit.chart()
    visit.done()
    shown = page.locator(".lab-scrub output")
    expect(shown).to_have_text("update 1")
    for moves in ("mm", "mmm"):
        page.get_by_role("button", name="Next mistake").click()
        page.wait_for_url(f"**moves={moves}&**")
        visit.done()
        expect(shown).to_have_text(f"update {len(moves)}")  # who is at the end stays there
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(lambda url: "moves=mm&" in url)
    visit.done()
    expect(shown).to_have_text("update 2")


def test_the_language_of_a_link_does_not_change_its_experiment(chromium: Browser, lab: Lab) -> None:
    seen = []
    for language in ("en", "zh"):
        for visit in visiting(chromium, lab):
            visit.page.goto(f"/perceptron?lang={language}&data=moons&margin=0.02&rate=3&seeds=3")
            visit.chart()
            visit.done()
            seen.append({k: v for k, v in query(visit).items() if k != "lang"})
    assert seen[0] == seen[1] and seen[0]["rate"] == ["3"]
