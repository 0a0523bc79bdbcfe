"""The server: an ASGI app around streamlit_app.py. `python -m core.server` starts it.

Workers import this file again as their main module, so it must stay light: streamlit is imported in functions.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import gzip
import html
import logging
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from core import gate

ROOT = Path(__file__).resolve().parent.parent

log = logging.getLogger("lab.server")

BACKLOG = 128  # connections that wait; with no file left asyncio logs as many refusals a second
AHEAD = 0.5  # seconds after which the server reads and draws what nobody has asked for: its first answer comes first
TIDY = 2.0  # seconds between looks for sessions that nobody came back to
LASTS = 60.0  # seconds for which a file to be downloaded stays after the last page that shows it
LASTS_BYTES = 2**28  # that such files may take together
M_MMAP_THRESHOLD, LARGE = -3, 2**18  # of malloc.h; bytes

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


# Told where the server is, the app need not try the page's own path first and wait after the refusal.
HEAD = b"""<head><link rel="preload" as="script" href="./lab/plotly.min.js">
<script>window.__streamlit = { BACKEND_BASE_URL: new URL("./", location).href };</script>"""
# Where no chart stands in the page from the start: when the browser has nothing else to do.
LATER = b"""<script>(window.requestIdleCallback || setTimeout)(() => {
  const script = document.createElement("script");
  script.src = "./lab/plotly.min.js";
  document.head.appendChild(script);
})</script>"""


IN_PARTS = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range", b"if-range")
OF_THE_FILE = (b"content-length", b"etag", b"last-modified", b"accept-ranges")
NO_SCRIPT = re.compile(rb"<noscript>.*?</noscript>", re.DOTALL)
FRAMED = re.compile(rb"; *samesite=\w+(; *secure)?", re.IGNORECASE)
IN_FRAMES = b"; SameSite=None; Secure; Partitioned"


class Headers:
    """Middleware: the security headers on every answer, and none that lets other sites' scripts read it.

    embedders: origins whose pages may show the lab in a frame. Browsers keep cookies there only if these are sent over
    TLS, and marked; and they keep them apart for every such site.
    """

    def __init__(self, app: Any, embedders: list[str]):
        self.app, self.embedders = app, embedders
        told = dict(HEADERS)
        if embedders:
            del told["X-Frame-Options"]  # it can name no site
            told["Content-Security-Policy"] += f" {' '.join(embedders)}"  # its last part is frame-ancestors
        self.told = {name.lower().encode(): value.encode() for name, value in told.items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        framed = self.embedders and scope.get("scheme") in ("https", "wss")

        async def passed(message: Any) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                kept = [(k, v) for k, v in message["headers"] if not k.lower().startswith(b"access-control-")]
                if framed:
                    kept = [(k, FRAMED.sub(IN_FRAMES, v) if k == b"set-cookie" else v) for k, v in kept]
                given = {name for name, _ in kept}
                message["headers"] = [*kept, *((k, v) for k, v in self.told.items() if k not in given)]
            await send(message)

        await self.app(scope, receive, passed)


class Pages:
    """Middleware: in the HTML of a page its title, what it shows until the app has started (core/ui/first.py), and
    where there are charts a tag that loads plotly meanwhile. One address per page, and a sentence where there is none:
    streamlit gives the app to every address, and it is white where it does not find itself."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from core.ui import first

        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        stem = first.page(path.lower())
        if stem and path != (address := "/" if stem == "home" else f"/{stem}"):
            await _moved(scope, address)(scope, receive, send)
        elif stem:
            await self._page(stem, scope, receive, send)
        else:
            await self._other(scope, receive, send)

    async def _page(self, stem: str, scope: Any, receive: Any, send: Any) -> None:
        asked = dict(scope["headers"])
        packs = b"gzip" in asked.get(b"accept-encoding", b"")
        query, accepted = scope["query_string"].decode("latin-1"), asked.get(b"accept-language", b"").decode("latin-1")
        # plain and whole, so that it can be changed
        scope = scope | {"headers": [(name, value) for name, value in scope["headers"] if name not in IN_PARTS]}

        async def passed(message: Any) -> None:
            if message["type"] == "http.response.start":
                packed = [(b"content-encoding", b"gzip")] if packs else []
                kept = [(name, value) for name, value in message["headers"] if name not in OF_THE_FILE]
                message["headers"] = [*kept, *_cookie(scope), *packed]
            elif message["type"] == "http.response.body" and message.get("body"):
                # it may read the store, and draw
                page = await asyncio.to_thread(_filled, message["body"], stem, query, accepted)
                message["body"] = gzip.compress(page, 1) if packs else page
            await send(message)

        await self.app(scope, receive, passed)

    async def _other(self, scope: Any, receive: Any, send: Any) -> None:
        lost = False

        async def passed(message: Any) -> None:
            nonlocal lost
            if message["type"] == "http.response.start" and not scope["path"].startswith("/media/"):
                lost = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html")
            if not lost:
                await send(message)

        await self.app(scope, receive, passed)
        if lost:
            await _no_page(scope)(scope, receive, send)


