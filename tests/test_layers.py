"""The server's own layers, each alone: gate, headers, pages, connections, files to be downloaded, the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
import weakref
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse

from core import gate, server, wire
from core.concept.text import words


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An app that says which Origin it was told, and answers handshakes with 200 and a text, as no page would."""
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": headers.get("origin", "none")})
    else:
        await JSONResponse(headers)(scope, receive, send)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end in a thread of its own: Playwright leaves a running loop in that of a process with a browser."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def answer(app: Any, path: str = "/health", method: str = "GET", **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8501") as client:
            return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return run(ask())


def shaken(app: Any, **headers: str) -> int | str:
    """What a websocket handshake with these headers gets: the first message, or the status of the refusal."""
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "websocket",
        "path": "/_stcore/stream",
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "extensions": {"websocket.http.response": {}},
    }
    run(app(scope, receive, send))
    return next(m["status"] if "status" in m else m["text"] for m in said if "status" in m or "text" in m)


def gated(monkeypatch: pytest.MonkeyPatch, crowded: bool = False, **settings: str) -> gate.Gate:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return gate.Gate(echo, crowded=lambda: crowded)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8501", 200),
        ("localhost:8501", 200),
        ("LOCALHOST", 200),
        ("192.168.1.5:8501", 200),  # digits cannot be pointed elsewhere
        ("[fe80::1]:8501", 200),
        ("lab.example.org", 200),
        ("lab.example.org:8443", 200),
        ("other.example.org", 421),
        ("127.0.0.1.rebound.example:8501", 421),
        ("2130706433", 421),
        ("localhost.rebound.example", 421),
        ("lab.example.org@outside.example", 421),
        ("", 421),
    ],
)
def test_only_known_names_and_addresses_are_answered(monkeypatch: pytest.MonkeyPatch, host: str, status: int) -> None:
    app = gated(monkeypatch, LAB_HOSTS="lab.example.org")
    assert answer(app, host=host).status_code == status
    assert shaken(app, host=host) == ("none" if status == 200 else 421)


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("http://127.0.0.1:8501", "127.0.0.1:8501", True),
        ("https://lab.example.org", "lab.example.org", True),  # TLS is the proxy's
        ("https://lab.example.org", "127.0.0.1:8501", True),  # a proxy that does not pass the name on
        ("https://other.example.org:8443", "other.example.org", True),  # one that leaves out the port, which is told
        ("https://lab.example.org:8443", "lab.example.org", False),
        ("http://localhost:8501", "127.0.0.1:8501", False),
        ("http://127.0.0.1:3000", "127.0.0.1:8501", False),
        ("http://localhost:3000", "localhost:8501", False),
        ("http://localhost", "127.0.0.1:8501", False),
        ("https://outside.example", "127.0.0.1:8501", False),
        ("https://outside.example", "lab.example.org", False),
        ("https://outside.example/127.0.0.1:8501", "127.0.0.1:8501", False),
        ("null", "127.0.0.1:8501", False),
        ("", "127.0.0.1:8501", False),
    ],
)
def test_only_our_own_pages_are_heard(monkeypatch: pytest.MonkeyPatch, origin: str, host: str, ours: bool) -> None:
    app = gated(monkeypatch, LAB_HOSTS="lab.example.org, other.example.org:8443")
    assert shaken(app, host=host, origin=origin) == ("none" if ours else 403), "streamlit is not to look at it again"
    assert answer(app, "/_stcore/upload_file/a/b", "PUT", host=host, origin=origin).status_code == (
        200 if ours else 403
    )
    assert answer(app, host=host, origin=origin).status_code == 200, "what only reads is the browser's to keep"


