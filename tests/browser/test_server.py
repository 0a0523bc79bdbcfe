"""The server without a browser: headers, health, and what a restart leaves."""

from __future__ import annotations

import asyncio
import gzip
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
import websockets
from conftest import ROOT, Lab, start

from tests.soak import Client

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """The result of `main`, in a thread of its own: playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, main).result()


def answer(lab: Lab, path: str, **headers: str):
    return urllib.request.urlopen(urllib.request.Request(lab.url + path, headers=headers), timeout=20)


@pytest.mark.parametrize("path", ["/", "/optimizer_race", "/perceptron?x=1", "/health", "/lab/plotly.min.js"])
def test_every_answer_carries_the_security_headers(lab: Lab, path: str) -> None:
    headers = answer(lab, path).headers
    policy = headers["Content-Security-Policy"]
    assert not re.search(r"https?://|\*", policy), "no outside host"
    assert "default-src 'self'" in policy and "object-src 'none'" in policy and "frame-ancestors 'self'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"


def test_a_browser_gets_one_name_and_keeps_it(lab: Lab) -> None:
    cookie = answer(lab, "/optimizer_race").headers["Set-Cookie"]
    assert re.fullmatch(r"lab-person=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert answer(lab, "/", Cookie=cookie.split(";")[0]).headers["Set-Cookie"] is None


def test_only_pages_with_charts_load_plotly_early(lab: Lab) -> None:
    assert b"lab/plotly.min.js" in answer(lab, "/optimizer_race").read()
    assert b"lab/plotly.min.js" not in answer(lab, "/").read()
    script = gzip.decompress(answer(lab, "/lab/plotly.min.js").read())
    assert script == (ROOT / "static" / "plotly.min.js").read_bytes()


def test_a_page_has_its_title_and_its_figure_before_the_app_starts(lab: Lab) -> None:
    page = answer(lab, "/dropout?lang=zh")
    content = page.read().decode()
    assert "<title>随机失活（Dropout）</title>" in content and 'id="lab-first"' in content
    assert page.headers["ETag"] is None, "a browser would keep a page that may say something else tomorrow"
    packed = answer(lab, "/dropout?lang=zh", **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.read()).decode() == content
    assert "lab-first" not in answer(lab, "/dropout?lang=zh&epochs=7").read().decode()
    assert "lab-first" in answer(lab, "/", **{"Accept-Language": "zh-CN"}).read().decode()


def test_the_charts_library_is_the_one_plotly_py_is_made_for() -> None:
    import plotly

    full = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    version = re.compile(r"v(\d+\.\d+\.\d+)")
    bundled = (ROOT / "static" / "plotly.min.js").read_text("utf-8")[:300]
    ours, theirs = version.search(bundled), version.search(full.read_text("utf-8")[:300])
    assert ours and theirs and ours[1] == theirs[1]


def test_health_says_what_is_going_on(lab: Lab) -> None:
    status = lab.health()
    assert {"ready", "engines", "workers", "busy", "queued", "looking", "ended", "store"} <= set(status)


@pytest.mark.parametrize("path", ["/app/static/..%2f..%2fcore/server.py", "/app/static/%2e%2e/%2e%2e/requirements.txt"])
def test_no_path_leaves_the_static_folder(lab: Lab, path: str) -> None:
    try:
        assert (
            b"streamlit" not in answer(lab, path).read()[:2000].lower()
            or "html" in answer(lab, path).headers["Content-Type"]
        )
    except urllib.error.HTTPError as error:
        assert error.code in (400, 403, 404)


def test_a_foreign_site_cannot_open_the_websocket(lab: Lab) -> None:
    async def knock() -> None:
        url = f"ws{lab.url.removeprefix('http')}/_stcore/stream"
        async with websockets.connect(url, subprotocols=["streamlit"], origin="https://outside.example"):
            pass

    with pytest.raises(websockets.InvalidStatus):
        run(knock())


def test_a_killed_server_leaves_its_results_to_the_next(tmp_path: Path) -> None:
    """Asked, killed in the middle, started again on the same store: the same link ends with an answer."""
    link = "lang=en&contenders=sgd~lr-0.1~~adam~lr-0.01&epochs=150&seeds=3&batch=8&device=cpu"

    async def ask(lab: Lab, seconds: float, enough: Callable[[], bool] = lambda: False) -> bool:
        reader = Client(0, f"ws{lab.url.removeprefix('http')}/_stcore/stream")
        reader.query, reader.intervals, reader.due, reader.answer = link, {}, {}, False
        async with websockets.connect(reader.url, subprotocols=["streamlit"], max_size=None) as socket:
            await socket.send(reader._rerun())
            end = time.monotonic() + seconds
            while time.monotonic() < end and not reader.answer and not enough():
                for fragment, at in list(reader.due.items()):
                    if time.monotonic() >= at:
                        reader.due[fragment] = time.monotonic() + reader.intervals[fragment]
                        await socket.send(reader._rerun(fragment))
                try:
                    reader._hear(await asyncio.wait_for(socket.recv(), 0.1))
                except TimeoutError:
                    continue
        return reader.answer

    first = start(tmp_path, LAB_AUTO_SECONDS="600")
    while not first.health()["ready"]:
        time.sleep(0.2)
    run(ask(first, 60, lambda: any(tmp_path.glob("runs/[!.]*/meta.json"))))  # until a checkpoint is kept
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    second = start(tmp_path, LAB_AUTO_SECONDS="600")
    try:
        assert second.health()["store"]["runs"] >= 1, "the last checkpoint is kept"
        assert run(ask(second, 120))
    finally:
        second.process.terminate()
        second.process.wait(20)
