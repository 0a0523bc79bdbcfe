"""A fresh server and a real Chromium for the browser tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
expect.set_options(timeout=30_000)  # machines that build may be slow; what is right comes sooner


@dataclass
class Lab:
    """A running server: its address and process."""

    url: str
    process: subprocess.Popen

    def health(self) -> dict:
        with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
            return json.load(answer)


def start(store: Path, process: dict[str, Any] | None = None, **settings: str) -> Lab:
    """A server on a free port with these environment variables, without waiting for its workers.

    process: further arguments of Popen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"LAB_PORT": str(port), "LAB_STORE": str(store)} | settings
    process = subprocess.Popen(
        [sys.executable, "-m", "core.server"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, **process or {}
    )
    lab = Lab(f"http://127.0.0.1:{port}", process)
    for _ in range(240):
        try:
            lab.health()
            return lab
        except OSError:
            time.sleep(0.25)
    raise RuntimeError("the server did not come up")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = start(tmp_path_factory.mktemp("store"), LAB_GRACE="10")  # no test waits for what another has left
    while not lab.health()["ready"]:
        time.sleep(0.5)
    yield lab
    lab.process.send_signal(signal.SIGTERM)
    lab.process.wait(20)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = (
        os.environ.get("CHROMIUM")
        or subprocess.run(
            ["sh", str(ROOT / "tests/browser.sh"), "--find"], capture_output=True, text=True
        ).stdout.strip()
    )
    if not found:
        pytest.skip("no Chromium was found: tests/browser.sh says what to install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page in the browser, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def data(self, timeout: float = 30) -> dict:
        """What plotly shows: the number of traces, the x range, the points of the first visible line; as soon as
        there is a plot, since one that is just being replaced is none for a moment."""
        found = self.page.wait_for_function(
            """() => { const plot = document.querySelector('#root .js-plotly-plot');
            if (!plot?._fullLayout?.xaxis || !plot.querySelector('.main-svg')) return null;
            return { traces: plot.data.length, range: plot._fullLayout.xaxis.range,
                     title: plot._fullLayout.xaxis.title.text,
                     hidden: plot._fullData.filter(t => t.visible === 'legendonly').length,
                     points: Math.max(...plot._fullData.map(t => t.x ? t.x.length : 0)),
                     ink: getComputedStyle(plot).color }; }""",
            timeout=1000 * timeout,
        )
        return found.json_value()

    def chart(self, timeout: float = 60) -> dict:
        return self.data(timeout)

    def done(self, timeout: float = 90) -> None:
        """Until the run is over: the row says where the numbers come from."""
        self.page.wait_for_selector(".st-key-run button:visible", timeout=1000 * timeout)

    def idle(self) -> None:
        """Until the server has said all it has to say: a click into a page that is just changing may be lost."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        self.page.wait_for_timeout(300)

    def unfold(self) -> None:
        """Open all that is folded away, one by one: what is in a fold comes when the server has heard of it."""
        folds = self.page.locator('[data-testid="stExpander"] details:not([open]) > summary:visible')
        for _ in range(30):
            if not folds.count():
                break
            folds.first.click()
            self.page.wait_for_timeout(100)
            self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        self.idle()


@pytest.fixture
def visit(chromium: Browser, lab: Lab) -> Iterator[Visit]:
    yield from visiting(chromium, lab)


@pytest.fixture(scope="module")
def browser_of_one(chromium: Browser, lab: Lab) -> Iterator[BrowserContext]:
    """Of somebody who has been here before, and has the lab's files."""
    yield from browsing(chromium, lab)


@pytest.fixture
def another(browser_of_one: BrowserContext, lab: Lab) -> Iterator[Visit]:
    """A visit of somebody who has been here before."""
    visit = watched(browser_of_one, lab)
    yield visit
    visit.page.close()
    assert visit.errors == [] == visit.outside


def visiting(chromium: Browser, lab: Lab, **options: object) -> Iterator[Visit]:
    """The first visit of somebody, whose errors and outside requests are kept, and must be none in the end."""
    for context in browsing(chromium, lab, **options):
        visit = watched(context, lab)
        yield visit
    assert visit.errors == [] == visit.outside


def browsing(chromium: Browser, lab: Lab, **options: object) -> Iterator[BrowserContext]:
    """The browser of one person."""
    size = {"width": 1400, "height": 1000}
    context = chromium.new_context(viewport=size, locale="en-US", base_url=lab.url, **options)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    yield context
    context.close()


def watched(context: BrowserContext, lab: Lab) -> Visit:
    """A new page whose errors and outside requests are kept."""
    visit = Visit(context.new_page())
    # Streamlit itself asks /<page>/_stcore/… first and takes the 404 as "not here".
    visit.page.on(
        "response",
        lambda r: visit.errors.append(f"{r.status} {r.url}") if r.status >= 400 and "_stcore" not in r.url else None,
    )
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on(
        "console",
        lambda m: (
            visit.errors.append(m.text) if m.type == "error" and "Failed to load resource" not in m.text else None
        ),
    )
    visit.page.on(
        "request",
        lambda r: (
            visit.outside.append(r.url)
            if not r.url.startswith((lab.url, "data:", "blob:", lab.url.replace("http", "ws")))
            else None
        ),
    )
    return visit


def swipe(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    """One finger, from `start` by so many pixels."""
    touch = page.context.new_cdp_session(page)
    for i in range(11):
        at = {"x": start[0] + by[0] * i / 10, "y": start[1] + by[1] * i / 10}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": [at]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(500)