@pytest.mark.parametrize("setting", [{"LAB_HOSTS": "https://lab.example.org"}, {"LAB_EMBED": "school.example"}])
def test_a_setting_that_cannot_be_meant_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, setting: dict[str, str]
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=next(iter(setting))):
        gate.public_hosts(), gate.embedders()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_newcomers_are_told_that_the_lab_is_full_in_their_language(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    app = gated(monkeypatch, crowded=True)
    told = answer(app, "/dropout", accept_language=language)
    assert told.status_code == 503 and words("", language).say("server.full") in told.text
    assert shaken(app, host="127.0.0.1") == 503
    assert answer(app, "/health").status_code == answer(app, "/app/static/favicon.png").status_code == 200


@pytest.mark.parametrize("path", ["/app/static/" + "a" * 5000, "/" + "a/" * 2000, "/app/static/" + "a" * 256])
def test_a_path_longer_than_any_file_has_is_refused(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert answer(gated(monkeypatch), path).status_code == 414


def test_framing_is_for_named_origins_only_and_marks_the_cookies() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        response = PlainTextResponse("", headers={"Access-Control-Allow-Origin": "*"})
        response.raw_headers += [(b"set-cookie", b"a=1; Path=/; HttpOnly; SameSite=Lax"), (b"set-cookie", b"b=2")]
        await response(scope, receive, send)

    alone = answer(server.Headers(app, embedders=[]))
    assert alone.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert alone.headers["X-Frame-Options"] == "SAMEORIGIN" and "Access-Control-Allow-Origin" not in alone.headers
    framed = answer(server.Headers(app, embedders=["https://school.example"]))
    assert framed.headers["Content-Security-Policy"].endswith("frame-ancestors 'self' https://school.example")
    assert "X-Frame-Options" not in framed.headers and "SameSite=Lax" in framed.headers["Set-Cookie"]
    over_tls = answer(server.Headers(app, embedders=["https://school.example"]), "https://127.0.0.1/")
    assert over_tls.headers.get_list("Set-Cookie")[0] == "a=1; Path=/; HttpOnly; SameSite=None; Secure; Partitioned"


async def the_app_everywhere(scope: Any, receive: Any, send: Any) -> None:
    """As streamlit: its HTML for every path."""
    await HTMLResponse("<head><title>Streamlit</title></head><body>")(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/home", "./"),
        ("/Home?lang=zh", "./?lang=zh"),
        ("/Dropout?epochs=7&lang=zh", "./dropout?epochs=7&lang=zh"),
        ("/DROPOUT/", "../dropout"),
        ("/dropout/?v=1", "../dropout?v=1"),
    ],
)
def test_another_spelling_of_a_page_leads_to_it_with_its_settings(path: str, there: str) -> None:
    moved = answer(server.Pages(the_app_everywhere), path)
    assert moved.status_code == 307 and moved.headers["Location"] == there


@pytest.mark.parametrize(
    ("path", "home"),
    [("/a/a", "../"), ("/x", "./"), ("/dropout/x", "../"), ("/static/x.js", "../"), ("/a/b/c", "../../")],
)
def test_where_there_is_no_page_a_sentence_says_so(path: str, home: str) -> None:
    for language in ("en", "zh"):
        told = answer(server.Pages(the_app_everywhere), path, accept_language=language)
        assert told.status_code == 404 and words("", language).say("server.no_page") in told.text
        assert f'href="{home}"' in told.text and "<body>" not in told.text


@pytest.mark.parametrize(("option", "variable"), [("lab", ""), ("", "lab")])
def test_no_address_below_a_prefix_can_be_asked_of_this_server(
    monkeypatch: pytest.MonkeyPatch, option: str, variable: str
) -> None:
    from streamlit import config

    monkeypatch.setattr(config, "get_option", {"server.baseUrlPath": option}.__getitem__)
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", variable)
    with pytest.raises(SystemExit, match="baseUrlPath"):
        server.create()


@contextlib.contextmanager
def serving(app: Any) -> Iterator[tuple[str, int]]:
    """`app` behind our connections, in a thread; its address."""
    line = socket.create_server(("127.0.0.1", 0))
    options = uvicorn.Config(
        app, http=wire.Http, ws=wire.WebSocket, lifespan="off", log_config=None, ws_ping_interval=0.2
    )
    options.ws_ping_timeout = 0.2
    running = uvicorn.Server(options)
    thread = threading.Thread(target=running.run, args=([line],))
    thread.start()
    try:
        yield line.getsockname()
    finally:
        running.should_exit = True
        thread.join(10)


def received(address: tuple[str, int], *pieces: bytes, pause: float = 0.0) -> bytes:
    """All that a connection says to these pieces until the server closes it."""
    with socket.create_connection(address, timeout=10) as line:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
        said = b""
        with contextlib.suppress(ConnectionError):
            while more := line.recv(65536):
                said += more
        return said


HANDSHAKE = (
    b"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"Cookie: " + b"a=b; " * 3000 + b"\r\n", b"431"),
        (b"A: b\r\n" * 200, b"431"),
        (b"Sec-WebSocket-Version: 99\r\n", b"4"),
        (b"X: \xff\r\n", b"101"),
    ],
)
def test_every_handshake_gets_an_answer(more: bytes, status: bytes) -> None:
    with serving(echo) as address, socket.create_connection(address, timeout=10) as line:
        line.sendall(HANDSHAKE + more + b"\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_a_connection_that_keeps_the_server_waiting_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these would else be open for ever: `received` returns only when the server has closed it."""
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    request = b"PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with serving(echo) as address:
        assert received(address) == b""
        assert received(address, request) == b""
        assert received(address, request, *[b"A: b\r\n"] * 20, pause=0.05) == b"", "a drop now and then is no request"
        received(address, request + b"Content-Length: 9\r\n\r\n1234")
        assert b" 101 " in received(address, HANDSHAKE + b"\r\n"), "a browser that does not say that it is there"
        slow = received(address, request, b"Content-Length: 8\r\nConnection: close\r\n\r\n", *[b"12"] * 4, pause=0.2)
        assert b" 200 " in slow, "who goes on is waited for"


def test_files_to_be_downloaded_outlive_the_ends_of_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.media_file_storage import MediaFileStorageError
    from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

    now = [0.0]
    monkeypatch.setattr(server.time, "monotonic", lambda: now[0])
    storage = MemoryMediaFileStorage("/media")
    files = server.lasting_files(storage)
    button = files.add_deferred(lambda: b"x" * 10, "text/plain", "0.1", "x.txt")
    url = files.execute_deferred(button)
    files.clear_session_refs()  # the page has run again, and shows another button
    for now[0] in range(0, int(server.LASTS), 5):
        files.remove_orphaned_files()
        assert storage.get_file(url.rpartition("/")[2]).content == b"x" * 10
        assert files.execute_deferred(button) == url, "a click on the button of a moment ago"
    now[0] = 3 * server.LASTS
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(url.rpartition("/")[2])
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(button)


def test_files_that_no_page_shows_are_bounded_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

    monkeypatch.setattr(server, "LASTS_BYTES", 250)
    files = server.lasting_files(MemoryMediaFileStorage("/media"))
    urls = []
    for i in range(5):
        urls.append(files.add(bytes([i]) * 100, "text/plain", f"0.{i}", is_for_static_download=True))
        files.clear_session_refs()
        files.remove_orphaned_files()
    kept = [files.read_file(url.rpartition("/")[2]) is not None for url in urls]
    assert kept == [False, False, False, True, True]


def test_who_has_gone_is_let_go_though_nobody_else_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit alone drops a session that nobody came back to only when another one is left."""
    from streamlit.runtime.memory_session_storage import MemorySessionStorage

    class Session:
        id = "gone"

    session = Session()
    storage, left = MemorySessionStorage(ttl_seconds=0), weakref.ref(session)
    storage.save(SimpleNamespace(session=session))
    del session
    assert left() is not None
    monkeypatch.setattr(server, "TIDY", 0.01)

    async def let_go() -> None:
        tidying = asyncio.create_task(server._tidy(storage._cache))
        async with asyncio.timeout(10):
            while left() is not None:
                await asyncio.sleep(0.01)
        tidying.cancel()

    run(let_go())


def test_the_log_does_not_say_the_same_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test.flood")
    caplog.handler.addFilter(bounded := wire.Bounded())
    try:
        for i in range(1000):
            log.error("no file left for connection %d at 0x%x", i, i)
            log.error(f"socket {i} at 0x{i:x}")
            logging.getLogger("lab.runs").error("run failed, reference %d", i)
            log.error("made up: " + chr(0x4E00 + i))
    finally:
        caplog.handler.removeFilter(bounded)
    said = [record.getMessage() for record in caplog.records]
    assert sum("no file left" in line for line in said) == sum(line.startswith("socket") for line in said) == wire.SAID
    assert sum("reference" in line for line in said) == 1000, "people were told these"
    assert sum("made up" in line for line in said) <= wire.KINDS + wire.SAID


def test_what_scripts_raise_goes_to_the_log_which_is_bounded(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    from streamlit import config, error_util

    config.get_option("logger.enableRich")  # reading the settings sets the log up anew
    error_util._LOGGER.addHandler(caplog.handler)
    caplog.handler.addFilter(bounded := wire.Bounded())
    try:
        for _ in range(50):
            error_util._log_uncaught_app_exception(TypeError("made up"))
        error_util._log_uncaught_app_exception(OSError("another thing"))
    finally:
        caplog.handler.removeFilter(bounded)
        error_util._LOGGER.removeHandler(caplog.handler)
    raised = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert TypeError in raised and raised.count(TypeError) <= 2 * wire.SAID and OSError in raised
    assert "Traceback (most recent call last) ──" not in capsys.readouterr().out, "printed past the log"