def _moved(scope: Any, address: str) -> Any:
    """To the address of a page, from another spelling of it; relative, as a proxy may have taken a prefix away."""
    from starlette.responses import RedirectResponse

    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    return RedirectResponse(_up(scope) + address.lstrip("/") + query, 307, {"Cache-Control": "no-cache"})


def _up(scope: Any) -> str:
    """The way from an address to the root."""
    return "../" * (scope["raw_path"].count(b"/") - 1) or "./"


def _no_page(scope: Any) -> Any:
    from core.concept.text import words
    from core.ui import first

    accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    language = first.language(scope["query_string"].decode("latin-1"), accepted)
    return gate.page(404, words("", language).say("server.no_page"), language, _up(scope))


def _filled(page: bytes, stem: str, query: str, accepted: str) -> bytes:
    """The HTML of a page with what belongs to it."""
    from core.concept.catalog import SPOKEN
    from core.concept.text import words
    from core.runs.manager import shared
    from core.ui import first

    language = first.language(query, accepted)
    try:
        shown = first.shown(stem, query, language, shared())
    except Exception:  # the page itself says what is wrong, with a reference
        log.exception("nothing stands first on %s?%s", stem, query[:200])
        shown = ""
    title = f"<title>{html.escape(first.title(stem, language))}</title>".encode()
    page = page.replace(b"<title>Streamlit</title>", title + first.ALWAYS.encode())
    page = page.replace(b'<html lang="en">', f'<html lang="{SPOKEN[language]}">'.encode())
    needed = html.escape(words("", language).say("server.no_script"))
    page = NO_SCRIPT.sub(f"<noscript>{needed}</noscript>".encode(), page)
    page = page.replace(b"<body>", b"<body>" + shown.encode())
    return page if stem == "home" else page.replace(b"<head>", HEAD + (b"" if shown else LATER))


def _cookie(scope: Any) -> list[tuple[bytes, bytes]]:
    """A random name for a browser: all its tabs share one turn in the queue, its history and its own uploads. It is
    given again with every page, and lasts longer than what is kept under it."""
    from core.runs import history, uploads

    sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    known = re.search(r"(?:^|;) ?lab-person=([0-9a-f]{32})(?:;|$)", sent)
    name, age = known[1] if known else secrets.token_hex(16), int(86400 * max(history.DAYS, uploads.DAYS))
    secure = "; Secure" if scope["scheme"] == "https" else ""
    told = f"lab-person={name}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
    return [(b"set-cookie", told.encode())]


@cache
def plotly_js() -> bytes:
    """The plotly.js of the charts, compressed once: a bundle of the traces in use (core/ui/plotly)."""
    return gzip.compress((ROOT / "static" / "plotly.min.js").read_bytes(), 6)


async def serve_plotly(request: Any) -> Any:
    from starlette.responses import Response

    headers = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=86400"}
    return Response(plotly_js(), media_type="text/javascript", headers=headers)


