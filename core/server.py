"""The server: an ASGI app around streamlit_app.py. `python -m core.server` starts it.

Workers import this file again as their main module, so it must stay light: streamlit is imported in functions.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import html
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

log = logging.getLogger("lab.server")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: data: blob:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'; form-action 'self'"
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


class Headers:
    """Middleware: the security headers on every answer; and in the HTML of a page its title, what it shows until the
    app has started (core/ui/first.py), and where there are charts a tag that loads plotly meanwhile."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from core.ui import first

        stem = first.page(scope["path"]) if scope["type"] == "http" else ""
        asked = dict(scope["headers"]) if stem else {}
        packs = b"gzip" in asked.get(b"accept-encoding", b"")
        unwanted: set[bytes] = set()
        if stem:  # plain and whole, so that it can be changed
            whole = (b"accept-encoding", b"if-none-match", b"if-modified-since")
            scope = scope | {"headers": [(k, v) for k, v in scope["headers"] if k not in whole]}
            unwanted = {b"content-length", b"etag", b"last-modified"}

        async def passed(message: Any) -> None:
            if message["type"] == "http.response.start":
                if stem:
                    packed = [(b"content-encoding", b"gzip")] if packs else []
                    message["headers"] = [*message["headers"], *_cookie(scope), *packed]
                kept = [(name, value) for name, value in message["headers"] if name not in unwanted]
                given = {name for name, _ in kept}
                more = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items() if k.lower().encode() not in given]
                message["headers"] = [*kept, *more]
            elif stem and message["type"] == "http.response.body":
                query, accepted = scope["query_string"].decode("latin-1"), asked.get(b"accept-language", b"")
                plain = (message.get("body", b""), stem, query, accepted.decode("latin-1"))
                page = await asyncio.to_thread(_filled, *plain)  # it may read the store, and draw
                message["body"] = gzip.compress(page, 1) if packs and page else page
            await send(message)

        await self.app(scope, receive, passed)


def _filled(page: bytes, stem: str, query: str, accepted: str) -> bytes:
    """The HTML of a page with what belongs to it."""
    from core.runs.manager import shared
    from core.ui import first

    language = first.language(query, accepted)
    try:
        shown = first.shown(stem, query, language, shared())
    except Exception:  # the page itself says what is wrong, with a reference
        log.exception("nothing stands first on %s?%s", stem, query[:200])
        shown = ""
    title = f"<title>{html.escape(first.title(stem, language))}</title>".encode()
    page = page.replace(b"<title>Streamlit</title>", title + first.HISTORY.encode())
    page = page.replace(b"<body>", b"<body>" + shown.encode())
    return page if stem == "home" else page.replace(b"<head>", HEAD + (b"" if shown else LATER))


def _cookie(scope: Any) -> list[tuple[bytes, bytes]]:
    """A random name for a browser without one: all its tabs share one turn in the queue, and its own uploads."""
    if any(name == b"cookie" and b"lab-person=" in value for name, value in scope["headers"]):
        return []
    return [(b"set-cookie", f"lab-person={secrets.token_hex(16)}; Path=/; HttpOnly; SameSite=Lax".encode())]


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

    from core.catalog import CONCEPTS
    from core.concept import load
    from core.runs.manager import shared

    # Else a deep link that comes first would run its page file alone: streamlit takes a folder named pages/ for its
    # older kind of multipage app until some session has called st.navigation.
    PagesManager.uses_pages_directory = False
    manager = shared()
    for entry in CONCEPTS:
        load(entry.stem)
    from core.ui.first import draw_ahead

    plotly_js()
    gc.collect()
    gc.freeze()  # streamlit collects garbage after every script run; what is here to stay need not be looked at
    threading.Thread(target=draw_ahead, args=(manager,), daemon=True, name="draw ahead").start()
    yield {}
    manager.close()


def create() -> Any:
    """The ASGI app (`uvicorn --factory core.server:create`)."""
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.routing import Route

    return st.App(
        ROOT / "streamlit_app.py",
        lifespan=lifespan,
        routes=[Route("/lab/plotly.min.js", serve_plotly), Route("/health", health)],
        middleware=[Middleware(Headers)],
    )


def _free(port: int) -> int:
    """`port`, or the next one that nothing listens on."""
    for candidate in range(port, port + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", candidate)):
                return candidate
    return port


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.chdir(ROOT)  # where .streamlit/config.toml is
    port = int(os.environ.get("LAB_PORT") or _free(8501))
    address = os.environ.get("LAB_ADDRESS", "127.0.0.1")
    print(f"\n  The deep-learning concept lab: http://{address}:{port}\n", flush=True)
    create().run(config={"server.port": port, "server.address": address})


if __name__ == "__main__":
    main()
