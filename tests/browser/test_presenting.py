"""Both talks given in a real Chromium, without a network: start to end by PageDown alone, from the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from conftest import ROOT, Lab, Visit, start, visiting
from playwright.sync_api import Browser, Route, expect

from core import talk
from core.concept.catalog import TALKS
from core.concept.parts import load
from core.runs.key import run_key
from core.runs.store import Store

pytestmark = pytest.mark.browser
ALONE = "/present?concept=perceptron&figure=line&seeds=2&n=20"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """A server, without the fused kernel, on a store that `make warm` has filled with the talks, with it."""
    store = tmp_path_factory.mktemp("talks")
    fused = os.environ | {"LAB_STORE": str(store), "LAB_FUSED": ""}
    subprocess.run([sys.executable, "-m", "core.cli", "warm", *TALKS], cwd=ROOT, env=fused, check=True, timeout=900)
    lab = start(store)
    yield lab, store
    lab.process.terminate()
    lab.process.wait(20)


def offline(visit: Visit, lab: Lab) -> None:
    """Let nothing of the page reach beyond the server; `visiting` says in the end that nothing was tried."""

    def route(asked: Route) -> None:
        asked.continue_() if asked.request.url.startswith((lab.url, "data:", "blob:")) else asked.abort()

    visit.page.route("**/*", route)


def shown(visit: Visit, place: str) -> dict:
    """What the chart of this place shows, once it does."""
    found = """place => { const root = document.querySelector('.lab-big'), chart = root?.lab;
        if (chart?.big?.place !== place || !chart.figure || !root.querySelector('.main-svg')) return null;
        const kinds = '.xtick text, .ytick text, .xtitle, .ytitle, .legendtext, .annotation-text';
        const texts = [...root.querySelectorAll(kinds)];
        return { run: chart.big.run, names: chart.figure.data.map((t) => t.name ?? ''), pale: root.matches('.lab-pale'),
                 sizes: texts.map((text) => parseFloat(getComputedStyle(text).fontSize)),
                 height: root.getBoundingClientRect().height }; }"""
    return visit.page.wait_for_function(found, arg=place, timeout=60_000).json_value()


def at(visit: Visit) -> str:
    return parse_qs(urlparse(visit.page.url).query)["beat"][0]


@pytest.mark.parametrize("name", TALKS)
def test_a_talk_by_page_down_alone_offline_from_the_store(
    chromium: Browser, prepared: tuple[Lab, Path], name: str
) -> None:
    lab, store = prepared
    beats = talk.load(name)
    for visit in visiting(chromium, lab):
        offline(visit, lab)
        page = visit.page
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.goto(f"/present?talk={name}&beat=1")
        for number, beat in enumerate(beats, 1):
            page.wait_for_url(f"**talk={name}&beat={number}")
            found = shown(visit, f"{name}/{number}")
            keys = {run_key(beat.stem, beat.params, device) for device in load(beat.stem).devices}
            assert found["run"] in keys and not found["pale"]
            kept = Store(store).complete(found["run"])
            assert kept is not None
            drawn = load(beat.stem).figure(beat.figure).draw(kept.result, "en")
            assert found["names"] == [trace.name or "" for trace in drawn.data]
            numbers = beat.says(kept.result)
            assert numbers is not None, "the line is not true of what it shows"
            line = talk.words(name, "en").say(f"beats.{beat.id}", **numbers)
            expect(page.locator(".lab-line")).to_have_text(line)
            assert min(found["sizes"]) >= 23.9 and found["height"] > 600, "not for the back row"
            assert page.locator('[data-testid="stSidebar"]:visible, [data-testid="stHeader"]:visible').count() == 0
            asked = "document.querySelector('.lab-presenter').lab.target"
            for _ in range(3):  # reveal, finish the replay, go on
                page.keyboard.press("PageDown")
                if page.evaluate(asked) != number:
                    break
            assert page.evaluate(asked) == min(number + 1, len(beats))
        page.wait_for_timeout(500)
        assert at(visit) == str(len(beats))
        page.keyboard.press("PageUp")
        page.wait_for_url(f"**beat={len(beats) - 1}")
    assert lab.health()["ended"] == {}, "something was not in the store"


def test_cover_replay_pause_and_blank(lab: Lab, visit: Visit) -> None:
    page = visit.page
    page.goto("/present?talk=deep_nets&beat=2")  # half a second of numpy
    expect(page.locator(".lab-cover")).to_contain_text("When does the line come to rest?")
    expect(page.locator(".lab-line")).to_contain_text("Never")
    expect(page.locator(".lab-line")).to_be_hidden()
    shown(visit, "deep_nets/2")
    page.wait_for_function("!document.querySelector('.lab-scrub').hidden")
    moment = "document.querySelector('.lab-big').lab.moment"
    page.wait_for_function(f"{moment} === 0")  # it waits
    page.keyboard.press(" ")
    expect(page.locator(".lab-line")).to_be_visible()
    page.wait_for_function(f"{moment} > 3")
    page.keyboard.press(" ")
    held = page.evaluate(moment)
    page.wait_for_timeout(300)
    assert page.evaluate(moment) == held > 0
    page.keyboard.press(" ")
    page.wait_for_function(f"{moment} > {held}")
    page.keyboard.press("PageDown")
    assert page.evaluate("+document.querySelector('.lab-scrub input').max") == page.evaluate(moment)
    page.keyboard.press("h")
    expect(page.locator(".lab-cover")).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator(".lab-blank")).to_be_visible()
    page.keyboard.press("PageDown")  # brings the screen back, and nothing else
    expect(page.locator(".lab-blank")).to_have_count(0)
    expect(page.locator(".lab-cover")).to_be_visible()
    assert at(visit) == "2"


def test_other_seeds_ghost_undo_language_knobs_help_and_code(lab: Lab, visit: Visit) -> None:
    page = visit.page
    page.goto(ALONE)
    expect(page.locator(".lab-line")).to_contain_text("of the first seed")
    first = shown(visit, "perceptron")["run"]
    page.keyboard.press("s")
    page.wait_for_url("**data_seed=2&weight_seed=2**")
    behind = "document.querySelector('.lab-big').lab.ghost.length"
    page.wait_for_function(f"{behind} > 0")
    assert shown(visit, "perceptron")["run"] != first
    traces = visit.data()["traces"]
    page.keyboard.press("g")
    assert visit.data()["traces"] == traces - page.evaluate(behind)
    page.keyboard.press("0")
    page.wait_for_url("**data_seed=0&weight_seed=0**")
    page.keyboard.press("k")
    page.wait_for_url("**show=data%2Cn%2Cmargin**")
    expect(page.get_by_role("slider", name="Points")).to_be_visible()
    page.keyboard.press("k")
    page.wait_for_url(lambda url: "show=" not in url)
    page.keyboard.press("q")
    expect(page.locator(".lab-code svg")).to_be_visible()
    expect(page.locator(".lab-code")).to_contain_text(f"{lab.url}/perceptron?lang=en&figure=line&n=20&seeds=2")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator(".lab-help")).to_contain_text("Back to the settings of the beat")
    page.keyboard.press("?")
    page.keyboard.press("l")
    page.wait_for_url("**lang=zh**")
    expect(page.locator(".lab-over")).to_have_text("感知机")
    page.keyboard.press("x")
    expect(page.get_by_role("heading", name="感知机")).to_be_visible()
    assert "/perceptron" in page.url


def test_every_page_leads_to_its_presenter_view_and_the_list_to_the_talks(visit: Visit) -> None:
    page = visit.page
    page.goto("/perceptron?seeds=2&n=20&figure=mistakes")
    visit.chart()
    page.get_by_role("link", name="Present this").click()
    page.wait_for_url("**/present?**concept=perceptron**figure=mistakes**n=20**")
    shown(visit, "perceptron")
    page.goto("/present")
    page.get_by_role("link", name="Why deep nets were hard to train").click()
    page.wait_for_url("**talk=deep_nets&beat=1**")
    shown(visit, "deep_nets/1")