async def health(request: Any) -> Any:
    """Workers, queue, store and devices, as JSON; status 503 when no worker could be started."""
    from starlette.responses import JSONResponse

    from core.runs.manager import shared

    status = shared().status()
    return JSONResponse(status, status_code=503 if status["trouble"] else 200)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Warm what a first visitor would wait for; end the workers with the server."""
    from streamlit.runtime.pages_manager import PagesManager

    from core import wire
    from core.runs.manager import shared

    # Else a deep link that comes first would run its page file alone: streamlit takes a folder named pages/ for its
    # older kind of multipage app until some session has called st.navigation.
    PagesManager.uses_pages_directory = False
    manager = shared()
    plotly_js()
    wire.bound_log()
    app._runtime._media_file_mgr = lasting_files(app._runtime._media_file_mgr._storage)
    drawing = threading.Thread(target=_ahead, args=(manager,), daemon=True, name="ahead")
    soon = asyncio.get_running_loop().call_later(AHEAD, drawing.start)
    tidying = asyncio.create_task(_tidy(app._runtime._session_mgr._session_storage._cache))
    yield {}
    soon.cancel()
    tidying.cancel()
    manager.close()


def _ahead(manager: Any) -> None:
    """What a first visitor would wait for, concept by concept: it is there within seconds of the first answer, and who
    comes sooner waits for their own page alone."""
    from core.concept.catalog import CONCEPTS
    from core.concept.parts import load
    from core.runs.key import source_digest
    from core.takeaway import source
    from core.ui.first import draw_ahead

    for entry in CONCEPTS:
        for each in load(entry.stem).experiments:
            source_digest(each.name)  # in every run key
        source.forget()  # memory that all of them took at once would stay with the process
    draw_ahead(manager)
    gc.collect()
    gc.freeze()  # streamlit collects garbage after every script run; what is here to stay need not be looked at


async def _tidy(dropped: Any) -> None:
    """Let go of sessions that nobody came back to; streamlit alone keeps them until the next one is dropped. Each has
    three files open."""
    from core import wire

    while True:
        await asyncio.sleep(TIDY)
        if not wire.crowded():
            dropped.expire()
        while wire.crowded() and dropped:
            dropped.popitem()[1].session.shutdown()


def lasting_files(storage: Any) -> Any:
    """Streamlit's keeper of the files behind pictures and download buttons, with a memory: files and the functions that
    make them stay for a while after the last page that shows them. Without, whoever has a slow connection asks for what
    has gone: it goes when anybody's script ends."""
    from streamlit.runtime.media_file_manager import MediaFileManager

    class Lasting(MediaFileManager):
        unused: dict[str, float] = {}  # noqa: RUF012 — when a file was first seen without a page; there is one keeper

        def remove_orphaned_files(self) -> None:
            now = time.monotonic()
            with self._lock:
                shown = {name for names in self._files_by_session_and_coord.values() for name in names.values()}
                there = (self._file_metadata.keys() | self._deferred_callables.keys()) - shown
                self.unused = {name: self.unused.get(name, now) for name in there}
                held = sum(self._size(name) for name in there)
                for name in sorted(there, key=self.unused.__getitem__):
                    if now - self.unused[name] < LASTS and held <= LASTS_BYTES:
                        break
                    held -= self._size(name)
                    del self.unused[name]
                    if name in self._file_metadata:
                        self._delete_file(name)
                    else:
                        self._drop_deferred_id(name)

        def _size(self, name: str) -> int:
            return storage.get_file(name).content_size if name in self._file_metadata else 0

    return Lasting(storage)


def create() -> Any:
    """The ASGI app (`uvicorn --factory core.server:create`)."""
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.routing import Route
    from streamlit import config

    from core import wire
    from core.ui import heard, incoming

    # Only streamlit's own command line reads the variable: here it would silently mean nothing.
    if config.get_option("server.baseUrlPath") or os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH"):
        raise SystemExit(
            "server.baseUrlPath (STREAMLIT_SERVER_BASE_URL_PATH) is not for this server: its pages would be white. "
            "Let the proxy take the prefix away, as docs/deployment.md shows."
        )
    incoming.bounded()
    heard.by_type()
    return st.App(
        ROOT / "streamlit_app.py",
        lifespan=lifespan,
        routes=[Route("/lab/plotly.min.js", serve_plotly), Route("/health", health)],
        middleware=[
            Middleware(Headers, embedders=gate.embedders()),
            Middleware(gate.Gate, crowded=wire.crowded),
            Middleware(Pages),
        ],
    )


def _free(port: int) -> int:
    """`port`, or the next one that nothing listens on."""
    for candidate in range(port, port + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", candidate)):
                return candidate
    return port


def _listen(address: str, port: int) -> socket.socket:
    try:
        if ":" in address:
            both = address == "::" and socket.has_dualstack_ipv6()
            return socket.create_server((address, port), family=socket.AF_INET6, dualstack_ipv6=both)
        return socket.create_server((address, port))
    except OSError as error:
        raise SystemExit(f"The lab cannot listen on {address}, port {port}: {error.strerror}.") from None


def give_back() -> None:
    """Have the C library ask the system for every large block by itself, and so give it back once it is let go of.
    Left alone, glibc moves that bound up to 32 MB and keeps what figures and Results took for a moment."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def main() -> None:
    import uvicorn

    from core import wire

    give_back()

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.chdir(ROOT)  # where .streamlit/config.toml is
    wire.raise_limit()
    port = int(os.environ.get("LAB_PORT") or _free(8501))
    address = os.environ.get("LAB_ADDRESS", "127.0.0.1")
    # Not by App.run: it watches the settings' file, and asks the internet for this machine's address.
    options = uvicorn.Config(
        create(),
        http=wire.Http,
        ws=wire.WebSocket,
        ws_ping_interval=wire.PING,
        ws_ping_timeout=wire.PING,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=5,
        backlog=BACKLOG,
        log_config=None,
        log_level="warning",
        access_log=False,
    )
    listener = _listen(address, port)
    shown = f"[{address}]" if ":" in address else address
    print(f"\n  The deep-learning concept lab: http://{shown}:{port}\n", flush=True)
    uvicorn.Server(options).run(sockets=[listener])


if __name__ == "__main__":
    main()
