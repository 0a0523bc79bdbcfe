"""The server without a browser: headers, health, and what a restart leaves."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import re
import resource
import signal
import socket
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

from core.runs import history, uploads
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
    found = re.fullmatch(r"lab-person=[0-9a-f]{32}; Path=/; Max-Age=(\d+); HttpOnly; SameSite=Lax", cookie)
    assert found and int(found[1]) >= 86400 * max(history.DAYS, uploads.DAYS), "as long as what is kept under it"
    assert answer(lab, "/", Cookie=f"a=b; {cookie.split(';')[0]}").headers["Set-Cookie"] == cookie
    other = answer(lab, "/", Cookie="not-lab-person=1; lab-person=../x").headers["Set-Cookie"]
    assert re.match(r"lab-person=[0-9a-f]{32};", other), "a name is ours or none"


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


SILENT = """
import pathlib, socket, time

def silent(host, *_, **__):
    with pathlib.Path({asked!r}).open("a") as asked:
        asked.write(f"{{host}}\\n")
    time.sleep(20)
    raise OSError("no answer")

socket.getaddrinfo = socket.gethostbyname = silent
"""


def test_a_foreign_site_is_refused_without_looking_anything_up(tmp_path: Path) -> None:
    """Its hundred handshakes freeze nobody, though the name service says nothing."""
    asked = tmp_path / "asked"
    (tmp_path / "sitecustomize.py").write_text(SILENT.format(asked=str(asked)))
    own = start(tmp_path, PYTHONPATH=str(tmp_path))

    async def knock() -> None:
        url = f"ws{own.url.removeprefix('http')}/_stcore/stream"
        async with websockets.connect(url, subprotocols=["streamlit"], origin="https://outside.example"):
            pass

    async def knocks() -> list[Any]:
        return await asyncio.gather(*(knock() for _ in range(100)), return_exceptions=True)

    try:
        with ThreadPoolExecutor(1) as other:
            refusals = other.submit(run, knocks())
            assert own.health()  # gives up after five seconds
            found = refusals.result(60)
        assert all(isinstance(e, websockets.InvalidStatus) and e.response.status_code == 403 for e in found)
        assert own.health() and not asked.exists()
    finally:
        own.process.terminate()
        own.process.wait(20)


def test_no_request_breaks_the_server_or_goes_without_an_answer(lab: Lab) -> None:
    address = lab.url.removeprefix("http://").split(":")
    long, folders = "a" * 5000, "a/" * 900
    paths = ["/%00", "/app/static/%00.png", "/%ff", "//x", "/..%2f", "/a:b", "*", "/component/a/b", "/media/x"]
    paths += ["/_stcore/stream", "/_stcore/agent/x", "/_stcore/upload_file/x/y", "/app/static/x", "/dropout?lang=%ff"]
    paths += [f"/app/static/{long}", f"/{folders}", f"/app/static/{folders}", f"/?{long}", "/Home", "/a/a"]
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    more = ["", "Range: bytes=5-1\r\n", f"Cookie: {long}{long}{long}\r\n", "Content-Length: -1\r\n", upgrade]
    more += [f"{upgrade}Cookie: {long}{long}{long}\r\n", f"{upgrade}X: {'y' * 70_000}\r\n", "Origin: http://[\r\n"]
    for method, path, headers in itertools.product(("GET", "HEAD", "POST", "BREW"), paths, more):
        with socket.create_connection((address[0], int(address[1])), timeout=20) as line:
            with contextlib.suppress(ConnectionError):  # it may have answered before it has read all
                line.sendall(f"{method} {path} HTTP/1.1\r\nHost: {':'.join(address)}\r\n{headers}\r\n".encode())
            status = line.recv(12)
        assert re.fullmatch(rb"HTTP/1.1 [1234]", status[:10]), (method, path[:40], headers[:60], status)


def test_a_page_is_always_whole(lab: Lab) -> None:
    whole = answer(lab, "/dropout")
    part = answer(lab, "/dropout", Range="bytes=0-9", **{"If-Range": '"x"'})
    assert part.status == 200 and part.headers["Accept-Ranges"] is None and len(part.read()) == len(whole.read())


def test_the_server_says_that_it_is_full_and_stays_well(tmp_path: Path) -> None:
    """With so few files that some dozen tabs take them all: those who come later are told so, and the log is short."""
    with (tmp_path / "log").open("w") as log:
        few = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)), "stderr": log}
        own = start(tmp_path, process=few)

    async def visit(visitors: int) -> list[int]:
        """The statuses that so many visitors get who all stay."""
        url, got = f"ws{own.url.removeprefix('http')}/_stcore/stream", []
        async with contextlib.AsyncExitStack() as stay:
            for _ in range(visitors):
                try:
                    await stay.enter_async_context(websockets.connect(url, subprotocols=["streamlit"]))
                    got.append(101)
                except websockets.InvalidStatus as refusal:
                    got.append(refusal.response.status_code)
            assert await asyncio.to_thread(own.health)
            with pytest.raises(urllib.error.HTTPError, match="503"):
                await asyncio.to_thread(answer, own, "/dropout")
        return got

    try:
        got = run(visit(60))
        assert set(got) == {101, 503} and got[0] == 101 and got[-1] == 503
        for _ in range(100):  # who has left is forgotten, as others want to come
            if 101 in run(visit_once(own)):
                break
            time.sleep(0.2)
        else:
            raise AssertionError("nobody was let in again")
        assert (tmp_path / "log").stat().st_size < 100_000
    finally:
        own.process.terminate()
        own.process.wait(20)


async def visit_once(lab: Lab) -> list[int]:
    try:
        async with websockets.connect(f"ws{lab.url.removeprefix('http')}/_stcore/stream", subprotocols=["streamlit"]):
            return [101]
    except websockets.InvalidStatus as refusal:
        return [refusal.response.status_code]


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
